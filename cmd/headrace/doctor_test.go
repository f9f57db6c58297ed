// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDoctorNamesWhatIsHereAndWhatIsConnected(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	for _, name := range []string{"CODEX_HOME", "CLAUDE_CONFIG_DIR", "COPILOT_HOME"} {
		t.Setenv(name, "")
	}
	history := filepath.Join(home, ".claude", "projects", "mill", "s.jsonl")
	if err := errors.Join(os.MkdirAll(filepath.Dir(history), 0o700), os.Mkdir(filepath.Join(home, ".codex"), 0o700),
		os.WriteFile(history, []byte(`{"type":"user","uuid":"u","sessionId":"s","message":{"content":"turn"}}`+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	doctor := func() map[string]string { // what it says, by tool
		var out, errs bytes.Buffer
		if code := run([]string{"--dir", dir, "doctor"}, nil, &out, &errs); code != 0 {
			t.Fatalf("%d: %s", code, &errs)
		}
		rows := map[string]string{}
		for line := range strings.Lines(out.String()) {
			tool, rest, _ := strings.Cut(line, "  ")
			rows[tool] = rest
		}
		return rows
	}
	before := doctor()
	if !strings.Contains(before["Claude Code"], "1 files") || !strings.Contains(before["Claude Code"], "no: headrace connect claude-code") ||
		!strings.Contains(before["OpenAI Codex"], "none yet") || !strings.Contains(before["OpenAI Codex"], "no: headrace connect codex") || before["Cursor"] != "" {
		t.Errorf("%q", before)
	}
	var out, errs bytes.Buffer
	if code := run([]string{"--dir", dir, "connect", "codex"}, nil, &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	if after := doctor(); !strings.Contains(after["OpenAI Codex"], "yes, no hook heard yet") {
		t.Errorf("%q", after)
	}
}
