// SPDX-License-Identifier: Apache-2.0

package continuedev

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func read(t testing.TB, raw []byte) ([]*episode.Episode, capture.Report) {
	t.Helper()
	return capturetest.ReadAs(t, Source{}, "autocomplete.jsonl", raw)
}

func TestSharedDevelopmentDataHoldsWhatTheReferenceSays(t *testing.T) {
	dir := sharedtest.Dir(t, "corpus/continue")
	for name, want := range map[string]struct {
		kind                         string
		n, episodes, taken, notTaken int
	}{
		"dev_data/0.2.0/autocomplete.jsonl":    {"autocomplete", 35, 35, 3, 32},
		"dev_data/autocomplete.jsonl":          {"autocomplete", 1, 1, 0, 1},
		"dev_data/0.2.0/tokensGenerated.jsonl": {"tokensGenerated", 334, 0, 0, 0},
		"dev_data/0.1.0/tokensGenerated.jsonl": {"tokensGenerated", 74, 0, 0, 0},
	} {
		raw := capturetest.File(t, filepath.Join(dir, name))
		if !(Source{}).Detect(raw, "x") {
			t.Errorf("%s is not recognised", name)
		}
		got, rep := read(t, raw)
		taken, not := rep.Decisions[episode.Accepted][episode.ByPerson], rep.Decisions[episode.Ignored][episode.ByUnknown]
		if rep.Kinds[want.kind] != want.n || len(got) != want.episodes || taken != want.taken || not != want.notTaken || rep.Unparsable != 0 {
			t.Errorf("%s: %v, %d episodes, %d taken, %d not; want %+v", name, rep.Kinds, len(got), taken, not, want)
		}
		ids := map[string]bool{}
		for _, e := range got {
			if ids[e.ID] || e.StartedAt.IsZero() || e.Model.Name == "" {
				t.Errorf("%s: %s: twice, or without a time or model", name, e.ID)
			}
			ids[e.ID] = true
		}
	}
	got, rep := read(t, capturetest.File(t, filepath.Join(dir, "git-ai/continue-cli-session-simple.json")))
	if len(got) != 1 || rep.ToolUses != 2 || rep.ToolResults != 2 || len(got[0].Suggestions) != 1 ||
		rep.Decisions[episode.Accepted][episode.ByUnknown] != 1 || got[0].Suggestions[0].Language != "typescript" {
		t.Errorf("session: %+v, %d episodes", rep.Counts, len(got))
	}
}

func TestEachEventBecomesThisDecision(t *testing.T) {
	raw := capturetest.File(t, "testdata/events.jsonl")
	got, rep := read(t, raw)
	again, _ := read(t, raw)
	if d := cmp.Diff(got, again); d != "" {
		t.Error(d)
	}
	if rep.Unparsable != 1 {
		t.Errorf("%d unparsable, want the torn line", rep.Unparsable)
	}
	type row struct {
		Surface episode.Surface
		Kind    episode.SuggestionKind
		Verdict episode.Verdict
		By      episode.By
	}
	var have []row
	for _, e := range got {
		r := row{Surface: e.Tool.Surface, Kind: e.Suggestions[0].Kind}
		if len(e.Decisions) > 0 {
			r.Verdict, r.By = e.Decisions[0].Verdict, e.Decisions[0].By
		}
		have = append(have, r)
	}
	want := []row{
		{episode.SurfaceCompletion, episode.KindCompletion, episode.Accepted, episode.ByPerson},
		{episode.SurfaceCompletion, episode.KindCompletion, episode.Ignored, episode.ByUnknown},
		{episode.SurfaceCompletion, episode.KindCompletion, "", ""},
		{episode.SurfaceChat, episode.KindEdit, episode.Accepted, episode.ByPerson},
		{episode.SurfaceChat, episode.KindEdit, episode.Rejected, episode.ByPerson},
		{episode.SurfaceNextEdit, episode.KindEdit, episode.Ignored, episode.ByUnknown},
		{episode.SurfaceNextEdit, episode.KindEdit, episode.Cancelled, episode.ByUnknown},
		{episode.SurfaceChat, episode.KindAnswer, "", ""},
		{episode.SurfaceAgent, episode.KindCommand, episode.Rejected, episode.ByPerson},
		{episode.SurfaceAgent, episode.KindCommand, episode.Accepted, episode.ByUnknown},
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d)
	}
	if r := got[7].Ratings; len(r) != 1 || r[0].Value != 0 || r[0].Scale != "thumb" {
		t.Errorf("ratings %+v, want one thumb down", r)
	}
	if s := got[0].Suggestions[0]; s.Before != "ratio = " || s.After != "2" {
		t.Errorf("%+v: a completion stands after its prefix", s)
	}
	if s := got[3].Suggestions[0]; s.Before != "ratio = 1" || s.After != "ratio = 2" || s.Path != "/c:/mill/wheel.go" {
		t.Errorf("%+v", s)
	}
}

func TestATornSessionIsReportedNotGuessed(t *testing.T) {
	f := capture.File{Path: "-", R: strings.NewReader(`{"sessionId":"s","title":"t","history":[{"message":{"role":"us`)}
	rep, err := capture.ReadFrom(context.Background(), []capture.Source{Source{}}, Name, f, func(*episode.Episode) error { return nil })
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "capture/unreadable" || !strings.Contains(err.Error(), "torn") || rep.Unparsable != 1 {
		t.Errorf("error %v, %d unparsable", err, rep.Unparsable)
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "events.jsonl",
		`{"sessionId":"s","title":"t","history":[{"message":{"role":"user","content":[{"text":"hi"}]},"toolCallStates":[{"status":"done","output":[{}]}]}]}`,
		`{"eventName":"editOutcome","schema":"0.2.0","accepted":true,"completion":"a","filepath":"file:///c%AA/wheel.go"}`)
}
