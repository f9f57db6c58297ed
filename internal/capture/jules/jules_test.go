// SPDX-License-Identifier: Apache-2.0

package jules

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// constructed after the API's documentation: no recording of a session is public.
type recording struct {
	Session    Session            `json:"session"`
	Activities lax.List[Activity] `json:"activities"`
}

func read(t testing.TB, b []byte) (r recording) {
	t.Helper()
	if !lax.Decode(b, &r) {
		t.Fatal("the recording does not read")
	}
	return r
}

func session(t testing.TB) recording {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "session.json"))
	if err != nil {
		t.Fatal(err)
	}
	return read(t, b)
}

func at(minute int) time.Time { return time.Date(2026, 11, 4, 9, minute, 0, 0, time.UTC) }

func TestASessionBecomesAnEpisodeOfEachRequest(t *testing.T) {
	r := session(t)
	list := Episodes(&r.Session, r.Activities.V, false)
	if len(list) != 2 {
		t.Fatalf("%d episodes", len(list))
	}
	first, second := list[0], list[1]
	if first.ID != episode.NewID(Name, "314") || first.Instruction != "Let the wheel be stopped" || first.Session != "314" || first.Repository != "github.com/alder/mill" || first.Origin.Provider != "google" {
		t.Errorf("%+v", first)
	}
	plan := "1. Read the code\n2. Add a brake\n   In wheel.go.\n"
	if d := cmp.Diff([]episode.Suggestion{{ID: "p1", Step: 1, Kind: episode.KindPlan, After: plan, ShownAt: at(1)}, {ID: "p2", Step: 4, Kind: episode.KindPlan, After: "1. Add a brake alone\n", ShownAt: at(4)}}, first.Suggestions); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]episode.Decision{{Suggestion: "p2", Verdict: episode.Accepted, By: episode.ByUnknown, At: at(5)}}, first.Decisions); d != "" {
		t.Errorf("the plan that was approved, and that one only:\n%s", d)
	}
	if len(first.Artifacts) != 2 || first.Artifacts[0].Kind != episode.ArtifactPlan || first.Artifacts[0].Digest != episode.Digest([]byte(plan)) {
		t.Errorf("%+v", first.Artifacts)
	}
	call := first.Steps[5]
	if call.ToolCalls[0].Name != "bash" || string(call.ToolCalls[0].Arguments) != `{"command":"go test ./..."}` || call.Observation.Results[0].Content != "FAIL" || !call.Observation.Results[0].Error {
		t.Errorf("%+v", call)
	}
	if second.Instruction != "And a note, please" || second.Links.Parent != first.ID || second.Links.PullRequest != "https://github.com/alder/mill/pull/7" || first.Links != nil {
		t.Errorf("%+v", second)
	}
	want := []episode.Suggestion{
		{ID: "patch-1", Step: -1, Kind: episode.KindEdit, Path: "wheel.go", Language: "go", Before: "package mill\n\n", After: "package mill\n\nfunc Brake() {}\n", ShownAt: at(30)},
		{ID: "patch-2", Step: -1, Kind: episode.KindFile, Path: "NOTES", After: "a brake\n", ShownAt: at(30)},
	}
	if d := cmp.Diff(want, second.Suggestions); d != "" {
		t.Error(d)
	}
	if len(second.Decisions) != 0 {
		t.Errorf("what is decided on a patch is decided in its pull request: %+v", second.Decisions)
	}
}

// The API says "user" of approvals that nobody gave: its own example has one two seconds after the plan.
func TestAnApprovalIsAPersonsWherePlansAreKnownToWait(t *testing.T) {
	r := session(t)
	if d := Episodes(&r.Session, r.Activities.V, true)[0].Decisions; len(d) != 1 || d[0].By != episode.ByPerson {
		t.Errorf("seen to wait: %+v", d)
	}
	r.Session.RequirePlanApproval = true
	if d := Episodes(&r.Session, r.Activities.V, false)[0].Decisions; len(d) != 1 || d[0].By != episode.ByPerson {
		t.Errorf("said to wait: %+v", d)
	}
}

func TestASessionThatCannotBeAskedForHasNoKey(t *testing.T) {
	for name, want := range map[lax.String]string{"sessions/314": "314", "314": "314", "sessions/../keys": "keys", "a b": "", "sessions/a%2F..": "", "": ""} {
		if got := (&Session{Name: name}).Key(); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func FuzzEpisodes(f *testing.F) {
	b, err := os.ReadFile(filepath.Join("testdata", "session.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"session":{"id":"1"},"activities":[{"planApproved":{}},{"planGenerated":{"plan":{"steps":[{"title":"x"}]}}},{"userMessaged":{"userMessage":"\ud800"}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r recording
		if !lax.Decode(b, &r) {
			return
		}
		for _, e := range Episodes(&r.Session, r.Activities.V, true) {
			known := map[string]bool{}
			for _, s := range e.Suggestions {
				if known[s.ID] {
					t.Errorf("two suggestions %q", s.ID)
				}
				if known[s.ID] = true; s.Step >= len(e.Steps) {
					t.Errorf("suggestion of step %d of %d", s.Step, len(e.Steps))
				}
			}
			for _, d := range e.Decisions {
				if !known[d.Suggestion] {
					t.Errorf("a decision on %q, which nothing suggests", d.Suggestion)
				}
			}
			if _, err := episode.Append(nil, e); err != nil {
				t.Error(err)
			}
		}
	})
}
