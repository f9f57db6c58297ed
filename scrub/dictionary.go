// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
)

// Dictionary holds private names, a million of them if need be: of people, hosts, projects, customers, tickets. Read one
// with [ReadDictionary].
//
// A name is found whatever its case, its accents and what joins its words: "Volta Energía" also stands in
// feature/volta-energia-rounding, in VoltaEnergiaClient and in VOLTA_ENERGÍA, and "Jane Doe" in "Doe, Jane", in "J. Doe"
// and in jane.doe@corp.example. It begins and ends where a word does, or a part of a camelCase word: Kestrel is in
// KestrelClient and kestrel2, not in kestrels. Names that would be found in everything, being short or words of every
// day, count only as written or beside a word that says what they are (see [manner]).
//
// Finding is one pass over the words. Each word's hash is looked up in a bit set (half of each cell for names that end
// there, half for names that go on), which sends nearly all words away; the rest are looked for in a table and compared.
// A hash is a polynomial, so that of two words joined is made from theirs, and how they are joined does not matter.
type Dictionary struct {
	cells []uint64 // low half: hashes of names; high half: of what names begin with
	slots []uint32 // number of a name + 1, by hash; open addressing
	names []listedName
	text  []byte // of the names, folded
	shift uint   // of a hash, to get its cell
	pows  [maxListed + 1]uint64
}

// listedName is one entry of a dictionary.
type listedName struct {
	at      uint32 // in Dictionary.text
	same    uint32 // what names the whole entity: its id, the name that this is a form of, or this
	size    uint8  // of the folded name
	kind    uint8  // in dictionaryKinds
	how     manner
	grouped bool // it came with an id
}

// manner says in which form a name counts.
type manner uint8

const (
	anyhow    manner = iota // in every form
	exact                   // as it was written, between word borders: the shortest ones
	cued                    // beside a word that says what it is, or an @: words of every day
	capital                 // of several common words: in capitals, or joined by a dot, dash, underscore
	initials                // "J. Doe": a capital and a dot before a capital
	ticketKey               // the key of a ticket system: with a number after it
	idOnly                  // not looked for: what an entity is called in its id
)

const (
	maxListed = 200 // bytes of a folded name
	maxParts  = 6   // of one word that a name may span without being known to go on
	manyParts = 96  // of one word that are looked at together,
	overlap   = 24  // and how many of them are looked at twice
	maxJoint  = 6   // bytes between two words of a name
	hashBase  = 0x9E3779B97F4A7C15 | 1
	hashMix   = 0xD6E8FEB86659FD93
)

// look reports what the bit set knows of a hash: perhaps a name ends with it, perhaps one goes on.
func (d *Dictionary) look(h uint64) (ends, goesOn bool) {
	h = mixed(h)
	c := d.cells[h>>(d.shift&63)]
	c = c >> (h & 31) & (c >> (h >> 5 & 31)) & (c >> (h >> 10 & 31))
	return c&1 != 0, c>>32&1 != 0
}

func mixed(h uint64) uint64 {
	h = (h ^ h>>29) * hashMix
	return h ^ h>>31
}

// find records the names in b.
func (d *Dictionary) find(w *worker, b []byte) {
	if len(d.names) == 0 {
		return
	}
	letters := &letterOf
	for i := 0; i < len(b); {
		v := letters[b[i]]
		if v == 0 {
			i++
			continue
		}
		start, first, h, rest := i, v, uint64(v&0xff), uint16(0)
		for i++; i < len(b); i++ {
			if v = letters[b[i]]; v == 0 {
				break
			}
			h = h*hashBase + uint64(v&0xff)
			rest |= v
		}
		rest &^= 0xff
		switch {
		case (first|rest)&isOther != 0 || i-start > 1 && start > 0 && (b[start-1] == '\\' || b[start-1] == '%'):
		case rest == 0 || rest == isLowerLetter || rest == first&^0xff: // one part
			if ends, goesOn := d.look(h); !ends && (!goesOn || !d.mayGoOn(b, start, i, h)) {
				continue
			}
		case !d.mayHold(b, start, i, 0, true):
			continue
		}
		for start < i {
			start = d.word(w, b, start)
		}
		i = start
	}
}

