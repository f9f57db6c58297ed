// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestARecordedSessionBecomesTheseEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/session.jsonl")
	if len(all) != 2 || rep.Lines != 29 || rep.Unparsable != 0 || rep.Prompts != 2 || rep.ToolUses != 4 || rep.ToolResults != 4 ||
		rep.Errors != 2 || rep.Rejections != 1 || rep.Interrupts != 1 || rep.Patches != 1 || rep.Kinds["session/update/tool_call_update"] != 4 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{ID: "edit-1", Kind: episode.KindEdit, Path: "/src/mill/sluice.go", Before: "open = false\n", After: "open = true\n", Verdict: episode.Accepted, By: episode.ByPerson, DwellMS: 2500},
		{ID: "sh-1", Kind: episode.KindCommand, After: "rm -r race", Verdict: episode.Rejected, By: episode.ByPerson, DwellMS: 4000},
		{ID: "sh-2", Kind: episode.KindCommand, After: "sleep 100", Verdict: episode.Cancelled, By: episode.ByPerson},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	e := all[0]
	at := time.Date(2026, 3, 2, 9, 0, 5, 0, time.UTC)
	if e.ID != episode.NewID(Name, "s-1#0@2026-03-02T09:00:05Z") || e.Session != "s-1" || e.Repository != "/src/mill" || e.Tool.Name != "gemini-cli" || e.Tool.Version != "0.20.0" ||
		e.Model.Name != "gemini-2.5-flash" || e.Model.Provider != "google" || !e.StartedAt.Equal(at) || !e.EndedAt.Equal(at.Add(8500*time.Millisecond)) ||
		e.Instruction != "Open the sluice in @/src/mill/sluice.go, as the rules say @/src/mill/AGENTS.md" || cmp.Diff([]string{"go"}, e.Languages) != "" {
		t.Errorf("%+v", e)
	}
	if all[1].Model.Name != "gemini-2.5-pro" {
		t.Errorf("the model of the session is %q", all[1].Model.Name)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 120, OutputTokens: 30}, e.Usage); d != "" {
		t.Error(d)
	}
	var names []string
	for _, a := range e.Artifacts {
		names = append(names, string(a.Kind)+" "+a.Name+" "+a.Text)
	}
	if d := cmp.Diff([]string{"rules /src/mill/AGENTS.md Open slowly.", "plan plan - [x] find it\n- [ ] open it\n"}, names); d != "" {
		t.Error(d)
	}
	wantSteps := []episode.Step{
		{At: at, Source: episode.SourceUser, Message: e.Instruction},
		{At: at.Add(time.Second), Source: episode.SourceAgent, Reasoning: "Where is it?", Message: "I look.",
			ToolCalls:   []episode.ToolCall{{ID: "read-1", Name: "read", Arguments: []byte(`{"title":"sluice.go"}`)}, {ID: "edit-1", Name: "edit", Arguments: []byte(`{"title":"sluice.go: false => true"}`)}},
			Observation: &episode.Observation{Results: []episode.Result{{Call: "read-1", Content: "open = false"}, {Call: "edit-1"}}}},
		{At: at.Add(8 * time.Second), Source: episode.SourceAgent, Message: "It is open."},
	}
	if d := cmp.Diff(wantSteps, e.Steps); d != "" {
		t.Error(d)
	}
}

func TestABareStreamIsReadByItsMethodsAndIdsAndAReplayIsNoEpisode(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/bare.jsonl")
	if len(all) != 2 || rep.Unparsable != 1 || rep.Prompts != 2 || rep.ToolUses != 4 {
		t.Fatalf("%d episodes, %+v", len(all), rep.Counts)
	}
	want := []capturetest.Row{
		{ID: "p-1", Kind: episode.KindPlan, After: "1. dig 2. hang", Verdict: episode.Accepted, By: episode.ByPerson},
		{ID: "w-1", Kind: episode.KindFile, Path: "gate.py", After: "gates = 2\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "w-1/2", Kind: episode.KindEdit, Path: "wall.py", Before: "ac", After: "bd", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "m-1", Kind: episode.KindCommand, After: "ring the bell", Verdict: episode.Cancelled, By: episode.ByUnknown},
		{ID: "t-1", Kind: episode.KindCommand, After: "hang gate", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "write-0", Kind: episode.KindFile, Path: "/src/mill/notes.md", After: "two gates\n", Verdict: episode.Accepted, By: episode.ByUnknown},
		{ID: "terminal-0", Kind: episode.KindCommand, After: "make gate", Verdict: episode.Accepted, By: episode.ByUnknown},
	}
	capturetest.Same(t, want, capturetest.Suggested(all))
	e := all[0]
	if e.Instruction != "Build a second gate" || e.Tool.Name != Name || e.Tool.Version != "3" || e.Repository != "/src/mill" || all[1].Instruction != "And a third" {
		t.Errorf("%+v", e)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 40, OutputTokens: 5, CacheReadTokens: 10, CacheWriteTokens: 5, CostUSD: 0.5}, e.Usage); d != "" {
		t.Error(d)
	}
	line, err := episode.Append(nil, e)
	if err != nil || strings.Contains(string(line), "not kept") || !strings.Contains(string(line), "it hangs") {
		t.Errorf("%v: the episode is %s", err, line)
	}
	again, _ := capturetest.Read(t, Source{}, "testdata/bare.jsonl")
	if d := cmp.Diff(all, again); d != "" {
		t.Errorf("read again it differs: %s", d)
	}
}

