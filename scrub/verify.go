// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"time"
)

// window appends buf[context:cut] to out with every finding replaced; it sets spans. Where eof is false, the cut is a
// place that no finding spans, and the rest is left for the next window. A finding that fills the whole window stays
// open: the next window continues it.
func (w *worker) window(out, buf []byte, context int, eof bool, open *bool) ([]byte, int, error) {
	w.rounds = 0
	w.scan(buf)
	if *open {
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
	known.find(w, buf)
	w.spans = w.found(w.spans[:0], buf)
	cut := len(buf)
	if !eof {
		cut = w.safeCut(buf, context)
	}
	*open = !eof && cut == len(buf)
	w.spans = clip(w.spans, context, cut)
	if len(w.spans) == 0 {
		return append(out, buf[context:cut]...), cut, nil
	}
	for n := len(out); ; out = out[:n] {
		out = w.render(out, buf, context, cut)
		again, err := w.again(buf, out[n:], known)
		if err != nil || !again {
			return out, cut, err
		}
	}
}

// again scans what was rendered, with the findings known so far, and adds what it finds there to spans. It reports
// whether there was anything; more than a few rounds, or too long, is unsafe.
func (w *worker) again(buf, rendered []byte, known *recall) (bool, error) {
	if time.Now().After(w.deadline) {
		return false, fmt.Errorf("%w: took longer than %s", ErrUnsafe, w.s.cfg.Budget)
	}
	w.scan(rendered)
	known.find(w, rendered)
	more := w.found(nil, rendered)
	if len(more) == 0 {
		return false, nil
	}
	if w.rounds++; w.rounds > maxRounds {
		return false, fmt.Errorf("%w: still finding after %d rounds", ErrUnsafe, maxRounds)
	}
	hits := append(w.hits[:0], w.spans...)
	for _, m := range more {
		if w.rounds > maxRounds/2 { // what keeps moving goes with all that touches it, then with its line
			m.start, m.end = wider(rendered, m.start, m.end, w.rounds > maxRounds*3/4)
		}
		hits = append(hits, w.origin(m))
	}
	w.hits, w.own = hits, w.own[:0]
	w.spans = w.found(w.spans[:0], buf)
	return true, nil
}

// wider returns the run without blanks around b[start:end], or the line.
func wider(b []byte, start, end int, line bool) (int, int) {
	stop := func(c byte) bool { return c == '\n' || !line && c <= ' ' }
	for start > 0 && !stop(b[start-1]) {
		start--
	}
	for end < len(b) && !stop(b[end]) {
		end++
	}
	return start, end
}

// safeCut returns where a window that is not the last may end: after a line, else between words, else anywhere, but
// never inside a finding, unless one fills the whole window.
func (w *worker) safeCut(buf []byte, context int) int {
	cut := len(buf) - lookahead
	if i := bytes.LastIndexByte(buf[cut-lookahead:cut], '\n'); i >= 0 {
		cut += i + 1 - lookahead
	} else if i := bytes.LastIndexByte(buf[cut-lookahead:cut], ' '); i >= 0 {
		cut += i + 1 - lookahead
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
