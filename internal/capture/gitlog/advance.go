// SPDX-License-Identifier: Apache-2.0

package gitlog

import "slices"

// loose are words that a commit took out of a file, of one line and hunk.
type loose struct {
	line  int
	spots []spot
}

// advance takes the default branch one commit further: lines that it adds come in, those that it takes away are looked
// for in what it adds, first in the same hunk, then in the same file, then in all that it adds.
func (f *follower) advance(c *Change) {
	f.snapshot(c.Made)
	type place struct {
		file *ChangedFile
		a    *stream
	}
	var places []place
	var leftover []loose
	before := map[int]line{}
	touch := func(i int) {
		if _, known := before[i]; !known {
			before[i] = f.lines[i]
		}
	}
	fresh := map[uint64][]spot{} // all renames take effect at once
	for i := range c.Files {
		file := &c.Files[i]
		stay, gone := f.cut(file, touch)
		a, hunkOf := added(file)
		list, need := f.candidates(c, file, a)
		var wants []want
		for _, g := range gone {
			w := want{owner: f.lines[g.line].of, hunk: g.spots[0].hunk}
			for _, s := range g.spots {
				w.words = append(w.words, s.word)
			}
			wants = append(wants, w)
		}
		var of []int
		for _, s := range list {
			for k := f.first[s]; k < f.first[s+1]; k++ {
				if l := &f.lines[k]; !l.present && c.Made < l.until {
					wants, of = append(wants, want{l.words, len(f.list) + s, -1}), append(of, k)
				}
			}
		}
		if len(wants) > 0 && len(a.words) > 0 {
			ev := evidence{func(o int) float64 { return need[o-len(f.list)] }, func(o int) float64 { return f.says(o % len(f.list)) }, f.bits}
			found := align(wants, a, hunkOf, ev)
			taken := takenOf(found, len(a.words))
			for n, words := range found {
				if n < len(gone) {
					var rest []spot
					stay, rest = f.move(stay, gone[n], words, a, taken)
					if len(rest) > 0 {
						leftover = append(leftover, loose{gone[n].line, rest})
					}
				} else if 2*count(words) >= len(words) {
					k := of[n-len(gone)]
					touch(k)
					stay = f.land(stay, k, words, a, taken, c, file)
				}
			}
			for j, t := range taken {
				if t {
					a.words[j] = 0
				}
			}
		} else {
			leftover = append(leftover, gone...)
		}
		if file.New != 0 {
			fresh[file.New] = stay
		}
		places = append(places, place{file, a})
	}
	for p, stay := range fresh {
		f.files[p] = stay
	}
	for _, p := range places {
		if len(leftover) == 0 {
			break
		}
		if p.file.New != 0 && len(p.a.words) > 0 {
			leftover = f.elsewhere(p.file.New, p.a, leftover)
		}
	}
	f.settle(c, before)
}

// cut takes out of a file what a commit takes out of it, once touch has seen the line, and moves the rest to where it is after
// it.
func (f *follower) cut(file *ChangedFile, touch func(line int)) (stay []spot, gone []loose) {
	all := f.files[file.Old]
	if file.Old == 0 {
		all = nil
	}
	delete(f.files, file.Old)
	shift, h := 0, 0
	for _, s := range all {
		if !f.lines[s.line].present {
			continue
		}
		for h < len(file.Hunks) && s.pos >= file.Hunks[h].Old+max(file.Hunks[h].Removed, 1) {
			shift += len(file.Hunks[h].Added) - file.Hunks[h].Removed
			h++
		}
		if h < len(file.Hunks) && file.Hunks[h].Removed > 0 && s.pos >= file.Hunks[h].Old || file.New == 0 {
			s.hunk = h
			touch(s.line)
			if s.own {
				f.lines[s.line].own-- // lost, until it is found again
			}
			if n := len(gone); n > 0 && gone[n-1].line == s.line && gone[n-1].spots[0].hunk == h {
				gone[n-1].spots = append(gone[n-1].spots, s)
			} else {
				gone = append(gone, loose{s.line, []spot{s}})
			}
			continue
		}
		s.pos += shift
		stay = append(stay, s)
	}
	return stay, gone
}

