// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/value"
)

// settle measures what each contributor's data was worth, signs a statement for each and puts it where the contributor
// finds it. Then the turn is done.
func (h *Hub) settle(ctx context.Context, s *snapshot, c *candidate, g *judgement) error {
	start := time.Now()
	var worths []value.Worth
	if c.filter != nil {
		var err error
		if worths, err = value.Measure(ctx, c.train, c.heldOut, c.filter, c.options); err != nil {
			return err
		}
	}
	in := statementInputs(h.cfg.Now().UTC().Format("2006-01"), h.cfg.RateCard, g.digest, &g.report, s.manifest.Counts, worths, c.why)
	list := value.State(in)
	for _, st := range list {
		envelope, err := bundle.SealDocument(bundle.TypeStatement, st, h.ring.Signing())
		if err != nil {
			return err
		}
		inclusion, err := h.logOnce(ctx, proof.KindStatement, episode.Digest(envelope))
		if err != nil {
			return err
		}
		layers, err := withProofs(envelope, inclusion)
		if err != nil {
			return err
		}
		if _, _, err := h.publish(ctx, st.Contributor+"/statements", "latest", bundle.TypeStatement, nil, layers...); err != nil {
			return err
		}
		if err := h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocStatement, ID: episode.Digest(envelope), Parent: g.digest,
			Contributor: st.Contributor, Envelope: envelope, LogIndex: int64(inclusion.Index), MadeAt: h.cfg.Now()}); err != nil {
			return err
		}
	}
	if err := h.db.NoteDocument(ctx, sqlstore.DocSnapshot, s.manifest.ID, noteSettled); err != nil {
		return err
	}
	h.stats.Value.add(len(list), start)
	return nil
}

// statementInputs is everything that the statements of a gate report follow from; why says why there was no candidate.
func statementInputs(period string, card *value.RateCard, id string, report *gate.Report, counts map[string]dataset.Count, worths []value.Worth, why string) value.Inputs {
	in := value.Inputs{Period: period, Card: card, Records: map[string]value.Records{}, Worths: worths,
		Gate: value.Gate{Digest: id, Verdict: string(report.Verdict), Released: report.Verdict == gate.Released}}
	if in.Gate.Released && report.Old.Estimate > 0 {
		in.Gate.Certified = report.Certified() / report.Old.Estimate
	}
	for name, n := range counts {
		in.Records[name] = value.Records{In: n.In, Used: n.Used + n.Folded, SetAside: n.SetAside}
		if !slices.ContainsFunc(worths, func(w value.Worth) bool { return w.Contributor == name }) {
			in.Worths = append(in.Worths, value.Worth{Contributor: name, Why: cmp.Or(why, "none of its records may be trained on")})
		}
	}
	slices.SortFunc(in.Worths, func(a, b value.Worth) int { return cmp.Compare(a.Contributor, b.Contributor) })
	return in
}

// LatestGate returns the newest gate report on a filter, and the release it let through, if any.
func (h *Hub) LatestGate(ctx context.Context) (*gate.Report, *release.Release, error) {
	for of, err := range h.db.NewestDocuments(ctx, sqlstore.DocGate) {
		if err != nil {
			return nil, nil, err
		}
		g := new(gate.Report)
		if err := h.open(of.Envelope, bundle.TypeGateReport, g); err != nil {
			return nil, nil, err
		}
		if g.Look != nil && g.Look.Kind != string(release.Filter) {
			continue
		}
		made, err := h.db.DocumentsBelow(ctx, sqlstore.DocRelease, of.ID, 1)
		if err != nil || len(made) == 0 {
			return g, nil, err
		}
		r := new(release.Release)
		return g, r, h.openRelease(made[0], r)
	}
	return nil, nil, nil
}

// LatestStatements returns the newest statements, of one gate report, by contributor.
func (h *Hub) LatestStatements(ctx context.Context) ([]value.Statement, error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocStatement)
	if err != nil {
		return nil, err
	}
	var list []value.Statement
	for _, doc := range docs {
		if doc.Parent != docs[0].Parent {
			continue
		}
		var s value.Statement
		if err := h.open(doc.Envelope, bundle.TypeStatement, &s); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b value.Statement) int { return cmp.Compare(a.Contributor, b.Contributor) })
	return list, nil
}

// Candidate returns the model with this digest, for whoever holds this hub.
func (h *Hub) Candidate(ctx context.Context, digest string) ([]byte, error) {
	return h.blobs.Get(ctx, digest)
}

// open reads a document that this hub signed.
func (h *Hub) open(envelope []byte, payloadType string, v any) error {
	payload, _, err := bundle.OpenDocument(envelope, payloadType, bundle.NewTrust(bundle.TrustedKey{Key: h.Public()}))
	if err != nil {
		return err
	}
	return bundle.DecodeDocument(payload, v)
}
