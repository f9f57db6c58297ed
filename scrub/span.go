// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"slices"
)

// merge appends to dst the hits without what own covers, sorted, and joined where they overlap. The longest hit of a
// group names its kind; of equal ones the first in the order of detection does, which is the more specific.
func merge(dst, hits, own []span, b []byte) []span {
	if len(hits) == 0 {
		return dst
	}
	slices.SortStableFunc(hits, func(a, b span) int { return a.start - b.start })
	n, longest := len(dst), 0
	for _, h := range hits {
		last := len(dst) - 1
		if last < n || h.start >= dst[last].end {
			dst, longest = append(dst, h), h.end-h.start
			continue
		}
		if l := h.end - h.start; l > longest || l == longest && rank(h.kind) > rank(dst[last].kind) {
			dst[last].kind, longest = h.kind, l
		}
		dst[last].end = max(dst[last].end, h.end)
	}
	if len(own) > 0 {
		dst = append(dst[:n], without(dst[n:], own, b)...)
	}
	return dst
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

// without returns the parts of spans outside own that hold a letter or a digit. Both are sorted and apart.
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
		at := s.start
		part := func(end int) {
			if at < end && shapeOf(b[at:end]).alnum > 0 {
				kept = append(kept, span{at, end, s.kind})
			}
		}
		for _, o := range own {
			if o.start >= s.end {
				break
			}
			part(o.start)
			at = o.end
		}
		part(s.end)
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
type piece struct{ out, in, end int }

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
		w.pieces = append(w.pieces, piece{len(out) - n, s.start, s.end})
		out = w.appendReplacement(out, s.kind, buf[s.start:s.end])
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
	return span{start, end, s.kind}
}

// appendReplacement appends what stands for a finding.
func (w *worker) appendReplacement(out []byte, kind string, value []byte) []byte {
	switch kind {
	case "email":
		if i := bytes.LastIndexByte(value, '@'); i >= 0 {
			out = append(w.appendMark(out, "user_", "user", lower(value[:i])), '@')
			return w.appendHost(out, value[i+1:])
		}
	case "host":
		return w.appendHost(out, value)
	case "user", "person":
		return w.appendMark(out, "user_", "user", lower(value))
	case "project", "customer", "ticket":
		return w.appendMark(out, kind+"_", kind, lower(value))
	}
	return w.appendMark(out, secret+kind+"_", "secret", unescaped(value))
}

// appendHost replaces a host name label by label; the last of several becomes the reserved "example".
func (w *worker) appendHost(out, host []byte) []byte {
	host = lower(host)
	for {
		i := bytes.IndexByte(host, '.')
		out = w.appendMark(out, "host-", "host", host)
		if i < 0 {
			return out
		}
		host = host[i+1:]
		out = append(out, '.')
		if bytes.IndexByte(host, '.') < 0 {
			return append(out, "example"...)
		}
	}
}

func lower(b []byte) []byte { return bytes.ToLower(b) }

// unescaped drops the backslashes before quotes and backslashes, so that a value reads the same in any quoting.
func unescaped(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i, c := range b {
		if c == '\\' && i+1 < len(b) && bytes.IndexByte([]byte(`"'\/`), b[i+1]) >= 0 {
			continue
		}
		out = append(out, c)
	}
	return out
}
