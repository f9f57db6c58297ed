// SPDX-License-Identifier: Apache-2.0

package parts

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/hook"
	"github.com/headrace/headrace/internal/capture/otlp"
)

var at = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// history, telemetry and hook tell of the same prompt: an edit, a command, and a file that only telemetry saw.
func history() *episode.Episode {
	return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: "ep_history", Tool: episode.Tool{Name: "mill"}, Session: "s", StartedAt: at, EndedAt: at.Add(time.Minute),
		Instruction: "turn the wheel", Model: episode.Model{Name: "m"}, Usage: &episode.Usage{InputTokens: 7},
		Steps: []episode.Step{{Source: episode.SourceUser, Message: "turn the wheel"}, {Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: "c1", Name: "Edit"}, {ID: "c2", Name: "Bash"}}}},
		Suggestions: []episode.Suggestion{{ID: "c1", Step: 1, Kind: episode.KindEdit, Path: "wheel.go", Before: "still", After: "turning"},
			{ID: "c2", Step: 1, Kind: episode.KindCommand, After: "make"}},
		Decisions: []episode.Decision{{Suggestion: "c1", Verdict: episode.Accepted, By: episode.ByUnknown, At: at}, {Suggestion: "c2", Verdict: episode.Rejected, By: episode.ByPerson, Reason: "not yet"}}}
}

func telemetry() *episode.Episode {
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: "ep_events", Tool: episode.Tool{Name: "mill", Version: "2"}, Session: "s", StartedAt: at.Add(-time.Second),
		Steps:       []episode.Step{{Source: episode.SourceSystem}},
		Suggestions: []episode.Suggestion{{ID: "c1", Step: 0, Kind: episode.KindEdit}, {ID: "c3", Step: 0, Kind: episode.KindFile, Path: "gate.go"}},
		Decisions:   []episode.Decision{{Suggestion: "c1", Verdict: episode.Accepted, By: episode.ByPerson, At: at}, {Suggestion: "c3", Verdict: episode.Accepted, By: episode.ByRule, At: at}}}
	otlp.Merge(e, e.Clone()) // in the form that all telemetry has
	return e
}

// proxied is the same seen between the editor and the agent: who decided on both calls.
func proxied() *episode.Episode {
	return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: "ep_proxy", Tool: episode.Tool{Name: "mill"}, Session: "s", StartedAt: at, EndedAt: at.Add(time.Minute),
		Instruction: "turn the wheel @wheel.go", Usage: &episode.Usage{InputTokens: 7, OutputTokens: 3},
		Steps: []episode.Step{{Source: episode.SourceUser, Message: "turn the wheel @wheel.go"}, {Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: "c1"}, {ID: "c2"}}}},
		Suggestions: []episode.Suggestion{{ID: "c1", Step: 1, Kind: episode.KindEdit, Path: "/mill/wheel.go", Before: "still\n", After: "turning\n", DwellMS: 900},
			{ID: "c2", Step: 1, Kind: episode.KindCommand, After: "make"}},
		Decisions: []episode.Decision{{Suggestion: "c1", Verdict: episode.Accepted, By: episode.ByPerson, At: at}, {Suggestion: "c2", Verdict: episode.Rejected, By: episode.ByPerson}}}
}

func TestAProxyKnowsWhoDecidedAndTheHistoryTheRest(t *testing.T) {
	p := Of(Proxy, proxied())
	p.Add(History, history())
	e := p.Episode()
	if e.ID != "ep_history" || e.Instruction != "turn the wheel" || len(e.Steps) != 2 || e.Suggestions[0].After != "turning" || e.Suggestions[0].DwellMS != 900 || e.Usage.OutputTokens != 3 {
		t.Errorf("%+v", e)
	}
	if d := e.Decisions; len(d) != 2 || d[0].Verdict != episode.Accepted || d[0].By != episode.ByPerson || d[1].Reason != "not yet" {
		t.Errorf("%+v", d)
	}
}

func hooked() *episode.Episode {
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: "ep_hook", Tool: episode.Tool{Name: "mill"}, Session: "s", Repository: "/mill",
		Suggestions: []episode.Suggestion{{ID: "c2", Step: -1, Kind: episode.KindCommand, After: "make"}}}
	otlp.Merge(e, e.Clone())
	return e
}

func TestEachSourceTellsWhatItKnowsBest(t *testing.T) {
	p := Of(Events, telemetry())
	p.Add(Hooks, hooked())
	p.Add(History, history())
	e := p.Episode()
	if e.ID != "ep_history" || e.Instruction != "turn the wheel" || e.Tool.Version != "2" || e.Repository != "/mill" || e.Usage.InputTokens != 7 || !e.StartedAt.Equal(at.Add(-time.Second)) {
		t.Errorf("%+v, usage %+v", e, e.Usage)
	}
	var got []string
	for _, d := range e.Decisions {
		got = append(got, d.Suggestion+" "+string(d.Verdict)+" by "+string(d.By)+d.Reason)
	}
	if d := cmp.Diff([]string{"c1 accepted by person", "c2 rejected by personnot yet", "c3 accepted by rule"}, got); d != "" {
		t.Error(d)
	}
	if len(e.Suggestions) != 3 || e.Suggestions[0].After != "turning" || e.Suggestions[0].Step != 1 || e.Suggestions[2].Step != -1 || len(e.Steps) != 2 {
		t.Errorf("suggestions %+v of %d steps", e.Suggestions, len(e.Steps))
	}
}