// word looks for names that begin in the word at start, and returns from where to go on.
func (d *Dictionary) word(w *worker, b []byte, start int) int {
	w.subwords = appendParts(w.subwords[:0], b, start)
	n := len(w.subwords)
	if n == 0 { // no letter
		_, size, _ := foldLetter(w.word[:0], b[start:])
		return start + size
	}
	stop, end := n, w.subwords[n-1].end
	if !w.subwords[n-1].last { // a word of very many parts: the last of these are looked at again with what follows
		stop = n - overlap
		end = w.subwords[stop].start
	}
	for p, from := 0, start; p < stop; p++ {
		if q := &w.subwords[p]; !q.begins || q.start < from {
			continue
		}
		if e := d.longest(w, b, p); e > 0 {
			from = e
		}
		w.subwords = w.subwords[:n]
		end = max(end, from)
	}
	return end
}

// longest records the longest name that begins with the part p of w.subwords, and returns its end, 0 for none. It appends
// the parts of the words that follow.
func (d *Dictionary) longest(w *worker, b []byte, p int) int {
	var h uint64
	var best nameHit
	first := p
	size, inner := 0, 0
	for {
		q := w.subwords[p]
		if p > first && w.subwords[p-1].last && w.subwords[p-1].digits && q.digits {
			h, size = h*hashBase+'.', size+1 // 10.0 is not 100
		}
		h, size = h*q.pow+q.hash, size+q.size
		if size > maxListed {
			break
		}
		ends, goesOn := false, false
		if inner < maxParts || q.last {
			ends, goesOn = d.look(h)
		}
		if ends {
			if f, ok := d.check(w, b, first, p, size); ok {
				best = f
			}
		}
		if !q.last {
			if p+1 == len(w.subwords) {
				break
			}
			if inner++; inner >= maxParts && first > 0 && !goesOn {
				break
			}
			p++
			continue
		}
		if !goesOn {
			break
		}
		next := afterJoint(b, q.end)
		if next == 0 {
			break
		}
		n := len(w.subwords)
		if w.subwords = appendParts(w.subwords, b, next); len(w.subwords) == n {
			break
		}
		if p == first && best.name == nil {
			best = d.reversed(w, b, first, n)
		}
		p, inner = n, 0
	}
	if best.name != nil {
		w.add(best.start, best.end, dictionaryKind(best.name.kind))
		w.hits[len(w.hits)-1].entity = d.entityOf(best.name)
	}
	return best.end
}

// reversed reports a person whose name stands family name first: Doe, Jane.
func (d *Dictionary) reversed(w *worker, b []byte, family, given int) (f nameHit) {
	x := w.subwords[family]
	h, size := uint64(0), 0
	for p := given; p < len(w.subwords); p++ {
		q := w.subwords[p]
		h, size = h*q.pow+q.hash, size+q.size
		if !q.last {
			continue
		}
		if ends, _ := d.look(h*x.pow + x.hash); ends && size+x.size <= maxListed {
			w.word = appendKey(appendKey(w.word[:0], b[w.subwords[given].start:q.end]), b[x.start:x.end])
			if n := d.named(w.word); n != nil && n.kind == personKind && (n.how == anyhow || n.how == capital && capitals(b, x.start, q.end)) {
				return nameHit{x.start, q.end, n}
			}
		}
	}
	return f
}

// nameHit is a name in a text.
type nameHit struct {
	start, end int
	name       *listedName
}

