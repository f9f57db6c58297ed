// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"fmt"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// The row of section 16.1 of the reference, as far as a transcript tells it: who accepted, and that a rule or a hook refused,
// comes by telemetry only.
func TestEveryDecisionIsMapped(t *testing.T) {
	const no = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a file edit, the new_string was NOT written to the file)."
	const edit = `"name":"Edit","input":{"file_path":"a.go","old_string":"shut","new_string":"open"}`
	result := func(text string, failed bool, more string) string {
		return fmt.Sprintf(`"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":%q,"is_error":%v}]}%s`, text, failed, more)
	}
	note := func(text string) string {
		return fmt.Sprintf(`"type":"user","message":{"content":[{"type":"text","text":%q}]}`, text)
	}
	for _, c := range []struct {
		name, call string
		after      []string
		want       capturetest.Row
	}{
		{"it was done", edit, []string{result("ok", false, `,"toolUseResult":{"structuredPatch":[],"userModified":false}`)},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Accepted, By: episode.ByUnknown}},
		{"it was changed before it was done", edit, []string{result("ok", false, `,"toolUseResult":{"structuredPatch":[],"userModified":true,"newString":"ajar"}`)},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Modified, By: episode.ByPerson, Final: "ajar"}},
		{"no", edit, []string{result(no, true, `,"toolUseResult":"User rejected tool use"`)},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Rejected, By: episode.ByPerson}},
		{"no, and why", edit, []string{result(no+" To tell you how to proceed, the user said:\nleave it ajar", true, "")},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Rejected, By: episode.ByPerson, Reason: "leave it ajar"}},
		{"no to a look around", `"name":"Read","input":{"file_path":"a.go"}`, []string{result(no, true, "")},
			capturetest.Row{Kind: episode.KindCommand, Verdict: episode.Rejected, By: episode.ByPerson}},
		{"no, and the interrupt that the tool writes after it", edit, []string{result(no, true, ""), note("[Request interrupted by user for tool use]")},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Rejected, By: episode.ByPerson}},
		{"interrupted before there was a result", edit, []string{note("[Request interrupted by user for tool use]")},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Cancelled, By: episode.ByPerson}},
		{"interrupted while it ran", edit, []string{result("[Request interrupted by user for tool use]", true, "")},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Cancelled, By: episode.ByPerson}},
		{"it failed", edit, []string{result("String to replace not found in file.", true, "")}, capturetest.Row{Kind: episode.KindEdit}},
		{"it timed out", `"name":"Bash","input":{"command":"make"}`, []string{result("Command timed out after 2m 0s", true, "")}, capturetest.Row{Kind: episode.KindCommand}},
		{"a hook stopped it", edit, []string{result("PreToolUse:Edit hook error: no edits on Fridays", true, "")}, capturetest.Row{Kind: episode.KindEdit}},
		{"a rule forbids it", edit, []string{result("Permission to use Edit has been denied.", true, "")}, capturetest.Row{Kind: episode.KindEdit}},
		{"the words of a rejection in a file that was read", edit, []string{result(no, false, "")},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Accepted, By: episode.ByUnknown}},
		{"no result", edit, nil, capturetest.Row{Kind: episode.KindEdit}},
		{"no, in a session that a program leads", edit, []string{result(no, true, `,"entrypoint":"sdk-ts"`)},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Rejected, By: episode.ByUnknown}},
		{"stopped, in a session that a program leads", edit, []string{note("[Request interrupted by user for tool use]") + `,"entrypoint":"sdk-cli"`},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Cancelled, By: episode.ByUnknown}},
		{"no, at the terminal", edit, []string{result(no, true, `,"entrypoint":"cli"`)},
			capturetest.Row{Kind: episode.KindEdit, Verdict: episode.Rejected, By: episode.ByPerson}},
	} {
		text := `{"type":"user","uuid":"p","parentUuid":null,"sessionId":"s","message":{"content":"open the gate"}}
{"type":"assistant","uuid":"a","parentUuid":"p","sessionId":"s","message":{"id":"m","content":[{"type":"tool_use","id":"t",` + c.call + "}]}}\n"
		for i, r := range c.after {
			text += fmt.Sprintf(`{"uuid":"r%d","parentUuid":"a","sessionId":"s",%s}`+"\n", i, r)
		}
		all, _ := read(t, text)
		have := capturetest.Suggested(all)
		decided := 0
		for _, e := range all {
			decided += len(e.Decisions)
		}
		if len(have) > 1 || decided > 1 {
			t.Errorf("%s: %d suggestions, %d decisions: %+v", c.name, len(have), decided, have)
			continue
		}
		if len(have) == 1 {
			have[0].ID, have[0].Path, have[0].Before, have[0].After = "", "", "", ""
		}
		capturetest.Same(t, []capturetest.Row{c.want}, have)
		if t.Failed() {
			t.Fatalf("so it is where %s", c.name)
		}
	}
}

