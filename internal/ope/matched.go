// SPDX-License-Identifier: Apache-2.0

package ope

import "math"

// Cell is one cluster in one stratum, such as a developer on a day at a contributor.
type Cell struct{ Cluster, Stratum int }

// Matched compares a ratio, such as a mean (x = 1), on two sides within strata: by how much strata differ from each other tells of neither
// side, whatever part of each stratum a side has. A stratum with X and X′ of x on its sides counts X·X′/(X+X′), which is how much it can tell
// where all terms vary alike, and one of which a side is empty does not count (Mantel and Haenszel, "Statistical aspects of the analysis of
// data from retrospective studies of disease", 1959); it may be as small as it likes. The terms of a cluster hang together over
// all strata and on both sides.
type Matched struct {
	cells            []Cell
	sides            [][2]sums // of each cell: by the old and by the new
	strata, clusters int
}

// sums are the terms of a side of a cell or of a stratum, and of how many rows.
type sums struct {
	y, x float64
	n    int
}

// NewMatched returns a Matched over cells, of which each pair of cluster and stratum, both counted from 0, is in at most one.
func NewMatched(cells []Cell) *Matched {
	m := &Matched{cells: cells, sides: make([][2]sums, len(cells))}
	for _, c := range cells {
		m.strata, m.clusters = max(m.strata, c.Stratum+1), max(m.clusters, c.Cluster+1)
	}
	return m
}

// Add adds the terms of one row to a cell, by its index; x must be above 0.
func (m *Matched) Add(cell int, new bool, y, x float64) {
	s := &m.sides[cell][0]
	if new {
		s = &m.sides[cell][1]
	}
	s.y, s.x, s.n = s.y+y, s.x+x, s.n+1
}

// standard are the ratios of both sides as if each had the same part of each stratum: sums over strata, each times its weight.
type standard struct {
	new, old, weight float64
	strata           int
}

// add adds a stratum, or with times −1 takes it out.
func (t *standard) add(s *[2]sums, times float64) {
	if old, new := &s[0], &s[1]; old.x > 0 && new.x > 0 {
		both := times / (old.x + new.x)
		t.new += float64(float64(new.y*old.x) * both)
		t.old += float64(float64(old.y*new.x) * both)
		t.weight += float64(float64(new.x*old.x) * both)
		t.strata += int(times)
	}
}

// Compare returns what the ratio is on the new side and on the old, and what change makes of the two, each with the interval of the jackknife
// over clusters ([Jackknife]). Only what is in a stratum with both sides counts. A change is as sure as the fewer clusters of the two sides
// make it. ok is false where nothing can be said of one of the three.
func (m *Matched) Compare(change func(new, old float64) float64) (new, old, changed Interval, ok bool) {
	strata := make([][2]sums, m.strata)
	of := make([][]int, m.clusters) // the cells of each cluster
	for i, c := range m.cells {
		for side := range 2 {
			s, t := &m.sides[i][side], &strata[c.Stratum][side]
			t.y, t.x, t.n = t.y+s.y, t.x+s.x, t.n+s.n
		}
		if m.sides[i][0].n+m.sides[i][1].n > 0 {
			of[c.Cluster] = append(of[c.Cluster], i)
		}
	}
	var all standard
	for s := range strata {
		all.add(&strata[s], 1)
	}
	est := all.of(change)
	var squares [3]float64
	clusters := 0
	for _, cells := range of {
		without, is := all, [2]bool{}
		for _, i := range cells {
			s := strata[m.cells[i].Stratum]
			if s[0].n == 0 || s[1].n == 0 {
				continue
			}
			without.add(&s, -1)
			for side := range 2 {
				mine := &m.sides[i][side]
				is[side] = is[side] || mine.n > 0
				if s[side].n -= mine.n; s[side].n == 0 {
					s[side] = sums{} // and not what rounding leaves of it
				} else {
					s[side].y, s[side].x = s[side].y-mine.y, s[side].x-mine.x
				}
			}
			without.add(&s, 1)
		}
		if !is[0] && !is[1] {
			continue
		}
		clusters++
		for k, v := range without.of(change) {
			off := v - est[k]
			squares[k] += float64(off * off)
		}
		for side, n := range []*Interval{&old, &new} {
			if is[side] {
				n.Developers++
			}
		}
	}
	for s := range strata {
		if strata[s][0].n > 0 && strata[s][1].n > 0 {
			old.N, new.N = old.N+strata[s][0].n, new.N+strata[s][1].n
		}
	}
	changed.N, changed.Developers = old.N+new.N, min(old.Developers, new.Developers)
	ok = true
	for k, iv := range []*Interval{&new, &old, &changed} {
		iv.Estimate = est[k]
		with, good := iv.With(math.Sqrt(squares[k] * float64(clusters-1) / float64(clusters)))
		*iv, ok = with, ok && good
	}
	return new, old, changed, ok
}

// of are the two ratios, and what becomes of them.
func (t *standard) of(change func(new, old float64) float64) [3]float64 {
	new, old := t.new/t.weight, t.old/t.weight
	if t.strata == 0 { // whatever rounding leaves of the sums
		new, old = math.NaN(), math.NaN()
	}
	return [3]float64{new, old, change(new, old)}
}
