// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
)

// tell appends the findings of w.spans, which rendered made of buf, to found.
func (w *worker) tell(found []Finding, field string, buf, rendered []byte) []Finding {
	more := w.s.cfg.Explain || w.s.cfg.Keep != nil
	piece := 0
	for _, s := range w.spans {
		f := Finding{Field: field, Start: s.start, End: s.end, Kind: s.kind}
		if more {
			for w.pieces[piece].end == 0 {
				piece++
			}
			mark := rendered[w.pieces[piece].out:w.outEnd(piece, rendered)]
			piece++
			if w.s.cfg.Keep != nil {
				w.s.cfg.Keep(mark, buf[s.start:s.end])
			}
			if w.s.cfg.Explain {
				f.Rule, f.Mark = s.rule.String(), string(mark)
			}
		}
		found = append(found, f)
	}
	return found
}

// String names the detector and the keyword that called it. A nil rule found something by its form alone.
func (r *rule) String() string {
	if r == nil {
		return "form"
	}
	name := runtime.FuncForPC(reflect.ValueOf(r.detect).Pointer()).Name()
	return fmt.Sprintf("%s %q", name[strings.LastIndexByte(name, '.')+1:], r.keyword)
}

// Why says in one sentence why a finding was replaced, without what stood there.
func (f Finding) Why() string {
	k, ok := kinds()[f.Kind]
	if !ok {
		k = secretKind(f.Kind, knownForm)
	}
	detector, keyword, _ := strings.Cut(f.Rule, " ")
	switch {
	case detector == "assigned" || detector == "userFlag":
		return fmt.Sprintf("it stands beside %s, so it is taken for a %s", keyword, strings.ReplaceAll(f.Kind, "_", " "))
	case keyword != "" && detector != "mark" && detector != "numberMark":
		return k.why + " (seen by " + keyword + ")"
	}
	return k.why
}