// check reports whether the parts from first to last are a name in a form that counts.
func (d *Dictionary) check(w *worker, b []byte, first, last, size int) (nameHit, bool) {
	from, to := w.subwords[first], w.subwords[last]
	start, end := from.start, to.end
	w.word = appendKey(w.word[:0], b[start:end])
	n := d.named(w.word)
	if n == nil {
		return nameHit{}, false
	}
	whole := from.opens && to.last
	switch n.how {
	case anyhow:
		if !whole && n.size < 4 || from.digits && ch(b, start-1) == '.' && at(b, start-2)&isDigit != 0 {
			return nameHit{}, false
		}
	case exact:
		if !whole || !bytes.Equal(d.written(n), b[start:end]) || ch(b, start-1) == '$' {
			return nameHit{}, false
		}
	case cued:
		if !whole || !cue(b, start, n.kind) {
			return nameHit{}, false
		}
	case capital:
		if !capitals(b, start, end) {
			return nameHit{}, false
		}
	case initials:
		if !whole || !initialed(b, start, end) {
			return nameHit{}, false
		}
	case ticketKey:
		e := end
		if c := ch(b, e); c == '-' || c == '_' || c == '#' {
			e++
		}
		if end = run(b, e, e+12, isDigit); end == e || at(b, end)&isAlnum != 0 {
			return nameHit{}, false
		}
	}
	if n.kind == hostKind && bytes.IndexByte(b[start:end], '.') >= 0 {
		for start > 0 && start > from.start-100 && (at(b, start-1)&isAlnum != 0 || b[start-1] == '-' || b[start-1] == '.' && at(b, start-2)&isAlnum != 0) {
			start-- // the host's own name, of a domain that is listed
		}
	}
	return nameHit{start, end, n}, true
}

// named returns the name with these folded letters, nil for none.
func (d *Dictionary) named(folded []byte) *listedName {
	mask := uint32(len(d.slots) - 1)
	for s := uint32(mixed(hashOf(folded))) & mask; d.slots[s] != 0; s = (s + 1) & mask {
		n := &d.names[d.slots[s]-1]
		if int(n.size) == len(folded) && string(d.text[n.at:n.at+uint32(n.size)]) == string(folded) {
			return n
		}
	}
	return nil
}

// written returns an exact name as it was written.
func (d *Dictionary) written(n *listedName) []byte {
	at := n.at + uint32(n.size)
	return d.text[at+1 : at+1+uint32(d.text[at])]
}

// entity returns what stands for whoever has this name in the making of marks, so that all names of one entity get one
// mark; empty where the name stands for itself.
func (d *Dictionary) entity(value []byte) string {
	if d == nil || len(d.names) == 0 || len(value) > 4*maxListed {
		return ""
	}
	n := d.named(appendKey(nil, value))
	if n == nil {
		return ""
	}
	return d.entityOf(n)
}

func (d *Dictionary) entityOf(n *listedName) string {
	if same := &d.names[n.same]; same != n || n.grouped {
		return string(d.text[same.at : same.at+uint32(same.size)])
	}
	return ""
}

func hashOf(folded []byte) (h uint64) {
	for _, c := range folded {
		h = h*hashBase + uint64(c)
	}
	return h
}

// appendKey appends the folded letters of a text, with a dot between numbers that are apart; %20 is a space.
func appendKey(dst, b []byte) []byte {
	number, apart := false, false
	for len(b) > 0 {
		if b[0] == '%' && len(b) > 2 && b[1] == '2' && b[2] == '0' {
			b, apart = b[3:], true
			continue
		}
		n := len(dst)
		var size int
		var word bool
		dst, size, word = foldLetter(dst, b)
		b = b[size:]
		if len(dst) == n {
			apart = apart || !word
			continue
		}
		if digit := class[dst[n]]&isDigit != 0; digit && number && apart {
			dst = append(dst, 0)
			copy(dst[n+1:], dst[n:])
			dst[n] = '.'
		}
		number, apart = class[dst[len(dst)-1]]&isDigit != 0, false
	}
	return dst
}
