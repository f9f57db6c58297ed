// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// fetch brings back what the hub has for us: withdrawals it has yet to certify, the release of our channel, our
// statement. Each is verified before it is stored.
func (e *Edge) fetch(ctx context.Context) error {
	return errors.Join(e.fetchCertificates(ctx), e.fetchExpired(ctx), e.fetchRelease(ctx), e.fetchStatement(ctx))
}

func (e *Edge) fetchRelease(ctx context.Context) error {
	repo, err := e.repository(repoReleases)
	if err != nil {
		return err
	}
	digest, layers, err := e.tagged(ctx, repo, e.cfg.Channel)
	if err != nil {
		return err
	}
	if layers == nil {
		// None yet, or the last was retired: show everything, as if Headrace were not there, after a restart too.
		if e.current.Swap(nil) != nil {
			return e.db.DropReleases(ctx)
		}
		return nil
	}
	if c := e.current.Load(); c != nil && c.digest == digest {
		return nil
	}
	c, err := e.pulled(ctx, layers)
	if err != nil {
		return fmt.Errorf("release in channel %s: %w", e.cfg.Channel, err)
	}
	c.digest = digest
	err = e.db.SaveRelease(ctx, sqlstore.PulledRelease{ID: c.release.ID, Channel: e.cfg.Channel, Envelope: layers[0], Model: layers[1], Gate: layers[2], PulledAt: e.cfg.Now()})
	if err != nil {
		return err
	}
	e.current.Store(c)
	return nil
}

// pulled verifies a release as it was fetched: all that openRelease does, and that the hub's log holds it.
func (e *Edge) pulled(ctx context.Context, layers [][]byte) (*control, error) {
	if len(layers) != 4 {
		return nil, &episode.Problem{Code: "release/malformed", Message: "a release is a manifest, a model, a gate report and its proof", Hint: "ask the hub's operator"}
	}
	c, err := e.openRelease(layers[0], layers[1], layers[2])
	if err != nil {
		return nil, err
	}
	_, _, err = e.inLog(ctx, proof.KindRelease, c.release.ID, layers[3], nil)
	return c, err
}

// openRelease verifies that the hub signed the release and its gate report, that they speak of this model, and that the
// gate let it through.
func (e *Edge) openRelease(envelope, model, gate []byte) (*control, error) {
	c := &control{}
	payload, err := e.payloadFromHub(envelope, bundle.TypeRelease)
	if err != nil {
		return nil, err
	}
	if c.release, err = release.Decode(payload); err != nil {
		return nil, err
	}
	if c.release.Model != episode.Digest(model) || c.release.Gate != episode.Digest(gate) {
		return nil, &episode.Problem{Code: "release/digest-mismatch", Message: "the model or gate report is not the one that the release names", Hint: "ask the hub's operator"}
	}
	var report release.Report
	if err := e.openFromHub(gate, bundle.TypeGateReport, &report); err != nil {
		return nil, err
	}
	if report.Verdict != release.Released {
		return nil, &episode.Problem{Code: "release/not-through-the-gate", Message: "the gate refused this release", Hint: "ask the hub's operator"}
	}
	c.filter = new(learn.Filter)
	return c, c.filter.UnmarshalBinary(model)
}

// loadRelease takes up the release that was in force before a restart. It was verified when it was stored.
func (e *Edge) loadRelease(ctx context.Context) error {
	list, err := e.db.PulledReleases(ctx)
	if err != nil || len(list) == 0 || list[0].Channel == "" || e.cfg.Hub == nil {
		return err
	}
	c, err := e.openRelease(list[0].Envelope, list[0].Model, list[0].Gate)
	if err != nil {
		e.log.Warn("the stored release does not verify; waiting for the hub's", "err", err)
		return nil
	}
	e.current.Store(c)
	return nil
}

func (e *Edge) fetchStatement(ctx context.Context) error {
	repo, err := e.repository(e.cfg.Contributor + repoStatements)
	if err != nil {
		return err
	}
	_, layers, err := e.tagged(ctx, repo, tagLatest)
	if err != nil || layers == nil {
		return err
	}
	var any map[string]any
	if err := e.openFromHub(layers[0], bundle.TypeStatement, &any); err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	if len(layers) != 2 {
		return &episode.Problem{Code: "statement/no-proof", Message: "the hub's statement comes without the proof that its log holds it", Hint: "ask the hub's operator"}
	}
	if _, _, err := e.inLog(ctx, proof.KindStatement, episode.Digest(layers[0]), layers[1], nil); err != nil {
		return fmt.Errorf("statement: %w", err)
	}
	return e.db.SaveStatement(ctx, sqlstore.Document{ID: episode.Digest(layers[0]), Envelope: layers[0], At: e.cfg.Now()})
}

// tagged fetches what a tag names, or nothing where there is no such tag yet.
func (e *Edge) tagged(ctx context.Context, repo store, tag string) (digest string, layers [][]byte, err error) {
	var desc ocispec.Descriptor
	desc, err = oras.Resolve(ctx, repo, tag, oras.DefaultResolveOptions)
	if errors.Is(err, errdef.ErrNotFound) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, e.explain(err)
	}
	layers, err = e.layers(ctx, repo, desc)
	return desc.Digest.String(), layers, err
}
