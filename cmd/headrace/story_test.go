// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sim"
)

// TestTheDemoGoesOnWhereItWas: after a restart the same developers did the same, and what becomes of that is told on from there.
func TestTheDemoGoesOnWhereItWas(t *testing.T) {
	policy, err := consent.DecodePolicy(demoPolicy)
	if err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(t.Context(), edge.Config{Dir: t.TempDir(), Demo: true, Policy: policy, Hubs: []edge.Hub{{Name: policy.Recipients()[0], Contributor: "alder-bank"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	drawn := sim.Config{Seed: 1, Gain: 0.2, Developers: 100}
	begun, err := newAgents(drawn, "alder-bank", e, -1)
	if err != nil {
		t.Fatal(err)
	}
	for day := range 3 {
		if err := begun.work(t.Context(), day, evening(day)); err != nil {
			t.Fatal(err)
		}
	}
	again, err := newAgents(drawn, "alder-bank", e, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(begun.sent, again.sent); diff != "" || len(begun.sent) < 100 || !again.told.Equal(begun.told) {
		t.Errorf("before a restart %d episodes were told until %v, after it %d until %v", len(begun.sent), begun.told, len(again.sent), again.told)
	}
	if err := again.work(t.Context(), 5, evening(5)); err != nil || again.last != 5 {
		t.Errorf("it goes on until day %d: %v", again.last, err)
	}

	s := &story{file: filepath.Join(t.TempDir(), "day")}
	if day, err := s.last(); day != -1 || err != nil {
		t.Errorf("before the story it is day %d, %v", day, err)
	}
	if err := os.WriteFile(s.file, []byte("17\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if day, err := s.last(); day != 17 || err != nil {
		t.Errorf("after 17 days it is day %d, %v", day, err)
	}
}
