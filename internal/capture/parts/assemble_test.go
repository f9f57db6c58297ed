// SPDX-License-Identifier: Apache-2.0

package parts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/hook"
	"github.com/headrace/headrace/internal/capture/otlp"
)

// piece is what one payload tells of an episode.
type piece struct {
	kind Kind
	ep   *episode.Episode
}

// pieces makes parts of one episode from a script: a line is the kind of source and what it sends. Of a history, a proxy and
// git only the first counts: each tells all that it knows, and the later word replaces the earlier.
func pieces(script []byte) (all []piece) {
	whole := map[Kind]bool{}
	for line := range bytes.Lines(script) {
		if len(all) >= 12 {
			break
		}
		name, body, _ := bytes.Cut(bytes.TrimSpace(line), []byte{' '})
		at := time.Date(2026, 5, 1, 8, 0, len(all), 0, time.UTC)
		var list []*episode.Episode
		kind := map[string]Kind{"history": History, "proxy": Proxy, "event": Events, "hook": Hooks, "git": Git}[string(name)]
		switch string(name) {
		case "hook":
			list, _ = hook.Parts("claude-code", body, at)
		case "event":
			list = sent(body)
		case "history", "proxy", "git":
			if e, err := episode.Decode(body); err == nil && !whole[kind] {
				whole[kind] = true
				list = []*episode.Episode{e}
			}
		}
		for _, e := range list {
			e.ID, e.Tool.Name, e.SchemaVersion = "ep", "claude-code", episode.SchemaVersion
			if b, err := episode.Append(nil, e); err != nil {
				continue
			} else if e, err = episode.Decode(b); err != nil { // as a store would give it back
				continue
			}
			all = append(all, piece{kind, e})
		}
	}
	return all
}

// sent is what one event of Claude Code's telemetry becomes.
func sent(body []byte) []*episode.Episode {
	var attributes map[string]any
	if json.Unmarshal(body, &attributes) != nil {
		return nil
	}
	logs := plog.NewLogs()
	scope := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	scope.Scope().SetName("com.anthropic.claude_code.events")
	record := scope.LogRecords().AppendEmpty()
	record.Body().SetStr("claude_code." + fmt.Sprint(attributes["event.name"]))
	for k, v := range attributes {
		if record.Attributes().PutEmpty(k).FromRaw(v) != nil {
			return nil
		}
	}
	all, _ := otlp.Episodes(logs)
	return all
}

// assembled is the episode that the pieces make, in this order, and how it rests.
func assembled(t *testing.T, list []piece, rest bool) []byte {
	t.Helper()
	var p Parts
	for _, c := range list {
		p.Add(c.kind, c.ep.Clone())
		if !rest {
			continue
		}
		b, err := p.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		if p, err = Decode(b); err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
	}
	b, err := episode.Append(nil, p.Episode())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := episode.Decode(b); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	return b
}

// FuzzAssemble: whatever sources tell of an episode, it is the same in whichever order the parts come, however they are
// batched, whether they have rested in between, and however often one is told again.
func FuzzAssemble(f *testing.F) {
	head := `"session_id":"s-1","prompt_id":"p-1","cwd":"/src/mill",`
	about := `"session.id":"s-1","prompt.id":"p-1","terminal.type":"xterm",`
	input := `"tool_name":"Edit","tool_use_id":"c1","tool_input":{"file_path":"/src/mill/wheel.go","old_string":"still","new_string":"turning"}`
	tell := func(e *episode.Episode) string {
		b, err := episode.Append(nil, e)
		if err != nil {
			f.Fatal(err)
		}
		return string(b)
	}
	lines := []string{
		"history " + tell(history()), "proxy " + tell(proxied()),
		"git " + tell(&episode.Episode{SchemaVersion: episode.SchemaVersion, ID: "ep", Links: &episode.Links{Commit: "abc"},
			Decisions: []episode.Decision{{Suggestion: "c1", Verdict: episode.Modified, By: episode.ByUnknown, Final: "spinning"}},
			Outcomes:  []episode.Outcome{{Suggestion: "c1", Kind: episode.OutcomeCommitted, Value: 1}}}),
		`hook {` + head + `"hook_event_name":"UserPromptSubmit","prompt":"turn the wheel"}`,
		`hook {` + head + `"hook_event_name":"PreToolUse",` + input + `}`,
		`hook {` + head + `"hook_event_name":"PostToolUse",` + input + `,"tool_response":{"userModified":false}}`,
		`hook {` + head + `"hook_event_name":"Stop","last_assistant_message":"It turns."}`,
		`event {` + about + `"event.name":"user_prompt","prompt":"turn the wheel","event.sequence":1}`,
		`event {` + about + `"event.name":"tool_decision","tool_name":"Edit","tool_use_id":"c1","decision":"accept","source":"user_temporary","event.sequence":2}`,
		`event {` + about + `"event.name":"tool_result","tool_name":"Edit","tool_use_id":"c1","success":"true","decision_source":"config","event.sequence":3,"event.timestamp":"2026-05-01T08:00:03Z"}`,
		`event {` + about + `"event.name":"tool_decision","tool_name":"Bash","tool_use_id":"c2","decision":"reject","source":"user_reject","event.sequence":4}`,
		`event {` + about + `"event.name":"api_request","model":"claude-opus-4-5","input_tokens":7,"request_id":"r","event.sequence":5}`,
	}
	f.Add([]byte(strings.Join(lines, "\n")))
	f.Add([]byte(strings.Join(lines[3:7], "\n")))
	f.Add([]byte(strings.Join(lines[7:], "\n")))
	f.Add([]byte(strings.Join([]string{lines[0], lines[9], lines[5], lines[2]}, "\n")))
	f.Fuzz(func(t *testing.T, script []byte) {
		all := pieces(script)
		if len(all) == 0 {
			return
		}
		want := assembled(t, all, false)
		other := slices.Clone(all)
		for _, order := range []string{"rested", "told again", "turned round", "halves first"} {
			switch order {
			case "told again":
				other = slices.Concat(all, all)
			case "turned round":
				slices.Reverse(other)
			case "halves first":
				other = slices.Concat(all[len(all)/2:], all[:len(all)/2])
			}
			if got := assembled(t, other, true); !bytes.Equal(got, want) {
				t.Fatalf("%s:\n got %s\nwant %s", order, got, want)
			}
		}
		var left, right Parts // in two batches
		for i, c := range all {
			if i%2 == 0 {
				left.Add(c.kind, c.ep.Clone())
			} else {
				right.Add(c.kind, c.ep.Clone())
			}
		}
		right.Join(left)
		if got, err := episode.Append(nil, right.Episode()); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("in two batches: %v\n got %s\nwant %s", err, got, want)
		}
	})
}
