// SPDX-License-Identifier: Apache-2.0

package boost

import (
	"math"
	"slices"
)

// group counts eight columns, bin by bin: for each the sum of its rows' packed gradients.
type group [8][256]int64

// A packed gradient is a slope, in whole units, in the upper half of a word and a curvature in the lower half. Sums of
// packed gradients are packed sums: the units are chosen so that neither half runs over, whatever is summed.
func slopeOf(p int64) float64 { return float64(p >> 32) }
func curveOf(p int64) float64 { return float64(uint32(p)) }

// leaf is a part of the rows, and the best way to part them again.
type leaf struct {
	from, to int // in order
	sum      int64
	groups   []group
	best     split
	node     int
}

// node is a split, or a leaf where left is 0.
type node struct {
	split
	left, right int
	value       float64
}

// grower grows one tree after the other in the same memory.
type grower struct {
	f                    *fit
	order, spareOrder    []uint32 // rows, those of a leaf side by side
	packed, sparePacked  []int64  // in the same order
	slopeUnit, curveUnit float64
	free                 [][]group
	leaves               []leaf
	nodes                []node
	trees                uint32
}

func (g *grower) init(f *fit) {
	n := len(f.rows)
	g.f = f
	g.order, g.spareOrder = make([]uint32, n), make([]uint32, n)
	g.packed, g.sparePacked = make([]int64, n), make([]int64, n)
}

// tree grows the next tree from the present gradients. ok is false where no split makes the loss smaller.
func (g *grower) tree() (t Tree, ok bool) {
	g.pack()
	for i := range g.leaves {
		g.recycle(&g.leaves[i])
	}
	g.nodes = append(g.nodes[:0], node{})
	root := leaf{to: len(g.order), groups: g.take()}
	for _, p := range g.packed {
		root.sum += p
	}
	g.count(&root, nil)
	g.leaves = append(g.leaves[:0], root)
	for len(g.leaves) < g.f.Leaves {
		at := 0
		for i := range g.leaves {
			if g.leaves[i].best.gain > g.leaves[at].best.gain {
				at = i
			}
		}
		if !(g.leaves[at].best.gain > 0) {
			break
		}
		g.part(at)
	}
	if len(g.leaves) == 1 {
		return t, false
	}
	for i := range g.leaves {
		l := &g.leaves[i]
		slope, curve := float64(slopeOf(l.sum)*g.slopeUnit), float64(curveOf(l.sum)*g.curveUnit)
		g.nodes[l.node].value = -g.f.Rate * slope / (curve + g.f.Ridge + 1e-12)
	}
	g.trees++
	g.emit(&t, 0)
	return t, true
}

// pack makes whole numbers of the gradients. Each is rounded up or down by its place in a sequence that is spread evenly,
// so that sums of many are right however coarse the unit is.
func (g *grower) pack() {
	f := g.f
	var slopes, curves float64
	for _, i := range f.rows {
		slopes += math.Abs(float64(f.slope[i]))
		curves += float64(f.curve[i])
	}
	room := float64(math.MaxInt32 - len(f.rows)) // each may be rounded up by one
	g.slopeUnit, g.curveUnit = max(slopes/room, 1e-300), max(curves/room, 1e-300)
	f.parallel(len(f.rows), 1<<14, func(from, to int) {
		for k := from; k < to; k++ {
			i := f.rows[k]
			up := float64(uint32(k)*2654435769+g.trees*362437) / (1 << 32)
			slope := int64(math.Floor(float64(f.slope[i])/g.slopeUnit + up))
			curve := int64(math.Floor(float64(f.curve[i])/g.curveUnit + 1 - up))
			g.order[k], g.packed[k] = i, slope<<32+curve
		}
	})
}

func (g *grower) take() []group {
	if n := len(g.free); n > 0 {
		t := g.free[n-1]
		g.free = g.free[:n-1]
		return t
	}
	return make([]group, len(g.f.words))
}

func (g *grower) recycle(l *leaf) {
	if l.groups != nil {
		g.free = append(g.free, l.groups)
		l.groups = nil
	}
}

// count fills a leaf's groups and finds its best split; where it has a sibling, that one's groups are those of their
// parent, and become what is left of them.
func (g *grower) count(l, sibling *leaf) {
	splits := make([]split, 2*len(g.f.columns))
	g.f.each(len(l.groups), func(k int) {
		h := &l.groups[k]
		*h = group{}
		tally(h, g.f.words[k], g.order[l.from:l.to], g.packed[l.from:l.to])
		if sibling != nil {
			other := &sibling.groups[k]
			for c := range h {
				for b := range h[c] {
					other[c][b] -= h[c][b]
				}
			}
		}
		for j := k * 8; j < min(k*8+8, len(g.f.columns)); j++ {
			splits[2*j] = g.search(l, j)
			if sibling != nil {
				splits[2*j+1] = g.search(sibling, j)
			}
		}
	})
	for j := range g.f.columns { // the first of equals, whoever was found first
		if splits[2*j].gain > l.best.gain {
			l.best = splits[2*j]
		}
		if sibling != nil && splits[2*j+1].gain > sibling.best.gain {
			sibling.best = splits[2*j+1]
		}
	}
}

