// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/propose"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
)

// Which file is worth a trial is learned: from records that may only serve to judge nothing is offered.
func TestProposalsComeOfRecordsThatMayServeToLearn(t *testing.T) {
	until := time.Date(2026, 12, 20, 0, 0, 0, 0, time.UTC)
	w, err := sim.New(sim.Config{Seed: 4, Decisions: 6_000, Developers: 300, Draws: 1, Delays: true, Rules: &sim.Rules{Helps: 2.5, Hurts: 2.5}})
	if err != nil {
		t.Fatal(err)
	}
	const contributor = "alder-bank"
	var rows []dataset.Row
	err = w.Settled(contributor, until, func(ep *episode.Episode) error {
		ep = ep.Clone()
		ep.Privacy = &episode.Privacy{Level: episode.LevelSignal}
		for i := range ep.Artifacts { // as an edge names them
			ep.Artifacts[i].Digest = "ar_" + ep.Artifacts[i].Digest[len("sha256:"):][:32]
		}
		rows = append(rows, dataset.Row{Contributor: contributor, Episode: ep})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for purpose, want := range map[episode.Purpose]int{episode.PurposeEvaluate: 0, episode.PurposeReward: 1} {
		h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker", Now: func() time.Time { return until }})
		if err != nil {
			t.Fatal(err)
		}
		terms := &episode.Terms{Purposes: []episode.Purpose{purpose}, Recipients: []string{"maker"}}
		for i := range rows {
			rows[i].Episode.Terms = terms
		}
		s := &snapshot{manifest: &dataset.Manifest{ID: "sha256:1"}, rows: rows}
		if err := h.instruct(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		docs, err := h.db.DocumentsOf(t.Context(), sqlstore.DocInstructions, contributor)
		if err != nil || len(docs) != want {
			t.Errorf("for %s there are %d offers, %v; want %d", purpose, len(docs), err, want)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A contributor takes back what its trial was judged by: the certificate names the trial, and its edge is told, with a number that
// rises, that it is over. Another contributor's trial, judged by the same snapshot, rests on its own records, and stays.
func TestATrialJudgedByWhatWasWithdrawnEnds(t *testing.T) {
	h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	payload, err := payloadOf(&propose.Proposal{Kind: "rules", Artifact: "ar_0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	sequences := map[string]int64{}
	offer := func(contributor string) instruct.Offer {
		t.Helper()
		stored, err := h.db.RegistryIndex().Manifest(t.Context(), contributor+link.Instructions, "latest")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := h.blobs.Get(t.Context(), stored.Digest)
		if err != nil {
			t.Fatal(err)
		}
		var m ocispec.Manifest
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		envelope, err := h.blobs.Get(t.Context(), m.Layers[0].Digest.String())
		if err != nil {
			t.Fatal(err)
		}
		var offers instruct.Offers
		if err := h.open(envelope, bundle.TypeInstructions, &offers); err != nil {
			t.Fatal(err)
		}
		if offers.Sequence <= sequences[contributor] && contributor == "acme" {
			t.Errorf("number %d after %d", offers.Sequence, sequences[contributor])
		}
		sequences[contributor] = offers.Sequence
		return offers.Offers[0]
	}
	for _, contributor := range []string{"acme", "birch"} {
		id := instruct.ID(payload)
		if err := h.saveOffer(t.Context(), contributor, "", trialOffer{Payload: payload}); err != nil {
			t.Fatal(err)
		}
		doc, err := h.db.Document(t.Context(), sqlstore.DocInstructions, contributor+"/"+id)
		if err != nil {
			t.Fatal(err)
		}
		trial := sqlstore.DocumentRow{Kind: sqlstore.DocTrial, ID: "sha256:" + contributor, Parent: "sha256:snapshot", Contributor: contributor, Envelope: []byte("{}"), LogIndex: -1, Note: id, MadeAt: h.cfg.Now()}
		if err := errors.Join(h.db.SaveDocument(t.Context(), trial), h.endOffer(t.Context(), doc, noteJudged+trial.ID)); err != nil {
			t.Fatal(err)
		}
		if o := offer(contributor); o.Gate == nil || o.Dropped != "" {
			t.Fatalf("judged: %+v", o)
		}
	}
	for range 2 { // a certificate that was interrupted is made again
		fates, err := h.retire(t.Context(), "acme", []bundle.Fate{{Kind: "snapshot", Artifact: "sha256:snapshot"}}, "2026-11-28")
		if err != nil || len(fates) != 1 || fates[0] != (bundle.Fate{Artifact: "sha256:acme", Kind: "trial", Fate: "retired on 2026-11-28"}) {
			t.Errorf("%+v, %v", fates, err)
		}
	}
	if o := offer("acme"); o.Gate != nil || !strings.Contains(o.Dropped, "withdrawn, on 2026-11-28") {
		t.Errorf("the edge is told %+v", o)
	}
	if o := offer("birch"); o.Gate == nil || o.Dropped != "" {
		t.Errorf("another's is told %+v", o)
	}
}
