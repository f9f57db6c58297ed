// SPDX-License-Identifier: Apache-2.0

package published

import (
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/release"
)

// A page of a roll-out has each look once, though a step names the look that it was taken on; a step that changes nothing on the
// channel that is shown says so; and one that a person held is no step to other channels.
func TestAPageHasEachLookOnceAndSaysWhichStepsAreOthers(t *testing.T) {
	at := time.Date(2026, 10, 5, 20, 0, 0, 0, time.UTC)
	saw := release.Look{Difference: &release.Bounds{Estimate: 0.02, Lower: 0.01, Upper: 0.03}}
	saw.New.Developers, saw.Old.Developers, saw.New.Decisions, saw.Old.Decisions = 40, 50, 400, 500
	r := release.Release{ID: "rel_good", Kind: release.Filter}
	steps := []release.Rollout{release.Start(release.Filter, r.ID, release.Rollout{}, "", at)}
	widen := func(stage int, why string) {
		t.Helper()
		at = at.Add(24 * time.Hour)
		next, err := steps[0].Widen(stage, "", why, at)
		if err != nil {
			t.Fatal(err)
		}
		next.Look = &saw
		steps = append([]release.Rollout{next}, steps...)
	}
	widen(4, "it helps")
	widen(5, "it helps still")
	looks := []Looked{{At: at.Add(-time.Second), Stage: 4, Look: saw}}
	worse := saw
	worse.Difference = &release.Bounds{Estimate: 0.01, Lower: 0, Upper: 0.02}
	looks = append(looks, Looked{At: at.Add(time.Hour), Stage: 5, Look: worse})
	held, err := steps[0].Pause("", "an alarm", at.Add(2*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	page := Release(&r, at, append([]release.Rollout{held}, steps...), looks, release.Canary, "key")
	if len(page.Looks) != 2 {
		t.Errorf("%d looks are shown, of two: %+v", len(page.Looks), page.Looks)
	}
	var whys []string
	for _, s := range page.Steps {
		whys = append(whys, s.Why)
	}
	if want := "|it helps|nothing new here, other channels follow: it helps still|an alarm"; len(whys) != 4 || !strings.HasSuffix(strings.Join(whys, "|"), want) {
		t.Errorf("steps say %q, want %s", whys, want)
	}
}
