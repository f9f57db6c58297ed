// SPDX-License-Identifier: Apache-2.0

package hookprog

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The tally only grows; that it is full says nothing where the agent has emptied the queue.
func TestNothingIsLetGoWhileTheAgentKeepsTheQueueEmpty(t *testing.T) {
	q := queue{dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(q.dir, "hooks"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		if !q.room(100<<10, time.Now()) {
			t.Fatalf("event %d is let go", i)
		}
	}
	if err := os.WriteFile(filepath.Join(q.dir, "hooks", "kept"), make([]byte, maxQueueBytes), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(q.dir, "hooks.tally")); err != nil {
		t.Fatal(err)
	}
	held := 0
	for range 2 * maxQueueBytes / (100 << 10) {
		if q.room(100<<10, time.Now()) {
			held++
		}
	}
	if held > maxQueueBytes/(100<<10) {
		t.Errorf("%d more are kept in a full queue", held)
	}
}