// tally adds rows to the bins of eight columns. This loop is where the time goes.
func tally(h *group, words []uint64, rows []uint32, packed []int64) {
	packed = packed[:len(rows)]
	for i, r := range rows {
		w, p := words[r], packed[i]
		h[0][uint8(w)] += p
		h[1][uint8(w>>8)] += p
		h[2][uint8(w>>16)] += p
		h[3][uint8(w>>24)] += p
		h[4][uint8(w>>32)] += p
		h[5][uint8(w>>40)] += p
		h[6][uint8(w>>48)] += p
		h[7][uint8(w>>56)] += p
	}
}

// part splits a leaf in two. The left part takes its place, the right one is added.
func (g *grower) part(at int) {
	l := &g.leaves[at]
	left := l.best.goesLeft()
	middle := g.partition(l.from, l.to, l.best.column, &left)
	var sum int64
	for _, p := range g.packed[l.from:middle] {
		sum += p
	}
	a := leaf{from: l.from, to: middle, sum: sum, node: len(g.nodes)}
	b := leaf{from: middle, to: l.to, sum: l.sum - sum, node: len(g.nodes) + 1}
	g.nodes[l.node].split, g.nodes[l.node].left, g.nodes[l.node].right = l.best, a.node, b.node
	g.nodes = append(g.nodes, node{}, node{})
	if len(g.leaves)+1 < g.f.Leaves { // else nobody asks how they could be split
		small, large := &a, &b
		if b.to-b.from < a.to-a.from {
			small, large = &b, &a
		}
		large.groups, l.groups = l.groups, nil
		small.groups = g.take()
		g.count(small, large)
	}
	g.recycle(l)
	g.leaves[at] = a
	g.leaves = append(g.leaves, b)
}

// partition moves the rows that go left before the others, and keeps the order of both. It returns where the others begin.
func (g *grower) partition(from, to, column int, left *[256]bool) int {
	var goes [256]uint8
	for b, l := range left {
		if l {
			goes[b] = 1
		}
	}
	words, shift := g.f.words[column/8], uint(column%8)*8
	n := to - from
	pieces := max(1, min(g.f.workers, n>>13))
	lefts := make([]int, pieces+1)
	piece := func(k int) (int, int) { return from + k*n/pieces, from + (k+1)*n/pieces }
	// Each piece by itself, into the spare memory: those that go left from its beginning, the others from its end.
	g.f.each(pieces, func(k int) {
		a, b := piece(k)
		at, end := a, b-1
		for i := a; i < b; i++ {
			r, p := g.order[i], g.packed[i]
			g.spareOrder[at], g.sparePacked[at] = r, p
			g.spareOrder[end], g.sparePacked[end] = r, p
			l := int(goes[uint8(words[r]>>shift)])
			at += l
			end -= 1 - l
		}
		lefts[k+1] = at - a
	})
	for k := range pieces {
		lefts[k+1] += lefts[k]
	}
	middle := from + lefts[pieces]
	g.f.each(pieces, func(k int) {
		a, b := piece(k)
		mine := lefts[k+1] - lefts[k]
		copy(g.order[from+lefts[k]:], g.spareOrder[a:a+mine])
		copy(g.packed[from+lefts[k]:], g.sparePacked[a:a+mine])
		to := middle + (a - from) - lefts[k]
		for i := b - 1; i >= a+mine; i-- {
			g.order[to], g.packed[to] = g.spareOrder[i], g.sparePacked[i]
			to++
		}
	})
	return middle
}

// hold adds the tree that was just grown to the scores of all examples.
func (f *fit) hold(t *Tree) {
	f.each(len(f.leaves), func(k int) {
		l := &f.leaves[k]
		value := f.nodes[l.node].value
		for _, r := range f.order[l.from:l.to] {
			f.score[r] += value
		}
	})
	if len(f.heldRows) == 0 {
		return
	}
	sides := make([][256]bool, len(f.nodes))
	for i := range f.nodes {
		if f.nodes[i].left > 0 {
			sides[i] = f.nodes[i].split.goesLeft()
		}
	}
	f.parallel(len(f.heldRows), 1<<12, func(from, to int) {
		for _, r := range f.heldRows[from:to] {
			at := 0
			for f.nodes[at].left > 0 {
				n := &f.nodes[at]
				if bin := uint8(f.words[n.column/8][r] >> (uint(n.column%8) * 8)); sides[at][bin] {
					at = n.left
				} else {
					at = n.right
				}
			}
			f.score[r] += f.nodes[at].value
		}
	})
}

// emit appends the tree below a node in the order of the file: node, left part, right part.
func (g *grower) emit(t *Tree, at int) {
	n, place := &g.nodes[at], len(t.Feature)
	t.Feature, t.Cut = append(t.Feature, -1), append(t.Cut, n.value)
	t.Right, t.Missing = append(t.Right, 0), append(t.Missing, 0)
	if n.left == 0 {
		return
	}
	t.Feature[place] = n.column
	if n.missingLeft {
		t.Missing[place] = 1
	}
	if c := &g.f.columns[n.column]; c.listed {
		t.Cut[place] = float64(n.mask)
	} else if n.bin > len(c.cuts) {
		t.Cut[place] = math.MaxFloat64 // all there is, against what is missing
	} else {
		t.Cut[place] = c.cuts[n.bin-1]
	}
	g.emit(t, n.left)
	t.Right[place] = len(t.Feature)
	g.emit(t, n.right)
	t.Feature = slices.Clip(t.Feature)
}
