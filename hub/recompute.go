// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/rights"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/value"
)

// Recompute makes a statement again from its snapshot, train → evaluate → measure → state, and returns it where all that
// comes out is what was signed. Whatever differs, or may no longer be looked at, is a Problem.
//
// It only reads, and needs neither log nor registry: the hub of cfg.Dir may be running meanwhile. Whom the records were
// for is in the snapshot, so that cfg.Name is not asked.
func Recompute(ctx context.Context, cfg Config, id string) (_ *value.Statement, err error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	h := &Hub{cfg: cfg} // no more of a hub than opens its own documents
	if h.rights, err = rights.Makers(); err != nil {
		return nil, err
	}
	if h.blobs, err = blob.View(filepath.Join(cfg.Dir, "blobs"), filepath.Join(cfg.Dir, "keys", "blobs")); err != nil {
		return nil, &episode.Problem{Code: "value/no-hub", Message: "there is no hub in " + cfg.Dir, Hint: "name the hub's state folder with --dir", Err: err}
	}
	if h.ring, err = keyring.OpenWith(filepath.Join(cfg.Dir, "keys"), cfg.Signing); err != nil {
		return nil, err
	}
	if h.db, err = sqlstore.Open(ctx, cmp.Or(cfg.Database, filepath.Join(cfg.Dir, "hub.db")), sqlstore.RoleHub); err != nil {
		return nil, err
	}
	defer h.db.Close()
	c, err := h.claim(ctx, id)
	if err != nil {
		return nil, err
	}
	card := cmp.Or(cfg.RateCard, value.DefaultRateCard())
	if card.Digest != c.statement.RateCard {
		return nil, &episode.Problem{Code: "value/other-rate-card", Message: "the statement was made with another rate card, " + c.statement.RateCard,
			Hint: "name the file with that digest as rate_card in the hub's configuration"}
	}
	return &c.statement, h.check(ctx, c, card)
}

// claim is a statement with the signed report and the snapshot that it rests on.
type claim struct {
	statement value.Statement
	report    gate.Report
	snapshot  *dataset.Manifest
	madeAt    time.Time // of the report
	why       string    // why there was no candidate
}

func (h *Hub) claim(ctx context.Context, id string) (*claim, error) {
	c := new(claim)
	doc, err := h.db.Document(ctx, sqlstore.DocStatement, id)
	if err == sqlstore.ErrNotFound {
		return nil, &episode.Problem{Code: "value/no-statement", Message: "this hub made no statement " + id, Hint: "the hub's statements page lists the ids"}
	} else if err != nil {
		return nil, err
	}
	if err := h.open(doc.Envelope, bundle.TypeStatement, &c.statement); err != nil {
		return nil, err
	}
	if doc, err = h.db.Document(ctx, sqlstore.DocGate, c.statement.Gate); err != nil {
		return nil, fmt.Errorf("gate report %s: %w", c.statement.Gate, err)
	}
	if err := h.open(doc.Envelope, bundle.TypeGateReport, &c.report); err != nil {
		return nil, err
	}
	c.madeAt, c.why = doc.MadeAt, doc.Note
	if doc, err = h.db.Document(ctx, sqlstore.DocSnapshot, c.report.Snapshot); err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", c.report.Snapshot, err)
	}
	s, err := openStored(doc)
	if err == nil && s.note != "" {
		return nil, &episode.Problem{Code: "value/withdrawn", Message: "records that the statement rests on were withdrawn since, and are gone",
			Hint: "recompute a statement of a newer snapshot"}
	}
	c.snapshot = s.manifest
	return c, err
}

// check does again what the turn did, and compares each step with what was signed.
func (h *Hub) check(ctx context.Context, c *claim, card *value.RateCard) error {
	snap, err := dataset.Open(ctx, h.blobs, c.report.Snapshot)
	if err != nil {
		return err
	}
	split, now, expired := splitter{rights: h.rights, recipient: c.snapshot.Curation.Recipient, held: gate.HeldOut(h.ring.Derive("split"))}, h.cfg.Now(), 0
	for r, err := range snap.Rows(ctx) {
		if err != nil {
			return err
		}
		if split.permits(r, c.madeAt) && !split.permits(r, now) {
			expired++
		}
		split.add(r, now)
	}
	if expired > 0 {
		return &episode.Problem{Code: "value/expired", Message: fmt.Sprintf("%d records that the statement rests on have expired since: nobody may use them any more", expired),
			Hint: "recompute a statement of a newer snapshot"}
	}
	train, heldOut, model := dataset.Decisions(split.train), dataset.Decisions(split.heldOut), ""
	var judged learn.Model
	if spec := h.reward(); c.report.Spec != "" && c.report.Spec != spec.Digest() {
		return &episode.Problem{Code: "value/other-reward", Message: "the statement rests on another reward than this hub is configured with now",
			Hint: "set reward in hub.yaml to what it was: the gate report names it as " + c.report.Reward}
	}
	o := learn.Options{Reward: h.scorer(train, c.report.AsOf)}
	filter, _, err := learn.Fit(ctx, train, o)
	if err != nil {
		heldOut = dataset.Decisions(split.judges) // as train does
	} else if b, err := filter.MarshalBinary(); err != nil {
		return err
	} else {
		model, judged = episode.Digest(b), filter
	}
	judging := gate.Options{Model: model, Snapshot: c.report.Snapshot, AsOf: c.report.AsOf, Reward: h.scorer(heldOut, c.report.AsOf)}
	if c.report.Look != nil {
		judging.Look = *c.report.Look
	}
	report := gate.Evaluate(heldOut, judged, judging)
	// Sealing is deterministic: the same model and the same report are the same bytes.
	envelope, err := bundle.SealDocument(bundle.TypeGateReport, report, h.ring.Signing())
	if err != nil {
		return err
	}
	if episode.Digest(envelope) != c.statement.Gate {
		return &episode.Problem{Code: "value/mismatch", Message: "learning and judging again did not give the gate report that the statement names",
			Hint: "recompute with the version of headrace that made it; if it stays so, ask the hub's operator"}
	}
	var worths []value.Worth
	if filter != nil {
		if worths, err = value.Measure(ctx, train, heldOut, filter, o); err != nil {
			return err
		}
	}
	return value.Recompute(c.statement, statementInputs(c.statement.Period, card, c.statement.Gate, &report, c.snapshot.Counts, worths, c.why))
}
