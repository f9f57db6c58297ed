// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

const (
	minArm      = minDevelopers / 2 // developers in either arm
	trialMethod = "difference of arms, adjusted for what was expected before; jackknife over developers (CR3), Student t"
)

// Trial judges a candidate by developers drawn at random to have it or not. Arm says for a decision whether its developer
// was drawn to have the candidate, and whether the decision is in the trial at all; a developer is in one arm. The
// difference of the arms is adjusted for what before, if not nil, expected of each developer, which has to be from what was
// known before the draw: that makes the difference sharper, not another (Lin 2013, "Agnostic notes on regression
// adjustments to experimental data", here with one slope, on developers' sums). It is not told of the decisions: an
// instruction changes what is suggested, and adjusting for that would make effects out of nothing.
func Trial(decisions []dataset.Decision, arm func(*dataset.Decision) (treated, in bool), before func(contributor, developer string) float64, o Options) Report {
	r := o.report(Randomised, trialMethod)
	s, developers := enrol(decisions, arm, before, o, &r)
	s.tooSpoilt(&r)
	for i, name := range [2]string{"without", "with"} {
		r.need("developers", float64(developers[i]), minArm, "%.0f developers "+name+" the candidate, of %.0f needed")
	}
	r.need("sample", float64(r.Data.Judged), minSample, "%.0f decisions to judge by, of %.0f needed")
	if len(r.Reasons) > 0 {
		return r
	}
	s.adjust()
	if s.conclude(&r); r.Gain != nil {
		s.selection(o, &r)
	}
	return r
}

// Standing is where a trial stands before it may be judged: of each decision what is not known yet is estimated by what is. Nothing
// is decided by it. The gate looks once, at the end and at what is known alone, so looking on meanwhile makes no release likelier.
// Each interval holds by itself, and not all of many looks together.
type Standing struct {
	Without, With Arm
	// Difference is what a decision is worth with the candidate less without; nil where fewer than 10 developers are in either arm.
	Difference *ope.Interval
}

// Arm is one side of a trial.
type Arm struct {
	Developers, Decisions int
	Known                 int // decisions of which all is known
	// Reward is the mean reward of a decision; nil where fewer than 10 developers are in the arm.
	Reward *ope.Interval
}

// Stands says where a trial stands, by the decisions and the arms of [Trial].
func Stands(decisions []dataset.Decision, arm func(*dataset.Decision) (treated, in bool), scorer *reward.Scorer) (st Standing) {
	clusters := dataset.ByDeveloper(decisions)
	arms, sums, met := [2]*Arm{&st.Without, &st.With}, [2]*ope.Ratio{ope.NewRatio(clusters.N), ope.NewRatio(clusters.N)}, make([]bool, clusters.N)
	for i := range decisions {
		treated, in := arm(&decisions[i])
		got, ok := scorer.Of(&decisions[i])
		if !in || !ok {
			continue
		}
		side := 0
		if treated {
			side = 1
		}
		arms[side].Decisions++
		if got.Mature {
			arms[side].Known++
		}
		if k := clusters.Of[i]; !met[k] {
			met[k] = true
			arms[side].Developers++
		}
		sums[side].Add(clusters.Of[i], got.Sum, 1)
	}
	for i, a := range arms {
		a.Reward = shown(sums[i].Interval())
	}
	st.Difference = apart(sums[1], sums[0])
	return st
}

// enrol keeps the decisions of developers who are in one arm, and counts both arms' developers.
func enrol(decisions []dataset.Decision, arm func(*dataset.Decision) (treated, in bool), before func(contributor, developer string) float64, o Options, r *Report) (*sample, [2]int) {
	s := gather(decisions, o, r)
	arms := make([]uint8, s.clusters.N) // 1: seen without, 2: seen with the candidate
	for i := range decisions {
		d := &decisions[i]
		treated, in := arm(d)
		if !in {
			r.Data.LeftOut["not in the trial"]++
			continue
		}
		x, wrong, ok := s.admit(i, d, o, &r.Data)
		switch {
		case !ok:
			continue
		case wrong != "":
			s.spoilt[wrong]++
			continue
		}
		if before != nil {
			x.expected = before(d.Contributor, d.Developer)
		}
		if treated {
			arms[x.cluster] |= 2
			x.new = side{weight: 1, size: 1}
		} else {
			arms[x.cluster] |= 1
			x.old = side{weight: 1, size: 1}
		}
		s.rows = append(s.rows, x)
	}
	kept := s.rows[:0]
	for _, x := range s.rows {
		if arms[x.cluster] == 3 {
			s.spoilt["crossed"]++
			continue
		}
		kept = append(kept, x)
	}
	s.rows = kept
	s.tell(r)
	var developers [2]int
	for _, a := range arms {
		if a == 1 || a == 2 {
			developers[a-1]++
		}
	}
	return s, developers
}

// adjust makes of what was expected what is taken off each reward: its distance from the mean, times the slope of developers'
// rewards on it within the arms.
func (s *sample) adjust() {
	type sums struct{ n, x, y float64 }
	of := make([]sums, s.clusters.N)
	treated := make([]int, s.clusters.N)
	var arms [2]sums
	add := func(to *sums, r *row) {
		to.n, to.x, to.y = to.n+r.counts, to.x+float64(r.counts*r.expected), to.y+float64(r.counts*r.reward)
	}
	for i := range s.rows {
		r := &s.rows[i]
		treated[r.cluster] = int(r.new.size)
		add(&of[r.cluster], r)
		add(&arms[treated[r.cluster]], r)
	}
	var both, squares float64
	for k, o := range of {
		a := arms[treated[k]]
		if o.n > 0 {
			x, y := o.x-float64(a.x/a.n*o.n), o.y-float64(a.y/a.n*o.n)
			both, squares = both+float64(x*y), squares+float64(x*x)
		}
	}
	slope, mean := 0.0, (arms[0].x+arms[1].x)/(arms[0].n+arms[1].n)
	if squares > 1e-12 {
		slope = both / squares
	}
	for i := range s.rows {
		s.rows[i].expected = slope * (s.rows[i].expected - mean)
	}
}
