// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"slices"
	"time"
)

// carried is what one window leaves to the next: whether a finding that fills all of it goes on, and a table that does.
type carried struct {
	inside bool
	table  lastingTable
}

// window appends buf[context:cut] to out with every finding replaced; it sets spans. Where eof is false, the cut is a
// place that no finding spans, and the rest is left for the next window. A finding that fills the whole window stays
// open: the next window continues it.
func (w *worker) window(out, buf []byte, context int, eof bool, open *carried) ([]byte, int, error) {
	w.rounds = 0
	if !w.scanned {
		w.scan(buf)
	}
	w.scanned = false
	w.resume(&open.table, context)
	table := w.lasting // which the second look knows nothing of
	if open.inside {
		w.add(context, run(buf, context, len(buf), notSpace), "secret")
	}
	known := w.known
	if known == nil && len(w.hits) > 0 {
		known = &w.memory
		known.forget()
		for _, h := range w.hits {
			w.remember(known, h)
		}
	}
	w.known = known // what is known is looked for in what is decoded, too
	known.find(w, buf)
	w.spans = w.found(w.spans[:0], buf)
	cut := len(buf)
	if !eof {
		cut = w.safeCut(buf, context, table.row)
	}
	*open = carried{inside: !eof && cut == len(buf)}
	if !eof && cut == table.row {
		open.table = table
	}
	w.spans = clip(w.spans, context, cut)
	if len(w.spans) == 0 {
		return append(out, buf[context:cut]...), cut, w.noCanary(buf[:min(len(buf), cut+margin)])
	}
	for n := len(out); ; out = out[:n] {
		out = w.render(out, buf, context, cut)
		again, err := w.again(buf, out[n:], known)
		if err != nil {
			return out, cut, err
		}
		if !again {
			return out, cut, w.noCanary(append(out[n:len(out):len(out)], buf[cut:min(len(buf), cut+margin)]...)) // one may go on
		}
	}
}

// The second look. A detector looks back at most margin bytes and ahead to the end of what it reads, so what a change
// can make it find lies near the change: there the output is scanned again, from the start of a line to the end of one.
const (
	near    = 512     // bytes before and after a change that are scanned again, at least
	reach   = margin  // from a change, within which a finding may be its doing
	atOnce  = 1 << 10 // what is not longer is scanned as a whole
	maxLine = 4 << 10 // looked for the end of a line
)

// again looks a second time at what was rendered of buf, with the findings known so far, and adds what it finds there
// to spans. It reports whether there was anything; more than a few rounds, or too long, is unsafe.
func (w *worker) again(buf, rendered []byte, known *recall) (bool, error) {
	if time.Now().After(w.deadline) {
		return false, fmt.Errorf("%w: took longer than %s", ErrUnsafe, w.s.cfg.Budget)
	}
	more, ok := w.nearby(rendered, known)
	if !ok {
		more = w.everywhere(rendered, known)
	}
	w.more = more
	if len(more) == 0 {
		return false, nil
	}
	if w.rounds++; w.rounds > maxRounds {
		return false, fmt.Errorf("%w: still finding after %d rounds", ErrUnsafe, maxRounds)
	}
	w.hits, w.own = append(w.hits[:0], w.spans...), w.own[:0]
	w.before = append(w.before[:0], w.spans...)
	for _, m := range more {
		if w.rounds > maxRounds/2 { // what keeps moving goes with all that touches it, then with its line
			m.start, m.end = wider(rendered, m.start, m.end, w.rounds > maxRounds*3/4)
		}
		w.hits = append(w.hits, w.origin(m))
	}
	w.spans = w.found(w.spans[:0], buf)
	if !age(w.spans, w.before) {
		return false, fmt.Errorf("%w: found what nothing replaces", ErrUnsafe)
	}
	return true, nil
}

// age marks those of spans as old that are replaced as they were before, and reports whether there are others. Both are
// sorted and apart.
func age(spans, before []span) (fresh bool) {
	for i := range spans {
		s := &spans[i]
		for len(before) > 0 && before[0].start < s.start {
			before = before[1:]
		}
		s.old = len(before) > 0 && before[0].start == s.start && before[0].end == s.end && before[0].kind == s.kind &&
			before[0].plain == s.plain && before[0].entity == s.entity
		fresh = fresh || !s.old
	}
	return fresh
}

// everywhere returns all that is found in what was rendered.
func (w *worker) everywhere(rendered []byte, known *recall) []span {
	w.scan(rendered)
	known.find(w, rendered)
	return w.found(w.more[:0], rendered)
}