// move puts words of a line where they were found, with the words that stand among them now, and returns those that were
// not found.
func (f *follower) move(stay []spot, g loose, words []int32, a *stream, taken []bool) (_, rest []spot) {
	l := &f.lines[g.line]
	for k, j := range words {
		s := g.spots[k]
		switch {
		case j >= 0:
			if s.own {
				l.own++
			}
			s.pos = int(a.line[j])
			stay = append(stay, s)
		default:
			rest = append(rest, s)
		}
	}
	stay, l.foreign = among(stay, g.line, words, a, taken, l.foreign)
	if len(rest) < len(words) && 2*len(rest) <= len(words) {
		rest = nil // most of the line is here: the rest of it was changed, not moved
	}
	return stay, rest
}

func among(stay []spot, line int, words []int32, a *stream, taken []bool, was bool) ([]spot, bool) {
	for _, j := range foreign(words, a, taken) {
		if a.words[j] != 0 {
			stay, was = append(stay, spot{word: a.words[j], line: line, pos: int(a.line[j])}), true
		}
	}
	return stay, was
}

// land notes that a line came into the default branch.
func (f *follower) land(stay []spot, k int, words []int32, a *stream, taken []bool, c *Change, file *ChangedFile) []spot {
	l := &f.lines[k]
	l.own, l.foreign, l.present = 0, false, true
	for n, j := range words {
		if j >= 0 {
			l.own++
			stay = append(stay, spot{word: l.words[n], line: k, own: true, pos: int(a.line[j])})
		}
	}
	stay, l.foreign = among(stay, k, words, a, taken, false)
	if l.Merged == Unknown {
		l.Merged, l.Landed = l.fate(), placeOf(c, file, words, a, taken)
		for w := range windows {
			f.due[w] = append(f.due[w], k)
		}
	}
	return stay
}

// elsewhere looks for what a commit took away in what it adds to another place.
func (f *follower) elsewhere(path uint64, a *stream, leftover []loose) (rest []loose) {
	var wants []want
	for _, g := range leftover {
		w := want{owner: f.lines[g.line].of, hunk: -1}
		for _, s := range g.spots {
			w.words = append(w.words, s.word)
		}
		wants = append(wants, w)
	}
	found := align(wants, a, make([]int32, len(a.words)), evidence{func(int) float64 { return 10 }, f.says, f.bits})
	taken := takenOf(found, len(a.words))
	for n, words := range found {
		g := leftover[n]
		if 2*count(words) < len(words) {
			rest = append(rest, g)
			continue
		}
		l := &f.lines[g.line]
		for k, j := range words {
			if s := g.spots[k]; j >= 0 {
				if s.own {
					l.own++
				}
				s.pos = int(a.line[j])
				f.files[path] = append(f.files[path], s)
			}
		}
		f.files[path], l.foreign = among(f.files[path], g.line, words, a, taken, l.foreign)
	}
	for j, t := range taken {
		if t {
			a.words[j] = 0
		}
	}
	f.tidy(path)
	return rest
}

// tidy puts the words of a file in order.
func (f *follower) tidy(path uint64) {
	slices.SortStableFunc(f.files[path], func(a, b spot) int { return a.pos - b.pos })
	if len(f.files[path]) == 0 {
		delete(f.files, path)
	}
}

// settle says what a commit did to the lines that it touched.
func (f *follower) settle(c *Change, before map[int]line) {
	for _, file := range c.Files {
		f.tidy(file.New)
	}
	for i, was := range before {
		l := &f.lines[i]
		if l.present && 2*l.own < len(l.words) {
			l.present = false
		}
		if !was.present || l.fate() == was.fate() && l.own == was.own {
			continue
		}
		if c.Fix && l.Fixed == 0 {
			l.Fixed = c.Made
		}
		if !l.present && l.Reverted == 0 && f.reverts(c, l) {
			l.Reverted = c.Made
		}
	}
}

// snapshot looks at the lines whose windows are over before a time.
func (f *follower) snapshot(before int64) {
	for w := range windows {
		for f.done[w] < len(f.due[w]) {
			l := &f.lines[f.due[w][f.done[w]]]
			if l.Landed.Made+windows[w] >= before {
				break
			}
			l.Kept[w] = l.fate()
			f.done[w]++
		}
	}
}
