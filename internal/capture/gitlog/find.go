// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// count learns how common each word is here.
func (f *follower) count() {
	once := map[Word]bool{}
	note := func(words []Word) {
		clear(once)
		for _, w := range words {
			if !once[w] {
				once[w] = true
				f.seen[w]++
			}
		}
		f.total++
	}
	for _, c := range f.order {
		for i := range c.Files {
			for j := range c.Files[i].Hunks {
				for _, l := range c.Files[i].Hunks[j].Added {
					note(l)
				}
			}
		}
	}
}

// bits is how much a word surprises: by how rare it is here, and not much where it is common everywhere.
func (f *follower) bits(w Word) float64 {
	most := 14.0
	if w&commonWord != 0 {
		most = 2
	}
	return min(most, max(0.5, math.Log2(float64(f.total+64)/float64(f.seen[w]+1))))
}

// gramOf is a run of words that a suggestion is found by where its file has another name.
const gramOf = 6

func (f *follower) index() {
	for i := range f.list {
		for _, p := range f.list[i].Paths {
			f.byPath[p] = append(f.byPath[p], i)
		}
		var s stream
		for _, l := range f.list[i].Added {
			s.add(0, l...)
		}
		for k := 0; k+gramOf <= len(s.words); k++ {
			g := hashOf(s.words[k : k+gramOf])
			if at := f.byGram[g]; len(at) < perGram && (len(at) == 0 || at[len(at)-1] != i) {
				f.byGram[g] = append(at, i)
			}
		}
	}
}

// candidates are the suggestions that may be in what a commit adds to a file, and how much must speak for each.
func (f *follower) candidates(c *Change, file *ChangedFile, a *stream) (list []int, need map[int]float64) {
	need = map[int]float64{}
	consider := func(i int, bits float64) {
		s := &f.list[i]
		if c.Made < s.At || c.Made > s.At+Horizon {
			return
		}
		if c.Written < s.At {
			bits *= 2 // it was begun before: an amended commit keeps its date, and so does all that a rebase makes anew
		}
		if s.Session != "" && slices.Contains(c.Sessions, s.Session) || len(s.Commit) >= 7 && strings.HasPrefix(c.ID, s.Commit) {
			bits /= 4 // the commit, or the tool, says that they belong together
		}
		if old, known := need[i]; !known {
			list = append(list, i)
			need[i] = bits
		} else {
			need[i] = min(old, bits)
		}
	}
	for _, i := range f.byPath[file.New] {
		consider(i, 18)
	}
	if file.Base != file.New {
		for _, i := range f.byPath[file.Base] {
			consider(i, 20)
		}
	}
	hits := map[int]int{}
	for k := 0; k+gramOf <= len(a.words); k++ {
		for _, i := range f.byGram[hashOf(a.words[k:k+gramOf])] {
			if hits[i]++; hits[i] == 3 {
				consider(i, 40)
			}
		}
	}
	slices.SortFunc(list, func(x, y int) int { return cmp.Or(cmp.Compare(f.list[y].At, f.list[x].At), cmp.Compare(x, y)) })
	return list, need
}

// added is what a commit adds to a file; a word's line is the file's, and hunkOf the hunk it is in.
func added(file *ChangedFile) (a *stream, hunkOf []int32) {
	a = &stream{}
	for h := range file.Hunks {
		a.gap()
		for k, l := range file.Hunks[h].Added {
			a.add(int32(file.Hunks[h].New+k), l...)
		}
		for len(hunkOf) < len(a.words) {
			hunkOf = append(hunkOf, int32(h))
		}
	}
	return a, hunkOf
}

// says is how many bits the words of a suggestion have.
func (f *follower) says(s int) (sum float64) {
	for _, l := range f.list[s].Added {
		for _, w := range l {
			sum += f.bits(w)
		}
	}
	return sum
}

func takenOf(found [][]int32, n int) []bool {
	taken := make([]bool, n)
	for _, words := range found {
		for _, j := range words {
			if j >= 0 {
				taken[j] = true
			}
		}
	}
	return taken
}

// foreign are the places of words that nobody has taken, on the lines that a line's words are on.
func foreign(words []int32, a *stream, taken []bool) (out []int32) {
	lo, hi := int32(len(taken)), int32(-1)
	for _, j := range words {
		if j >= 0 {
			lo, hi = min(lo, j), max(hi, j)
		}
	}
	for lo > 0 && lo <= hi && a.line[lo-1] == a.line[lo] {
		lo--
	}
	for hi >= 0 && int(hi)+1 < len(taken) && a.line[hi+1] == a.line[hi] {
		hi++
	}
	for j := lo; j <= hi; j++ {
		if !taken[j] && a.line[j] >= 0 {
			out = append(out, j)
		}
	}
	return out
}
