// SPDX-License-Identifier: Apache-2.0

package amazonq

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// Day is a line of the report: what one user did on one day, in all. It is for comparing totals, never for training.
type Day struct {
	Date time.Time // midnight, UTC
	User string
	// Client is the program, where the report tells them apart: a user then has a line for each.
	Client string
	// Columns are the report's numbers, by the names of its columns. One that is empty is not there.
	Columns map[string]float64
}

const (
	maxColumns = 1024
	maxDays    = 1 << 20
)

var (
	errNoReport = errors.New("it is no report of activity: its first line names no columns UserId and Date")
	errTooMany  = errors.New("it has more lines than a report may have; split it")
)

// Activity reads a report of users' activity: by_user_analytic, or user_report, which Kiro writes beside it. Columns may
// be missing or new; parts of a large report may follow each other, each with its own header. A line that is not what the
// header says is counted in bad and set aside.
func Activity(r io.Reader) (days []Day, bad int, err error) {
	c, err := activity(context.Background(), r, func(d Day) error {
		if len(days) == maxDays {
			return errTooMany
		}
		days = append(days, d)
		return nil
	})
	return days, c.Unparsable, err
}

// CountActivity counts what a report holds, and gives no episodes.
func CountActivity(ctx context.Context, r io.Reader) (capture.Counts, error) {
	return activity(ctx, r, nil)
}

// IsActivity reports whether a file begins as a report of activity does.
func IsActivity(head []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\uFEFF")), "\r\n"), []byte("\n"))
	if len(line) > 64<<10 {
		return false
	}
	h, ok := header(fields(line))
	return ok && slices.ContainsFunc(h.names, func(name string) bool {
		feature, counted, _ := strings.Cut(name, "_")
		switch feature {
		case "Chat", "CodeFix", "CodeReview", "Dev", "DocGeneration", "Inline", "InlineChat", "TestGeneration", "Transformation":
			return counted != ""
		}
		return name == "Credits_Used" || name == "Total_Messages"
	})
}

// activity gives each line of a report to each, unless that is nil.
func activity(ctx context.Context, r io.Reader, each func(Day) error) (capture.Counts, error) {
	var c capture.Counts
	var rep report
	err := capture.Lines(ctx, r, &c, func(line []byte) (bool, error) {
		f := fields(bytes.TrimPrefix(line, []byte("\uFEFF")))
		if h, ok := header(f); ok {
			rep.columns = h
			c.Kind("header")
			return true, nil
		}
		if rep.names == nil {
			return false, errNoReport
		}
		d, ok := rep.day(f)
		if !ok {
			return false, nil
		}
		c.Kind("user-day")
		if each == nil {
			return true, nil
		}
		return true, each(d)
	})
	if err == nil && rep.names == nil {
		err = errNoReport
	}
	if err != nil && ctx.Err() == nil {
		err = &episode.Problem{Code: "capture/activity-report", Message: "the report of activity cannot be read", Err: err,
			Hint: "give the CSV files as they lie in the bucket, below by_user_analytic or user_report"}
	}
	return c, err
}

// fields splits a line of CSV; nil where it is none.
func fields(line []byte) []string {
	if !utf8.Valid(line) {
		return nil
	}
	r := csv.NewReader(bytes.NewReader(line))
	r.FieldsPerRecord, r.TrimLeadingSpace = -1, true
	f, err := r.Read()
	if err != nil || len(f) > maxColumns {
		return nil
	}
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	return f
}

// columns is what a header says.
type columns struct {
	names              []string
	user, date, client int // -1 where there is none
}

// header reads a line as a header: it names the user and the date.
func header(f []string) (h columns, ok bool) {
	h = columns{names: f, user: -1, date: -1, client: -1}
	for i, name := range f {
		switch plain := strings.ToLower(strings.ReplaceAll(name, "_", "")); {
		case plain == "userid" && h.user < 0:
			h.user = i
		case plain == "date" && h.date < 0:
			h.date = i
		case plain == "clienttype" && h.client < 0:
			h.client = i
		}
	}
	return h, h.user >= 0 && h.date >= 0
}

// report is one as it is read.
type report struct {
	columns
	numbers map[string]bool // columns that have held a number
}

// day reads a line. A column may hold words; one that has held a number holds nothing else from there on.
func (r *report) day(f []string) (Day, bool) {
	if len(f) != len(r.names) {
		return Day{}, false
	}
	d := Day{User: f[r.user], Date: date(f[r.date]), Columns: map[string]float64{}}
	if d.User == "" || d.Date.IsZero() {
		return d, false
	}
	if r.client >= 0 {
		d.Client = f[r.client]
	}
	for i, name := range r.names {
		if i == r.user || i == r.date || i == r.client || f[i] == "" || name == "" {
			continue
		}
		n, err := strconv.ParseFloat(f[i], 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n < 0 {
			if r.numbers[name] {
				return d, false
			}
			continue
		}
		if _, twice := d.Columns[name]; twice {
			continue // the first column of a name counts
		}
		d.Columns[name] = n
	}
	if r.numbers == nil {
		r.numbers = map[string]bool{}
	}
	for name := range d.Columns {
		r.numbers[name] = true
	}
	return d, true
}

// date reads a day as the reports write it: the month first, or as ISO 8601 has it.
func date(s string) time.Time {
	for _, layout := range [...]string{"01-02-2006", time.DateOnly, "01/02/2006", time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil && t.Year() >= 2000 && t.Year() < 9000 {
			return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		}
	}
	return time.Time{}
}
