// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"cmp"
	"math"
	"slices"

	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// part is some of the rows.
type part struct {
	by, name string
	rows     []int32
}

// split cuts the rows by contributor, by language and by experience, in the order of the names.
func (s *sample) split() (parts []part) {
	for _, by := range []struct {
		name string
		of   func(*row) string
	}{
		{"contributor", func(r *row) string { return r.d.Contributor }},
		{"experience", func(r *row) string { return experience(r.d.Experience) }},
		{"language", func(r *row) string { l, _ := r.d.Features["language"].(string); return l }},
	} {
		at := map[string]int{}
		for i := range s.rows {
			name := by.of(&s.rows[i])
			if name == "" {
				continue
			}
			k, ok := at[name]
			if !ok {
				k = len(parts)
				at[name] = k
				parts = append(parts, part{by: by.name, name: name})
			}
			parts[k].rows = append(parts[k].rows, int32(i))
		}
	}
	slices.SortFunc(parts, func(a, b part) int { return cmp.Or(cmp.Compare(a.by, b.by), cmp.Compare(a.name, b.name)) })
	return parts
}

// experience names how many decisions of a developer came before.
func experience(steps uint8) string {
	names := [...]string{"0", "1-9", "10-99", "100-999", "1000 and more"}
	return names[min(int(steps), len(names)-1)]
}

// gains is the gain of each part with at least 10 developers.
func (s *sample) gains(parts []part) (list []Part) {
	for _, p := range parts {
		if gain := s.difference(newValue, oldValue, p.rows); gain != nil {
			list = append(list, Part{p.by, p.name, *gain})
		}
	}
	return list
}

// curve is the gain of a show/hide candidate that is more or less eager, from one that shows all to one that shows what it
// expects to be worth most of what anything can be.
func (s *sample) curve() (points []Point) {
	if !s.allShow() {
		return nil
	}
	for _, share := range []float64{0, 0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.35, 0.40, 0.50, 0.60} {
		margin, shows := s.scorer.Spec.Expected(share), 0.0
		for i := range s.rows {
			if s.rows[i].showing > margin {
				shows++
			}
		}
		if gain := shown(s.ratio(func(r *row) ope.Term { return r.gainAt(margin) }, nil).Interval()); gain != nil {
			points = append(points, Point{share, shows / float64(len(s.rows)), *gain})
		}
	}
	return points
}

// gainAt is the gain of the candidate that shows what is expected to be worth more than margin.
func (r *row) gainAt(margin float64) ope.Term {
	show := 0.0
	if r.showing > margin {
		show = 1
	}
	w := -1.0
	if r.d.Shown { // what is hidden is worth what is expected, whatever its weight
		w += show / r.old.show
	}
	return ope.Term{Fixed: float64(show*r.showing) - r.old.direct - float64(w*r.expected), Slope: w, Size: 1}
}

// worstDecile takes developers' true gains as normal around the gain, with the variance that is left of their means' when
// what chance makes of it is taken off. The interval is by the jackknife.
func (s *sample) worstDecile() *Decile {
	type moments struct{ n, sum, squares, y, x float64 }
	of := make([]moments, s.clusters.N)
	for i := range s.rows {
		r := &s.rows[i]
		v, m := gain(r).Value(r.reward), &of[r.cluster]
		m.n, m.sum, m.squares = m.n+1, m.sum+v, m.squares+float64(v*v)
		m.y, m.x = m.y+float64(r.counts*v), m.x+r.counts
	}
	// What all developers add up to: n of them, their means and squares of means, the variance by chance, and the gain.
	type sums struct{ n, mean, squares, chance, y, x float64 }
	var all sums
	each := make([]sums, 0, len(of))
	for _, m := range of {
		if m.n < 2 {
			continue
		}
		own := m.sum / m.n
		e := sums{1, own, own * own, max(0, m.squares/m.n-float64(own*own)) / (m.n - 1), m.y, m.x}
		each = append(each, e)
		all = sums{all.n + 1, all.mean + own, all.squares + e.squares, all.chance + e.chance, all.y + e.y, all.x + e.x}
	}
	if all.n < 10*minShown {
		return nil
	}
	const tail = 1.7549833 // a normal's lowest tenth is on average so many deviations below its mean
	lowest := func(less sums) (worst, spread float64) {
		n, mean := all.n-less.n, all.mean-less.mean
		variance := (all.squares-less.squares-float64(mean*mean)/n)/(n-1) - (all.chance-less.chance)/n
		spread = math.Sqrt(max(0, variance))
		return (all.y-less.y)/(all.x-less.x) - float64(tail*spread), spread
	}
	worst, spread := lowest(sums{})
	squares := 0.0
	for _, e := range each {
		without, _ := lowest(e)
		squares += float64((without - worst) * (without - worst))
	}
	iv, ok := ope.Interval{Estimate: worst, N: len(s.rows), Developers: len(each)}.With(math.Sqrt(squares * (all.n - 1) / all.n))
	if !ok {
		return nil
	}
	return &Decile{Gain: iv, Spread: spread, Developers: int(all.n / 10)}
}

