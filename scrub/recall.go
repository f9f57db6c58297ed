// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/headrace/headrace/scrub/internal/score"
)

// recallMax is how much of a value is compared: it bounds the work for each position.
const recallMax = 128

// recall remembers the secrets found in a record, to find them again where they stand bare: in another field, in a
// log, without the word that gave them away. It looks at four bytes at each second position in a small bit set first, so
// one pass serves any number of secrets: of a value, the bytes from its first and those from its second are in the set.
type recall struct {
	seen    [1 << 10]uint64  // a bit for each hash of four bytes
	first   [1 << 10]uint64  // the same, of those that a value begins with
	lengths map[uint32][]int // by the first four bytes, longest first
	values  map[string]known
}

// maxLengths is how many lengths of values with one beginning are told apart: it bounds the work for each position, too.
const maxLengths = 8

// leastKnown is how long a value must be.
const leastKnown = 6

// leastFive bytes are what find asks for: four from the first on, and four from the second.
const leastFive = 5

// known is a remembered finding.
type known struct {
	kind string
	word bool // only between other than letters and digits
	cut  bool // only its beginning is remembered
}

// wordy is the surprise, in sixteenths of a bit, that few words reach and few random letters stay below.
const wordy = 70

// recallRule says which values of a kind are worth looking for elsewhere.
type recallRule uint8

const (
	never    recallRule = iota // found by their own form anywhere
	ofSecret                   // anywhere where it looks random, else as a word of its own
	ofNoise                    // the same, but not what is a name itself: the word beside it says little
	ofWord                     // as a word of its own, like the rest
	ofUser
	ofPerson // of two names or more
	ofHost   // where its name is no word of a language
)

// worth reports whether finding the value again means something: not the shortest ones, not plain short words.
func (r recallRule) worth(value []byte) bool {
	if stopword(value) || common(value) {
		return false
	}
	least := leastKnown
	switch r {
	case never:
		return false
	case ofSecret, ofNoise:
		if r == ofNoise && shapeOf(value).words() {
			return false
		}
		if lettersOnly(value) {
			if len(value) < 12 && score.Surprise(value) < wordy {
				return false // a word, which stands for itself elsewhere
			}
			least = 8
		}
	case ofUser:
		least = 5
	case ofPerson:
		i := bytes.IndexAny(value, " ._")
		return len(value) >= 7 && i > 0 && i < len(value)-1
	case ofHost:
		return len(value) >= least && bytes.ContainsAny(value, "0123456789-.")
	}
	return len(value) >= least
}

// forget makes r as good as new. Where nothing was remembered, which is most often, it costs nothing.
func (r *recall) forget() {
	if len(r.values) > 0 {
		*r = recall{}
	}
}

// remember adds a finding of buf to what the record knows.
func (w *worker) remember(r *recall, s span) {
	if k, v := w.kindOf(s.kind), w.buf[s.start:s.end]; k.recall.worth(v) {
		anywhere := (k.recall == ofSecret || k.recall == ofNoise) && shapeOf(v).opaque(leastKnown)
		r.add(s.kind, v, !anywhere)
		// A machine goes by its first name, too: db-prod-03.corp.example, then db-prod-03.
		if name := v[:max(0, bytes.IndexByte(v, '.'))]; k.recall == ofHost && k.recall.worth(name) && hostSort(lower(name)) == internalHost {
			r.add(s.kind, name, true)
		}
	}
}

