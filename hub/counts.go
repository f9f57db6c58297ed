// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
)

// keepCounts is for how many days after their period counts are kept.
const keepCounts = 400

func countsOver(end, now time.Time) bool { return end.AddDate(0, 0, keepCounts).Before(now) }

// dropCounts deletes the counts of periods that are long over, and what gates saw by such. They are not taken again.
func (h *Hub) dropCounts(ctx context.Context) error {
	now := h.cfg.Now()
	docs, err := h.db.Documents(ctx, sqlstore.DocCounts)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		_, end, err := aggregate.Period(doc.Parent)
		if err == nil && countsOver(end, now) {
			err = errors.Join(h.db.Doom(ctx, doc.ID), h.db.DeleteDocument(ctx, sqlstore.DocCounts, doc.ID))
		}
		if err != nil {
			return err
		}
	}
	return h.db.DeleteDocumentsBefore(ctx, sqlstore.DocSelection, now.AddDate(0, 0, -keepCounts))
}

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
	now := h.cfg.Now()
	if now.Before(end) {
		return &episode.Problem{Code: "counts/period", Message: fmt.Sprintf("period %s is not over here: it ends on %s, and it is %s", c.Period, end.Format(time.DateOnly), now.UTC().Format(time.DateOnly)),
			Hint: "set the clock that is wrong, or send them when it is over"}
	}
	if countsOver(end, now) {
		return &episode.Problem{Code: "counts/too-old", Message: fmt.Sprintf("period %s is over for more than %d days: no gate looks at it any more", c.Period, keepCounts), Hint: "nothing is to be done"}
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
		Envelope: envelope, LogIndex: -1, MadeAt: now})
}

// countedBeside adds up, by contributor and language, what contributors counted at home, for the gate: it holds each period beside the
// decisions of the same time. What cannot be read any more is passed over, so that it holds up no gate.
func (h *Hub) countedBeside(ctx context.Context, kind release.Kind) (list []gate.Withheld, err error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocCounts)
	if err != nil {
		return nil, err
	}
	type stratum struct{ contributor, language string }
	sums, variance := map[stratum]*gate.Withheld{}, map[stratum]float64{}
	for _, doc := range docs {
		c, err := h.openCounts(ctx, doc)
		if err != nil {
			h.log.Warn("counts that were kept cannot be read: the gate looks on without them", "counts", doc.ID, "contributor", doc.Contributor, "err", err)
			continue
		}
		start, end, err := aggregate.Period(c.Period)
		if err != nil {
			return nil, err // the document was checked
		}
		for _, s := range c.Shares(string(kind)) {
			k := stratum{doc.Contributor, s.Language}
			w := sums[k]
			if w == nil {
				w = &gate.Withheld{Contributor: k.contributor, Language: k.language}
				sums[k] = w
			}
			w.Shown, w.Taken, variance[k] = w.Shown+s.Shown, w.Taken+s.Taken, variance[k]+s.Variance
			w.Periods = append(w.Periods, gate.CountedPeriod{First: dataset.UnixDay(start.Unix()), End: dataset.UnixDay(end.Unix()), PerDeveloper: s.PerDeveloper})
		}
	}
	for k, w := range sums {
		w.Noise = math.Sqrt(variance[k])
		list = append(list, *w)
	}
	slices.SortFunc(list, func(a, b gate.Withheld) int {
		return cmp.Or(cmp.Compare(a.Contributor, b.Contributor), cmp.Compare(a.Language, b.Language))
	})
	return list, nil
}

// saveSelection keeps what a gate saw of selection beside its report, by contributor. It is for the hub's own pages: the report, which
// contributors read, does not have it.
func (h *Hub) saveSelection(ctx context.Context, report string, list []gate.Selection) error {
	for _, x := range list {
		b, err := json.Marshal(x)
		if err != nil {
			return err
		}
		err = h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocSelection, ID: report + "/" + x.Contributor, Parent: report, Contributor: x.Contributor, Envelope: b, LogIndex: -1, MadeAt: h.cfg.Now()})
		if err != nil {
			return err
		}
	}
	return nil
}

// selections are what was kept beside reports, by their digests, in the order of contributors.
func (h *Hub) selections(ctx context.Context) (map[string][]gate.Selection, error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocSelection)
	of := map[string][]gate.Selection{}
	for _, doc := range docs {
		var x gate.Selection
		if err := json.Unmarshal(doc.Envelope, &x); err != nil {
			return nil, err
		}
		of[doc.Parent] = append(of[doc.Parent], x)
	}
	for _, list := range of {
		slices.SortFunc(list, func(a, b gate.Selection) int { return cmp.Compare(a.Contributor, b.Contributor) })
	}
	return of, err
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

// eraseCounts deletes the counts that a withdrawal names, and what gates saw by their contributor's counts.
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
