// SPDX-License-Identifier: Apache-2.0

package boost

import (
	"cmp"
	"slices"
)

// split parts rows by one column: left go bins 1 … bin of a number, or the levels in mask.
type split struct {
	gain        float64 // by which the loss falls, twice; 0: no split
	column, bin int
	mask        uint32
	listed      bool
	missingLeft bool
}

func (s split) goesLeft() (left [256]bool) {
	left[0] = s.missingLeft
	for b := 1; b < 256; b++ {
		if s.listed {
			left[b] = b <= maxLevels && s.mask>>(b-1)&1 == 1
		} else {
			left[b] = b <= s.bin
		}
	}
	return left
}

// search finds the best split of a leaf by one column.
func (g *grower) search(l *leaf, column int) split {
	s := searching{g: g, l: l, best: split{column: column, listed: g.f.columns[column].listed}}
	slope, curve := float64(slopeOf(l.sum)*g.slopeUnit), float64(curveOf(l.sum)*g.curveUnit)
	s.parent = slope * slope / (curve + g.f.Ridge + 1e-12)
	// MinLeaf examples are about as much curvature as that share of the leaf's.
	s.least = max(curve*float64(g.f.MinLeaf)/float64(l.to-l.from), 1e-9)
	if h := &l.groups[column/8][column%8]; s.best.listed {
		s.levels(h, &g.f.columns[column])
	} else {
		s.number(h, &g.f.columns[column])
	}
	return s.best
}

type searching struct {
	g             *grower
	l             *leaf
	parent, least float64
	best          split
}

// gain is by how much the loss falls, twice, when a part with this sum goes left; 0 where a side is too small.
func (s *searching) gain(left int64) float64 {
	right, g := s.l.sum-left, s.g
	a, b := float64(curveOf(left)*g.curveUnit), float64(curveOf(right)*g.curveUnit)
	if a < s.least || b < s.least {
		return 0
	}
	x, y := float64(slopeOf(left)*g.slopeUnit), float64(slopeOf(right)*g.slopeUnit)
	return x*x/(a+g.f.Ridge) + y*y/(b+g.f.Ridge) - s.parent
}

// number tries each cut, with what is missing on either side.
func (s *searching) number(h *[256]int64, c *binned) {
	missing := h[0]
	var left int64
	for b := 1; b < c.bins; b++ {
		if h[b] == 0 && b < c.bins-1 {
			continue // the same parts as before
		}
		left += h[b]
		if b < c.bins-1 || missing != 0 {
			if gain := s.gain(left); gain > s.best.gain {
				s.best.gain, s.best.bin, s.best.missingLeft = gain, b, false
			}
		}
		if missing != 0 && b < c.bins-1 {
			if gain := s.gain(left + missing); gain > s.best.gain {
				s.best.gain, s.best.bin, s.best.missingLeft = gain, b, true
			}
		}
	}
	if s.best.gain > 0 && missing == 0 {
		var left int64
		for b := 1; b <= s.best.bin; b++ {
			left += h[b]
		}
		s.best.missingLeft = s.larger(left)
	}
}

// larger says whether the left part is: what was never missing here goes with the larger part when it once is.
func (s *searching) larger(left int64) bool { return curveOf(left) >= curveOf(s.l.sum-left) }

const smooth = 10 // examples of nothing, beside which a level's slope is weighed (as LightGBM does)

// levels sorts the levels by how they pull, and tries each cut of that order (Fisher 1958: for a convex loss the best
// partition is among them). What is missing is a level like others.
func (s *searching) levels(h *[256]int64, c *binned) {
	type level struct {
		bin  int
		pull float64
	}
	all := make([]level, 0, 1+maxLevels)
	g := s.g
	mean := curveOf(s.l.sum) / float64(s.l.to-s.l.from)
	for b := range c.bins {
		if h[b] != 0 {
			all = append(all, level{b, slopeOf(h[b]) * g.slopeUnit / ((curveOf(h[b]) + float64(smooth*mean)) * g.curveUnit)})
		}
	}
	slices.SortStableFunc(all, func(a, b level) int { return cmp.Compare(a.pull, b.pull) })
	var left, best int64
	var mask uint32
	missingLeft := false
	for _, l := range all[:max(len(all)-1, 0)] {
		left += h[l.bin]
		if l.bin == 0 {
			missingLeft = true
		} else {
			mask |= 1 << (l.bin - 1)
		}
		if gain := s.gain(left); gain > s.best.gain {
			s.best.gain, s.best.mask, s.best.missingLeft, best = gain, mask, missingLeft, left
		}
	}
	if s.best.gain > 0 && h[0] == 0 {
		s.best.missingLeft = s.larger(best)
	}
}
