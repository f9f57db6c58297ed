// SPDX-License-Identifier: Apache-2.0

// Package rank learns from pairs of suggestions which of two is preferred: a ranker, and a reward model.
//
// Start from [Fit]. The chance that a is preferred to b is sigmoid(score(a) − score(b)) (Bradley and Terry, Biometrika
// 1952), and a score is a weighted sum of terms of the suggestion's features. Where a suggestion stood on the screen has a
// term of its own, which is left out of the score: of two completions one above the other most people take the upper one,
// whatever it says, and a ranker that did not know would learn who was put on top.
package rank

import (
	"context"
	"fmt"
	"math"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn/linear"
	"github.com/headrace/headrace/internal/learn/portable"
)

// Format names the model file.
const Format = "headrace-rank/1"

const (
	maxFile  = 1 << 20 // bytes
	maxSlots = 16
	minPairs = 30
)

// Side is one of two suggestions.
type Side struct {
	Features map[string]any // number (float64), bool or enum (string)
	Slot     int            // where it stood, 0 the most prominent; the same on both sides where they stood alike
}

// Pair is a comparison. Won is 1 where A was preferred, 0 where B was, and ½ for a tie.
type Pair struct {
	A, B   Side
	Won    float64
	Weight float64 // 1 when 0
}

// Options say how to learn; the zero value is right for most.
type Options struct {
	Penalty float64 // the ridge on each weight; 1 when zero
}

// Report says what a fit saw.
type Report struct {
	Pairs   int     `json:"pairs"`    // given
	Used    int     `json:"used"`     // with a label and weight that make sense
	LogLoss float64 `json:"log_loss"` // on the used ones; guessing has ln 2
	Right   float64 `json:"right"`    // share of them whose preferred side has the higher chance
	// Upper is the share of those in unlike slots that the more prominent side won.
	Upper float64 `json:"upper"`
	Steps int     `json:"steps"`
}

// Model is the model file itself, one JSON object. A model from Fit or UnmarshalBinary is complete; it is safe for
// concurrent use and must not be changed.
type Model struct {
	Format string `json:"format"`
	linear.Terms
	Weights []float64 `json:"weights"` // of the terms
	Slots   []float64 `json:"slots"`   // what each slot adds, the first nothing: known, and not part of the score
}

// Fit learns a model. Pairs that make no sense are left out. Pairs that are all the other way round give the same model.
func Fit(ctx context.Context, pairs []Pair, o Options) (*Model, Report, error) {
	report := Report{Pairs: len(pairs)}
	var used []Pair
	var sides []linear.Example
	slots := 1
	for _, p := range pairs {
		if p.Weight == 0 {
			p.Weight = 1
		}
		if !(p.Won >= 0 && p.Won <= 1) || !(p.Weight > 0 && p.Weight <= math.MaxFloat32) || min(p.A.Slot, p.B.Slot) < 0 || max(p.A.Slot, p.B.Slot) >= maxSlots {
			continue
		}
		slots = max(slots, p.A.Slot+1, p.B.Slot+1)
		used = append(used, p)
		sides = append(sides, linear.Example{Features: p.A.Features}, linear.Example{Features: p.B.Features})
	}
	if report.Used = len(used); report.Used < minPairs {
		return nil, report, &episode.Problem{Code: "learn/too-little", Message: fmt.Sprintf("%d comparisons are too few to learn from", report.Used),
			Hint: fmt.Sprintf("at least %d are needed", minPairs)}
	}
	if o.Penalty <= 0 {
		o.Penalty = 1
	}
	terms := linear.NewTerms(sides, nil)
	n := terms.Count()
	rows := make([]linear.Row, len(used))
	for i := range used {
		difference(terms, &used[i], &rows[i])
	}
	p := linear.Problem{Rows: len(used), Terms: n + slots - 1, Penalty: o.Penalty, Row: func(i int, r *linear.Row) (label, weight float64) {
		r.Index, r.Value = append(r.Index, rows[i].Index...), append(r.Value, rows[i].Value...)
		return used[i].Won, used[i].Weight
	}}
	w, loss, steps := p.Newton()
	report.LogLoss, report.Steps = loss, steps
	m := &Model{Format: Format, Terms: *terms, Weights: w[:n:n], Slots: append([]float64{0}, w[n:]...)}
	m.judge(used, &report)
	return m, report, ctx.Err()
}

