// SPDX-License-Identifier: Apache-2.0

// Package audit finds out what the filter missed, by having people read a sample of what it let through.
//
// [Sample] draws records, each as likely as any other; [WriteSheet] lays them out as a table that a spreadsheet opens, with a
// column for how many secrets the reader sees; [ReadSheet] reads it back and [Verdict] says how many there are in 10,000
// records, and how many there are at most.
package audit

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// Sample keeps a random sample of all that it is shown.
type Sample struct {
	size int
	rand *rand.Rand
	seen int
	kept []record
}

type record struct {
	number int // from 1
	line   []byte
}

// NewSample returns a sample of at most size records; the same seed draws the same of the same.
func NewSample(size int, seed uint64) *Sample {
	return &Sample{size: size, rand: rand.New(rand.NewPCG(seed, 0))}
}

// Add shows it one record, a line of JSON (reservoir sampling: Vitter 1985, algorithm R).
func (s *Sample) Add(line []byte) {
	s.seen++
	at := len(s.kept)
	if at == s.size {
		if at = s.rand.IntN(s.seen); at >= s.size {
			return
		}
		s.kept[at] = record{s.seen, bytes.Clone(line)}
		return
	}
	s.kept = append(s.kept, record{s.seen, bytes.Clone(line)})
}

// Len returns how many records were drawn, Seen of how many.
func (s *Sample) Len() int { return len(s.kept) }

// Seen returns how many records were shown.
func (s *Sample) Seen() int { return s.seen }

// cellLimit is how many bytes of text go into one cell: spreadsheets cut off what is much longer.
const cellLimit = 16_000

func columns() []string { return []string{"record", "part", "missed", "note", "text"} }

// WriteSheet writes the sample as CSV, one row for each part of a record, in the order of the records.
func (s *Sample) WriteSheet(w io.Writer) error {
	slices.SortFunc(s.kept, func(a, b record) int { return a.number - b.number })
	out := csv.NewWriter(w)
	if err := out.Write(columns()); err != nil {
		return err
	}
	for _, r := range s.kept {
		text, err := texts(r.line)
		if err != nil {
			return fmt.Errorf("record %d: %w", r.number, err)
		}
		for part := 1; part == 1 || text != ""; part++ {
			cut := min(len(text), cellLimit)
			for cut < len(text) && cut > 0 && !utf8.RuneStart(text[cut]) {
				cut--
			}
			if err := out.Write([]string{strconv.Itoa(r.number), strconv.Itoa(part), "", "", plain(text[:cut])}); err != nil {
				return err
			}
			text = text[cut:]
		}
	}
	out.Flush()
	return out.Error()
}

// plain keeps a spreadsheet from taking text for a formula.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// texts lists every string of a JSON value with the names it stands under, a line each.
func texts(line []byte) (string, error) {
	var out strings.Builder
	d := jsontext.NewDecoder(bytes.NewReader(line))
	for {
		tok, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return out.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("not JSON: %w", err)
		}
		if kind, n := d.StackIndex(d.StackDepth()); tok.Kind() == '"' && !(kind == '{' && n%2 == 1) {
			fmt.Fprintf(&out, "%s: %s\n", strings.TrimPrefix(string(d.StackPointer()), "/"), tok.String())
		}
	}
}

// Judged is what people found in a sheet.
type Judged struct {
	Records    int // read to the end
	WithMisses int
	Missed     int
	Open       int // records with a part that nobody has judged
}

