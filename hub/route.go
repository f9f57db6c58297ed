// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"slices"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
)

// route learns a route where decisions among actions came in, and puts it through the same gate as a filter, by the same held-out
// developers. What passes is released; an edge takes it once a person there has seen what it would choose.
func (h *Hub) route(ctx context.Context, s *snapshot, c *candidate) error {
	train, by := amongOptions(c.train), amongOptions(c.heldOut)
	if len(train)+len(by) == 0 {
		return nil
	}
	var model learn.Model // nil where there is too little to learn from
	var file []byte
	digest, why := "", ""
	r, fitted, err := learn.FitRoute(train, c.options.Reward)
	if fitted.Cut > 0 {
		h.log.Warn("a route learned from decisions so unlikely that they count a hundredfold and no more", "decisions", fitted.Cut, "of", fitted.Used, "share of the weight cut", fitted.CutShare)
	}
	if err != nil {
		why = err.Error()
	} else {
		if file, err = r.MarshalBinary(); err != nil {
			return err
		}
		if digest, err = h.blobs.PutBytes(ctx, file); err != nil {
			return err
		}
		model = r
	}
	g, err := h.judge(ctx, s, release.Route, model, digest, by, why)
	if err != nil {
		return err
	}
	return h.release(ctx, s, release.Route, digest, file, g)
}

// amongOptions are the decisions that were a choice among actions.
func amongOptions(rows []dataset.Decision) []dataset.Decision {
	var out []dataset.Decision
	for i := range rows {
		if rows[i].Choice() == dataset.AmongOptions {
			out = append(out, rows[i])
		}
	}
	return slices.Clip(out)
}
