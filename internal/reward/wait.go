// SPDX-License-Identifier: Apache-2.0

package reward

import (
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn/hazard"
	"github.com/headrace/headrace/internal/learn/portable"
)

const (
	features = 3
	penalty  = 1.0
)

// wait is what was learned about a part that is late.
type wait struct {
	arrives *hazard.Model // on which day something is told
	good    *hazard.Model // and then what: periods are those in which it was told
	lost    *hazard.Model // of what was kept at a checkpoint, what is lost by the next
	checks  []int         // the checkpoints before and at the part's own, in minutes
	// grows is, by the period of its age, how much more a share that was told comes to by the end: some are told again.
	grows [len(edges)]float64
}

// edges are the days at which another period begins: what happens, happens early.
var edges = [...]int{0, 1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90}

func period(day int) int {
	p := 0
	for p+1 < len(edges) && edges[p+1] <= day {
		p++
	}
	return p
}

// about fills in what an estimate goes by: how long the text is, how much of it stayed, how experienced the developer is. Only what was
// known on the day of the decision counts: what is told later, such as what a commit changed, would say itself that something came.
func (s *Scorer) about(x *[features]float64, d *dataset.Decision, age int) {
	*x = [features]float64{portable.Log1p(float64(d.Chars))/3 - 1, 0, float64(d.Experience)/2 - 1}
	if share, _, ok := s.retained(d, min(age, 0)); ok {
		x[1] = 2 * (share - s.edit)
	}
}

// watch tells data how long a decision has waited for something: told on a day, or not yet.
func watch(data *hazard.Data, age, within, day int, told bool) {
	last := min(age, within)
	if told {
		last = day
	}
	for from := 0; from <= last; {
		p, to := period(from), from
		for to < last && period(to+1) == p {
			to++
		}
		data.At(p, float64(to-from+1), float64(bit(told && to == last)))
		from = to + 1
	}
}

// growth learns how much a share that was told changes by the end, from the decisions that are old enough.
func (s *Scorer) growth(p *part, taken []*dataset.Decision) (grows [len(edges)]float64) {
	var n [len(edges)]float64
	for _, d := range taken {
		end, first, _, ok := p.outcome(d, s.age(d))
		if !ok || s.age(d) < p.within {
			continue
		}
		for k, day := range edges {
			if day >= first && day < p.within {
				share, _, _, _ := p.outcome(d, day)
				grows[k], n[k] = grows[k]+end-share, n[k]+1
			}
		}
	}
	for k := range grows {
		grows[k] /= max(n[k], 1)
	}
	return grows
}

// told is what a part that was told of comes to, and on which day it was told first.
func (p *part) told(w *wait, d *dataset.Decision, age int) (share float64, first int, ok bool) {
	share, first, _, ok = p.outcome(d, age)
	if age < p.within && !p.final(share) {
		share = min(1, max(0, share+w.grows[period(max(age, 0))]))
	}
	return share, first, ok
}

// fitEvent learns when a kind of outcome is told first, and what it comes to: merges come sooner than rejections do.
func (s *Scorer) fitEvent(p *part, of uint16, taken []*dataset.Decision) wait {
	w := wait{grows: s.growth(p, taken)}
	arrives, good := hazard.New(features, len(edges)), hazard.New(features, len(edges))
	var x [features]float64
	for _, d := range taken {
		age := s.age(d)
		share, first, told := p.told(&w, d, age)
		if !told && (s.telling(d)&of == 0 || age >= p.within && !p.followed(d, age)) {
			continue
		}
		s.about(&x, d, age)
		arrives.Subject(x[:])
		watch(arrives, age, p.within, first, told)
		if told {
			good.Subject(x[:])
			good.At(period(first), 1, share)
		}
	}
	w.arrives, w.good = arrives.Fit(penalty), good.Fit(penalty)
	return w
}