// ReadSheet reads a sheet whose column "missed" people have filled in: a number in every row, 0 where nothing was missed.
func ReadSheet(r io.Reader) (Judged, error) {
	in := csv.NewReader(r)
	head, err := in.Read()
	at := slices.Index(head, "missed")
	number := slices.Index(head, "record")
	if err != nil || at < 0 || number < 0 {
		return Judged{}, sheetError(1, `the first line does not name the columns "record" and "missed"`, err)
	}
	type state struct {
		missed int
		open   bool
	}
	records := map[string]*state{}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			line := 0
			if e, ok := errors.AsType[*csv.ParseError](err); ok {
				line = e.Line
			}
			return Judged{}, sheetError(line, "not CSV", err)
		}
		s := records[row[number]]
		if s == nil {
			s = &state{}
			records[row[number]] = s
		}
		cell := strings.TrimSpace(row[at])
		n, err := strconv.Atoi(cell)
		line, _ := in.FieldPos(at)
		switch {
		case cell == "":
			s.open = true
		case err != nil || n < 0 || n > 1_000_000:
			return Judged{}, sheetError(line, fmt.Sprintf("%q is no number of missed secrets", cell), nil)
		default:
			s.missed += n
		}
	}
	var j Judged
	for _, s := range records {
		if s.open {
			j.Open++
			continue
		}
		j.Records++
		j.Missed += s.missed
		if s.missed > 0 {
			j.WithMisses++
		}
	}
	return j, nil
}

func sheetError(line int, what string, err error) error {
	return &episode.Problem{Code: "audit/sheet", Message: fmt.Sprintf("line %d: %s", line, what), Err: err,
		Hint: `write into the column "missed" of every row how many secrets or personal data you see there, 0 for none`}
}

// Verdict is what a judged sample says about all records.
type Verdict struct {
	Records    int `json:"records"` // judged
	WithMisses int `json:"with_misses"`
	Missed     int `json:"missed"`
	// Per10000 is how many missed secrets there are in 10,000 records; Upper95 is a bound that holds in 95 of 100 samples
	// where misses fall one by one (Garwood 1936).
	Per10000 float64 `json:"per_10000"`
	Upper95  float64 `json:"upper_95"`
	// RecordsPer10000 is how many of 10,000 records hold a miss; RecordsUpper95 its bound, exact (Clopper and Pearson 1934).
	RecordsPer10000 float64 `json:"records_per_10000"`
	RecordsUpper95  float64 `json:"records_upper_95"`
}

// Verdict works out the rates and their bounds.
func (j Judged) Verdict() Verdict {
	n := float64(j.Records)
	return Verdict{Records: j.Records, WithMisses: j.WithMisses, Missed: j.Missed,
		Per10000: 1e4 * float64(j.Missed) / n, Upper95: 1e4 * poissonUpper(j.Missed) / n,
		RecordsPer10000: 1e4 * float64(j.WithMisses) / n, RecordsUpper95: 1e4 * binomialUpper(j.WithMisses, j.Records)}
}

// binomialUpper is the p at which k or fewer of n happen with probability 0.05: the one-sided bound of 95 per cent.
func binomialUpper(k, n int) float64 {
	if k >= n {
		return 1
	}
	lo, hi := float64(k)/float64(n), 1.0
	for range 100 {
		p := (lo + hi) / 2
		if tail(k, func(i int) float64 {
			return logChoose(n, i) + float64(i)*math.Log(p) + float64(n-i)*math.Log1p(-p)
		}) > 0.05 {
			lo = p
		} else {
			hi = p
		}
	}
	return hi
}

// poissonUpper is the mean at which k or fewer happen with probability 0.05.
func poissonUpper(k int) float64 {
	lo, hi := float64(k), 2*float64(k)+10
	for range 100 {
		m := (lo + hi) / 2
		if tail(k, func(i int) float64 {
			g, _ := math.Lgamma(float64(i) + 1)
			return float64(i)*math.Log(m) - m - g
		}) > 0.05 {
			lo = m
		} else {
			hi = m
		}
	}
	return hi
}

// tail adds the probabilities of 0 to k, whose logarithms are given.
func tail(k int, log func(i int) float64) (sum float64) {
	for i := 0; i <= k; i++ {
		sum += math.Exp(log(i))
	}
	return sum
}

func logChoose(n, k int) float64 {
	a, _ := math.Lgamma(float64(n) + 1)
	b, _ := math.Lgamma(float64(k) + 1)
	c, _ := math.Lgamma(float64(n-k) + 1)
	return a - b - c
}
