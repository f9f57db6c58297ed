// SPDX-License-Identifier: Apache-2.0

package learn

import (
	"context"
	"maps"
	"reflect"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/learn/rank"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// Comparison is two suggestions of one episode, of which a person did more with A.
type Comparison struct {
	rank.Pair
	Contributor, Developer string
	Longer                 float64 // 1 where A is the longer, 0 where B is, ½ where neither is or it is not known
}

// Comparisons compares each decision of an episode with the next that came to another reward: both shown, and all known of both. Those of
// an episode count as one together; of developers with very many episodes none counts for more than a fifth. The rows of an episode
// stand together, as [dataset.Decisions] has them. Alone is how many decisions with a reward there was nothing to compare with.
func Comparisons(rows []dataset.Decision, value *reward.Scorer) (list []Comparison, alone int) {
	type known struct {
		d   *dataset.Decision
		sum float64
	}
	var here []known
	for begin, end := 0, 0; begin < len(rows); begin = end {
		for here = here[:0]; end < len(rows) && rows[end].Episode == rows[begin].Episode && rows[end].Contributor == rows[begin].Contributor; end++ {
			if v, ok := value.Of(&rows[end]); ok && v.Mature && rows[end].Shown {
				here = append(here, known{&rows[end], v.Sum})
			}
		}
		from, next := len(list), len(here)
		for i := len(here) - 1; i >= 0; i-- {
			if i+1 < len(here) && here[i+1].sum != here[i].sum {
				next = i + 1
			}
			if next == len(here) {
				continue
			}
			a, b := here[i], here[next]
			if a.sum < b.sum {
				a, b = b, a
			}
			if c := compare(a.d, b.d); !reflect.DeepEqual(c.A, c.B) { // of what looks alike nothing is learned
				list = append(list, c)
			}
		}
		if len(list) == from {
			alone += len(here)
		}
		for i := range list[from:] {
			list[from+i].Weight = 1 / float64(len(list)-from)
		}
	}
	capDevelopers(list)
	return list, alone
}

func compare(a, b *dataset.Decision) Comparison {
	c := Comparison{Pair: rank.Pair{A: side(a), B: side(b), Won: 1}, Contributor: a.Contributor, Developer: a.Developer, Longer: 0.5}
	switch {
	case a.Chars == 0 || b.Chars == 0:
	case a.Chars > b.Chars:
		c.Longer = 1
	case a.Chars < b.Chars:
		c.Longer = 0
	}
	return c
}

// side is what a ranker sees of a suggestion: its features, and its length where they do not say it.
func side(d *dataset.Decision) rank.Side {
	const length = "suggestion_chars"
	s := rank.Side{Features: d.Features, Slot: int(d.Slot)}
	if _, says := d.Features[length]; !says && d.Chars > 0 {
		s.Features = maps.Clone(d.Features)
		if s.Features == nil {
			s.Features = map[string]any{}
		}
		s.Features[length] = float64(d.Chars)
	}
	return s
}

// people numbers the developers of comparisons.
func people(list []Comparison) (of []int, n int) {
	type person struct{ contributor, developer string }
	at := map[person]int{}
	of = make([]int, len(list))
	for i := range list {
		p := person{list[i].Contributor, list[i].Developer}
		if _, ok := at[p]; !ok {
			at[p] = len(at)
		}
		of[i] = at[p]
	}
	return of, len(at)
}

// capDevelopers lets no developer's comparisons weigh more than a fifth.
func capDevelopers(list []Comparison) {
	of, n := people(list)
	weight := make([]float64, n)
	for i := range list {
		weight[of[i]] += list[i].Weight
	}
	count := make([]int, n)
	for k, w := range weight {
		count[k] = int(w + 0.5) // episodes
	}
	most := bandit.CapOf(count)
	for i := range list {
		if w := weight[of[i]]; w > most {
			list[i].Weight *= most / w
		}
	}
}

// RankReport says what a ranker was learned from, and how good it is on developers it has not learned from.
type RankReport struct {
	rank.Report
	Developers int     `json:"developers"`
	Alone      int     `json:"alone"`  // decisions that there was nothing to compare with
	Longer     float64 `json:"longer"` // share of the comparisons that the longer suggestion won
	HeldOut    HeldOut `json:"held_out"`
}

// HeldOut is how often a ranker and length alone name the preferred one of two, by score alone, wherever they stood; half of a tie is right.
// Each interval treats the comparisons of a developer as one piece of evidence. They are nil where fewer than 10 developers are held out.
type HeldOut struct {
	Pairs      int           `json:"pairs"`
	Developers int           `json:"developers"`
	Right      *ope.Interval `json:"right,omitempty"`
	Length     *ope.Interval `json:"length,omitempty"` // by preferring the longer, or the shorter if that won more often where it learned
	Gain       *ope.Interval `json:"gain,omitempty"`   // Right − Length
}

// FitRanker learns which of two suggestions people do more with from learning, and judges it by held.
func FitRanker(ctx context.Context, learning, held []Comparison) (*rank.Model, RankReport, error) {
	pairs := make([]rank.Pair, len(learning))
	var rep RankReport
	var sum float64
	for i := range learning {
		pairs[i] = learning[i].Pair
		rep.Longer, sum = rep.Longer+learning[i].Weight*learning[i].Longer, sum+learning[i].Weight
	}
	if sum > 0 {
		rep.Longer /= sum
	}
	_, rep.Developers = people(learning)
	m, fitted, err := rank.Fit(ctx, pairs, rank.Options{})
	if rep.Report = fitted; err != nil {
		return nil, rep, err
	}
	rep.HeldOut = judge(m, held, rep.Longer >= 0.5)
	return m, rep, nil
}

const fewestDevelopers = 10 // behind any figure

func judge(m *rank.Model, held []Comparison, longer bool) HeldOut {
	of, n := people(held)
	h := HeldOut{Pairs: len(held), Developers: n}
	if n < fewestDevelopers {
		return h
	}
	var sums [3]*ope.Ratio
	for k := range sums {
		sums[k] = ope.NewRatio(n)
	}
	for i := range held {
		c, right := &held[i], 0.5
		switch a, b := m.Score(c.A.Features), m.Score(c.B.Features); {
		case a > b:
			right = 1
		case a < b:
			right = 0
		}
		length := c.Longer
		if !longer {
			length = 1 - length
		}
		for k, y := range [...]float64{right, length, right - length} {
			sums[k].Add(of[i], c.Weight*y, c.Weight)
		}
	}
	for k, into := range [...]**ope.Interval{&h.Right, &h.Length, &h.Gain} {
		if iv, ok := sums[k].Interval(); ok {
			*into = &iv
		}
	}
	return h
}
