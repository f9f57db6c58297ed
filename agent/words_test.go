// SPDX-License-Identifier: Apache-2.0

package agent_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/internal/hookprog"
	"github.com/headrace/headrace/internal/instruct"
)

func TestKeptInstructionsComeToTheHookProgramAndGoWhenTheyAreStopped(t *testing.T) {
	m := newMachine(t)
	const release = "rel_0123456789abcdef01234567"
	p, err := instruct.New("Tests first", "", instruct.Change{Diff: "--- /dev/null\n+++ b/AGENTS.md\n@@ -0,0 +1 @@\n+Write a test first.\n"}).Marshal()
	m.ok(err)
	m.ok(m.edge.OfferInstructions(t.Context(), "maker", &instruct.Offer{ID: release, Payload: p}))
	i, err := m.edge.Instruction(t.Context(), release)
	m.ok(err)
	m.ok(m.edge.TryInstructions(t.Context(), "steward", release, i.Seen, 0.5))
	m.ok(m.edge.JudgeInstructions(t.Context(), "maker", release, true, ""))
	m.ok(m.edge.KeepInstructions(t.Context(), "steward", release))

	file := filepath.Join(m.dir, hookprog.Words)
	m.run(m.enrol(), nil)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		b, err := os.ReadFile(file)
		if err == nil {
			if string(b) != "Write a test first.\n" {
				t.Errorf("the hook program has %q", b)
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	m.ok(m.edge.StopInstructions(t.Context(), "steward", release, ""))
	m.ok(agent.KeepWords(m.dir, m.edge.Words("ada")))
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was stopped is still there: %v", err)
	}
	m.ok(agent.KeepWords(m.dir, "")) // none twice is no fault
}
