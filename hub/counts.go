// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// admitCounts keeps what a contributor counted at home in a period, once: other counts of the same time are refused, and so is what was
// taken back. Said again it changes nothing.
func (h *Hub) admitCounts(ctx context.Context, contributor, digest string) error {
	envelope, payload, err := h.document(ctx, contributor, digest, bundle.TypeCounts)
	if err != nil {
		return err
	}
	c, err := aggregate.DecodeCounts(payload)
	if err != nil {
		return err
	}
	if c.Contributor != contributor || c.Recipient != h.cfg.Name {
		return &episode.Problem{Code: "counts/not-ours", Message: fmt.Sprintf("they are %.60q's counts for %.60q", c.Contributor, c.Recipient), Hint: "send them to the hub that they are for"}
	}
	start, end, err := aggregate.Period(c.Period)
	if err != nil {
		return err
	}
	if now := h.cfg.Now(); now.Before(end) {
		return &episode.Problem{Code: "counts/period", Message: fmt.Sprintf("period %s is not over here: it ends on %s, and it is %s", c.Period, end.Format(time.DateOnly), now.UTC().Format(time.DateOnly)),
			Hint: "set the clock that is wrong, or send them when it is over"}
	}
	h.admitting.Lock()
	defer h.admitting.Unlock()
	docs, err := h.db.DocumentsOf(ctx, sqlstore.DocCounts, contributor)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		if doc.ID == digest {
			return nil
		}
		from, to, err := aggregate.Period(doc.Parent)
		if err != nil {
			return err
		}
		if from.Before(end) && start.Before(to) {
			return &episode.Problem{Code: "counts/told", Message: fmt.Sprintf("other counts, of %s, were told of the time of %s", doc.Parent, c.Period), Hint: "a period is told of once: what was told first stands"}
		}
	}
	taken, err := h.db.WithdrawnBy(ctx, contributor)
	if err != nil {
		return err
	}
	if taken[digest] {
		return &episode.Problem{Code: "counts/withdrawn", Message: "these counts were taken back", Hint: "nothing is to be done"}
	}
	return h.db.Noting(h.entry(ctx, contributor, "counts told", c.Period)).SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocCounts, ID: digest, Parent: c.Period, Contributor: contributor,
		Envelope: envelope, LogIndex: -1, MadeAt: h.cfg.Now()})
}

// counted is what contributors counted at home of the time that decisions are of, for the gate, and the digests of the documents that it
// is from.
type counted struct {
	withheld []gate.Withheld
	from     []string
}

// countedBeside adds up, by contributor and language, the counts of the periods that hold one of their decisions. Where only is not nil
// these documents are taken, and no others: a report is recomputed from what it was made of.
func (h *Hub) countedBeside(ctx context.Context, kind release.Kind, decisions []dataset.Decision, only []string) (out counted, err error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocCounts)
	if err != nil || len(docs) == 0 {
		return out, err
	}
	days := map[string]map[int64]bool{}
	for i := range decisions {
		d := &decisions[i]
		if days[d.Contributor] == nil {
			days[d.Contributor] = map[int64]bool{}
		}
		days[d.Contributor][d.Day] = true
	}
	type stratum struct{ contributor, language string }
	sums := map[stratum]*gate.Withheld{}
	variance := map[stratum]float64{}
	for _, doc := range docs {
		if only != nil && !slices.Contains(only, doc.ID) || len(days[doc.Contributor]) == 0 {
			continue
		}
		c, err := h.openCounts(ctx, doc)
		if err != nil {
			return out, fmt.Errorf("counts %s: %w", doc.ID, err)
		}
		start, end, err := aggregate.Period(c.Period)
		if err != nil {
			return out, err
		}
		first, last := dataset.UnixDay(start.Unix()), dataset.UnixDay(end.Unix())
		within := func(day int64) bool { return first <= day && day < last }
		if shares := c.Shares(string(kind)); len(shares) > 0 && anyOf(maps.Keys(days[doc.Contributor]), within) {
			out.from = append(out.from, doc.ID)
			for _, s := range shares {
				k := stratum{doc.Contributor, s.Language}
				if sums[k] == nil {
					sums[k] = &gate.Withheld{Contributor: k.contributor, Language: k.language}
				}
				sums[k].Shown, sums[k].Taken = sums[k].Shown+s.Shown, sums[k].Taken+s.Taken
				variance[k] += s.Variance
			}
		}
	}
	slices.Sort(out.from)
	for k, w := range sums {
		w.Noise = math.Sqrt(variance[k])
		out.withheld = append(out.withheld, *w)
	}
	slices.SortFunc(out.withheld, func(a, b gate.Withheld) int {
		return cmp.Or(cmp.Compare(a.Contributor, b.Contributor), cmp.Compare(a.Language, b.Language))
	})
	return out, nil
}

func anyOf[T any](all func(func(T) bool), is func(T) bool) bool {
	for x := range all {
		if is(x) {
			return true
		}
	}
	return false
}

// openCounts opens counts that were kept, under a key that their contributor has or had.
func (h *Hub) openCounts(ctx context.Context, doc sqlstore.DocumentRow) (*aggregate.Counts, error) {
	trust, err := h.trustEver(ctx, doc.Contributor)
	if err != nil {
		return nil, err
	}
	payload, _, err := bundle.OpenDocument(doc.Envelope, bundle.TypeCounts, trust)
	if err != nil {
		return nil, err
	}
	return aggregate.DecodeCounts(payload)
}

// eraseCounts deletes the counts that a withdrawal names.
func (h *Hub) eraseCounts(ctx context.Context, contributor, withdrawal string, ids map[string]bool) error {
	docs, err := h.db.DocumentsOf(ctx, sqlstore.DocCounts, contributor)
	errs := []error{err}
	for _, doc := range docs {
		if !ids[doc.ID] {
			continue
		}
		errs = append(errs, h.db.Erase(ctx, sqlstore.Erasure{Withdrawal: withdrawal, Doomed: []string{doc.ID}, Fate: bundle.Fate{Artifact: doc.ID, Kind: "counts", Fate: fateErased}}))
	}
	return errors.Join(errs...)
}
