// SPDX-License-Identifier: Apache-2.0

package release

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func one() Release {
	return New(Release{Kind: Filter, Payload: "sha256:m", Gate: "sha256:g", Snapshot: "sha256:s", Reward: "immediate", Code: "v1", Replaces: "rel_before"})
}

func TestReleaseIsReadBackAsWrittenAndNothingElse(t *testing.T) {
	r := one()
	b, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&r, got); diff != "" {
		t.Error(diff)
	}
	for _, change := range [][2]string{{`"sha256:m"`, `"sha256:other"`}, {`"kind"`, `"Kind"`}, {`"filter"`, `"router"`}, {`"filter"`, `"route"`}, {`"immediate"`, `"kept"`}, {`/2"`, `/3"`}, {`"rel_before"`, `"rel_other"`}} {
		bad := []byte(strings.Replace(string(b), change[0], change[1], 1))
		if _, err := Decode(bad); !errors.Is(err, &episode.Problem{Code: "release/bad-manifest"}) {
			t.Errorf("with %s for %s: %v", change[1], change[0], err)
		}
	}
}

func TestReleaseOfTheFirstFormatIsStillRead(t *testing.T) {
	first := `{"channels":[{"name":"early","share":1},{"name":"stable","share":0.25}],"format":"headrace-release/1","gate":"sha256:c47d3ff25da590709f06c037196ffa17711683ff7ba7b2624153636577dd79b8",` +
		`"id":"rel_0aef7fb6f7f2c04023becf4c","kind":"filter","model":"sha256:f0b8bcfef7c858667d6c49f614d104028d596152171374c955f8ba85e6d1200a","snapshot":"sha256:6f6a35b317843cfb1613b43f91a027426620875c7274e022c5435df03bccdaca"}`
	r, err := Decode([]byte(first))
	if err != nil || r.ID != "rel_0aef7fb6f7f2c04023becf4c" || r.Kind != Filter || !strings.HasPrefix(r.Payload, "sha256:f0b8") {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := Decode([]byte(strings.Replace(first, "sha256:f0b8", "sha256:f0b9", 1))); err == nil {
		t.Error("another model under the same id is read")
	}
}

func FuzzDecode(f *testing.F) {
	r := one()
	b, _ := json.Marshal(&r)
	f.Add(b)
	f.Add([]byte(`{"format":"headrace-release/1"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil || r.Format == firstFormat {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(again); err != nil || !cmp.Equal(got, r) {
			t.Fatalf("read back as %+v, %v; was %+v", got, err, r)
		}
	})
}

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func TestWhomAReleaseReachesItStillReachesLaterAndEachChannelFollowsTheOneBefore(t *testing.T) {
	r := Start(Filter, "rel_1", Rollout{}, "", noon)
	had := map[string]bool{}
	const n = 4000
	for stage := 1; stage <= Stages; stage++ {
		r = r.at(stage)
		reached := map[string]int{}
		for i := range n {
			name := fmt.Sprintf("dev_%d", i)
			for _, channel := range AllChannels() {
				key := channel + name
				is := r.Reaches(channel, name)
				if had[key] && !is {
					t.Fatalf("stage %d: %s on %s lost the release", stage, name, channel)
				}
				had[key] = is
				if is {
					reached[channel]++
				}
			}
			if r.Reaches("unheard", name) {
				t.Fatal("an unknown channel is reached")
			}
		}
		for i, channel := range AllChannels() {
			want := 0.0
			if k := stage - 1 - i; k >= 0 {
				want = []float64{0.01, 0.05, 0.25, 1}[min(k, 3)]
			}
			if got := float64(reached[channel]) / n; got < 0.7*want || got > 1.3*want {
				t.Errorf("stage %d reaches %.3f of %s, want %.2f", stage, got, channel, want)
			}
		}
	}
}

func TestRolloutGoesOnWithProofOrPatienceAndBackOnHarm(t *testing.T) {
	pace := Pace{Lead: time.Hour, Patience: 24 * time.Hour}
	r := Start(Filter, "rel_2", Rollout{Sequence: 7, Release: "rel_1", State: Rolling, Stage: Stages}, "sha256:7", noon)
	if r.Sequence != 8 || r.Before != "sha256:7" || r.Base != "rel_1" || r.Stage != 1 || r.For(Stable, "ada") != "rel_1" {
		t.Fatalf("it begins as %+v", r)
	}
	of := func(people int, b Bounds) Look {
		return Look{New: Count{people, 900}, Old: Count{people, 900}, Value: 0.1, Difference: &b}
	}
	good, bad, unsure, against := of(50, Bounds{0.01, -0.005, 0.02}), of(50, Bounds{-0.02, -0.04, -0.001}), of(50, Bounds{0, -0.05, 0.05}), of(50, Bounds{-0.01, -0.05, 0.03})
	for _, c := range []struct {
		name  string
		look  Look
		after time.Duration
		stage int
		state State
	}{
		{"harmless, too soon", good, time.Minute, 1, Rolling}, {"harmless", good, time.Hour, 2, Rolling}, {"unsure", unsure, time.Hour, 1, Rolling}, {"unsure for long", unsure, 24 * time.Hour, 2, Rolling},
		{"against it, though not surely", against, 24 * time.Hour, 1, Rolling},
		{"nothing seen for long", Look{}, 24 * time.Hour, 2, Rolling}, {"few seen for long", Look{New: Count{3, 9}, Old: Count{300, 900}}, 24 * time.Hour, 2, Rolling}, {"harm, at once", bad, time.Second, 0, Back}, {"guardrail", Look{Crossed: "taken"}, time.Second, 0, Back},
	} {
		next, changed := r.Next(c.look, pace, "sha256:8", noon.Add(c.after))
		if next.Stage != c.stage || next.State != c.state || changed != (c.stage != 1) {
			t.Errorf("%s: %+v", c.name, next)
		}
		if changed && (next.Sequence != 9 || next.Before != "sha256:8" || next.Why == "" || (next.Look != nil) != (c.look.New.Developers >= 10)) {
			t.Errorf("%s: %+v does not say what it follows, or why, or tells of few", c.name, next)
		}
	}
	if _, changed := r.Next(unsure, Pace{Lead: time.Hour}, "", noon.AddDate(1, 0, 0)); changed {
		t.Error("without patience a stage goes on without proof")
	}
	back := r.GoBack(r.Base, "sha256:8", "harm", noon)
	if back.Reaches(Canary, "ada") || back.For(Canary, "ada") != "rel_1" || back.Settled() != "rel_1" || !back.Over() {
		t.Errorf("gone back: %+v", back)
	}
	if _, changed := back.Next(good, pace, "", noon.AddDate(1, 0, 0)); changed {
		t.Error("a release that has gone back goes on by itself")
	}
	if _, err := back.Widen(1, "", "", noon); err == nil {
		t.Error("a release that has gone back is widened")
	}
}

func TestPausedRolloutStaysUntilAPersonLetsItGoOn(t *testing.T) {
	r := Start(Filter, "rel_2", Rollout{}, "", noon)
	p, err := r.Pause("d", "paused by ada", noon)
	if err != nil || p.Stage != 1 || !p.Reaches(Canary, devReached(r)) {
		t.Fatalf("%+v, %v: those whom it has reached keep it", p, err)
	}
	if _, changed := p.Next(Look{Value: 1, Difference: &Bounds{1, 1, 1}}, Pace{Patience: 1}, "", noon.AddDate(1, 0, 0)); changed {
		t.Error("it goes on by itself")
	}
	if next, changed := p.Next(Look{Crossed: "taken"}, Pace{}, "", noon); !changed || next.State != Back {
		t.Error("harm is not acted on while it is paused")
	}
	if on, err := p.Widen(1, "d", "resume", noon); err != nil || on.State != Rolling || on.Stage != 1 {
		t.Errorf("%+v, %v", on, err)
	}
	if _, err := r.Widen(1, "d", "", noon); err == nil {
		t.Error("widened to where it is")
	}
}

// devReached is a developer whom the first stage has reached.
func devReached(r Rollout) string {
	for i := 0; ; i++ {
		if name := fmt.Sprintf("dev_%d", i); r.Reaches(Canary, name) {
			return name
		}
	}
}

func TestAnOldRolloutIsRefused(t *testing.T) {
	first := Start(Filter, "rel_1", Rollout{}, "", noon)
	second, _ := first.Widen(2, "sha256:1", "", noon)
	third, _ := second.Widen(3, "sha256:2", "", noon)
	for _, c := range []struct {
		name         string
		r            Rollout
		digest       string
		last         Rollout
		lastD, wants string
	}{
		{"the first", first, "sha256:1", Rollout{}, "", ""}, {"the next", second, "sha256:2", first, "sha256:1", ""}, {"the same", second, "sha256:2", second, "sha256:2", ""},
		{"one was missed", third, "sha256:3", first, "sha256:1", ""}, {"the first seen is the third", third, "sha256:3", Rollout{}, "", ""},
		{"old", first, "sha256:1", second, "sha256:2", "rollout/old"}, {"another of the same number", second, "sha256:x", second, "sha256:2", "rollout/two"},
		{"another story", third, "sha256:3", second, "sha256:x", "rollout/two"},
	} {
		err := c.r.Follows(c.digest, c.last, c.lastD)
		if c.wants == "" && err != nil || c.wants != "" && !errors.Is(err, &episode.Problem{Code: c.wants}) {
			t.Errorf("%s: %v, want %q", c.name, err, c.wants)
		}
	}
}

func TestRolloutIsReadBackAsWrittenAndNothingElse(t *testing.T) {
	r, _ := Start(Route, "rel_1", Rollout{}, "", noon).Widen(3, "sha256:1", "by ada", noon)
	b, err := json.Marshal(&r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeRollout(b)
	if err != nil || !cmp.Equal(got, r) {
		t.Errorf("%v\n%s", err, cmp.Diff(got, r))
	}
	for _, change := range [][2]string{{`"stage":3`, `"stage":4`}, {`"stage":3`, `"stage":-1`}, {`0.25`, `0.26`}, {`"rolling"`, `"back"`}, {`"rolling"`, `"gone"`}, {`"sequence":2`, `"sequence":0`}, {`"route"`, `"weights"`}, {`"release":"rel_1"`, `"release":""`}, {`/1"`, `/2"`}} {
		bad := strings.Replace(string(b), change[0], change[1], 1)
		if _, err := DecodeRollout([]byte(bad)); bad == string(b) || !errors.Is(err, &episode.Problem{Code: "rollout/bad"}) {
			t.Errorf("with %s for %s: %v", change[1], change[0], err)
		}
	}
}

func FuzzDecodeRollout(f *testing.F) {
	r := Start(Filter, "rel_1", Rollout{}, "", noon)
	b, _ := json.Marshal(&r)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRollout(b)
		if err != nil {
			return
		}
		again, err := json.Marshal(&r)
		if err != nil {
			return // a time that JSON cannot write
		}
		if got, err := DecodeRollout(again); err != nil || !cmp.Equal(got, r) {
			t.Fatalf("read back as %+v, %v; was %+v", got, err, r)
		}
		for _, channel := range AllChannels() {
			r.For(channel, "ada")
		}
	})
}
