// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// published are the counts that the reference gives for shared recordings beside the table of Claude Code transcripts
// (its section 19), as far as "headrace read --report" counts the same things. Those that it does not (records in several
// files, notes and their lines, the text of edits) are tests of the readers. A name with a slash is within a group, and only
// the first slash counts.
func published() map[string]map[string]float64 {
	return map[string]map[string]float64{
		"claude-code/entire/b69e695e7b48-0.full.jsonl":  {"lines": 1023, "prompts": 25, "tool_uses": 186, "tool_results": 186, "rejections": 6, "rejections_with_reason": 5, "interrupts": 3, "patches": 21},
		"claude-code/entire/262cf8fa0634-0.full.jsonl":  {"lines": 142, "prompts": 5, "tool_uses": 40, "rejections": 3, "rejections_with_reason": 0, "interrupts": 3, "patches": 2},
		"continue/dev_data/0.2.0/autocomplete.jsonl":    {"lines": 35, "kinds/autocomplete": 35, "decisions/accepted": 3, "decisions/ignored": 32},
		"continue/dev_data/0.2.0/tokensGenerated.jsonl": {"kinds/tokensGenerated": 334},
		"continue/dev_data/0.1.0/tokensGenerated.jsonl": {"kinds/tokensGenerated": 74},
		"aider/sample-analytics.jsonl":                  {"lines": 1000, "kinds/message_send": 107, "kinds/message_send_starting": 156, "kinds/command_undo": 2, "kinds/launched": 140},
		"aider/chat-history.md":                         {"kinds/user line": 9030, "kinds/applied edit": 413, "kinds/commit": 667, "kinds/did not conform": 57},
		"codex/agent-sessions/codex/small.jsonl": {"kinds/session_meta": 7, "kinds/turn_context": 9, "kinds/world_state": 5, "kinds/event_msg/patch_apply_end": 1, "kinds/event_msg/turn_aborted": 1,
			"kinds/event_msg/undo_completed": 1, "kinds/event_msg/guardian_assessment": 4},
		"copilot/git-ai/copilot-otel/traces.db": {"kinds/spans": 24, "kinds/span_attributes": 346, "kinds/span_events": 12, "kinds/span_attributes/gen_ai.input.messages": 11,
			"kinds/execute_tool": 5, "kinds/execute_hook": 8},
		"agent-trace/lazyusage-traces.jsonl":                                                          {"lines": 35, "kinds/Edit": 28, "kinds/Write": 7},
		"swe-agent/gpt4__swe-agent__test-repo__default_from--swe-agent__test-repo-i1.traj":            {"kinds/step": 5, "kinds/exit/submitted": 1},
		"swe-agent/gpt4__swe-bench-dev-easy_first_only__def--pydicom__pydicom-1458.traj":              {"kinds/step": 12, "kinds/exit/submitted": 1},
		"swe-agent/human_thought__swe-bench-HumanEvalFix-py--humanevalfix-python-0.traj":              {"kinds/step": 5, "kinds/exit/submitted": 1},
		"swe-agent/replay__marshmallow-code__marshmallow-18--marshmallow-code__marshmallow-1867.traj": {"kinds/step": 11, "kinds/exit/submitted": 1},
		"swe-agent/demonstrations--function_calling_simple.traj":                                      {"kinds/step": 0},
		"windsurf/git-ai/windsurf-session-simple.jsonl":                                               {"kinds/user_input": 4, "kinds/planner_response": 5, "kinds/run_command": 6, "kinds/code_action": 2},
	}
}

// measureCounts compares what "headrace read --report" says of each shared recording with the counts that others made.
func measureCounts(ctx context.Context, b *bench) ([]row, error) {
	head, table, err := b.expected()
	if err != nil {
		return nil, err
	}
	dir, err := b.shared("corpus")
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil { // as the report names it
		return nil, err
	}
	want := map[string]map[string]float64{}
	for name, cols := range table {
		counts := map[string]float64{}
		for i, c := range cols {
			if counts[head[i]], err = strconv.ParseFloat(c, 64); err != nil {
				return nil, fmt.Errorf("the table's %s of %s: %w", head[i], name, err)
			}
		}
		want["claude-code/"+name] = counts
	}
	transcripts := len(want)
	for name, counts := range published() {
		if want[name] == nil {
			want[name] = counts
			continue
		}
		for k, v := range counts {
			if had, twice := want[name][k]; twice && had != v {
				return nil, fmt.Errorf("%s of %s is %v in the table and %v in the reference", k, name, had, v)
			}
			want[name][k] = v
		}
	}
	report := filepath.Join(b.temp, "report.json")
	if _, _, err := b.timed(ctx, nil, 0, b.bin, "read", dir, "--report", report); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(report)
	if err != nil {
		return nil, err
	}
	var said struct{ Files []map[string]any }
	if err := json.Unmarshal(raw, &said); err != nil {
		return nil, err
	}
	have := map[string]map[string]any{}
	for _, f := range said.Files {
		name, err := filepath.Rel(dir, fmt.Sprint(f["path"]))
		if err != nil {
			return nil, err
		}
		have[filepath.ToSlash(name)] = f
	}
	right, n, wrong := compareCounts(want, have)
	note := fmt.Sprintf("%d counts compared: of %d transcripts by the table, of %d recordings of other tools by the reference", n, transcripts, len(want)-transcripts)
	return []row{{ID: "counts", Ours: figure(float64(right)), Unit: "counts equal", N: n, Note: strings.Join(append(wrong, note), "; ")}}, nil
}

// compareCounts returns how many of the wanted counts the report has exactly, of how many, and what is wrong with the rest.
func compareCounts(want map[string]map[string]float64, have map[string]map[string]any) (right, n int, wrong []string) {
	for name, counts := range want {
		for key, w := range counts {
			n++
			got, ok := counted(have[name], key)
			if ok && got == w {
				right++
				continue
			}
			told := "not in the report"
			if ok {
				told = strconv.FormatFloat(got, 'f', -1, 64)
			}
			wrong = append(wrong, fmt.Sprintf("%s %s: %s, want %v", name, key, told, w))
		}
	}
	slices.Sort(wrong)
	return right, n, wrong
}

// counted is a count of a file in the report: a group without a member of that name has none of it, and a member that is a
// group itself counts as the sum.
func counted(file map[string]any, key string) (float64, bool) {
	if file == nil {
		return 0, false
	}
	group, member, grouped := strings.Cut(key, "/")
	v := file[group]
	if grouped {
		members, ok := v.(map[string]any)
		if !ok && v != nil {
			return 0, false
		}
		if v = members[member]; v == nil {
			return 0, true
		}
	}
	switch v := v.(type) {
	case float64:
		return v, true
	case map[string]any:
		sum := 0.0
		for _, m := range v {
			f, ok := m.(float64)
			if !ok {
				return 0, false
			}
			sum += f
		}
		return sum, true
	}
	return 0, false
}
