// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"cmp"
	"slices"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// row is one decision that can be judged by.
type row struct {
	d         *dataset.Decision
	cluster   int
	counts    float64 // what it stands for: more where those like it are too young, less where its developer made too many
	reward    float64
	parts     [reward.MaxParts]float64 // of the reward
	low, high float64                  // what the reward can be: 0 where nothing was shown
	expected  float64                  // by the model, of the action taken
	old, new  side
	// Of show/hide policies: what showing is expected to be worth.
	mayShow bool
	showing float64
	best    float64 // what the model expects of the candidate's choice, to see drift by
}

// side is what a decision says about one of the policies.
type side struct {
	choice string  // the action that it would most likely take
	show   float64 // with what probability it would show
	direct float64 // what the model expects of it
	weight float64 // its probability of the action taken, over the logged one
	size   float64 // 1 where the decision speaks about it, else 0
}

// term is what the decision says about the value of a policy: the doubly robust term where it was logged, the reward less
// what was expected where developers were drawn.
func (r *row) term(p *side) ope.Term {
	return ope.Term{Fixed: p.direct - float64(p.weight*r.expected), Slope: p.weight, Size: p.size}
}

func oldValue(r *row) ope.Term { return r.term(&r.old) }
func newValue(r *row) ope.Term { return r.term(&r.new) }

// gain is the term of V(new) − V(old), of a log: the value is linear in the policy.
func gain(r *row) ope.Term {
	a, b := newValue(r), oldValue(r)
	return ope.Term{Fixed: a.Fixed - b.Fixed, Slope: a.Slope - b.Slope, Size: 1}
}

// sample is what can be judged by.
type sample struct {
	scorer   *reward.Scorer
	rows     []row
	clusters dataset.Clusters
	doubtful []string // by decision
	given    int      // decisions with a reward, whatever is wrong with them
	spoilt   map[string]int
	young    int
	strange  int // with actions of which the candidate knows nothing
}

func gather(decisions []dataset.Decision, o Options, r *Report) *sample {
	r.Data.Decisions, r.Data.LeftOut = len(decisions), map[string]int{}
	s := &sample{scorer: o.Reward, rows: make([]row, 0, len(decisions)), clusters: dataset.ByDeveloper(decisions), spoilt: map[string]int{}}
	if s.scorer == nil {
		s.scorer = reward.New(reward.Immediate())
	}
	s.doubtful = contradicting(decisions, s.scorer)
	return s
}

// admit begins the row of a decision that has a reward of which all is known, and says what is wrong with it; ok is false
// where it does not count at all.
func (s *sample) admit(i int, d *dataset.Decision, o Options, data *Data) (x row, wrong string, ok bool) {
	got, ok := s.scorer.Of(d)
	if !ok {
		data.LeftOut[string(d.Verdict)+" by "+string(d.By)]++
		return x, "", false
	}
	if wrong = s.doubtful[i]; wrong == "" {
		wrong = misdated(d, o.AsOf)
	}
	if wrong == "" && (!got.Mature || got.Weight == 0) {
		s.young++
		return x, "", false
	}
	s.given++
	x = row{d: d, cluster: s.clusters.Of[i], counts: got.Weight, reward: got.Sum, parts: got.Parts}
	if d.Shown {
		x.low, x.high = s.scorer.Spec.Range()
	}
	return x, wrong, true
}

// ratio adds up terms by developer, of the rows in a part, or of all where it is nil.
func (s *sample) ratio(term func(*row) ope.Term, part []int32) *ope.Ratio {
	sums := ope.NewRatio(s.clusters.N)
	add := func(r *row) {
		if t := term(r); t != (ope.Term{}) {
			from, to := t.Range(r.low, r.high)
			sums.AddWithin(r.cluster, float64(r.counts*t.Value(r.reward)), float64(r.counts*t.Size), float64(r.counts*from), float64(r.counts*to))
		}
	}
	if part == nil {
		for i := range s.rows {
			add(&s.rows[i])
		}
	}
	for _, i := range part {
		add(&s.rows[i])
	}
	return sums
}

// difference is how much larger one is than another in a part; nil as below.
func (s *sample) difference(new, old func(*row) ope.Term, part []int32) *ope.Interval {
	return apart(s.ratio(new, part), s.ratio(old, part))
}

// apart is how much larger one ratio is than another; nil where fewer than 10 developers stand behind either: what the one
// shows and the difference would tell the other.
func apart(new, old *ope.Ratio) *ope.Interval {
	for _, r := range [...]*ope.Ratio{new, old} {
		if iv, _ := r.Interval(); iv.Developers < minShown {
			return nil
		}
	}
	return shown(ope.Difference(new, old))
}

// shown is nil where fewer than 10 developers stand behind an interval, or nothing can be said.
func shown(iv ope.Interval, ok bool) *ope.Interval {
	if !ok || iv.Developers < minShown {
		return nil
	}
	return &iv
}

// choices is how often each action is taken under both policies.
func (s *sample) choices() (list []Choice) {
	share := 1 / float64(max(len(s.rows), 1))
	count := func(id string) *Choice {
		at := slices.IndexFunc(list, func(c Choice) bool { return c.Action == id })
		if at < 0 {
			at = len(list)
			list = append(list, Choice{Action: id})
		}
		return &list[at]
	}
	for i := range s.rows {
		count(s.rows[i].old.choice).Old += share
		count(s.rows[i].new.choice).New += share
	}
	slices.SortFunc(list, func(a, b Choice) int { return cmp.Compare(a.Action, b.Action) })
	return list
}

// components is the change of what showing costs, and of each part of the reward.
func (s *sample) components() (list []Component) {
	spec := &s.scorer.Spec
	for i := -1; i < len(spec.Parts); i++ {
		c, of := Component{Name: "cost"}, func(r *row) float64 {
			if r.d.Shown {
				return -spec.Cost
			}
			return 0
		}
		if i >= 0 {
			c.Name, of = spec.Parts[i].Name, func(r *row) float64 { return r.parts[i] }
		}
		old := func(r *row) ope.Term { return ope.Term{Fixed: r.old.weight * of(r), Size: r.old.size} }
		new := func(r *row) ope.Term { return ope.Term{Fixed: r.new.weight * of(r), Size: r.new.size} }
		c.Old, c.New, c.Gain = shown(s.ratio(old, nil).Interval()), shown(s.ratio(new, nil).Interval()), s.difference(new, old, nil)
		list = append(list, c)
	}
	return list
}

// allShow reports whether both policies show or hide, and nothing else.
func (s *sample) allShow() bool {
	return len(s.rows) > 0 && !slices.ContainsFunc(s.rows, func(r row) bool { return !r.mayShow })
}
