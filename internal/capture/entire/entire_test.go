// SPDX-License-Identifier: Apache-2.0

package entire

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestACheckpointTellsItsSessionAndFilesAndNoMore(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/0a/1b2c3d4e5f/0/metadata.json")
	at := time.Date(2026, 3, 2, 9, 0, 0, 500e6, time.UTC)
	want := []*episode.Episode{{
		SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, "0a1b2c3d4e5f/11111111-2222-4333-8444-555555555555"), StartedAt: at, EndedAt: at,
		Tool:    episode.Tool{Name: Name, Version: "Gemini CLI", Surface: episode.SurfaceAgent},
		Model:   episode.Model{Provider: "anthropic", Name: "claude-opus-4-5"},
		Origin:  &episode.Origin{Provider: "anthropic"},
		Session: "11111111-2222-4333-8444-555555555555", Languages: []string{"go", "markdown"},
		Suggestions: []episode.Suggestion{
			{ID: "mill/gate.go", Step: -1, Kind: episode.KindEdit, Path: "mill/gate.go", Language: "go"},
			{ID: "mill/gate_test.go", Step: -1, Kind: episode.KindEdit, Path: "mill/gate_test.go", Language: "go"},
			{ID: "docs/gate.md", Step: -1, Kind: episode.KindEdit, Path: "docs/gate.md", Language: "markdown"},
		},
	}}
	if d := cmp.Diff(want, all); d != "" {
		t.Error(d)
	}
	if rep.Lines != 1 || rep.Unparsable != 0 || rep.Kinds["checkpoint"] != 1 {
		t.Errorf("%+v", rep.Counts)
	}
}

// The tools' own histories lie beside the recorded checkpoints: all of them are of the session that the checkpoint names,
// though Entire put the day before the ids of some, and called one a session of Gemini.
func TestACheckpointNamesTheSessionOfTheHistoryBesideIt(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(sharedtest.Dir(t, "corpus/claude-code/entire"), "*.metadata.json"))
	histories, renamed, agents := 0, 0, map[string]int{}
	for _, path := range files {
		all, _ := capturetest.Read(t, Source{}, path)
		if len(all) != 1 || len(all[0].Suggestions) == 0 || all[0].StartedAt.IsZero() {
			t.Fatalf("%s: %d episodes", path, len(all))
		}
		p, ok := Parse(capturetest.File(t, path))
		if !ok || !strings.HasPrefix(filepath.Base(path), p.ID+"-") || p.Session != all[0].Session || len(p.Files) != len(all[0].Suggestions) {
			t.Errorf("%s: %+v", path, p)
		}
		agents[p.Agent]++
		history := strings.TrimSuffix(path, "metadata.json") + "full.jsonl"
		if !(claudecode.Source{}).Detect(capturetest.File(t, history), history) {
			continue // it is binary
		}
		told, _ := capturetest.Read(t, claudecode.Source{}, history)
		for _, e := range told {
			if e.Session != p.Session {
				t.Errorf("%s is of the session %s, not %s", filepath.Base(history), e.Session, p.Session)
			}
		}
		if len(told) > 0 {
			histories++
		}
		if !strings.Contains(string(capturetest.File(t, path)), `"session_id": "`+p.Session) {
			renamed++
		}
	}
	if len(files) != 23 || histories != 22 || renamed != 13 {
		t.Errorf("%d checkpoints, %d with a history, %d of them with a day before the session's id", len(files), histories, renamed)
	}
	if d := cmp.Diff(map[string]int{"": 4, "Agent": 1, "Claude Code": 17, "Gemini CLI": 1}, agents); d != "" {
		t.Error(d)
	}
}

func TestWhatIsNoCheckpointIsNone(t *testing.T) {
	for name, text := range map[string]string{
		"a summary of several":  `{"checkpoint_id":"0a1b2c3d4e5f","strategy":"manual-commit","files_touched":[],"sessions":[{"metadata":"/0a/1b2c3d4e5f/0/metadata.json"}]}`,
		"a session of no one's": `{"checkpoint_id":"0a1b2c3d4e5f","strategy":"manual-commit","session_id":""}`,
		"a list":                `[]`,
		"torn":                  `{"checkpoint_id":"0a1b2c3d4e5f","strategy":"manual-commit","session_id":"s"`,
	} {
		if p, ok := Parse([]byte(text)); ok {
			t.Errorf("%s is read as %+v", name, p)
		}
		all, rep := capturetest.ReadAs(t, Source{}, "metadata.json", []byte(text))
		if len(all) != 0 || rep.Unparsable != 1 {
			t.Errorf("%s: %d episodes, %+v", name, len(all), rep.Counts)
		}
	}
	odd, ok := Parse([]byte(`{"checkpoint_id":"c","session_id":"2026-03-02-by-hand","files_touched":["a",7,"",["b"],"c"],"created_at":true}`))
	if !ok || odd.Session != "2026-03-02-by-hand" || strings.Join(odd.Files, " ") != "a c" || !odd.Created.IsZero() {
		t.Errorf("fields of other types: %+v", odd)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "metadata.json", string(capturetest.File(f, "testdata/0a/1b2c3d4e5f/0/metadata.json")),
		`{"checkpoint_id":"c","session_id":"s","strategy":"","files_touched":["a","a",1,""]}`)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"checkpoint_id":"c","session_id":"2026-03-02-11111111-2222-","files_touched":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := Parse(b)
		if ok != (p != nil) || ok && (p.ID == "" || p.Session == "") {
			t.Fatalf("%v %+v", ok, p)
		}
	})
}
