// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// lastRollout is the last of a kind, with the digest of its signed document; the zero Rollout where there was none.
func (h *Hub) lastRollout(ctx context.Context, kind release.Kind) (release.Rollout, string, error) {
	list, err := h.rollouts(ctx, kind)
	if err != nil || len(list) == 0 {
		return release.Rollout{}, "", err
	}
	return list[0].Rollout, list[0].Digest, nil
}

// rollouts are those of a kind, newest first.
func (h *Hub) rollouts(ctx context.Context, kind release.Kind) (list []link.Rollout, err error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocRollout)
	if err != nil {
		return nil, err
	}
	for _, doc := range docs {
		if doc.Note != string(kind) {
			continue
		}
		r := link.Rollout{Digest: doc.ID, Envelope: doc.Envelope}
		if err := h.open(doc.Envelope, bundle.TypeRollout, &r.Rollout); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// Rollouts are those of a kind, newest first.
func (h *Hub) Rollouts(ctx context.Context, kind release.Kind) ([]release.Rollout, error) {
	list, err := h.rollouts(ctx, kind)
	out := make([]release.Rollout, len(list))
	for i := range list {
		out[i] = list[i].Rollout
	}
	return out, err
}

// announce signs a roll-out and shows it. The row comes first: of one number there is one document, whatever a crash interrupts.
func (h *Hub) announce(ctx context.Context, who string, r release.Rollout) error {
	r.Worth = nil
	if taken, passed, ok := h.reward().AtOnce(); ok {
		r.Worth = &release.Worth{Reward: h.reward().Title(), Taken: taken, Passed: passed}
	}
	envelope, err := bundle.SealDocument(bundle.TypeRollout, r, h.ring.Signing())
	if err != nil {
		return err
	}
	words := fmt.Sprintf("%s %s at stage %d of %d, %s: %s", r.Kind, r.Release, r.Stage, release.Stages, r.State, r.Why)
	err = h.db.Noting(h.entry(ctx, who, "roll out", words)).SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocRollout, ID: episode.Digest(envelope), Parent: r.Release, Envelope: envelope, LogIndex: -1,
		Note: string(r.Kind), MadeAt: h.cfg.Now()})
	if err != nil {
		return err
	}
	return h.show(ctx, r.Kind)
}

// show enters the last roll-out of a kind into the log and puts it where contributors find it, if it is not there yet.
func (h *Hub) show(ctx context.Context, kind release.Kind) error {
	list, err := h.rollouts(ctx, kind)
	if err != nil || len(list) == 0 || h.shown[kind] == list[0].Digest {
		return err
	}
	inclusion, err := h.logOnce(ctx, proof.KindRollout, list[0].Digest)
	if err != nil {
		return err
	}
	layers, err := withProofs(list[0].Envelope, inclusion)
	if err != nil {
		return err
	}
	if _, _, err := h.publish(ctx, releases, link.RolloutTag(kind), bundle.TypeRollout, nil, layers...); err != nil {
		return err
	}
	h.shown[kind] = list[0].Digest
	return nil
}

// roll lets what is being rolled out go on, or back, by what was seen of it, and begins with the next release once nothing is.
func (h *Hub) roll(ctx context.Context) error {
	h.rolling.Lock()
	defer h.rolling.Unlock()
	var errs []error
	for _, kind := range release.Kinds() {
		if err := h.rollKind(ctx, kind); err != nil { // the others go their way
			errs = append(errs, fmt.Errorf("roll out %s: %w", kind, err))
		}
	}
	return errors.Join(errs...)
}

// rollKind is roll for one kind. rolling is held.
func (h *Hub) rollKind(ctx context.Context, kind release.Kind) error {
	if err := h.show(ctx, kind); err != nil {
		return err
	}
	list, err := h.rollouts(ctx, kind)
	if err != nil {
		return err
	}
	var last link.Rollout
	if len(list) > 0 {
		last = list[0]
	}
	look, looked, err := h.lastLook(ctx, last.Rollout)
	if err != nil {
		return err
	}
	pace := h.cfg.Pace
	if !looked { // since its last step: what was seen before may have spoken against the release
		pace.Patience = 0
	}
	next, changed := last.Next(look.Look, pace, last.Digest, h.cfg.Now())
	if held, is := h.hold(list, look.Alarms); is && next.State != release.Back {
		next, changed = held, true
	}
	if changed {
		if err := h.announce(ctx, "hub", next); err != nil {
			return err
		}
	}
	return h.begin(ctx, kind)
}