// A history that saw the text change after it was accepted does not know who accepted it; telemetry does.
func TestWhatIsModifiedStaysSoWhoeverKnowsWhoAcceptedIt(t *testing.T) {
	apart := 0.5
	for _, c := range []struct{ modified, accepted, want episode.By }{
		{episode.ByUnknown, episode.ByPerson, episode.ByPerson},
		{episode.ByUnknown, episode.ByRule, episode.ByRule},
		{episode.ByPerson, episode.ByRule, episode.ByPerson},
		{episode.ByUnknown, episode.ByUnknown, episode.ByUnknown},
	} {
		m := episode.Decision{Suggestion: "c1", Verdict: episode.Modified, By: c.modified, Final: "spinning", EditDistance: &apart}
		a := episode.Decision{Suggestion: "c1", Verdict: episode.Accepted, By: c.accepted, At: at}
		for _, sources := range [][2]episode.Decision{{m, a}, {a, m}} {
			h, ev := history(), telemetry()
			h.Decisions, ev.Decisions = sources[:1], sources[1:]
			p := Of(Events, ev)
			p.Add(History, h)
			d := p.Episode().Decisions[0]
			if d.Verdict != episode.Modified || d.By != c.want || d.Final != "spinning" || d.EditDistance == nil || d.At != at {
				t.Errorf("modified by %s, accepted by %s: %+v, want it modified by %s", c.modified, c.accepted, d, c.want)
			}
		}
	}
}

func TestTheOrderInWhichSourcesComeAndHowOftenMakeNoDifference(t *testing.T) {
	sources := []func() (Kind, *episode.Episode){
		func() (Kind, *episode.Episode) { return History, history() },
		func() (Kind, *episode.Episode) { return Events, telemetry() },
		func() (Kind, *episode.Episode) { return Hooks, hooked() },
		func() (Kind, *episode.Episode) { return Proxy, proxied() },
	}
	var want []byte
	for _, order := range [][]int{{0, 1, 2, 3}, {0, 2, 3, 1}, {1, 3, 0, 2}, {3, 1, 2, 0}, {2, 0, 1, 3}, {2, 1, 3, 0}, {0, 3, 0, 1, 2, 1, 3, 0, 2}} {
		var p Parts
		for _, i := range order {
			p.Add(sources[i]())
			b, err := p.Append(nil)
			if err != nil {
				t.Fatal(err)
			}
			if p, err = Decode(b); err != nil { // as it rests between two
				t.Fatal(err)
			}
		}
		got, err := episode.Append(nil, p.Episode())
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Errorf("order %v:\n got %s\nwant %s", order, got, want)
		}
	}
}

func TestAnEpisodeOfOneSourceRestsAsItIs(t *testing.T) {
	p := Of(History, history())
	b, err := p.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	plain, _ := episode.Append(nil, history())
	if !bytes.Equal(b, plain) {
		t.Errorf("%s\nis not\n%s", b, plain)
	}
}

func TestAnUnprovenSourceMarksTheWhole(t *testing.T) {
	h, ev := history(), telemetry()
	ev.Local = &episode.Local{Unauthenticated: true}
	p := Of(History, h)
	p.Add(Events, ev)
	if e := p.Episode(); e.Local == nil || !e.Local.Unauthenticated {
		t.Error("what was told without an identity has lost its mark")
	}
	if h.Local != nil {
		t.Error("a part was changed")
	}
}

func FuzzDecode(f *testing.F) {
	p := Of(History, history())
	p.Add(Hooks, hooked())
	b, _ := p.Append(nil)
	f.Add(b)
	f.Add([]byte("\n\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			return
		}
		again, err := p.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if b2, _ := q.Append(nil); !bytes.Equal(again, b2) {
			t.Fatalf("%s\n%s", again, b2)
		}
		q.Join(p)
		q.Episode()
	})
}

// A prompt that led to no call has only its own id in common with what its hooks and telemetry tell.
func TestAPromptWithoutACallIsKnownByItsID(t *testing.T) {
	h := &episode.Episode{Tool: episode.Tool{Name: "claude-code"}, Session: "s", Steps: []episode.Step{{Source: episode.SourceUser, Message: "why"}}}
	capture.MarkPrompt(&h.Steps[0], "p-1")
	hooks, err := hook.Parts("claude-code", []byte(`{"session_id":"s","prompt_id":"p-1","hook_event_name":"UserPromptSubmit","prompt":"why"}`), at)
	if err != nil || len(hooks) != 1 {
		t.Fatal(hooks, err)
	}
	if a, b := Keys(History, h), Keys(Hooks, hooks[0]); len(a) != 1 || len(b) != 1 || a[0] != b[0] {
		t.Errorf("%q and %q", a, b)
	}
}
