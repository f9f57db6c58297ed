// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/value"
)

// TestExamplesAreWhatTheTypesWrite keeps the examples of the open standard and the Go types the same: an example decodes
// with no field left over, and encodes to the same canonical bytes.
func TestExamplesAreWhatTheTypesWrite(t *testing.T) {
	for name, v := range map[string]any{
		"release.json": new(release.Release), "rollout.json": new(release.Rollout), "gate-report.json": new(gate.Report), "statement.json": new(value.Statement),
		"withdrawal.json": new(bundle.Withdrawal), "certificate.json": new(bundle.Certificate), "incident.json": new(bundle.Incident), "passage.json": new(bundle.Passage),
		"agreement.json": new(bundle.Agreement), "countersignature.json": new(bundle.Countersignature), "taken-back.json": new(bundle.TakenBack), "counts.json": new(aggregate.Counts),
		"withdrawal-expired.json": new(bundle.Withdrawal), "certificate-expired.json": new(bundle.Certificate), "refusal.json": new(bundle.Refusal),
		"decide-request.json": new(edge.DecideRequest), "decide-answer.json": new(edge.DecideAnswer),
		"decide-request-route.json": new(edge.DecideRequest), "decide-answer-route.json": new(edge.DecideAnswer),
	} {
		t.Run(name, func(t *testing.T) {
			want := jsontext.Value(example(t, name))
			if err := json.Unmarshal(want, v, json.RejectUnknownMembers(true)); err != nil {
				t.Fatal(err)
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			got := jsontext.Value(b)
			if err := got.Canonicalize(); err != nil {
				t.Fatal(err)
			}
			if err := want.Canonicalize(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
	r, err := release.Decode(example(t, "release.json"))
	if err != nil {
		t.Fatalf("release.json does not run: %v", err)
	}
	if on, err := release.DecodeRollout(example(t, "rollout.json")); err != nil || on.Release != r.ID || on.Base != r.Replaces {
		t.Errorf("rollout.json rolls out %q, %v", on.Release, err)
	}
	counts := new(aggregate.Counts)
	if err := json.Unmarshal(example(t, "counts.json"), counts); err != nil || counts.Check() != nil || len(counts.Shares("filter")) != 2 {
		t.Errorf("counts.json says nothing: %v, %v", err, counts.Check())
	}
	card, err := value.DecodeRateCard(example(t, "ratecard.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if card.Digest != value.DefaultRateCard().Digest {
		t.Error("ratecard.yaml is not the one that comes with the program")
	}
}

func example(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "spec", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(b)
}