// begin starts the roll-out of the newest release of a kind, if nothing is being rolled out and it never was. rolling is held.
func (h *Hub) begin(ctx context.Context, kind release.Kind) error {
	before, err := h.rollouts(ctx, kind)
	if err != nil || len(before) > 0 && !before[0].Over() {
		return err
	}
	docs, err := h.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		r := new(release.Release)
		if err := h.openRelease(doc, r); err != nil {
			return err
		}
		if r.Kind != kind {
			continue
		}
		if doc.Note != "" || slices.ContainsFunc(before, func(b link.Rollout) bool { return b.Release == r.ID }) {
			return nil // retired, or rolled out before: older ones are not brought back
		}
		if takes, err := h.taken(ctx, doc.Parent); err != nil || !takes {
			return err // let through by a gate of before: no edge takes it any more, and it would only keep the next waiting
		}
		var last link.Rollout
		if len(before) > 0 {
			last = before[0]
		}
		return h.announce(ctx, "hub", release.Start(kind, r.ID, last.Rollout, last.Digest, h.cfg.Now()))
	}
	return nil
}

// taken says whether edges take a gate report's word.
func (h *Hub) taken(ctx context.Context, report string) (bool, error) {
	doc, err := h.db.Document(ctx, sqlstore.DocGate, report)
	if err != nil {
		return false, fmt.Errorf("gate report %s: %w", report, err)
	}
	payload, _, err := bundle.OpenDocument(doc.Envelope, bundle.TypeGateReport, bundle.NewTrust(bundle.TrustedKey{Key: h.Public()}))
	if err != nil {
		return false, err
	}
	_, err = gate.Decode(payload)
	return err == nil, nil
}

// openRelease reads a release that this hub signed.
func (h *Hub) openRelease(doc sqlstore.DocumentRow, r *release.Release) error {
	payload, _, err := bundle.OpenDocument(doc.Envelope, bundle.TypeRelease, bundle.NewTrust(bundle.TrustedKey{Key: h.Public()}))
	if err != nil {
		return err
	}
	got, err := release.Decode(payload)
	if err == nil {
		*r = *got
	}
	return err
}

// takeRetiredBack takes releases that were retired out of roll-outs.
func (h *Hub) takeRetiredBack(ctx context.Context) error {
	h.rolling.Lock()
	defer h.rolling.Unlock()
	docs, err := h.db.Documents(ctx, sqlstore.DocRelease)
	if err != nil {
		return err
	}
	retired := map[string]bool{}
	for _, doc := range docs {
		retired[doc.ID] = doc.Note != ""
	}
	for _, kind := range release.Kinds() {
		last, digest, err := h.lastRollout(ctx, kind)
		if err != nil {
			return err
		}
		base := last.Base
		if retired[base] {
			base = ""
		}
		switch {
		case retired[last.Release] && last.State != release.Back:
			err = h.announce(ctx, "hub", last.GoBack(base, digest, "what it was learned from was withdrawn", h.cfg.Now()))
		case base != last.Base:
			err = h.announce(ctx, "hub", last.WithoutBase(digest, "what its base was learned from was withdrawn", h.cfg.Now()))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Steer lets a person lead a roll-out: "widen" it by a stage, or to all at once; "pause" it; let it go on ("resume"); or take it "back" from all.
func (h *Hub) Steer(ctx context.Context, who string, kind release.Kind, what string, all bool) (release.Rollout, error) {
	h.rolling.Lock()
	defer h.rolling.Unlock()
	last, digest, err := h.lastRollout(ctx, kind)
	if err != nil {
		return last, err
	}
	if last.Release == "" {
		return last, &episode.Problem{Code: "rollout/none", Message: fmt.Sprintf("no release of kind %s was ever rolled out", kind), Hint: "the gate lets a candidate through when there is enough to tell that it helps"}
	}
	now, why := h.cfg.Now(), what+" by "+who
	next := last
	switch what {
	case "widen":
		stage := last.Stage + 1
		if all {
			stage = release.Stages
		}
		next, err = last.Widen(stage, digest, why, now)
	case "resume":
		next, err = last.Widen(last.Stage, digest, why, now)
	case "pause":
		next, err = last.Pause(digest, why, now)
	case "back":
		if last.State == release.Back {
			err = &episode.Problem{Code: "rollout/back", Message: last.Release + " has gone back before", Hint: "there is nothing to do"}
		}
		next = last.GoBack(last.Base, digest, why, now)
	default:
		err = errors.New("steer: " + what)
	}
	if err != nil {
		return last, err
	}
	if err := h.announce(ctx, who, next); err != nil {
		return last, err
	}
	return next, nil
}
