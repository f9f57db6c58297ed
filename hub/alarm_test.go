// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"fmt"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
)

// What a release suggests is taken as before, so that its reward is no less, and then undone: it goes no further until a person says
// so, and once they have, not for the same again.
func TestAnAlarmHoldsARolloutUntilAPersonLetsItGoOn(t *testing.T) {
	h, err := New(t.Context(), Config{Dir: t.TempDir(), Name: "maker"})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	model, err := filterOf(1).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Offer(t.Context(), release.Filter, model, gate.Report{Format: "headrace-gate/2", Design: gate.Logged, Verdict: gate.Released, Snapshot: "sha256:1",
		Gain: &ope.Interval{Estimate: 0.02, Lower: 0.01, Bound: 0.01, Upper: 0.03, Developers: 100}})
	if err != nil {
		t.Fatal(err)
	}
	s := &snapshot{manifest: &dataset.Manifest{ID: "sha256:1"}}
	for i := range 80 * 20 {
		shown, left, verdict := true, 0.0, episode.Accepted
		if i/80%2 == 0 {
			verdict = episode.Rejected
		}
		ep := &episode.Episode{ID: fmt.Sprint("ep_", i), Developer: fmt.Sprint("dev_", i%80), Terms: &episode.Terms{Purposes: purposes, Recipients: []string{"maker"}}, Privacy: &episode.Privacy{Level: episode.LevelSignal},
			Suggestions: []episode.Suggestion{{ID: "s1"}},
			Decisions:   []episode.Decision{{Suggestion: "s1", DecisionID: "d_1", Verdict: verdict, By: episode.ByPerson, At: h.cfg.Now(), Shown: &shown}}}
		if i%80 < 40 {
			ep.Decisions[0].Release, left = r.ID, 1
		}
		ep.Decisions[0].EditDistance = &left
		s.rows = append(s.rows, dataset.Row{Contributor: "acme", Episode: ep})
	}
	last := func() release.Rollout {
		t.Helper()
		if err := h.watch(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if err := h.roll(t.Context()); err != nil {
			t.Fatal(err)
		}
		list, err := h.Rollouts(t.Context(), release.Filter)
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		return list[0]
	}
	for range 2 {
		if on := last(); on.State != release.Paused || on.Stage != 1 || on.Sequence != 2 || !strings.HasPrefix(on.Why, "held by the alarm undone: ") {
			t.Fatalf("it is %+v", on)
		}
	}
	list, err := View{h}.Releases(t.Context())
	if err != nil || len(list) != 1 || !strings.Contains(list[0].Held, "alarm undone") {
		t.Errorf("the page says %+v, %v", list, err)
	}
	if _, err := h.Steer(t.Context(), "ada", release.Filter, "resume", false); err != nil {
		t.Fatal(err)
	}
	if on := last(); on.State != release.Rolling {
		t.Errorf("though ada let it go on it is %+v", on)
	}
	rollouts, err := h.rollouts(t.Context(), release.Filter)
	if err != nil {
		t.Fatal(err)
	}
	alarm := func(code string, developers int, change float64) reward.Alarm {
		iv := &ope.Interval{Developers: developers}
		return reward.Alarm{Code: code, Raised: true, Release: iv, Base: iv, Limit: 0.02, Change: change, Lower: change - 0.08, Upper: change + 0.08}
	}
	if _, held := h.hold(rollouts, []reward.Alarm{alarm("undone", 50, 0.2), alarm("short-and-easy", 12, 0.2), alarm("show-rate", 50, 0.11)}); held {
		t.Error("what ada let go on is held again, or what few have shown, or what one look may show by chance")
	}
	if next, held := h.hold(rollouts, []reward.Alarm{alarm("questions", 50, 0.2)}); !held || next.State != release.Paused || !strings.Contains(next.Why, "questions") {
		t.Errorf("another alarm: %+v, %v", next, held)
	}
}
