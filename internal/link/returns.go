// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Release is a release as the hub sent it, verified.
type Release struct {
	*release.Release
	Digest                string // of the artifact it came in
	Envelope, Model, Gate []byte
}

// Release fetches what a channel offers, or nil where it offers nothing. What has the digest known is not fetched again: it comes
// with nothing but that.
func (l *Link) Release(ctx context.Context, channel, known string) (*Release, error) {
	digest, layers, err := l.tagged(ctx, releases, channel)
	if err != nil || layers == nil {
		return nil, err
	}
	if digest == known {
		return &Release{Digest: digest}, nil
	}
	r, err := l.release(ctx, layers)
	if err != nil {
		return nil, fmt.Errorf("release in channel %s: %w", channel, err)
	}
	r.Digest = digest
	return r, nil
}

func (l *Link) release(ctx context.Context, layers [][]byte) (*Release, error) {
	if len(layers) != 4 {
		return nil, &episode.Problem{Code: "release/malformed", Message: "a release is a manifest, a model, a gate report and its proof", Hint: "ask the hub's operator"}
	}
	r, err := l.OpenRelease(layers[0], layers[1], layers[2])
	if err != nil {
		return nil, err
	}
	_, _, err = l.inLog(ctx, proof.KindRelease, r.ID, layers[3], nil)
	return r, err
}

// OpenRelease verifies that the hub signed the release and its gate report, that they speak of this model, and that the
// gate let it through.
func (l *Link) OpenRelease(envelope, model, judged []byte) (*Release, error) {
	payload, err := l.payload(envelope, bundle.TypeRelease)
	if err != nil {
		return nil, err
	}
	r, err := release.Decode(payload)
	if err != nil {
		return nil, err
	}
	if r.Model != episode.Digest(model) || r.Gate != episode.Digest(judged) {
		return nil, &episode.Problem{Code: "release/digest-mismatch", Message: "the model or gate report is not the one that the release names", Hint: "ask the hub's operator"}
	}
	var report gate.Report
	if err := l.Open(judged, bundle.TypeGateReport, &report); err != nil {
		return nil, err
	}
	if report.Verdict != gate.Released {
		return nil, &episode.Problem{Code: "release/not-through-the-gate", Message: "the gate refused this release", Hint: "ask the hub's operator"}
	}
	return &Release{Release: r, Envelope: envelope, Model: model, Gate: judged}, nil
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
