// SPDX-License-Identifier: Apache-2.0

package gitlogplay

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/capture/gitlog"
)

// Tally compares what was told of lines with what is true. A line is there, or a thing happened to it, or not.
type Tally struct {
	Hit, Told, Is int // told and true, told, true
	Exact, N      int // of all, those of which was told whether they are there as suggested, changed, or not; unknown is as not there
}

// Precision is the share of what was told that is true.
func (t *Tally) Precision() float64 { return float64(t.Hit) / float64(max(1, t.Told)) }

// Recall is the share of what is true that was told.
func (t *Tally) Recall() float64 { return float64(t.Hit) / float64(max(1, t.Is)) }

// Add adds what another tally counted.
func (t *Tally) Add(u *Tally) {
	t.Hit, t.Told, t.Is, t.Exact, t.N = t.Hit+u.Hit, t.Told+u.Told, t.Is+u.Is, t.Exact+u.Exact, t.N+u.N
}

func (t *Tally) fate(told, is Fate) {
	there := func(f Fate) bool { return f == Verbatim || f == Changed }
	if t.N++; told == is || !there(told) && !there(is) {
		t.Exact++
	}
	if there(told) {
		t.Told++
	}
	if there(is) {
		t.Is++
	}
	if there(told) && there(is) {
		t.Hit++
	}
}

func (t *Tally) flag(told, is bool) {
	f := map[bool]Fate{true: Verbatim, false: Dropped}
	t.fate(f[told], f[is])
}

// Scored is what is scored, in this order. The last is no word of ours: it is what comes of looking for the same text, white
// space apart, in what later commits add to the same file.
var Scored = [...]string{"committed", "merged", "kept1d", "kept7d", "kept30d", "reverted", "fixed", "committed by text"}

// Score follows the suggestions of a world with package gitlog and compares. Lines without a word, such as a closing
// parenthesis, are left out.
func Score(ctx context.Context, w *World) (map[string]*Tally, error) {
	repo, err := gitlog.Open(ctx, w.Dir)
	if err != nil {
		return nil, err
	}
	h := gitlog.History{Now: w.Now.Unix()}
	if h.Main, err = repo.Main(ctx); err != nil {
		return nil, err
	}
	p := gitlog.NewPrinter([]byte("key"))
	texts := map[string][]time.Time{} // when each was added to a file
	err = repo.Scan(ctx, time.Time{}, func(string) bool { return false }, func(c *gitlog.Commit) error {
		h.Changes = append(h.Changes, p.Change(c))
		for _, f := range c.Files {
			for _, h := range f.Hunks {
				for _, l := range h.Added {
					k := f.New + "\x00" + strings.TrimSpace(l)
					texts[k] = append(texts[k], c.Made)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("scan: %w", err)
	}
	var list []gitlog.Suggestion
	for _, s := range w.Suggestions {
		x := p.Suggestion(s.Path, s.Before, s.After)
		x.ID, x.Session, x.At = s.ID, s.Session, s.At.Unix()
		list = append(list, x)
	}
	told := gitlog.Follow(&h, list)
	out := map[string]*Tally{}
	for _, what := range Scored {
		out[what] = &Tally{}
	}
	for i, s := range w.Suggestions {
		next := 0
		for _, is := range s.Lines {
			words := p.Line(is.Text)
			if len(words) == 0 {
				continue
			}
			var got gitlog.Line // of a line that was not seen to be added, nothing is told
			for j := next; j < len(told[i]); j++ {
				if slices.Equal(list[i].Added[j], words) {
					got, next = told[i][j], j+1
					break
				}
			}
			out["committed"].fate(Fate(got.Committed), is.Committed)
			out["merged"].fate(Fate(got.Merged), is.Merged)
			for n, what := range Scored[2:5] {
				out[what].fate(Fate(got.Kept[n]), is.Kept[n])
			}
			same := slices.ContainsFunc(texts[strings.TrimPrefix(s.Path, root)+"\x00"+strings.TrimSpace(is.Text)], func(at time.Time) bool { return !at.Before(s.At) })
			out["committed by text"].flag(same, is.Committed == Verbatim || is.Committed == Changed)
			out["reverted"].flag(got.Reverted > 0, is.Reverted)
			out["fixed"].flag(got.Fixed > 0, is.Fixed)
		}
	}
	return out, nil
}
