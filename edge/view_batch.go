// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
	"github.com/headrace/headrace/scrub"
)

// Batches returns the outgoing batches: all that would leave next. There is one for each recipient, named after it.
func (v View) Batches(ctx context.Context) (list []web.Batch, err error) {
	for _, name := range v.recipients() { // to a hub that was left nothing leaves, and nobody is asked
		b, _, err := v.batch(ctx, name)
		if err != nil {
			return nil, err
		}
		if b.Records > 0 {
			list = append(list, b)
		}
	}
	return list, nil
}

// batch is what the outgoing batch to a recipient comes to, and the number of its last row so far.
func (v View) batch(ctx context.Context, recipient string) (b web.Batch, last int64, err error) {
	if _, err := v.hubOf(recipient); err != nil {
		return b, 0, web.ErrNotFound
	}
	b = web.Batch{ID: recipient, Recipient: recipient, Levels: map[episode.Level]int{}, Findings: map[string]int{}}
	list, last, err := v.db.Tallies(ctx, recipient)
	for _, t := range list {
		n := int(t.Records)
		b.Records += n
		b.Bytes += t.Bytes
		b.Levels[episode.Level(t.Level)] += n
		for kind, n := range t.Found {
			b.Findings[kind] += n
		}
		switch t.State {
		case sqlstore.OutWaiting:
			b.Waiting += n
			b.Flagged += int(t.Flagged)
		case sqlstore.OutAsked:
			b.Asked += n
		case sqlstore.OutHeld:
			b.Held += n
		case sqlstore.OutApproved:
			b.Approved += n
		case sqlstore.OutRefused:
			b.Refused += n
		}
	}
	return b, last, err
}

// shownFirst is the state whose records a batch shows where none is asked for.
func shownFirst(b web.Batch) string {
	switch {
	case b.Waiting > 0 || b.Records == 0:
		return sqlstore.OutWaiting
	case b.Held > 0:
		return sqlstore.OutHeld
	case b.Approved > 0:
		return sqlstore.OutApproved
	}
	return sqlstore.OutRefused
}

// place reads where a page begins; what is no place is the beginning.
func place(s string) (p sqlstore.Place) {
	risk, seq, _ := strings.Cut(s, ".")
	p.Risk, _ = strconv.Atoi(risk)
	p.Seq, _ = strconv.ParseInt(seq, 10, 64)
	return p
}

// Batch opens a page of an outgoing batch.
func (v View) Batch(ctx context.Context, who, id string, q web.BatchQuery) (*web.BatchView, error) {
	b, last, err := v.batch(ctx, id)
	if err != nil {
		return nil, err
	}
	view := &web.BatchView{Batch: b, State: cmp.Or(q.State, shownFirst(b)), Seen: strconv.FormatInt(last, 10), Policy: v.policy().Digest(), Raw: web.RawSealed}
	if view.Flags, err = v.Flags(ctx); err != nil {
		return nil, err
	}
	stopped, err := v.db.StoppedRules(ctx, b.Recipient)
	if err != nil {
		return nil, err
	}
	for _, r := range stopped {
		view.Stopped = append(view.Stopped, web.StoppedRule{Rule: r.Rule, Why: r.Why, At: r.At})
	}
	rows, err := v.db.Batch(ctx, b.Recipient, view.State, place(q.After), q.Limit+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		end := rows[len(rows)-1]
		view.Next = fmt.Sprintf("%d.%d", end.Risk, end.Seq)
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.Episode
	}
	known, err := v.db.EpisodesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		rec := web.BatchRecord{ID: r.Episode, Digest: r.Digest, State: r.State, Risk: r.Risk, Note: r.Note, Rule: r.Rule, Drawn: r.Audited, Tool: known[r.Episode].Tool, Level: episode.Level(r.Level), Out: r.Body}
		if r.Why != "" {
			rec.Why = strings.Split(r.Why, "; ")
		}
		left, err := episode.Decode(r.Body)
		if err != nil {
			return nil, err
		}
		if view.Terms == nil {
			view.Terms = left.Terms
		}
		for _, m := range scrub.Marks(r.Body) {
			rec.Marks = append(rec.Marks, web.Mark{Start: m.Start, End: m.End, Kind: m.Kind})
		}
		if q.Raw {
			view.Raw = web.RawShown
			if err := v.beside(ctx, who, known[r.Episode], &rec); err != nil {
				return nil, err
			}
		}
		view.Records = append(view.Records, rec)
	}
	return view, nil
}

