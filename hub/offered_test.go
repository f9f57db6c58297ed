// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/sqlstore"
)

// Whoever offers the same once more hears what became of it, and not that it is offered.
func TestWhatIsOfferedAgainIsSaidToBeOver(t *testing.T) {
	h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Enlist(t.Context(), "alder-bank", key, false); err != nil {
		t.Fatal(err)
	}
	for word, end := range map[string]struct {
		note    string
		verdict gate.Verdict
	}{
		"nobody tried it": {noteDropped + "nobody tried it", ""}, "withdrawn, on 2026-11-28": {noteWithdrawn + "2026-11-28", ""},
		"let it through": {noteJudged, gate.Released}, "has refused it": {noteJudged, gate.Refused},
	} {
		payload, err := instruct.New(word, "It helped.", instruct.Change{Artifact: "ar_" + strings.Repeat("0", 24)}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // an offer that is open may be made again
			if id, err := h.OfferInstructions(t.Context(), "alder-bank", payload); err != nil || id != instruct.ID(payload) {
				t.Fatalf("%s: %q, %v", word, id, err)
			}
		}
		doc, err := h.db.Document(t.Context(), sqlstore.DocInstructions, offerID("alder-bank", payload))
		if err != nil {
			t.Fatal(err)
		}
		if end.verdict != "" {
			envelope, err := bundle.SealDocument(bundle.TypeGateReport, gate.Report{Format: "headrace-gate/2", Design: gate.Randomised, Verdict: end.verdict}, h.ring.Signing())
			if err != nil {
				t.Fatal(err)
			}
			end.note += episode.Digest(envelope)
			trial := sqlstore.DocumentRow{Kind: sqlstore.DocTrial, ID: episode.Digest(envelope), Contributor: "alder-bank", Envelope: envelope, LogIndex: -1, Note: instruct.ID(payload), MadeAt: h.cfg.Now()}
			if err := h.db.SaveDocument(t.Context(), trial); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.endOffer(t.Context(), doc, end.note); err != nil {
			t.Fatal(err)
		}
		_, err = h.OfferInstructions(t.Context(), "alder-bank", payload)
		if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "instructions/over" || !strings.Contains(p.Message, word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}
