// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Release is a release as the hub sent it, verified.
type Release struct {
	*release.Release
	Envelope, Payload, Gate []byte
}

// Release fetches a release that a roll-out names.
func (l *Link) Release(ctx context.Context, id string) (*Release, error) {
	_, layers, err := l.tagged(ctx, releases, id)
	if err == nil && layers == nil {
		err = &episode.Problem{Code: "release/missing", Message: "the hub does not have the release that it rolls out", Hint: "ask the hub's operator"}
	}
	var r *Release
	if err == nil {
		r, err = l.release(ctx, layers)
	}
	if err == nil && r.ID != id {
		err = &episode.Problem{Code: "release/digest-mismatch", Message: "the hub sent another release, " + r.ID, Hint: "ask the hub's operator"}
	}
	if err != nil {
		return nil, fmt.Errorf("release %s: %w", id, err)
	}
	return r, nil
}

// Rollout is whom a release reaches, as the hub signed it, verified.
type Rollout struct {
	release.Rollout
	Digest   string // of the envelope
	Envelope []byte
}

// RolloutTag is under which tag the hub has the last roll-out of a kind.
func RolloutTag(kind release.Kind) string { return "rollout-" + string(kind) }

// Rollout fetches the last roll-out of a kind, or nil where there has been none. last is the one that was seen before, the zero Rollout
// for none: what does not follow it is refused.
func (l *Link) Rollout(ctx context.Context, kind release.Kind, last Rollout) (*Rollout, error) {
	_, layers, err := l.tagged(ctx, releases, RolloutTag(kind))
	if err != nil || layers == nil {
		return nil, err
	}
	r, err := l.rollout(ctx, kind, layers, last)
	if err != nil {
		return nil, fmt.Errorf("roll-out of kind %s: %w", kind, err)
	}
	return r, nil
}

func (l *Link) rollout(ctx context.Context, kind release.Kind, layers [][]byte, last Rollout) (*Rollout, error) {
	if len(layers) != 2 {
		return nil, &episode.Problem{Code: "rollout/bad", Message: "a roll-out is a document and its proof", Hint: "ask the hub's operator"}
	}
	r, err := l.OpenRollout(layers[0])
	if err != nil {
		return nil, err
	}
	if r.Kind != kind {
		return nil, &episode.Problem{Code: "rollout/bad", Message: fmt.Sprintf("it is one of kind %s", r.Kind), Hint: "ask the hub's operator"}
	}
	if err := r.Follows(r.Digest, last.Rollout, last.Digest); err != nil {
		return nil, err
	}
	if _, _, err := l.inLog(ctx, proof.KindRollout, r.Digest, layers[1], nil); err != nil {
		return nil, err
	}
	return r, nil
}

// OpenRollout verifies that the hub signed a roll-out.
func (l *Link) OpenRollout(envelope []byte) (*Rollout, error) {
	payload, err := l.payload(envelope, bundle.TypeRollout)
	if err != nil {
		return nil, err
	}
	r, err := release.DecodeRollout(payload)
	return &Rollout{Rollout: r, Digest: episode.Digest(envelope), Envelope: envelope}, err
}

func (l *Link) release(ctx context.Context, layers [][]byte) (*Release, error) {
	if len(layers) != 4 {
		return nil, &episode.Problem{Code: "release/malformed", Message: "a release is a manifest, its payload, a gate report and its proof", Hint: "ask the hub's operator"}
	}
	r, err := l.OpenRelease(layers[0], layers[1], layers[2])
	if err != nil {
		return nil, err
	}
	_, _, err = l.inLog(ctx, proof.KindRelease, r.ID, layers[3], nil)
	return r, err
}

// OpenRelease verifies that the hub signed the release and its gate report, that they speak of this payload, and that the
// gate let it through.
func (l *Link) OpenRelease(envelope, payload, judged []byte) (*Release, error) {
	signed, err := l.payload(envelope, bundle.TypeRelease)
	if err != nil {
		return nil, err
	}
	r, err := release.Decode(signed)
	if err != nil {
		return nil, err
	}
	if r.Payload != episode.Digest(payload) || r.Gate != episode.Digest(judged) {
		return nil, &episode.Problem{Code: "release/digest-mismatch", Message: "the payload or gate report is not the one that the release names", Hint: "ask the hub's operator"}
	}
	var report gate.Report
	if err := l.Open(judged, bundle.TypeGateReport, &report); err != nil {
		return nil, err
	}
	if err := report.Check(); err != nil {
		return nil, err
	}
	if report.Verdict != gate.Released {
		return nil, &episode.Problem{Code: "release/not-through-the-gate", Message: "the gate refused this release", Hint: "ask the hub's operator"}
	}
	return &Release{Release: r, Envelope: envelope, Payload: payload, Gate: judged}, nil
}

