// SPDX-License-Identifier: Apache-2.0

package boost

import (
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// binned is how a column's values become bins. Bin 0 is what is missing; value v of a number is in bin 1 + the number of
// cuts below it; level l of a listed feature is in bin 1 + l.
type binned struct {
	cuts    []float64 // ascending; nil for a listed feature
	bins    int       // with bin 0
	missing bool      // something is
	listed  bool
}

const sampled = 200_000 // rows that quantiles are taken from

// bin fills columns and words, one group of eight columns after the other.
func (f *fit) bin() {
	n := len(f.e.Label)
	f.columns = make([]binned, len(f.e.Columns))
	f.words = make([][]uint64, (len(f.columns)+7)/8)
	for g := range f.words {
		f.words[g] = make([]uint64, n)
	}
	f.each(len(f.columns), func(j int) { f.columns[j].learn(&f.e.Columns[j], f.rows, f.Bins) })
	f.each(len(f.words), func(g int) {
		for j := g * 8; j < min(g*8+8, len(f.columns)); j++ {
			f.columns[j].fill(&f.e.Columns[j], f.words[g], uint(j%8)*8)
		}
	})
}

// learn finds the cuts: between any two values where there are few, else at quantiles.
func (b *binned) learn(c *Column, rows []uint32, bins int) {
	if c.Number == nil {
		b.listed, b.bins = true, 1+len(c.Levels)
		b.missing = slices.Min(c.Level) < 0
		return
	}
	b.missing = slices.ContainsFunc(c.Number, missing)
	take := min(len(rows), sampled)
	sample := make([]float64, 0, take)
	for k := range take {
		if v := c.Number[rows[int64(k)*int64(len(rows))/int64(take)]]; !missing(v) {
			sample = append(sample, v)
		}
	}
	slices.Sort(sample)
	distinct := slices.Compact(slices.Clone(sample))
	if len(distinct) > bins {
		for k := 1; k < bins; k++ {
			at := k * len(sample) / bins
			if at > 0 {
				b.cut(sample[at-1], sample[at])
			}
		}
	} else {
		for k := 1; k < len(distinct); k++ {
			b.cut(distinct[k-1], distinct[k])
		}
	}
	b.bins = 2 + len(b.cuts)
}

// missing holds for what is no finite number.
func missing(v float64) bool { return v-v != 0 }

// cut adds a cut between two neighbours, if they are two and it is above the last one.
func (b *binned) cut(low, high float64) {
	middle := low/2 + high/2
	if !(middle >= low && middle < high) {
		middle = low
	}
	if low < high && (len(b.cuts) == 0 || middle > b.cuts[len(b.cuts)-1]) {
		b.cuts = append(b.cuts, middle)
	}
}

// fill puts the bins of all rows into their byte of words.
func (b *binned) fill(c *Column, words []uint64, shift uint) {
	if b.listed {
		for i, l := range c.Level {
			words[i] |= uint64(max(l, -1)+1) << shift
		}
		return
	}
	// The cuts, filled up to 256: a search of eight steps without branches that could be guessed wrong.
	var cuts [256]float64
	for k := range cuts {
		cuts[k] = math.Inf(1)
	}
	copy(cuts[:], b.cuts)
	for i, v := range c.Number {
		if missing(v) {
			continue
		}
		at := 0
		for step := 128; step > 0; step /= 2 {
			if cuts[(at+step-1)&255] < v {
				at += step
			}
		}
		words[i] |= uint64(at+1) << shift
	}
}

// each calls do for 0 … n−1 on all cores, in no order.
func (f *fit) each(n int, do func(int)) {
	if n <= 1 || f.workers == 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, f.workers) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

// parallel calls do for pieces of 0 … n−1 that are together all of it, each piece of at least so many.
func (f *fit) parallel(n, least int, do func(from, to int)) {
	pieces := max(1, min(f.workers, n/least))
	f.each(pieces, func(k int) { do(k*n/pieces, (k+1)*n/pieces) })
}
