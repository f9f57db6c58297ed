// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/release"
)

func TestAWordThatAReleaseWasTakenBackIsItsSendersAndOfAReleaseOfOurs(t *testing.T) {
	s := newSender(t)
	r, err := s.h.Offer(t.Context(), release.Filter, []byte("a model"), gate.Report{Format: "headrace-gate/2", Design: gate.Logged, Verdict: gate.Released, Snapshot: "sha256:1",
		Gain: &ope.Interval{Estimate: 0.02, Lower: 0.01, Bound: 0.01, Upper: 0.03, Developers: 100}})
	s.ok(err)
	say := func(word bundle.TakenBack, note string) int {
		envelope, err := bundle.SealDocument(bundle.TypeTakenBack, word, s.key)
		s.ok(err)
		raw, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: bundle.TypeTakenBack,
			Config: s.blob("returns", ocispec.MediaTypeEmptyJSON, []byte("{}")), Layers: []ocispec.Descriptor{s.blob("returns", bundle.TypeTakenBack, envelope)},
			Annotations: map[string]string{"note": note}})
		s.ok(err)
		return s.manifest(t.Context(), "returns", raw)
	}
	good := bundle.TakenBack{Contributor: "alder-bank", Recipient: "maker", Release: r.ID, Why: bundle.BackForHarm}
	for name, change := range map[string]func(*bundle.TakenBack){
		"another's":            func(b *bundle.TakenBack) { b.Contributor = "birch-telecom" },
		"to another hub":       func(b *bundle.TakenBack) { b.Recipient = "other" },
		"of no release":        func(b *bundle.TakenBack) { b.Release = "rel_none" },
		"for a reason of text": func(b *bundle.TakenBack) { b.Why = "ada stopped it" },
	} {
		word := good
		change(&word)
		if status := say(word, ""); status < 400 || status > 499 {
			t.Errorf("%s: %d", name, status)
		}
	}
	for _, note := range []string{"", "again"} {
		if status := say(good, note); status != http.StatusCreated {
			t.Errorf("said %s: %d", note, status)
		}
	}
	list, err := hub.View{Hub: s.h}.Releases(t.Context())
	s.ok(err)
	if len(list) != 1 || list[0].Returned != 1 {
		t.Errorf("pages say %+v, want that one contributor took it back", list)
	}
}
