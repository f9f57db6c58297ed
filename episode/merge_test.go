// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawEpisode draws what one reading of a source may know of an episode.
func drawEpisode(t *rapid.T, label string) *Episode {
	text := rapid.StringMatching(`[a-z]{0,3}`)
	e := &Episode{SchemaVersion: SchemaVersion, ID: "ep_1", Instruction: text.Draw(t, label+" instruction"), Session: text.Draw(t, label+" session")}
	if n := rapid.IntRange(0, 3).Draw(t, label+" start"); n > 0 {
		e.StartedAt = time.Unix(int64(n), 0).UTC()
	}
	ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"s1", "s2", "s3"}), 0, 3, rapid.ID)
	for _, id := range ids.Draw(t, label+" suggestions") {
		e.Suggestions = append(e.Suggestions, Suggestion{ID: id, After: text.Draw(t, label+" after")})
	}
	for _, id := range ids.Draw(t, label+" decisions") {
		d := Decision{Suggestion: id, Verdict: rapid.SampledFrom([]Verdict{Accepted, Rejected}).Draw(t, label+" verdict")}
		if d.DecisionID = rapid.SampledFrom([]string{"", "d1", "d2"}).Draw(t, label+" decision"); d.DecisionID != "" {
			d.DecisionID += id
			d.Features = map[string]any{"saw": d.DecisionID}
		}
		e.Decisions = append(e.Decisions, d)
	}
	for _, id := range ids.Draw(t, label+" outcomes") {
		e.Outcomes = append(e.Outcomes, Outcome{Suggestion: id, Kind: OutcomeKept, Window: rapid.SampledFrom([]string{"10m", "30d"}).Draw(t, label+" window")})
	}
	if rapid.Bool().Draw(t, label+" local") {
		e.Local = &Local{Team: text.Draw(t, label+" team"), Unauthenticated: rapid.Bool().Draw(t, label+" unauthenticated")}
	}
	if rapid.Bool().Draw(t, label+" unknown") {
		e.Unknown = jsontext.Value(`{"new":1}`)
	}
	return e
}

func encoded(t interface{ Fatal(...any) }, e *Episode) string {
	b, err := AppendCanonical(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestGainsOnlySaysWhatMergingDoes(t *testing.T) {
	said := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawEpisode(t, "a"), drawEpisode(t, "b")
		if rapid.Bool().Draw(t, "b knows nothing but outcomes") {
			b = &Episode{SchemaVersion: b.SchemaVersion, ID: b.ID, Outcomes: b.Outcomes, Local: a.Local}
		}
		untouched := encoded(t, a)
		got := a.GainsOnly(b)
		if now := encoded(t, a); now != untouched {
			t.Fatalf("asking changed it:\n%s", cmp.Diff(untouched, now))
		}
		before := a.Clone()
		a.Merge(b)
		after := a.Clone()
		before.Outcomes, after.Outcomes = nil, nil
		if want := encoded(t, before) == encoded(t, after); got != want {
			t.Fatalf("GainsOnly = %v of\n%s", got, cmp.Diff(encoded(t, before), encoded(t, after)))
		}
		said[got]++
	})
	if said[true] == 0 || said[false] == 0 {
		t.Errorf("one answer was never seen: %v", said)
	}
}

func TestMergingTwiceIsMergingOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawEpisode(t, "a"), drawEpisode(t, "b")
		a.Merge(b.Clone())
		once := encoded(t, a)
		a.Merge(b.Clone())
		if twice := encoded(t, a); twice != once {
			t.Fatalf("merged twice it is another:\n%s", cmp.Diff(once, twice))
		}
	})
}

func TestMergingLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawEpisode(t, "a"), drawEpisode(t, "b")
		m := a.Clone()
		m.Merge(b.Clone())
		for _, side := range []*Episode{a, b} {
			for _, s := range side.Suggestions {
				if !strings.Contains(fmt.Sprint(keys(m.Suggestions, func(s Suggestion) string { return s.ID })), s.ID) {
					t.Fatalf("suggestion %s is lost", s.ID)
				}
				for _, got := range m.Suggestions {
					if got.ID == s.ID && s.After != "" && got.After == "" {
						t.Fatalf("the text of suggestion %s is lost", s.ID)
					}
				}
			}
			for _, d := range side.Decisions {
				if d.DecisionID != "" && !slices.ContainsFunc(m.Decisions, func(got Decision) bool {
					return got.Suggestion == d.Suggestion && got.DecisionID == d.DecisionID && got.Features["saw"] == d.DecisionID
				}) {
					t.Fatalf("decision %s is lost, or what it was made on", d.DecisionID)
				}
			}
			for _, o := range side.Outcomes {
				found := false
				for _, got := range m.Outcomes {
					found = found || got.Suggestion == o.Suggestion && got.Kind == o.Kind && got.Window == o.Window
				}
				if !found {
					t.Fatalf("outcome %+v is lost", o)
				}
			}
			if side.Local != nil && side.Local.Unauthenticated && (m.Local == nil || !m.Local.Unauthenticated) {
				t.Fatal("the mark of an unproven identity is lost")
			}
			if side.Unknown != nil && m.Unknown == nil {
				t.Fatal("an unknown field is lost")
			}
			if side.Instruction != "" && m.Instruction == "" || side.Session != "" && m.Session == "" {
				t.Fatal("a word is lost")
			}
		}
		if !a.StartedAt.IsZero() && m.StartedAt.After(a.StartedAt) {
			t.Fatal("the start moved forward")
		}
	})
}

func keys[T any](list []T, key func(T) string) (out []string) {
	for _, v := range list {
		out = append(out, key(v))
	}
	return out
}

func TestMergeLeavesTheLaterEpisodeAlone(t *testing.T) {
	first := &Episode{ID: "ep_1"}
	later := &Episode{ID: "ep_1", Outcomes: []Outcome{{Suggestion: "s1", Kind: OutcomeKept, Window: "10m", Value: 1}}}
	first.Merge(later)
	first.Merge(&Episode{ID: "ep_1", Outcomes: []Outcome{{Suggestion: "s1", Kind: OutcomeKept, Window: "10m", Value: 0}}})
	if later.Outcomes[0].Value != 1 {
		t.Error("merging into one episode changed another")
	}
}
