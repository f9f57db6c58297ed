// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"slices"
)

// found appends to dst the spans to replace of what the last scan found in b: sorted and apart, without our own marks,
// and without those whose form keeps all of them.
//
// A finding inside an address, a host name, a URL or a path is replaced by itself, and what is around it by the rule of
// its own form: https://user:password@host keeps all four. What covers all of one, or more, takes its place.
func (w *worker) found(dst []span, b []byte) []span {
	if len(w.hits) == 0 {
		return dst
	}
	slices.SortStableFunc(w.hits, func(a, b span) int { return a.start - b.start })
	w.hard, w.soft = w.hard[:0], w.soft[:0]
	for _, h := range w.hits {
		if w.kindOf(h.kind).form.structural() && !h.plain {
			w.soft = joined(w.soft, h)
		} else {
			w.hard = joined(w.hard, h)
		}
	}
	n := len(dst)
	dst = w.weave(dst, b)
	if len(w.own) > 0 {
		dst = append(dst[:n], without(dst[n:], w.own, b)...)
	}
	kept := dst[:n]
	for _, s := range dst[n:] {
		if s.start = max(s.start, lastEnd(kept, n)); s.start >= s.end {
			continue
		}
		s = tidy(s, b, lastEnd(kept, n))
		if s.start < s.end && !w.settled(s, b) {
			kept = append(kept, s)
		}
	}
	return kept
}

func lastEnd(spans []span, n int) int {
	if len(spans) == n {
		return 0
	}
	return spans[len(spans)-1].end
}

// joined appends h to spans, joined with the last where they overlap. The longest of a group names its kind; of equal
// ones the first in the order of detection does, which is the more specific.
func joined(spans []span, h span) []span {
	n := len(spans) - 1
	if n < 0 || h.start >= spans[n].end {
		h.longest = h.end - h.start
		return append(spans, h)
	}
	last := &spans[n]
	if l := h.end - h.start; l > last.longest || l == last.longest && rank(h.kind) > rank(last.kind) {
		last.kind, last.rule, last.longest = h.kind, h.rule, l
		last.entity = h.entity
	}
	last.end, last.plain = max(last.end, h.end), last.plain || h.plain
	return spans
}

// weave appends hard and soft in order: soft without what hard covers.
func (w *worker) weave(dst []span, b []byte) []span {
	hard, soft := w.hard, w.soft
	if len(soft) == 0 {
		return append(dst, hard...)
	}
	// A soft span of the very bytes of a hard one takes its place, where the hard one is no more than a name for it.
	for i, j := 0, 0; i < len(hard) && j < len(soft); {
		switch h, s := &hard[i], &soft[j]; {
		case h.start == s.start && h.end == s.end && plainer(h.kind) && !h.plain:
			if h.entity != "" {
				s.entity = h.entity
			}
			h.end = h.start
			i++
		case h.end <= s.start || h.start < s.start:
			i++
		default:
			j++
		}
	}
	hard = slices.DeleteFunc(hard, func(s span) bool { return s.start == s.end })
	w.hard = hard
	soft = without(soft, hard, b)
	for len(hard) > 0 || len(soft) > 0 {
		if len(soft) == 0 || len(hard) > 0 && hard[0].start < soft[0].start {
			dst, hard = append(dst, hard[0]), hard[1:]
		} else {
			dst, soft = append(dst, soft[0]), soft[1:]
		}
	}
	return dst
}

// plainer reports kinds that say no more of an address, a host, a URL or a path than its own form does.
func plainer(kind string) bool {
	return rank(kind) == 0 || kind == "person" || kind == "user" || kind == "opaque"
}

// settled reports spans whose replacement is what stands there already.
func (w *worker) settled(s span, b []byte) bool {
	if s.plain || !w.kindOf(s.kind).form.structural() {
		return false
	}
	w.trial = w.appendReplacement(w.trial[:0], b, s)
	return bytes.Equal(w.trial, b[s.start:s.end])
}

// rank orders kinds that cover the same bytes: what a word beside a value says is less specific than its own form.
func rank(kind string) int {
	switch kind {
	case "opaque", "hash":
		return -1
	case "secret", "key", "token", "password", "credential":
		return 0
	}
	return 1
}

// without returns the parts of spans outside own that hold a letter or a digit. Both are sorted and apart. Where the mark
// of a word lies in a span, only what holds another private word counts: a masked name looks random.
func without(spans, own []span, b []byte) []span {
	var kept []span
	for _, s := range spans {
		for len(own) > 0 && own[0].end <= s.start {
			own = own[1:]
		}
		if len(own) == 0 || own[0].start >= s.end {
			kept = append(kept, s)
			continue
		}
		at, masked := s.start, false
		part := func(s span, end int) {
			if at < end && shapeOf(b[at:end]).alnum > 0 && !(masked && allPublic(b[:end], at)) {
				s.start, s.end = at, end
				kept = append(kept, s)
			}
		}
		for _, o := range own {
			if o.start >= s.end {
				break
			}
			masked = masked || o.kind == kindWord && s.kind != kindWord
			part(s, o.start)
			at = o.end
		}
		part(s, s.end)
	}
	return kept
}

// clip keeps what of the spans lies in [start, end).
func clip(spans []span, start, end int) []span {
	kept := spans[:0]
	for _, s := range spans {
		s.start, s.end = max(s.start, start), min(s.end, end)
		if s.start < s.end {
			kept = append(kept, s)
		}
	}
	return kept
}

// piece says that what was rendered from position out on came from position in of the input: copied, or, where end is
// set, in place of the input up to there.
type piece struct {
	out, in, end int
	fresh        bool // a replacement that nobody has looked at
}

// render appends buf[from:to] to out with w.spans replaced, and notes in pieces where each part came from.
func (w *worker) render(out, buf []byte, from, to int) []byte {
	n := len(out)
	w.pieces = w.pieces[:0]
	copyTo := func(end int) {
		if from < end {
			w.pieces = append(w.pieces, piece{out: len(out) - n, in: from})
			out = append(out, buf[from:end]...)
		}
	}
	for _, s := range w.spans {
		copyTo(s.start)
		w.pieces = append(w.pieces, piece{len(out) - n, s.start, s.end, !s.old})
		out = w.appendReplacement(out, buf, s)
		from = s.end
	}
	copyTo(to)
	return out
}

// origin maps a span of what was rendered to the input: exact in what was copied, and the whole of a replacement that
// it touches.
func (w *worker) origin(s span) span {
	i, _ := slices.BinarySearchFunc(w.pieces, s.start+1, func(p piece, t int) int { return p.out - t })
	j, _ := slices.BinarySearchFunc(w.pieces, s.end, func(p piece, t int) int { return p.out - t })
	first, last := w.pieces[i-1], w.pieces[j-1]
	start, end := first.in, last.end
	if first.end == 0 {
		start += s.start - first.out
	}
	if last.end == 0 {
		end = last.in + s.end - last.out
	}
	// What is found in a part that a replacement kept: next time it keeps none.
	s.start, s.end, s.plain = start, end, first.end != 0 || last.end != 0
	return s
}