// nearby returns what is found near the changes since the last look. It is not ok where the whole must be scanned: the
// text is short, or stands under a name that says what it is, or rules of an administrator see further, or most of it is
// near a change, or a finding goes on where it does not look.
func (w *worker) nearby(rendered []byte, known *recall) (more []span, ok bool) {
	if len(rendered) <= atOnce || w.entire || w.under.kind != "" || w.s.cfg.Rules != nil {
		return nil, false
	}
	more = w.more[:0]
	for i := 0; i < len(w.pieces); {
		if !w.pieces[i].fresh {
			i++
			continue
		}
		from, to := lineFrom(rendered, w.pieces[i].out-near), 0
		first, last := i, i
		for ; i < len(w.pieces); i++ {
			if !w.pieces[i].fresh {
				continue
			}
			if at := w.pieces[i].out - near; to > 0 && at > to && lineFrom(rendered, at) > to {
				break
			}
			last = i
			to = lineTo(rendered, w.outEnd(i, rendered)+near)
		}
		part := rendered[from:to]
		w.scanFor(part, lineAt(part, w.pieces[first].out-reach-from), min(len(part), w.outEnd(last, rendered)+reach-from))
		known.find(w, part)
		n := len(more)
		more = w.found(more, part)
		kept := more[:n]
		for _, m := range more[n:] {
			m.start, m.end = m.start+from, m.end+from
			for first < i && (!w.pieces[first].fresh || w.outEnd(first, rendered)+reach < m.start) {
				first++
			}
			if first == i || w.pieces[first].out-reach > m.end {
				continue // cut off by where the part begins or ends
			}
			if m.start == from && from > 0 || m.end == to && to < len(rendered) {
				return nil, false
			}
			kept = append(kept, m)
		}
		more = kept
	}
	return more, true
}

// outEnd returns where the piece i ends in what was rendered.
func (w *worker) outEnd(i int, rendered []byte) int {
	if i+1 < len(w.pieces) {
		return w.pieces[i+1].out
	}
	return len(rendered)
}

// lineFrom returns the start of the line of b[i], or, where that is far, i.
func lineFrom(b []byte, i int) int {
	if i <= 0 {
		return 0
	}
	far := max(0, i-maxLine)
	if j := bytes.LastIndexByte(b[far:i], '\n'); j >= 0 || far == 0 {
		return far + j + 1
	}
	return i
}

// lineAt returns the start of the line of b[i]; of the first one, or where that is far, the start of b.
func lineAt(b []byte, i int) int {
	if at := lineFrom(b, i); at > 0 && b[at-1] == '\n' {
		return at
	}
	return 0
}

// lineTo returns the end of the line of b[i], or, where that is far, i.
func lineTo(b []byte, i int) int {
	if i >= len(b) {
		return len(b)
	}
	far := min(len(b), i+maxLine)
	if j := bytes.IndexByte(b[i:far], '\n'); j >= 0 {
		return i + j + 1
	} else if far == len(b) {
		return far
	}
	return i
}

// planted prepares the canaries.
func planted(canaries [][]byte) (*recall, error) {
	if len(canaries) == 0 {
		return nil, nil
	}
	r := &recall{}
	for i, c := range canaries {
		if len(c) < leastKnown {
			return nil, fmt.Errorf("canary %d has fewer than %d bytes", i+1, leastKnown)
		}
		r.add("canary", c, false)
		r.add("canary", lower(c), false)
	}
	return r, nil
}

// noCanary is ErrUnsafe where a planted value is left in what is to leave, or in what that decodes to.
func (w *worker) noCanary(b []byte) error {
	if w.s.canaries == nil {
		return nil
	}
	known := w.known
	w.known, w.planted = w.s.canaries, false // looked for in each code within b, too
	w.scan(b)
	w.known = known
	w.s.canaries.find(w, lower(b))
	if w.planted || holdCanary(w.hits) {
		return fmt.Errorf("%w: a canary is left", ErrUnsafe)
	}
	return nil
}

func holdCanary(hits []span) bool {
	return slices.ContainsFunc(hits, func(s span) bool { return s.kind == "canary" })
}

// wider returns the run without blanks and quotes around b[start:end], or the line.
func wider(b []byte, start, end int, line bool) (int, int) {
	stop := func(c byte) bool { return c == '\n' || !line && class[c]&notSpace == 0 }
	for start > 0 && !stop(b[start-1]) {
		start--
	}
	for end < len(b) && !stop(b[end]) {
		end++
	}
	return start, end
}

// safeCut returns where a window that is not the last may end: after a line, else between words, else anywhere, but
// never inside a finding, unless one fills the whole window. In a table that goes on it is where a row begins.
func (w *worker) safeCut(buf []byte, context, row int) int {
	cut := len(buf) - lookahead
	if i := bytes.LastIndexByte(buf[cut-lookahead:cut], '\n'); i >= 0 {
		cut += i + 1 - lookahead
	} else if i := bytes.LastIndexByte(buf[cut-lookahead:cut], ' '); i >= 0 {
		cut += i + 1 - lookahead
	}
	if row > context {
		cut = row
	}
	for i := len(w.spans) - 1; i >= 0; i-- {
		if s := w.spans[i]; s.start < cut && s.end > cut {
			if s.start > context {
				return s.start
			}
			return min(s.end, len(buf))
		}
	}
	return cut
}