// Withheld is what a contributor counted at home in a stratum, with noise: how many suggestions were shown there, and how
// many of them were taken.
type Withheld struct {
	Contributor, Language string // Language is empty for all of them
	Shown, Taken          float64
	Noise                 float64 // standard deviation, of the noise in what was taken and of that in what was not
	// Periods are those that Shown and Taken are the sums of. They do not overlap.
	Periods []CountedPeriod
}

// CountedPeriod is a time in which at most so many of a developer's decisions were counted.
type CountedPeriod struct {
	First, End   int64 // days counted from 1970-01-01; End is the first day after it
	PerDeveloper int
}

// in is the place of the period that a day is in.
func (w *Withheld) in(day int64) int {
	return slices.IndexFunc(w.Periods, func(p CountedPeriod) bool { return p.First <= day && day < p.End })
}

// selection holds what contributors counted beside what they contributed of the same time, and notes that the document does not.
func (s *sample) selection(o Options, r *Report) {
	r.note("selection", len(s.rows), "what contributors withheld beside the %d decisions is not said here: only the hub sees what they count at home")
	for i := range o.Withheld {
		w := &o.Withheld[i]
		st, decisions := s.stratum(w)
		if st == nil {
			continue
		}
		last := len(r.Selection) - 1
		if last < 0 || r.Selection[last].Contributor != w.Contributor {
			r.Selection, last = append(r.Selection, Selection{Contributor: w.Contributor}), last+1
		}
		x := &r.Selection[last]
		x.Decisions, x.Strata = max(x.Decisions, decisions), append(x.Strata, *st)
	}
}

// stratum compares one, nil where too few stand behind it, and says how many of the contributor's decisions are of its periods. Of a
// busy developer only some are counted, so that what came of them weighs no more.
func (s *sample) stratum(w *Withheld) (*Stratum, int) {
	type span struct{ cluster, period int }
	decisions, shownIn := 0, map[span]int{}
	each := func(do func(*row, span)) {
		for i := range s.rows {
			x := &s.rows[i]
			if p := w.in(x.d.Day); p >= 0 && x.d.Contributor == w.Contributor {
				do(x, span{x.cluster, p})
			}
		}
	}
	each(func(x *row, k span) {
		decisions++
		if x.d.Shown {
			shownIn[k]++
		}
	})
	ratio := ope.NewRatio(s.clusters.N)
	each(func(x *row, k span) {
		if language, _ := x.d.Features["language"].(string); !x.d.Shown || w.Language != "" && w.Language != language {
			return
		}
		weight, taken := min(1, float64(w.Periods[k.period].PerDeveloper)/float64(shownIn[k])), 0.0
		if reward.Taken(x.d) {
			taken = weight
		}
		ratio.Add(x.cluster, taken, weight)
	})
	came := shown(ratio.Interval())
	if came == nil || w.Shown <= 0 {
		return nil, 0
	}
	share := w.Taken / w.Shown
	noise := w.Noise * math.Sqrt(float64(share*share)+float64((1-share)*(1-share))) / w.Shown
	drawn := max(0, float64(share*(1-share))) / w.Shown // which of a developer's decisions are counted is chance, too
	difference, ok := ope.Interval{Estimate: came.Estimate - share, N: came.N, Developers: came.Developers}.With(math.Sqrt(float64(came.SE*came.SE) + float64(noise*noise) + drawn))
	if !ok {
		return nil, 0
	}
	return &Stratum{Language: w.Language, Contributed: *came, Counted: share, Noise: noise, Difference: difference}, decisions
}
