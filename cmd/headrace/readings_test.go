// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// git runs git in a folder, as a miller who has no settings.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Miller", "GIT_AUTHOR_EMAIL=miller@example.com",
		"GIT_COMMITTER_NAME=Miller", "GIT_COMMITTER_EMAIL=miller@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestReadOfARepositoryReadsItsNotesAndCheckpoints(t *testing.T) {
	dir := t.TempDir()
	git(t, dir, "init", "-q", "-b", "entire/checkpoints/v1")
	folder := filepath.Join(dir, "0a", "1b2c3d4e5f", "0")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	metadata := `{"checkpoint_id":"0a1b2c3d4e5f","session_id":"s","strategy":"manual-commit","created_at":"2026-03-02T10:00:00Z","files_touched":["wheel.go"]}`
	for name, text := range map[string]string{"metadata.json": metadata, "full.jsonl": transcript, "prompt.txt": "List"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "checkpoint")
	git(t, dir, "checkout", "-q", "--orphan", "main")
	git(t, dir, "rm", "-rqf", ".")
	git(t, dir, "commit", "-q", "--allow-empty", "-m", "turn the wheel\n\nEntire-Checkpoint: 0a1b2c3d4e5f")
	commit := git(t, dir, "rev-parse", "HEAD")
	git(t, dir, "notes", "--ref=ai", "add", "-m", "wheel.go\n  1234567 1-3\n---\n"+`{"schema_version":"authorship/3.0.0","prompts":{"1234567":{"agent_id":{"tool":"cursor","id":"c","model":"m"}}}}`)

	var out, errs bytes.Buffer
	if code := run([]string{"read", dir}, strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d episodes: %s", len(lines), out.String())
	}
	for i, want := range []string{`"tool":{"name":"git-ai"`, `"tool":{"name":"claude-code"`, `"tool":{"name":"entire"`} {
		if linked := strings.Contains(lines[i], `"commit":"`+commit+`"`); !strings.Contains(lines[i], want) || linked != (i != 1) {
			t.Errorf("%d, linked %v: %s", i, linked, lines[i])
		}
	}
	if !strings.Contains(errs.String(), "3 episodes from 3 files; 8 lines, 1 of them unreadable") {
		t.Error(errs.String())
	}

	broken := t.TempDir()
	if err := os.Mkdir(filepath.Join(broken, ".git"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "s.jsonl"), []byte(transcript), 0o600); err != nil {
		t.Fatal(err)
	}
	errs.Reset()
	if code := run([]string{"read", broken}, strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(errs.String(), "set aside: ") || !strings.Contains(errs.String(), "1 episodes from 1 files") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}
