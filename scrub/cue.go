// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// A hint is a word that says what stands near it. Two sorts: those whose value is joined to them ("host: db1"), which
// named reads, and those that make a number near them personal ("phone", "born", "passport"), which are only noted, for
// the walk to ask about.
type hint struct {
	about what
	kind  string // of the value that stands beside the cue
}

// what is a set of the sorts of numbers that a cue speaks of.
type what uint8

const (
	aPhone what = 1 << iota
	aBirth
	anID // of a state, a bank, an employer: any number with five digits or more
	aStaff
	anAccount // of a cloud
	anAddress
	aPostcode
	aCar
)

// noted is a cue that was met.
type noted struct {
	start, end int
	about      what
}

// note remembers a cue, where it is a word of its own or of a name.
func (w *worker) note(r *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isAlpha != 0 && at(b, start)&isAlpha != 0 && !(at(b, start)&isUpper != 0 && at(b, start-1)&isLower != 0) ||
		ch(b, start-1) >= 0x80 {
		return
	}
	last, next := at(b, end-1), at(b, end)
	if (at(b, start-1)|next)&isDigit != 0 && digits16(b[start:end]) { // "cc" in a digest
		return
	}
	if next&isLower != 0 && last&isAlpha != 0 || next&isUpper != 0 && last&isUpper != 0 {
		return
	}
	w.cues = append(w.cues, noted{start, end, r.hint.about})
}

// about returns what the cues within reach on the same line say of the number from start to end.
func (w *worker) about(start, end int) (a what) {
	const before, after = 48, 32
	for w.nextCue < len(w.cues) && w.cues[w.nextCue].end <= start {
		w.nextCue++
	}
	for i := w.nextCue - 1; i >= 0 && w.cues[i].end > start-before; i-- {
		if bytes.IndexByte(w.buf[w.cues[i].end:start], '\n') >= 0 && w.cues[i].end < start-8 {
			break
		}
		a |= w.cues[i].about
	}
	for i := w.nextCue; i < len(w.cues) && w.cues[i].start < end+after; i++ {
		if s := w.cues[i].start; s >= end && bytes.IndexByte(w.buf[end:s], '\n') < 0 && bytes.IndexByte(w.buf[end:s], ':') < 0 {
			a |= w.cues[i].about
		}
	}
	return a
}

// digits16 reports whether all of v are digits in hex.
func digits16(v []byte) bool {
	for _, c := range v {
		if class[c]&isHexa == 0 {
			return false
		}
	}
	return true
}
