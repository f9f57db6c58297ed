// SPDX-License-Identifier: Apache-2.0

package aggregate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

// Ledger keeps every report that was ever made, one JSON object a line, each with what it cost. It is a file that a person
// can read and add up.
type Ledger struct {
	lock    *statedir.Held
	path    string
	budget  float64
	reports []Report
}

// CodeBudget is the code of the Problem that refuses a report which would cost more than the budget.
const CodeBudget = "aggregate/budget"

// Loss is how much privacy reports cost together, for a developer who is in all of them.
type Loss struct {
	Reports int     `json:"reports"`
	Epsilon float64 `json:"epsilon"` // at Delta: the smaller of two sums
	Delta   float64 `json:"delta"`
	Budget  float64 `json:"budget"` // of Epsilon
}

// OpenLedger opens the ledger in a folder, which it makes, for one process at a time. Budget is the most that all reports
// together may cost, as ε.
func OpenLedger(dir string, budget float64) (*Ledger, error) {
	if !(budget > 0) {
		return nil, problem(fmt.Sprintf("a budget of %v is not above 0", budget))
	}
	lock, err := statedir.Lock(dir)
	if err != nil {
		return nil, err
	}
	l := &Ledger{lock: lock, path: filepath.Join(dir, "ledger.jsonl"), budget: budget}
	if err := l.read(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return l, nil
}

// Close lets another process have the ledger.
func (l *Ledger) Close() error { return l.lock.Close() }

// read reads the file. What a crash left of a last line was never told to anyone, and goes; any other damage is an error: who
// does not know what was told must tell no more.
func (l *Ledger) read() error {
	b, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read privacy ledger: %w", err)
	}
	whole := bytes.LastIndexByte(b, '\n') + 1
	if whole < len(b) {
		if err := os.Truncate(l.path, int64(whole)); err != nil {
			return fmt.Errorf("mend privacy ledger: %w", err)
		}
	}
	lines := bufio.NewScanner(bytes.NewReader(b[:whole]))
	lines.Buffer(nil, 64<<20)
	for n := 1; lines.Scan(); n++ {
		var r Report
		err := json.Unmarshal(lines.Bytes(), &r)
		_, eps := decimal(r.Epsilon)
		_, delta := decimal(r.Delta)
		if err != nil || r.Query == "" || !eps || !delta {
			return &episode.Problem{Code: "aggregate/ledger", Message: fmt.Sprintf("%s, line %d, is no report", l.path, n),
				Hint: "bring the file back from a backup: without it nobody knows what was told", Err: err}
		}
		l.reports = append(l.reports, r)
	}
	return lines.Err()
}

// Report returns what was told of a query and period to a recipient. The first time it draws the noise over the tally, if the
// period is over and the budget has room, and the report is durable before anyone sees it; later the tally is not looked at.
func (l *Ledger) Report(t *Tally, recipient, period string, p Params, now time.Time) (*Report, error) {
	for i := range l.reports {
		if r := &l.reports[i]; r.Query == t.query.Name && r.Period == period && r.Recipient == recipient {
			return r, nil
		}
	}
	_, end, err := Period(period)
	if err != nil {
		return nil, err
	}
	if now.Before(end) {
		return nil, &episode.Problem{Code: "aggregate/period", Message: fmt.Sprintf("period %s is not over: it ends on %s", period, end.Format(time.DateOnly)),
			Hint: "a report is made once, so it waits for all of the period"}
	}
	r, err := t.Report(period, p)
	if err != nil {
		return nil, err
	}
	r.Recipient = recipient
	if after := loss(append(l.reports[:len(l.reports):len(l.reports)], *r), l.budget); after.Epsilon > l.budget {
		return nil, &episode.Problem{Code: CodeBudget,
			Message: fmt.Sprintf("with this report all reports together cost ε = %.3g, over the budget of %.3g", after.Epsilon, l.budget),
			Hint:    "a smaller --epsilon costs less; raising the budget is a decision about people, not a setting to try"}
	}
	line, err := json.Marshal(r, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write privacy ledger: %w", err)
	}
	if err := l.append(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("write privacy ledger: %w", err)
	}
	l.reports = append(l.reports, *r)
	return &l.reports[len(l.reports)-1], nil
}

func (l *Ledger) append(line []byte) error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return errors.Join(err, f.Sync(), f.Close(), statedir.Sync(filepath.Dir(l.path)))
}

// Reports returns all that was told, in order.
func (l *Ledger) Reports() []Report { return l.reports }

// Loss returns what all of it cost.
func (l *Ledger) Loss() Loss { return loss(l.reports, l.budget) }

// loss adds reports up in two ways, and takes the better: the sum of each ε, and the ε of the sum of each ρ (Bun and Steinke
// 2016, lemma 2.3 and proposition 1.3). The δ of each and that of the second way add up.
func loss(reports []Report, budget float64) Loss {
	const ofSum = 1e-6
	all := Loss{Reports: len(reports), Budget: budget}
	rho := 0.0
	for _, r := range reports {
		eps, _ := decimal(r.Epsilon)
		delta, _ := decimal(r.Delta)
		e, _ := eps.Float64()
		d, _ := delta.Float64()
		all.Epsilon, all.Delta, rho = all.Epsilon+e, all.Delta+d, rho+r.Rho
	}
	if second := rho + 2*math.Sqrt(rho*math.Log(1/ofSum)); second < all.Epsilon {
		all.Epsilon, all.Delta = second, all.Delta+ofSum
	}
	return all
}
