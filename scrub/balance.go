// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"slices"

	"github.com/headrace/headrace/scrub/internal/score"
)

// balance drops the hits that balanced keeps: those of kinds that structure alone gives away, where the model of
// package score finds them more like a name, a word or a placeholder than like a secret. What our marks stand in was
// decided about before they did.
func (w *worker) balance() {
	kept, own := w.hits[:0], w.own
	slices.SortStableFunc(w.hits, func(a, b span) int { return a.start - b.start })
	for _, h := range w.hits {
		for len(own) > 0 && own[0].end <= h.start {
			own = own[1:]
		}
		if scored(h.kind) {
			if len(own) > 0 && own[0].start < h.end {
				continue
			}
			var n int
			if n, w.features = score.Score(w.features, w.buf, h.start, h.end, h.kind); n < score.Limit {
				continue
			}
		}
		kept = append(kept, h)
	}
	w.hits = kept
}

// scored reports kinds that are found by the words beside them or by how random they look.
func scored(kind string) bool {
	switch kind {
	case "password", "secret", "token", "key", "credential", "opaque", "hash", "uuid", "url_password":
		return true
	}
	return false
}