// difference adds the terms of A less those of B, and of their slots.
func difference(t *linear.Terms, p *Pair, r *linear.Row) {
	var a, b linear.Row
	t.Row(p.A.Features, &a)
	t.Row(p.B.Features, &b)
	i, j := 0, 0
	for i < len(a.Index) || j < len(b.Index) {
		switch {
		case j == len(b.Index) || i < len(a.Index) && a.Index[i] < b.Index[j]:
			r.Add(int(a.Index[i]), a.Value[i])
			i++
		case i == len(a.Index) || b.Index[j] < a.Index[i]:
			r.Add(int(b.Index[j]), -b.Value[j])
			j++
		default:
			r.Add(int(a.Index[i]), a.Value[i]-b.Value[j])
			i, j = i+1, j+1
		}
	}
	x, y, first, second := p.A.Slot, p.B.Slot, 1.0, -1.0
	if x == y {
		return
	}
	if x > y {
		x, y, first, second = y, x, second, first
	}
	if x > 0 {
		r.Add(t.Count()+x-1, first)
	}
	r.Add(t.Count()+y-1, second)
}

// judge counts how often the model, and the upper slot, is right.
func (m *Model) judge(pairs []Pair, r *Report) {
	var right, total, upper, unlike float64
	for i := range pairs {
		p := &pairs[i]
		if p.Won == 0.5 {
			continue
		}
		chance := m.Prefer(p.A, p.B)
		if total += p.Weight; chance > 0.5 == (p.Won > 0.5) {
			right += p.Weight
		}
		if p.A.Slot != p.B.Slot {
			if unlike += p.Weight; p.A.Slot < p.B.Slot == (p.Won > 0.5) {
				upper += p.Weight
			}
		}
	}
	if total > 0 {
		r.Right = right / total
	}
	if unlike > 0 {
		r.Upper = upper / unlike
	}
}

// Score is how good a suggestion is, wherever it stands: the log-odds of being preferred to one of score 0.
func (m *Model) Score(features map[string]any) float64 { return m.Terms.Score(m.Weights, features) }

// Prefer is the chance that a is preferred to b where they stand. Of a slot it has never seen it knows nothing.
func (m *Model) Prefer(a, b Side) float64 {
	gap := m.Score(a.Features) - m.Score(b.Features)
	if n := len(m.Slots); a.Slot >= 0 && a.Slot < n && b.Slot >= 0 && b.Slot < n {
		gap += m.Slots[a.Slot] - m.Slots[b.Slot]
	}
	return portable.Sigmoid(gap)
}

// Values are the scores of the actions' own features: log-odds, not the unit of a reward. The context is the same for all
// of them, and does not count.
func (m *Model) Values(into []float64, _ map[string]any, actions []episode.Action) []float64 {
	for i := range actions {
		into = append(into, m.Score(actions[i].Features))
	}
	return into
}

// MarshalBinary returns the model file. The same model gives the same bytes.
func (m *Model) MarshalBinary() ([]byte, error) {
	b, err := json.Marshal(m, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("encode ranker: %w", err)
	}
	return append(b, '\n'), nil
}

// UnmarshalBinary reads a model file. Unknown fields, names out of order and numbers that make no sense are refused.
func (m *Model) UnmarshalBinary(b []byte) error {
	var g Model
	if len(b) > maxFile {
		return badModel(fmt.Errorf("longer than %d bytes", maxFile))
	}
	if err := json.Unmarshal(b, &g, json.RejectUnknownMembers(true)); err != nil {
		return badModel(err)
	}
	if g.Format != Format || len(g.Slots) < 1 || len(g.Slots) > maxSlots {
		return badModel(fmt.Errorf("format %q with %d slots is not %s", g.Format, len(g.Slots), Format))
	}
	if err := g.Terms.Check(len(g.Weights)); err != nil {
		return badModel(err)
	}
	*m = g
	return nil
}

func badModel(err error) error {
	return &episode.Problem{Code: "learn/bad-model", Message: "not a ranker that this version can run",
		Hint: "fetch the release again; if it stays so, the maker must train it again", Err: err}
}
