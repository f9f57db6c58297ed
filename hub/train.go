// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"slices"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/rights"
	"github.com/headrace/headrace/internal/sqlstore"
)

// candidate is what a training made of a snapshot, and the decisions it is judged by.
type candidate struct {
	filter  *learn.Filter // nil where the data teaches nothing
	model   []byte
	digest  string
	options learn.Options
	report  learn.Report
	why     string // why there is no filter
	train   []dataset.Decision
	heldOut []dataset.Decision
	judges  []dataset.Decision // of all developers, where nobody was learned from; else nil
}

// judgedBy are the decisions that the candidate is judged by: where none was learned, nobody was learned from, and everybody counts
// as held out, so that the report says what there is, not what a split left.
func (c *candidate) judgedBy() []dataset.Decision {
	if c.filter == nil {
		return c.judges
	}
	return c.heldOut
}

// train learns a show/hide filter from the developers who are not held out, and only from records whose terms allow
// training. Held-out developers stay so for as long as the hub keeps its key.
func (h *Hub) train(ctx context.Context, s *snapshot) (*candidate, error) {
	start := time.Now()
	now := h.cfg.Now()
	c := &candidate{}
	split := splitter{rights: h.rights, recipient: h.cfg.Name, held: gate.HeldOut(h.ring.Derive("split"))}
	for _, r := range s.rows {
		split.add(r, now)
	}
	c.train, c.heldOut = dataset.Decisions(split.train), dataset.Decisions(split.heldOut)
	c.options = learn.Options{Reward: h.scorer(c.train, h.today())}
	f, rep, err := learn.Fit(ctx, c.train, c.options)
	c.report = rep
	if err != nil {
		// Too little to learn from is an answer, not a failure: the gate says what is missing.
		c.why, c.judges = err.Error(), dataset.Decisions(split.judges)
		return c, ctx.Err()
	}
	c.filter = f
	if c.model, err = f.MarshalBinary(); err != nil {
		return nil, err
	}
	if c.digest, err = h.blobs.PutBytes(ctx, c.model); err != nil {
		return nil, err
	}
	h.stats.Learn.add(rep.Used, start)
	return c, ctx.Err()
}

// judgement is a gate report and its signed bytes.
type judgement struct {
	report   gate.Report
	envelope []byte
	digest   string
}

// evaluate puts the filter through the gate.
func (h *Hub) evaluate(ctx context.Context, s *snapshot, c *candidate) (*judgement, error) {
	var m learn.Model // nil where there is no filter
	if c.filter != nil {
		m = c.filter
	}
	return h.judge(ctx, s, release.Filter, m, c.digest, c.judgedBy(), c.why)
}

// judge puts a candidate of a kind through the gate and signs the report. Why says why there is no candidate, where there is none.
func (h *Hub) judge(ctx context.Context, s *snapshot, kind release.Kind, m learn.Model, digest string, by []dataset.Decision, why string) (*judgement, error) {
	start := time.Now()
	look, err := h.nextLook(ctx, kind, s.manifest.ID)
	if err != nil {
		return nil, err
	}
	today := h.today()
	home, err := h.countedBeside(ctx, kind)
	if err != nil {
		return nil, err
	}
	g := &judgement{report: gate.Evaluate(by, m, gate.Options{Model: digest, Snapshot: s.manifest.ID, AsOf: today, Reward: h.scorer(by, today), Look: look, Withheld: home})}
	if g.envelope, err = bundle.SealDocument(bundle.TypeGateReport, g.report, h.ring.Signing()); err != nil {
		return nil, err
	}
	g.digest = episode.Digest(g.envelope)
	h.stats.Gate.add(g.report.Data.Judged, start)
	if err := h.saveSelection(ctx, g.digest, g.report.Selection); err != nil {
		return nil, err
	}
	return g, h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocGate, ID: g.digest, Parent: s.manifest.ID, Envelope: g.envelope, LogIndex: -1, Note: why, MadeAt: h.cfg.Now()})
}

// nextLook is the next one at the claim that a candidate of a kind is better than what everybody has. It follows from the reports that
// are stored; a turn that was interrupted looks as it did before.
func (h *Hub) nextLook(ctx context.Context, kind release.Kind, snapshot string) (gate.Look, error) {
	last, _, err := h.lastRollout(ctx, kind)
	if err != nil {
		return gate.Look{}, err
	}
	next := gate.Look{Kind: string(kind), Base: last.Settled(), Number: 1}
	for doc, err := range h.db.NewestDocuments(ctx, sqlstore.DocGate) {
		if err != nil {
			return next, err
		}
		var r gate.Report
		if h.open(doc.Envelope, bundle.TypeGateReport, &r) != nil || r.Look == nil || r.Look.Kind != next.Kind {
			continue // of a format of before, or of another kind
		}
		if doc.Parent == snapshot {
			return *r.Look, nil
		}
		if r.Look.Base == next.Base {
			next.Number = r.Look.Next()
			break
		}
	}
	return next, nil
}

// splitter sorts rows by what they may be used for: a developer is either learned from or judged by.
type splitter struct {
	rights                 rights.Use
	recipient              string
	held                   func(contributor, developer string) bool
	train, heldOut, judges []dataset.Row // judges: of all developers
}

func (s *splitter) permits(r dataset.Row, now time.Time) bool {
	return slices.ContainsFunc(purposes, func(p episode.Purpose) bool { return r.Permit(s.rights, s.recipient, p, now) })
}

func (s *splitter) add(r dataset.Row, now time.Time) {
	isHeld, mayJudge := s.held(r.Contributor, r.Episode.Developer), r.Permit(s.rights, s.recipient, episode.PurposeEvaluate, now)
	if mayJudge {
		s.judges = append(s.judges, r)
	}
	if isHeld && mayJudge {
		s.heldOut = append(s.heldOut, r)
	}
	if !isHeld && r.Permit(s.rights, s.recipient, episode.PurposeReward, now) {
		s.train = append(s.train, r)
	}
}