// beside adds the raw record, and what the filter finds in it, by which rule.
func (v View) beside(ctx context.Context, who string, r sqlstore.EpisodeRow, rec *web.BatchRecord) error {
	if !mayRaw(ctx, r) {
		return nil
	}
	raw, err := v.raw(ctx, who, r)
	if errors.Is(err, errExpired) {
		return nil
	}
	if err != nil {
		return err
	}
	if rec.Raw, err = episode.AppendCanonical(nil, raw); err != nil {
		return err
	}
	explain, err := v.explainer()
	if err != nil {
		return err
	}
	_, found, err := explain.Text(nil, rec.Raw)
	if err != nil {
		return fmt.Errorf("mark what the filter finds: %w", err)
	}
	for _, f := range found {
		rec.RawSeen = append(rec.RawSeen, web.Mark{Start: f.Start, End: f.End, Kind: f.Kind, Rule: f.Rule})
	}
	return nil
}

func allDigest(digests []string) string { return episode.Digest([]byte(strings.Join(digests, "\n"))) }

// Rule carries out what a person said to records of the batch.
func (v View) Rule(ctx context.Context, who string, r web.Ruling) error {
	if _, err := v.hubOf(r.Batch); err != nil {
		return web.ErrNotFound
	}
	states := map[web.Choice]string{web.Approve: sqlstore.OutApproved, web.Refuse: sqlstore.OutRefused, web.Hold: sqlstore.OutHeld, web.Unhold: sqlstore.OutWaiting}
	ruling := sqlstore.Ruling{Who: who, Recipient: r.Batch, State: states[r.Choice], Note: r.Note, At: v.cfg.Now(), Plain: r.Plain}
	// What has come since has a higher number, what has changed since came anew, and what somebody has decided was moved since.
	last, err := strconv.ParseInt(r.Seen, 10, 64)
	if err != nil || last <= 0 {
		return &episode.Problem{Code: "preview/changed", Message: "it is not said what you saw", Hint: "look at the batch again, then decide", Err: web.ErrChanged}
	}
	ruling.Last = last
	subject, most := "", 0
	if len(r.Records) > 0 {
		ruling.Digests = slices.Compact(slices.Sorted(slices.Values(r.Records)))
		subject, most = allDigest(ruling.Digests), len(ruling.Digests)
	} else {
		subject = fmt.Sprintf("all that waited, up to %d", last)
		if r.Plain {
			subject = fmt.Sprintf("all that waited without a reason to look, up to %d", last)
		}
	}
	n, err := v.db.Noting(v.entry(ctx, who, string(r.Choice), subject)).Decide(ctx, ruling)
	if err != nil && !errors.Is(err, sqlstore.ErrChanged) {
		return err
	}
	if n > 0 {
		v.Wake()
	}
	if int(n) < most {
		return &episode.Problem{Code: "preview/changed", Message: fmt.Sprintf("of %d records, %d were still as you saw them; these were ruled on", most, n),
			Hint: "the others changed or were decided meanwhile: look at the batch again", Err: web.ErrChanged}
	}
	return nil
}

// StartRule lets a rule approve again that was stopped.
func (v View) StartRule(ctx context.Context, who, batch, rule string) error {
	err := v.db.Noting(v.entry(ctx, who, "start rule", rule)).StartRule(ctx, batch, rule)
	if errors.Is(err, sqlstore.ErrChanged) {
		return nil // somebody has let it
	}
	return err
}

// ApproveAll approves all that waits, in the name of who: for a turn that a person started with headrace up --once.
func (e *Edge) ApproveAll(ctx context.Context, who string) (all int64, err error) {
	for _, name := range e.recipients() {
		n, err := e.db.Noting(e.entry(ctx, who, "approve", "all that waits")).Decide(ctx, sqlstore.Ruling{Who: who, Recipient: name, State: sqlstore.OutApproved, At: e.cfg.Now()})
		if err != nil && !errors.Is(err, sqlstore.ErrChanged) { // that nothing waits
			return all, err
		}
		all += n
	}
	return all, nil
}