// fitKept learns when anything is told of what was kept, and how much is lost from one checkpoint to the next: so a
// suggestion of last week says something about the first week of those of yesterday.
func (s *Scorer) fitKept(p *part, of uint16, taken []*dataset.Decision) wait {
	w := wait{checks: checkpoints(p, taken), grows: s.growth(p, taken)}
	arrives, lost := hazard.New(features, len(edges)), hazard.New(features, len(w.checks))
	var x [features]float64
	for _, d := range taken {
		age := s.age(d)
		s.about(&x, d, age)
		x[1] = 0 // what was kept is what is asked here
		first, told := firstKept(d, w.checks, age)
		if told || s.telling(d)&of != 0 && (age < p.within || p.followed(d, age)) {
			arrives.Subject(x[:])
			watch(arrives, age, p.within, first, told)
		}
		lost.Subject(x[:])
		before := 1.0
		for k, c := range w.checks {
			one := part{kind: episode.OutcomeKept, after: c, within: maxWithin}
			if share, _, _, ok := one.outcome(d, age); ok {
				lost.At(k, before, before-min(before, share))
				before = min(before, share)
			}
		}
	}
	w.arrives, w.lost = arrives.Fit(penalty), lost.Fit(penalty)
	return w
}

// checkpoints are the windows after which somebody looked what was kept, up to the part's own, shortest first; the part's own
// is there always.
func checkpoints(p *part, taken []*dataset.Decision) []int {
	all := map[int]int{}
	for _, d := range taken {
		for i := range d.Outcomes {
			if o := &d.Outcomes[i]; o.Kind == episode.OutcomeKept {
				if m := minutes(o.Window); m < p.after && alike(m, p.after) {
					all[m]++
				}
			}
		}
	}
	var out []int
	for m, n := range all {
		if n*20 >= len(taken) { // now and then is no checkpoint
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return append(out, p.after)
}

// alike reports whether two windows are looked at by the same: those of minutes say what an editor saw, those of days what a
// repository did.
func alike(a, b int) bool { return a > 0 && b > 0 && (a < minutesPerDay) == (b < minutesPerDay) }

// firstKept is on which day anything was told at a checkpoint.
func firstKept(d *dataset.Decision, checkpoints []int, age int) (day int, ok bool) {
	for i := range d.Outcomes {
		if o := &d.Outcomes[i]; o.Kind == episode.OutcomeKept && slices.Contains(checkpoints, minutes(o.Window)) {
			if on, f := offset(d, o); f == fine && on <= age && (!ok || on < day) {
				day, ok = on, true
			}
		}
	}
	return day, ok
}

// estimate is what to expect of a part that is not known.
func (s *Scorer) estimate(i int, d *dataset.Decision, age int, is state) float64 {
	p := &s.parts[i]
	if p.From == fromEdit {
		if share, _, ok := retained(d, p.after, age); ok { // too late to say when such are known
			return share
		}
		return s.edit
	}
	if len(s.waits) == 0 || s.waits[i].arrives == nil {
		return 0 // nothing was fitted
	}
	if is == missing {
		age = -1 // of what nobody tells, no day that passed says anything
	}
	w := &s.waits[i]
	if share, _, ok := p.told(w, d, age); ok {
		return share
	}
	var x [features]float64
	s.about(&x, d, age)
	if w.good != nil {
		still, expect := 1.0, 0.0
		var last, h, q float64
		at := -1
		for day := age + 1; day <= p.within; day++ {
			if k := period(day); k != at {
				at, h, q = k, w.arrives.Hazard(k, x[:]), w.good.Hazard(k, x[:])
			}
			last = float64(still * h)
			expect += float64(last * q)
			still -= last
		}
		return expect
	}
	x[1] = 0
	share, check := lastKept(d, w.checks, p.after, age)
	told := 1.0
	if check < 0 {
		share = 1
		for day := age + 1; day <= p.within; day++ {
			told *= 1 - w.arrives.Hazard(period(day), x[:])
		}
		told = 1 - told
	}
	return share * told * w.lost.Survival(x[:], check+1, len(w.checks))
}
