// SPDX-License-Identifier: Apache-2.0

package scrub

import "github.com/headrace/headrace/scrub/internal/score"

// balance drops the hits that balanced keeps: those of kinds that structure alone gives away, where the model of
// package score finds them more like a name, a word or a placeholder than like a secret.
func (w *worker) balance() {
	kept := w.hits[:0]
	for _, h := range w.hits {
		if scored(h.kind) {
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