// Each recorder has words of its own; an answer in a direction is told by what else came in it.
func TestARecordingIsReadWhateverItsEnvelopeIsLike(t *testing.T) {
	want, _ := capturetest.Read(t, Source{}, "testdata/session.jsonl")
	text := string(capturetest.File(t, "testdata/session.jsonl"))
	for name, r := range map[string]*strings.Replacer{
		"client and agent": strings.NewReplacer(`{"ts":`, `{"time":`, `"dir":"out"`, `"from":"client"`, `"dir":"in"`, `"from":"agent"`, `"msg":`, `"message":`),
		"the agent's side": strings.NewReplacer(`{"ts":`, `{"timestamp":`, `"dir":"out"`, `"direction":"incoming"`, `"dir":"in"`, `"direction":"outgoing"`, `"msg":`, `"frame":`),
		"no direction":     strings.NewReplacer(`"dir":"out",`, ``, `"dir":"in",`, ``),
	} {
		all, rep := capturetest.ReadText(t, Source{}, "x.jsonl", r.Replace(text))
		if d := cmp.Diff(want, all); d != "" || rep.Unparsable != 0 {
			t.Errorf("%s: %d unparsable, %s", name, rep.Unparsable, d)
		}
	}
	var quoted strings.Builder // the message as text
	for line := range strings.Lines(text) {
		head, msg, _ := strings.Cut(strings.TrimSuffix(line, "}\n"), `"msg":`)
		quoted.WriteString(head + `"data":"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(msg) + "\"}\n")
	}
	if all, _ := capturetest.ReadText(t, Source{}, "x.jsonl", quoted.String()); cmp.Diff(want, all) != "" {
		t.Errorf("as text: %s", cmp.Diff(want, all))
	}
}

func TestWhoseAgentItIsItsNameTells(t *testing.T) {
	for name, want := range map[string]string{
		"gemini-cli": "gemini-cli", "@zed-industries/claude-code-acp": "claude-code", "@agentclientprotocol/claude-agent-acp": "claude-code", "codex-acp": "codex",
		"@zed-industries/codex-acp@0.9.0": "codex", "pool": "poolside", "Poolside Agent CLI": "poolside", "grok": "grok", "goose": "goose", "Kiro CLI Agent": "kiro",
		"/usr/local/bin/cursor-agent": "cursor", `C:\bin\Copilot.exe`: "copilot-cli", "mistral-vibe": "mistral-vibe", "OpenCode": "opencode", "": "", "millwright": "", "--experimental-acp": "",
	} {
		if got := Tool(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	text := strings.Replace(string(capturetest.File(t, "testdata/bare.jsonl")), `"agentInfo":{"name":"millwright","version":"3"}`, `"x":0`, 1)
	b := NewBuilder([]string{"npx", "-y", "@zed-industries/claude-code-acp@latest"})
	for line := range strings.Lines(text) {
		done, _ := b.Add(Unknown, time.Time{}, []byte(line))
		for _, e := range done {
			if e.Tool.Name != "claude-code" {
				t.Errorf("by its command it is %q", e.Tool.Name)
			}
		}
	}
}

func TestOnlyStreamsOfTheProtocolAreTaken(t *testing.T) {
	capturetest.TakesOnly(t, Source{}, sharedtest.Dir(t, "corpus"), 0)
	for _, head := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{}}}`, // MCP
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":1,"capabilities":{}}}`,                  // LSP
		`{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}`,
		`{"timestamp":1,"method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"plan"}}}`, // Grok
		string(capturetest.File(t, "../poolside/testdata/acp.jsonl")),
		"", "{", "[1]",
	} {
		if (Source{}).Detect([]byte(head), "acp.jsonl") {
			t.Errorf("taken: %.100s", head)
		}
	}
}

func FuzzRead(f *testing.F) {
	capturetest.Fuzz(f, Source{}, "acp.jsonl", `{"jsonrpc":"2.0","id":1,"method":"session/prompt","params":{"sessionId":"s","prompt":[]}}`)
}
