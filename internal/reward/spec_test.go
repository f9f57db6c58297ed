// SPDX-License-Identifier: Apache-2.0

package reward_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/reward"
)

func TestPresetsAreSpecsThatReadBack(t *testing.T) {
	for _, name := range []string{"immediate", "retained-characters", "balanced"} {
		s, ok := reward.Preset(name)
		if !ok {
			t.Fatalf("no %s", name)
		}
		b, err := yaml.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		back, err := reward.Decode(b, name)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if diff := cmp.Diff(s, back); diff != "" || s.Digest() != back.Digest() {
			t.Error(diff)
		}
		if low, high := s.Range(); high != 0.75 || name == "balanced" && low != -0.75 || name != "balanced" && low != -0.25 {
			t.Errorf("%s lies between %v and %v", name, low, high)
		}
	}
	if _, ok := reward.Preset("other"); ok {
		t.Error("there is another")
	}
}

func TestTheExampleIsTheBalancedReward(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "spec", "examples", "reward.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := reward.Decode(b, "reward.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(reward.Balanced(), s); diff != "" {
		t.Error(diff)
	}
}

const plain = `format: headrace-reward/1
name: plain
version: 1
cost: 0.25
parts:
  - {name: taken, from: taken, weight: 0.5}
  - {name: lasting, from: kept, after: 7d, within: 14d, weight: 0.5}
`

func TestASpecThatIsNotBoundedOrNotMeantIsRefused(t *testing.T) {
	if _, err := reward.Decode([]byte(plain), "plain"); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"headrace-reward/1", "headrace-reward/2"}, {"name: plain", "name: Plain Name"}, {"version: 1", "version: 0"}, {"cost: 0.25", "cost: -1"},
		{"cost: 0.25", "cost: .nan"}, {"cost: 0.25", "cost: 0"}, {"weight: 0.5}\n  - {name: l", "weight: .inf}\n  - {name: l"}, {"weight: 0.5}\n  - {name: l", "weight: 0}\n  - {name: l"},
		{"from: taken", "from: stolen"}, {"name: lasting", "name: taken"}, {"within: 14d", "within: 14h"}, {"within: 14d", "within: 1000d"}, {"within: 14d", "within: 3d"},
		{"after: 7d, ", ""}, {"from: kept, after: 7d", "from: merged, after: 7d"}, {"from: taken", "from: taken, within: 2d"}, {"version: 1", "version: 1\nmore: 2"},
		{"parts:", "length: -1\nparts:"}} {
		bad := strings.Replace(plain, c[0], c[1], 1)
		var p *episode.Problem
		if _, err := reward.Decode([]byte(bad), "plain"); bad == plain || !errors.As(err, &p) || p.Code != "reward/spec" || p.Hint == "" {
			t.Errorf("%q for %q: %v", c[1], c[0], err)
		}
	}
}

// Every interval of package ope rests on this.
func TestARewardLiesWithinTheRangeThatItsSpecSays(t *testing.T) {
	kinds := []string{"kept", "committed", "merged", "reverted", "tests"}
	rapid.Check(t, func(t *rapid.T) {
		spec := rapid.SampledFrom([]reward.Spec{reward.Immediate(), reward.Retained(), reward.Balanced()}).Draw(t, "spec")
		rows := make([]dataset.Decision, rapid.IntRange(1, 20).Draw(t, "rows"))
		for i := range rows {
			d := took()
			d.Day -= rapid.Int64Range(0, 60).Draw(t, "older")
			d.Chars, d.Shown = rapid.Int32Range(0, 500).Draw(t, "chars"), rapid.Bool().Draw(t, "shown")
			distance := rapid.Float64Range(0, 1).Draw(t, "distance")
			if d.EditDistance = &distance; rapid.Bool().Draw(t, "unknown") {
				d.EditDistance = nil
			}
			d.Verdict = rapid.SampledFrom([]episode.Verdict{episode.Accepted, episode.Modified, episode.Rejected, episode.TimedOut}).Draw(t, "verdict")
			for range rapid.IntRange(0, 6).Draw(t, "outcomes") {
				d.Outcomes = append(d.Outcomes, became(episode.OutcomeKind(rapid.SampledFrom(kinds).Draw(t, "kind")), rapid.Float64Range(-0.2, 1.2).Draw(t, "value"),
					rapid.IntRange(-70, 60).Draw(t, "days"), rapid.SampledFrom([]string{"", "10m", "1d", "7d", "30d", "soon"}).Draw(t, "window")))
			}
			rows[i] = d
		}
		s := reward.Fit(spec, rows, decided.Unix()/86400+rapid.Int64Range(-5, 50).Draw(t, "day"))
		low, high := spec.Range()
		for i := range rows {
			v, ok := s.Of(&rows[i])
			if !ok {
				continue
			}
			parts := -spec.Cost * float64(index(rows[i].Shown))
			for _, p := range v.Parts {
				parts += p
			}
			if diff := v.Sum - parts; diff > 1e-12 || diff < -1e-12 || v.Sum < low-1e-12 || v.Sum > high+1e-12 {
				t.Fatalf("%+v: its parts come to %v, and it must lie between %v and %v", v, parts, low, high)
			}
			if back := spec.Expected(spec.Share(v.Sum)); back-v.Sum > 1e-12 || v.Sum-back > 1e-12 {
				t.Fatalf("%v comes back from its scale as %v", v.Sum, back)
			}
		}
	})
}

func index(b bool) int {
	if b {
		return 1
	}
	return 0
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte(`{"format":"headrace-reward/1","name":"a","version":1,"cost":1,"parts":[{"name":"t","from":"taken","weight":2}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := reward.Decode(b, "fuzz")
		if err != nil {
			return
		}
		if low, high := s.Range(); !(low < 0 && high > 0 && high-low < 1e4) {
			t.Fatalf("%v to %v", low, high)
		}
		d := took()
		s.Of(&d)
		if !strings.HasPrefix(s.Digest(), "sha256:") {
			t.Fatal(s.Digest())
		}
	})
}