func TestAnAnswerThatIsInterruptedIsCancelled(t *testing.T) {
	for entry, by := range map[string]episode.By{"cli": episode.ByPerson, "sdk-py": episode.ByUnknown} {
		all, rep := read(t, `{"type":"user","uuid":"p","parentUuid":null,"sessionId":"s","message":{"content":"tell me of mills"}}
{"type":"assistant","uuid":"a","parentUuid":"p","sessionId":"s","message":{"id":"m","content":[{"type":"text","text":"Once upon a"}]}}
{"type":"user","uuid":"i","parentUuid":"a","sessionId":"s","entrypoint":"`+entry+`","message":{"content":[{"type":"text","text":"[Request interrupted by user]"}]}}
`)
		capturetest.Same(t, []capturetest.Row{{Kind: episode.KindAnswer, After: "Once upon a", Verdict: episode.Cancelled, By: by}}, capturetest.Decided(all))
		if rep.Interrupts != 1 {
			t.Errorf("%d interrupts", rep.Interrupts)
		}
	}
}

func TestEachAnswerOfAPromptThatIsInterruptedIsCancelledOnce(t *testing.T) {
	stop := func(id, parent string) string {
		return `{"type":"user","uuid":"` + id + `","parentUuid":"` + parent + `","sessionId":"s","message":{"content":[{"type":"text","text":"[Request interrupted by user]"}]}}` + "\n"
	}
	all, rep := read(t, `{"type":"user","uuid":"p","parentUuid":null,"sessionId":"s","message":{"content":"tell me of mills"}}
{"type":"assistant","uuid":"a","parentUuid":"p","sessionId":"s","message":{"id":"m1","content":[{"type":"text","text":"Once upon a"}]}}
`+stop("i1", "a")+stop("i2", "i1")+`{"type":"assistant","uuid":"b","parentUuid":"i2","sessionId":"s","message":{"id":"m2","content":[{"type":"text","text":"There was"}]}}
`+stop("i3", "b"))
	capturetest.Same(t, []capturetest.Row{{Kind: episode.KindAnswer, After: "Once upon a", Verdict: episode.Cancelled, By: episode.ByPerson},
		{Kind: episode.KindAnswer, After: "There was", Verdict: episode.Cancelled, By: episode.ByPerson}}, capturetest.Decided(all))
	if rep.Interrupts != 3 {
		t.Errorf("%d interrupts", rep.Interrupts)
	}
}

func TestACallWithoutAnIdIsASuggestionStill(t *testing.T) {
	all, _ := read(t, `{"type":"user","uuid":"p","parentUuid":null,"sessionId":"s","message":{"content":"open the gate"}}
{"type":"assistant","uuid":"a","parentUuid":"p","sessionId":"s","message":{"id":"m","content":[{"type":"tool_use","name":"Bash","input":{"command":"lift"}},{"type":"tool_use","name":"Bash","input":{"command":"hold"}}]}}
`)
	capturetest.Same(t, []capturetest.Row{{Kind: episode.KindCommand, After: "lift"}, {Kind: episode.KindCommand, After: "hold"}}, capturetest.Suggested(all))
}