// Returns is the repository in which we tell the hub which releases were taken back here.
const Returns = "/returns"

// TellBack tells the hub that a release decides nothing here any more.
func (l *Link) TellBack(ctx context.Context, id, why string) error {
	repo, err := l.Repository(l.Contributor + Returns)
	if err != nil {
		return err
	}
	envelope, err := l.takenBack(id, why)
	if err != nil {
		return err
	}
	if _, err := l.PushDocument(ctx, repo, bundle.TypeTakenBack, envelope); err != nil {
		return fmt.Errorf("tell that release %s was taken back: %w", id, err)
	}
	return nil
}

// LeaveBack leaves the same word in the exchange, and reports whether it was not there.
func (l *Link) LeaveBack(ctx context.Context, id, why string) (bool, error) {
	envelope, err := l.takenBack(id, why)
	if err != nil {
		return false, err
	}
	fresh, err := l.leave(ctx, exchange.Tag(exchange.Returns, episode.Digest(envelope)), bundle.TypeTakenBack, envelope)
	if err != nil {
		err = fmt.Errorf("leave that release %s was taken back: %w", id, err)
	}
	return fresh, err
}

// takenBack is the word itself: the same bytes each time.
func (l *Link) takenBack(id, why string) ([]byte, error) {
	return bundle.SealDocument(bundle.TypeTakenBack, bundle.TakenBack{Contributor: l.Contributor, Recipient: l.Name, Release: id, Why: why}, l.ring.Signing())
}

// Counts is the repository in which we tell the hub what was shown and taken here.
const Counts = "/counts"

// TellCounts sends signed counts to the hub, or leaves them in the exchange that stands in its place. Again they change nothing.
// What the hub refuses them with is a Problem with its code.
func (l *Link) TellCounts(ctx context.Context, id string, envelope []byte) error {
	repo, err := l.Repository(l.Contributor + Counts)
	switch {
	case err != nil:
	case l.Visit != nil:
		_, err = l.leave(ctx, exchange.Tag(exchange.Counts, id), bundle.TypeCounts, envelope)
	default:
		_, err = l.PushDocument(ctx, repo, bundle.TypeCounts, envelope)
	}
	if err != nil {
		return fmt.Errorf("tell counts %s: %w", id, problemOf(err))
	}
	return nil
}

// Instructions fetches what the hub asks us to have tried, and what came of it; nil where there is nothing.
func (l *Link) Instructions(ctx context.Context) (*instruct.Offers, error) {
	_, layers, err := l.tagged(ctx, l.Contributor+Instructions, tagLatest)
	if err != nil || layers == nil {
		return nil, err
	}
	if len(layers) != 2 {
		return nil, &episode.Problem{Code: "instructions/no-proof", Message: "the hub's instructions come without the proof that its log holds them", Hint: "ask the hub's operator"}
	}
	o := new(instruct.Offers)
	if err := l.Open(layers[0], bundle.TypeInstructions, o); err == nil {
		err = o.Check(l.Contributor)
		if err != nil {
			return nil, err
		}
	} else {
		return nil, fmt.Errorf("instructions: %w", err)
	}
	if _, _, err := l.inLog(ctx, proof.KindInstructions, episode.Digest(layers[0]), layers[1], nil); err != nil {
		return nil, fmt.Errorf("instructions: %w", err)
	}
	return o, nil
}

// OpenTrial opens the gate report that judged the trial of a payload, and says whether it let it through.
func (l *Link) OpenTrial(envelope, payload []byte) (report gate.Report, err error) {
	if err := l.Open(envelope, bundle.TypeGateReport, &report); err != nil {
		return report, err
	}
	if err := report.Check(); err != nil {
		return report, err
	}
	if report.Design != gate.Randomised || report.Model != episode.Digest(payload) || report.Gain == nil {
		return report, &episode.Problem{Code: "instructions/another-report", Message: "the gate report is not one of a trial of these instructions", Hint: "ask the hub's operator"}
	}
	return report, nil
}

// Statement fetches the latest of our statements, signed; nil where there is none yet.
func (l *Link) Statement(ctx context.Context) ([]byte, error) {
	_, layers, err := l.tagged(ctx, l.Contributor+Statements, tagLatest)
	if err != nil || layers == nil {
		return nil, err
	}
	var any map[string]any
	if err := l.Open(layers[0], bundle.TypeStatement, &any); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	if len(layers) != 2 {
		return nil, &episode.Problem{Code: "statement/no-proof", Message: "the hub's statement comes without the proof that its log holds it", Hint: "ask the hub's operator"}
	}
	if _, _, err := l.inLog(ctx, proof.KindStatement, episode.Digest(layers[0]), layers[1], nil); err != nil {
		return nil, fmt.Errorf("statement: %w", err)
	}
	return layers[0], nil
}
