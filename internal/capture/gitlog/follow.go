// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Fate is what became of a line.
type Fate uint8

// What may become of a line. White space and line breaks change nothing.
const (
	Unknown  Fate = iota // it is too early to say
	Verbatim             // it is there as it was suggested
	Changed              // it is there, changed; at least half of its words stayed
	Dropped              // it is not there
)

// Windows are the times after which a line is looked at again, in seconds since it came into the default branch.
var windows = [...]int64{1 * 86400, 7 * 86400, 30 * 86400}

// Line is what became of one line of a suggestion.
type Line struct {
	Committed Fate // as it first came into a commit of any branch
	Merged    Fate // as it first came into the default branch
	Kept      [len(windows)]Fate
	// Reverted is when a commit removed it that takes back the one that brought it, and Fixed when one changed or removed it
	// that repairs something, in seconds since 1970; 0 for never.
	Reverted, Fixed int64
	First           Place
	Landed          Place // as Merged
}

// Place is where a commit has a line.
type Place struct {
	Commit string
	Made   int64  // when, in seconds since 1970
	File   uint64 // the fingerprint of the file's path
	// From and To are the file's lines that have words of it: there are several where a formatter broke the line.
	From, To int
	Own, New int // how many of its words are there, and how many that it did not have
}

// History is what is known of a repository. Of commits that are not there nothing is known.
type History struct {
	Changes []Change
	Main    string // the newest commit of the default branch
	Now     int64  // as of when it is known, in seconds since 1970
}

// Horizon is how long after it was made a suggestion may still be committed and merged, in seconds.
const Horizon = 45 * 86400

// Follow tells what became of each line that each suggestion adds, in their order.
func Follow(h *History, list []Suggestion) [][]Line {
	f := newFollower(h, list)
	for _, c := range f.order {
		f.commit(c)
	}
	for _, c := range f.mainline() {
		f.advance(c)
	}
	f.snapshot(h.Now + 1)
	f.close(h.Now)
	out := make([][]Line, len(list))
	for i := range f.lines {
		l := &f.lines[i]
		out[l.of] = append(out[l.of], l.Line)
	}
	return out
}

// line is a line and where it is on the default branch now.
type line struct {
	Line
	words   []Word
	of      int   // the suggestion
	until   int64 // when a later suggestion replaced it
	present bool  // on the default branch
	own     int   // of its words, there now
	foreign bool  // words stand among them that it did not have
}

func (l *line) fate() Fate {
	switch {
	case !l.present:
		return Dropped
	case l.own == len(l.words) && !l.foreign:
		return Verbatim
	}
	return Changed
}

type follower struct {
	h      *History
	list   []Suggestion
	first  []int // of each suggestion's lines
	lines  []line
	byID   map[string]*Change
	order  []*Change // parents first
	byPath map[uint64][]int
	byGram map[uint64][]int
	seen   map[Word]int // in how many lines of the history
	total  int
	files  map[uint64][]spot // the default branch's, where lines of ours are in them
	due    [len(windows)][]int
	done   [len(windows)]int
	ahead  map[string]map[string]bool // what a merge brought in, where it was asked
}

// spot is a word of one of the lines, in a file.
type spot struct {
	word Word
	line int // of lines
	own  bool
	pos  int // the file's line
	hunk int
}

func newFollower(h *History, list []Suggestion) *follower {
	f := &follower{h: h, list: list, byID: map[string]*Change{}, byPath: map[uint64][]int{}, byGram: map[uint64][]int{}, seen: map[Word]int{}, files: map[uint64][]spot{}, ahead: map[string]map[string]bool{}}
	for i := range list {
		f.first = append(f.first, len(f.lines))
		for _, w := range list[i].Added {
			f.lines = append(f.lines, line{words: w, of: i, until: math.MaxInt64})
		}
	}
	f.first = append(f.first, len(f.lines))
	for i := range h.Changes {
		f.byID[h.Changes[i].ID] = &h.Changes[i]
	}
	f.sort()
	f.count()
	f.index()
	f.supersede()
	return f
}

// sort puts commits in order: by time, parents first.
func (f *follower) sort() {
	byTime := make([]*Change, 0, len(f.byID))
	for i := range f.h.Changes {
		if c := &f.h.Changes[i]; f.byID[c.ID] == c {
			byTime = append(byTime, c)
		}
	}
	slices.SortFunc(byTime, func(a, b *Change) int { return cmp.Or(cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID)) })
	placed := map[*Change]bool{}
	for _, c := range byTime {
		stack := []*Change{c}
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			waits := false
			for _, p := range top.Parents {
				if parent := f.byID[p]; parent != nil && !placed[parent] && !slices.Contains(stack, parent) {
					stack, waits = append(stack, parent), true
				}
			}
			if waits {
				continue
			}
			stack = stack[:len(stack)-1]
			if !placed[top] {
				placed[top] = true
				f.order = append(f.order, top)
			}
		}
	}
}

