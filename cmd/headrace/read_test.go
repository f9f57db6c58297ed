// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// transcript is one prompt, one command and its result, and a torn line.
const transcript = `{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s","version":"2.1.17","cwd":"/src/mill","message":{"role":"user","content":"List"}}
{"type":"assistant","uuid":"a1","parentUuid":"u1","sessionId":"s","message":{"id":"m","model":"claude-opus-4-5","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}]}}
{"type":"user","uuid":"r1","parentUuid":"a1","sessionId":"s","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"wheel.go"}]}}
{"type":"user","uui`

func TestReadWritesEpisodesAndReportsExactlyWhatItRead(t *testing.T) {
	dir := t.TempDir()
	history, report := filepath.Join(dir, "s.jsonl"), filepath.Join(dir, "out", "report.json")
	for path, text := range map[string]string{history: transcript, filepath.Join(dir, "README.md"): "# Mill\n", filepath.Join(dir, "x.json"): "{}"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Dir(report), 0o700); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"read", dir, "--report", report}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	if n := strings.Count(out.String(), "\n"); n != 1 || !strings.Contains(out.String(), `"verdict":"accepted","by":"unknown"`) {
		t.Errorf("%d lines: %s", n, out.String())
	}
	raw, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Files []map[string]any }
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Files) != 1 {
		t.Fatalf("%d files in the report, want the history alone: %s", len(got.Files), raw)
	}
	for field, want := range map[string]any{"path": history, "tool": "claude-code", "lines": 4.0, "unparsable": 1.0, "episodes": 1.0, "prompts": 1.0,
		"tool_uses": 1.0, "tool_results": 1.0, "errors": 0.0, "rejections": 0.0, "rejections_with_reason": 0.0, "interrupts": 0.0, "patches": 0.0} {
		if got.Files[0][field] != want {
			t.Errorf("%s: %v, want %v", field, got.Files[0][field], want)
		}
	}
	if n := got.Files[0]["decisions"].(map[string]any)["accepted"].(map[string]any)["unknown"]; n != 1.0 {
		t.Errorf("decisions: %v", got.Files[0]["decisions"])
	}

	var again bytes.Buffer // the same episodes from standard input, whatever the file is called
	if code := run([]string{"read", "-", "--strict"}, strings.NewReader(transcript), &again, &errs); code != 1 {
		t.Errorf("--strict with a torn line: exit %d, want 1", code)
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Errorf("\n got %s\nwant %s", again.Bytes(), out.Bytes())
	}
}

func TestReadSaysWhatToDoAboutAPathThatIsNoHistory(t *testing.T) {
	dir := t.TempDir()
	letter, history := filepath.Join(dir, "letter.txt"), filepath.Join(dir, "s.jsonl")
	if err := os.WriteFile(letter, []byte("Dear miller,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(history, []byte(transcript), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"read", letter}, 1, "letter.txt is not a history"},
		{[]string{"read", filepath.Join(dir, "none")}, 1, "no such file"},
		{[]string{"read", t.TempDir()}, 1, "no tool history in"},
		{[]string{"read", letter, history}, 0, "set aside: "},
		{[]string{"read", letter, history, "--strict"}, 1, "set aside 1 lines and 1 files"},
		{[]string{"read", history, "--tool", "cobol"}, 2, "no such tool"},
		{[]string{"read"}, 2, "name a history file"},
	} {
		var out, errs bytes.Buffer
		if code := run(c.args, strings.NewReader(""), &out, &errs); code != c.code || !strings.Contains(errs.String(), c.says) {
			t.Errorf("%v: exit %d, said %q; want %d and %q", c.args[1:], code, errs.String(), c.code, c.says)
		}
	}
}
