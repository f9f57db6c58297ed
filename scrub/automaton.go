// SPDX-License-Identifier: Apache-2.0

package scrub

// automaton finds every keyword in one pass (Aho and Corasick 1975), as one dense table: a row per state, a column per
// class of bytes. Letters are folded to lower case and all digits to '0'; a detector checks the exact bytes after a
// hit. Overlapping keywords are all reported. Of a long keyword the table holds the first bytes, its stem, so that it
// stays in a core's cache; the rest is compared after a hit. States are numbered breadth first: the shallow ones, where
// most bytes of most texts lead, lie side by side.
type automaton struct {
	column [256]uint8
	// next holds, for state<<columnBits | column, the next state, shifted left by one; the lowest bit says that keywords
	// end there.
	next []uint16
	out  [][]rule // by state
}

const (
	columnBits = 7 // of the number of a column
	columns    = 1 << columnBits
	maxStates  = 1 << 15
)

// rule says what a keyword means.
type rule struct {
	keyword string
	rest    string                                   // of the keyword, folded, after its stem
	detect  func(w *worker, r *rule, start, end int) // of the keyword in w.buf
	word    word                                     // for assignments
	form    *tokenForm                               // for vendors' credentials
	program *program                                 // for commands
	hint    hint                                     // for what stands near
}

const stem = 6 // bytes of a keyword that the table holds

// lanes is how many parts of a text are read at once: each step of a part waits for the memory that the step before
// asked for, and the steps of other parts fill the time.
const lanes = 4

// hit is a place where the stems of keywords end, and the state that knows which.
type hit struct{ at, state uint32 }

// find records in each lane, in order, where stems end in its part of b.
func (a *automaton) find(found *[lanes][]hit, b []byte) {
	next, column, size := a.next, &a.column, len(b)/lanes
	step := func(v uint16, c byte) uint16 { return next[uint32(v&^1)<<(columnBits-1)|uint32(column[c])] }
	var at [lanes]uint16
	for l := range lanes {
		found[l] = found[l][:0]
		for _, c := range b[max(0, l*size-stem+1) : l*size] { // a stem may begin in the part before
			at[l] = step(at[l], c)
		}
	}
	b0, b1, b2, b3 := b[:size], b[size:2*size], b[2*size:3*size], b[3*size:4*size]
	b1, b2, b3 = b1[:len(b0)], b2[:len(b0)], b3[:len(b0)]
	v0, v1, v2, v3 := at[0], at[1], at[2], at[3]
	for i := range b0 {
		v0, v1, v2, v3 = step(v0, b0[i]), step(v1, b1[i]), step(v2, b2[i]), step(v3, b3[i])
		if (v0|v1|v2|v3)&1 == 0 {
			continue
		}
		for l, v := range [lanes]uint16{v0, v1, v2, v3} {
			if v&1 != 0 {
				found[l] = append(found[l], hit{uint32(l*size + i), uint32(v >> 1)})
			}
		}
	}
	for i := lanes * size; i < len(b); i++ {
		if v3 = step(v3, b[i]); v3&1 != 0 {
			found[lanes-1] = append(found[lanes-1], hit{uint32(i), uint32(v3 >> 1)})
		}
	}
}

// each visits the keywords in b, in the order of where their stems end.
func (a *automaton) each(found *[lanes][]hit, b []byte, visit func(r *rule, start, end int)) {
	a.find(found, b)
	for _, lane := range found {
		for _, h := range lane {
			rules, next := a.out[h.state], int(h.at)+1
			for i := range rules {
				switch r := &rules[i]; {
				case r.rest == "":
					visit(r, next-len(r.keyword), next)
				case next < len(b) && folded[b[next]] == r.rest[0] && r.goesOn(b[next:]):
					visit(r, next-stem, next+len(r.rest))
				}
			}
		}
	}
}

// goesOn reports whether b begins with the rest of the keyword.
func (r *rule) goesOn(b []byte) bool {
	if len(b) < len(r.rest) {
		return false
	}
	for i := range len(r.rest) {
		if folded[b[i]] != r.rest[i] {
			return false
		}
	}
	return true
}

// folded gives each byte its folded one.
var folded = func() (t [256]byte) {
	for i := range t {
		t[i] = fold(byte(i))
	}
	return t
}()

func fold(c byte) byte {
	switch {
	case c >= 'A' && c <= 'Z':
		return c + 'a' - 'A'
	case c >= '0' && c <= '9':
		return '0'
	}
	return c
}

func newAutomaton(rules []rule) *automaton {
	a, width := &automaton{}, 1
	for i := range rules {
		r := &rules[i]
		if len(r.keyword) > stem {
			rest := []byte(r.keyword[stem:])
			for j, c := range rest {
				rest[j] = fold(c)
			}
			r.rest = string(rest)
		}
		for _, c := range []byte(r.keyword[:min(len(r.keyword), stem)]) {
			if f := fold(c); a.column[f] == 0 {
				a.column[f] = uint8(width)
				width++
			}
		}
	}
	for c := range 256 {
		a.column[c] = a.column[fold(byte(c))]
	}
	trie := make([]uint32, columns) // state 0 is the root; 0 also means "no edge yet"
	a.out = make([][]rule, 1)
	leads := make([]int, len(rules)) // where each keyword leads so far
	for depth := range stem {
		for i, r := range rules {
			if depth >= len(r.keyword) {
				continue
			}
			e := &trie[leads[i]*columns+int(a.column[r.keyword[depth]])]
			if *e == 0 {
				*e = uint32(len(a.out))
				leads[i] = len(a.out)
				a.out = append(a.out, nil)
				trie = append(trie, make([]uint32, columns)...)
			} else {
				leads[i] = int(*e)
			}
		}
	}
	if width > columns || len(a.out) > maxStates {
		panic("more keywords than the table holds") // the rules are part of the program
	}
	for i, r := range rules {
		a.out[leads[i]] = append(a.out[leads[i]], r)
	}
	a.link(trie)
	return a
}

// link fills in the edges of failure, breadth first, and packs the table.
func (a *automaton) link(trie []uint32) {
	fail := make([]int, len(a.out))
	var queue []int
	for c := 1; c < columns; c++ {
		if s := int(trie[c]); s != 0 {
			queue = append(queue, s)
		}
	}
	for i := 0; i < len(queue); i++ {
		s := queue[i]
		a.out[s] = append(a.out[s], a.out[fail[s]]...)
		for c := 1; c < columns; c++ {
			e, back := &trie[s*columns+c], trie[fail[s]*columns+c]
			if *e == 0 {
				*e = back
				continue
			}
			fail[*e] = int(back)
			queue = append(queue, int(*e))
		}
	}
	a.next = make([]uint16, len(trie))
	for i, s := range trie {
		a.next[i] = uint16(s << 1)
		if len(a.out[s]) > 0 {
			a.next[i] |= 1
		}
	}
}
