// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/web"
)

// The agent finds the clone that the tool worked in by itself; nobody names it.
func TestWhatIsCommittedOnTheMachineBecomesAnOutcome(t *testing.T) {
	m := newMachine(t)
	repo := filepath.Join(m.home, "src", "mill")
	m.ok(os.MkdirAll(repo, 0o755))
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = repo
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	git("init", "-q", "-b", "main")
	file := filepath.Join(repo, "wheel.go")
	brake := "// Brake stops the wheel before the race freezes.\nfunc Brake(w *Wheel) { w.momentum = 0 }\n"
	at := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	quote := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	path := filepath.Join(m.home, ".claude", "projects", "mill", "s.jsonl")
	m.ok(os.MkdirAll(filepath.Dir(path), 0o700))
	m.ok(os.WriteFile(path, fmt.Appendf(nil, `{"type":"user","uuid":"u1","parentUuid":null,"sessionId":"s","cwd":%[1]s,"timestamp":%[2]q,"message":{"content":"let it stop"}}
{"type":"assistant","uuid":"a1","parentUuid":"u1","sessionId":"s","cwd":%[1]s,"timestamp":%[2]q,"message":{"id":"m1","role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Write","input":{"file_path":%[3]s,"content":%[4]s}}]}}
{"type":"user","uuid":"u2","parentUuid":"a1","sessionId":"s","cwd":%[1]s,"timestamp":%[2]q,"message":{"content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}]}}
`, quote(repo), at, quote(file), quote("package mill\n\n"+brake)), 0o600))
	m.ok(os.WriteFile(file, []byte("package mill\n\n"+brake), 0o644))
	git("add", "-A")
	git("commit", "-q", "-m", "stop the wheel")
	m.run(m.enrol(), nil)
	m.arrived(1)
	view := edge.View{Edge: m.edge}
	var got []episode.Outcome
	for end := time.Now().Add(20 * time.Second); len(got) == 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		m.ok(m.edge.Turn(t.Context()))
		page, err := view.Episodes(t.Context(), web.EpisodeFilter{Limit: 1})
		m.ok(err)
		v, err := view.Episode(t.Context(), "ada", page.Rows[0].ID)
		m.ok(err)
		got = v.Episode.Outcomes
	}
	if len(got) != 2 || got[0].Kind != episode.OutcomeCommitted || got[0].Value != 1 || got[1].Kind != episode.OutcomeMerged || got[1].Value != 1 {
		t.Errorf("%+v", got)
	}
}
