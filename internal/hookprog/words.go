// SPDX-License-Identifier: Apache-2.0

package hookprog

import (
	"os"
	"path/filepath"
	"time"
)

const (
	// Words is the file in the agent's folder whose text goes to the model at the start of a session: instructions that a person
	// at the edge has approved, for this developer. The agent writes it.
	Words = "instructions.md"
	// MaxWords is the most of it that is given, in bytes: Claude Code takes ten thousand characters.
	MaxWords = 8 << 10
	// WordsLast is how long they are given after the agent has last heard of them: what was stopped must end where no agent runs,
	// too.
	WordsLast = 24 * time.Hour
)

// words are what the model is to be told; none where there is no such file, or it is old, or larger than it may be.
func (q *queue) words(at time.Time) string {
	path := filepath.Join(q.dir, Words)
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > MaxWords || at.Sub(fi.ModTime()) > WordsLast {
		return ""
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b[:min(len(b), MaxWords)])
}
