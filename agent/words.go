// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
)

// wordsFile is what the hook program tells a model at the start of a session (hookprog.Words): as long as it was confirmed within
// a day.
const wordsFile = "instructions.md"

// KeepWords leaves instructions that somebody at the edge has approved for the hook program, in the agent's folder, or takes them
// away where there are none. Whoever calls it again confirms them.
func KeepWords(dir, words string) error {
	path := filepath.Join(dir, wordsFile)
	if words == "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("take instructions away: %w", err)
		}
		return nil
	}
	if err := errors.Join(os.MkdirAll(dir, 0o700), replace(path, []byte(words))); err != nil {
		return fmt.Errorf("keep instructions: %w", err)
	}
	return nil
}

// words asks the edge which instructions this machine's developer has. Where it does not answer, they stay as they are: the hook
// program gives them no longer than a day.
func (e *Edge) words(ctx context.Context) (string, error) {
	var ans struct {
		Words string `json:"words"`
	}
	err := e.ask(ctx, http.MethodGet, "/v1/device/instructions", "", nil, &ans)
	return ans.Words, err
}