// mainline is the default branch, the oldest commit first: what its merges brought in came with the merge.
func (f *follower) mainline() (chain []*Change) {
	seen := map[string]bool{}
	for id := f.h.Main; f.byID[id] != nil && !seen[id]; {
		c := f.byID[id]
		seen[id] = true
		chain = append(chain, c)
		if len(c.Parents) == 0 {
			break
		}
		id = c.Parents[0]
	}
	slices.Reverse(chain)
	return chain
}

// supersede notes which lines a later suggestion for the same file took away again.
func (f *follower) supersede() {
	byFile := map[uint64][]int{}
	for i := range f.list {
		if p := f.list[i].Paths; len(p) > 0 {
			byFile[p[len(p)-1]] = append(byFile[p[len(p)-1]], i)
		}
	}
	for _, group := range byFile {
		slices.SortStableFunc(group, func(a, b int) int { return cmp.Compare(f.list[a].At, f.list[b].At) })
		for k, later := range group {
			if len(f.list[later].Gone) == 0 {
				continue
			}
			var gone stream
			for n, l := range f.list[later].Gone {
				gone.add(int32(n), l...)
			}
			var wants []want
			var of []int
			for _, earlier := range group[:k] {
				for i := f.first[earlier]; i < f.first[earlier+1]; i++ {
					if f.lines[i].until == math.MaxInt64 {
						wants, of = append(wants, want{f.lines[i].words, earlier, 0}), append(of, i)
					}
				}
			}
			none := evidence{need: func(int) float64 { return 0 }, bits: f.bits}
			for n, found := range align(wants, &gone, make([]int32, len(gone.words)), none) {
				if 2*count(found) >= len(found) {
					f.lines[of[n]].until = f.list[later].At
				}
			}
		}
	}
}

func count(found []int32) (n int) {
	for _, j := range found {
		if j >= 0 {
			n++
		}
	}
	return n
}

// commit notes which lines a commit, of whichever branch, is the first to have.
func (f *follower) commit(c *Change) {
	for i := range c.Files {
		file := &c.Files[i]
		a, hunkOf := added(file)
		list, need := f.candidates(c, file, a)
		var wants []want
		var of []int
		for _, s := range list {
			for k := f.first[s]; k < f.first[s+1]; k++ {
				if l := &f.lines[k]; c.Made < l.until {
					wants, of = append(wants, want{l.words, s, -1}), append(of, k)
				}
			}
		}
		if len(wants) == 0 {
			continue
		}
		ev := evidence{func(o int) float64 { return need[o] }, f.says, f.bits}
		found := align(wants, a, hunkOf, ev)
		taken := takenOf(found, len(a.words))
		for n, words := range found {
			if l := &f.lines[of[n]]; l.Committed == Unknown && 2*count(words) >= len(words) {
				l.First = placeOf(c, file, words, a, taken)
				if l.Committed = Verbatim; l.First.Own < len(words) || l.First.New > 0 {
					l.Committed = Changed
				}
			}
		}
	}
}

// placeOf is where a commit has a line of which it has the words.
func placeOf(c *Change, file *ChangedFile, words []int32, a *stream, taken []bool) Place {
	p := Place{Commit: c.ID, Made: c.Made, File: file.New, New: len(foreign(words, a, taken))}
	for _, j := range words {
		if j >= 0 {
			n := int(a.line[j])
			if p.Own++; p.From == 0 || n < p.From {
				p.From = n
			}
			p.To = max(p.To, n)
		}
	}
	return p
}

// close settles what can no longer happen.
func (f *follower) close(now int64) {
	for i := range f.lines {
		l := &f.lines[i]
		if l.Committed == Unknown && l.Merged != Unknown {
			l.Committed, l.First = l.Merged, l.Landed
		}
		over := now > f.list[l.of].At+Horizon || l.until < math.MaxInt64
		if !over {
			for k := f.first[l.of]; k < f.first[l.of+1]; k++ { // its neighbours were committed, it was not
				over = over || f.lines[k].Committed != Unknown
			}
		}
		if l.Committed == Unknown && over {
			l.Committed = Dropped
		}
		if l.Merged == Unknown && (l.Committed == Dropped || now > f.list[l.of].At+Horizon) {
			l.Merged = Dropped
		}
	}
}

// reverts reports whether a commit takes back the one that brought a line.
func (f *follower) reverts(c *Change, l *line) bool {
	if !c.Revert {
		return false
	}
	if len(c.Reverts) == 0 {
		return true
	}
	for _, id := range c.Reverts {
		if strings.HasPrefix(l.Landed.Commit, id) || strings.HasPrefix(l.First.Commit, id) {
			return true
		}
	}
	return false
}
