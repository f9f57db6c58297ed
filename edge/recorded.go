// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

// ErrNotClean says of an episode that it is not put before any policy: its text has expired, or cannot be made safe.
var ErrNotClean = errors.New("cannot be tried")

// OpenRecorded opens the edge in cfg.Dir for [Edge.Recorded]; unlike New it makes none where there is none.
func OpenRecorded(ctx context.Context, cfg Config) (*Edge, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(cfg.Database); errors.Is(err, fs.ErrNotExist) && !strings.Contains(cfg.Database, "://") {
		return nil, &episode.Problem{Code: "edge/nothing", Message: "nothing has been recorded in " + cfg.Dir + " yet",
			Hint: "start headrace up, or headrace edge on the enterprise's server; --dir names another state folder"}
	}
	return New(ctx, cfg)
}

// Recorded yields the episodes of which the raw text is still there, as they go before the policy: scrubbed, with the facts
// that rules read. They come in the order of their ids. ErrNotClean is of one of them, any other error ends it.
func (e *Edge) Recorded(ctx context.Context) iter.Seq2[*episode.Episode, error] {
	return func(yield func(*episode.Episode, error) bool) {
		last := ""
		for {
			rows, err := e.db.RawEpisodes(ctx, last, screenBatch)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, r := range rows {
				told, err := e.stored(ctx, r)
				var ep *episode.Episode
				if err == nil {
					ep = told.Episode()
					_, err = e.filter.Episode(ep)
				}
				if err != nil && ctx.Err() == nil {
					// The filter's word says which rule or field, never the value.
					err = fmt.Errorf("episode %s %w: %w", r.ID, ErrNotClean, err)
				}
				if !yield(ep, err) {
					return
				}
				last = r.ID
			}
			if len(rows) < screenBatch {
				return
			}
		}
	}
}

// Lowerer makes the copies of this edge's episodes that leave for a recipient.
func (e *Edge) Lowerer(recipient string) (*consent.Lowerer, error) {
	return consent.NewLowerer(recipient, e.ring.Derive)
}