// add remembers a value.
func (r *recall) add(kind string, value []byte, word bool) {
	if len(value) < leastFive {
		return
	}
	k := known{kind: kind, word: word}
	if len(value) >= recallMax {
		value, k.cut = value[:recallMax], true
	}
	h := binary.LittleEndian.Uint32(value)
	lengths := r.lengths[h]
	if len(lengths) >= maxLengths && !slices.Contains(lengths, len(value)) {
		i := slices.IndexFunc(lengths, func(n int) bool { return n < len(value) }) // the longest that is shorter
		n := min(len(value), leastKnown)
		if i >= 0 {
			n = max(n, lengths[i])
		}
		value, k.cut = value[:n], k.cut || n < len(value)
	}
	if old, ok := r.values[string(value)]; ok && (old.cut || !k.cut) {
		return
	}
	if r.values == nil {
		r.lengths, r.values = map[uint32][]int{}, map[string]known{}
	}
	r.values[string(value)] = k
	set(&r.first, h)
	set(&r.seen, h)
	set(&r.seen, binary.LittleEndian.Uint32(value[1:]))
	if !slices.Contains(lengths, len(value)) {
		lengths = append(lengths, len(value))
		slices.SortFunc(lengths, func(a, b int) int { return b - a })
		r.lengths[h] = lengths
	}
}

// slot is where a bit set has the bit of four bytes.
func slot(h uint32) (word uint32, bit uint32) {
	h = h * 0x9E3779B1 >> 16
	return h >> 6 & (1<<10 - 1), h & 63
}

func set(bits *[1 << 10]uint64, h uint32) {
	i, bit := slot(h)
	bits[i] |= 1 << bit
}

// has returns 1 where the bit of these four bytes is set.
func has(bits *[1 << 10]uint64, h uint32) uint64 {
	i, bit := slot(h)
	return bits[i] >> bit & 1
}

// find records a hit for each known value in b. A nil recall knows nothing.
func (r *recall) find(w *worker, b []byte) {
	if r == nil || len(r.values) == 0 {
		return
	}
	low := 0 // where the next value may begin
	for i := 0; i+4 <= len(b); i += 2 {
		for ; i+10 <= len(b); i += 8 {
			u, v := binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+2:])
			if has(&r.seen, uint32(u))|has(&r.seen, uint32(v))|has(&r.seen, uint32(u>>32))|has(&r.seen, uint32(v>>32)) != 0 {
				break
			}
		}
		if i+4 > len(b) {
			break
		}
		if has(&r.seen, binary.LittleEndian.Uint32(b[i:])) == 0 {
			continue
		}
		for low = max(low, i-1); low <= i; {
			low = r.at(w, b, low)
		}
	}
}

// at records a hit for the known value that begins at i, if one does, and returns where the next may begin: behind a
// value of which only the beginning is known, so that no byte of a long run is looked at twice.
func (r *recall) at(w *worker, b []byte, i int) int {
	h := binary.LittleEndian.Uint32(b[i:])
	if has(&r.first, h) == 0 {
		return i + 1
	}
	for _, n := range r.lengths[h] {
		if i+n > len(b) {
			continue
		}
		k, ok := r.values[string(b[i:i+n])]
		if !ok || k.word && (at(b, i-1)&isAlnum != 0 || at(b, i+n)&isAlnum != 0) || k.kind == "user" && published(b, i) {
			continue
		}
		end := i + n
		if k.cut {
			end = run(b, end, len(b), notSpace)
		}
		w.add(i, end, k.kind)
		if k.cut {
			return end
		}
		break
	}
	return i + 1
}

func lettersOnly(b []byte) bool {
	for _, c := range b {
		if class[c]&isAlpha == 0 && c < 0x80 {
			return false
		}
	}
	return true
}

// common reports whether a value is itself a word that often stands beside secrets.
func common(b []byte) bool {
	switch string(lower(b)) {
	case "password", "username", "postgres", "localhost", "passphrase", "credential", "credentials", "administrator",
		"authorization", "function", "undefined", "required", "optional", "changeme", "anonymous", "production", "development":
		return true
	}
	return false
}

// published reports whether what stands at i is the owner in the address of a public code host, which anyone may know.
func published(b []byte, i int) bool {
	if ch(b, i-1) != '/' {
		return false
	}
	before := b[max(0, i-20):i]
	for _, p := range []string{"github.com/", "gitlab.com/", "github.com/users/", "github.com/repos/", "/github.com:"} {
		if bytes.HasSuffix(before, []byte(p)) {
			return true
		}
	}
	return false
}