// Alarms says where a hub's log broke its promise.
func (v View) Alarms(context.Context) (list []web.Alarm, err error) {
	for _, h := range v.hubs {
		kept, err := h.link.Alarms()
		if err != nil {
			return nil, err
		}
		for _, a := range kept {
			list = append(list, web.Alarm{Hub: v.oneOf(h.link.Name), At: a.At, Why: a.Why, Dir: a.Dir})
		}
	}
	return list, nil
}

// Bundles returns what was packed here, newest first.
func (v View) Bundles(ctx context.Context) ([]web.Bundle, error) {
	rows, err := v.db.Bundles(ctx, "")
	if err != nil {
		return nil, err
	}
	list := make([]web.Bundle, len(rows))
	for i, r := range rows {
		b, err := v.readBundle(ctx, r)
		if err != nil {
			return nil, err
		}
		list[i] = b.Bundle
	}
	slices.Reverse(list)
	return list, nil
}

// Bundle returns one in full, verified again.
func (v View) Bundle(ctx context.Context, id string) (*web.BundleView, error) {
	rows, err := v.db.Bundles(ctx, "")
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(rows, func(r sqlstore.BundleRow) bool { return r.ID == id })
	if i < 0 {
		return nil, web.ErrNotFound
	}
	view, err := v.readBundle(ctx, rows[i])
	if err != nil {
		return nil, err
	}
	_, err = bundle.Verify(v.bundleDir(id), v.ownTrust())
	view.SignedOK = err == nil
	return view, nil
}

// readBundle reads a bundle's signed manifest and its receipt.
func (v View) readBundle(ctx context.Context, r sqlstore.BundleRow) (*web.BundleView, error) {
	m, signed, signer, err := bundle.ReadManifest(v.bundleDir(r.ID), v.ownTrust())
	if err != nil {
		return nil, err
	}
	b := &web.BundleView{Bundle: web.Bundle{ID: r.ID, PackedAt: r.CreatedAt, Recipient: r.Recipient, Records: r.Records, Bytes: r.Bytes, Levels: m.Levels, State: r.State},
		Root: m.MerkleRoot, Policy: strings.Join(m.Policies, ", "), Scrubber: strings.Join(m.Scrubbers, ", "), Findings: m.Findings, Signer: signer.Short()}
	if len(m.Terms) > 0 {
		b.Terms = m.Terms[0].Terms
	}
	h, err := v.hubOf(r.Recipient)
	if b.Manifest = signed; r.Receipt == nil || err != nil {
		return b, nil
	}
	if r.State == "refused" {
		inc, err := h.link.OpenIncident(r.Receipt, r.ID)
		if err != nil {
			return nil, err
		}
		b.Incident = &web.Incident{ID: inc.ID, Day: inc.Day, RotateBy: inc.RotateBy, Kinds: kindsOf(inc), More: inc.More, Signer: h.link.Signer()}
		for _, f := range inc.Findings {
			b.Incident.Findings = append(b.Incident.Findings, web.IncidentFinding{Record: f.Record, Field: f.Field, Kind: f.Kind})
		}
		return b, nil
	}
	onward, err := v.db.Onward(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	for _, o := range onward {
		b.Onward = append(b.Onward, web.Onward{Recipient: o.Recipient, Records: o.Records, LogIndex: o.LogIndex, At: o.ToldAt, Signer: bundle.KeyIDOf(o.RecipientKey).Short()})
	}
	var rec bundle.Receipt
	if err := h.link.Open(r.Receipt, bundle.TypeReceipt, &rec); err != nil {
		return nil, err
	}
	// The log proof was checked before the receipt was stored: there is no receipt here without one.
	b.Receipt = &web.Receipt{At: r.CreatedAt, Signer: h.link.Signer(), Accepted: rec.Records, LogIndex: int64(rec.LogIndex),
		LogSize: int64(rec.LogIndex) + 1, Proof: "verified", ProofWhy: "checked against the hub's key before the receipt was stored"}
	if cp, err := h.link.Checkpoint(rec.Checkpoint); err == nil {
		b.Receipt.LogSize, b.Receipt.Witnesses = int64(cp.Size), cp.Witnesses
	}
	return b, nil
}
