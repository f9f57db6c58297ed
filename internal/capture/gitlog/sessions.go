// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// trailer is how Entire names a checkpoint in a commit's message; the checkpoint's metadata are on a branch of their own, in
// a folder named by the first two digits and one by the rest.
var trailer = regexp.MustCompile(`(?m)^Entire-Checkpoint: *([0-9a-f]{2})([0-9a-f]{10})\s*$`)

// maxCheckpoints bounds how many checkpoints of one commit are looked up.
const maxCheckpoints = 8

// sessions notes the coding sessions that a commit names itself.
func (r *Repository) sessions(ctx context.Context, c *Commit, note string) {
	c.Sessions = noted(note)
	for _, m := range trailer.FindAllStringSubmatch(c.Message, maxCheckpoints) {
		for _, branch := range [...]string{"refs/heads/entire/checkpoints/v1", "refs/remotes/origin/entire/checkpoints/v1"} {
			out, err := r.git(ctx, nil, "grep", "-h", "-I", "--no-color", "-E", `"session_id": *"`, branch, "--", m[1]+"/"+m[2]+"/*metadata.json")
			if err != nil {
				continue // no such branch, or no such checkpoint
			}
			for line := range strings.Lines(string(out)) {
				if _, id, ok := strings.Cut(line, `"session_id":`); ok {
					id, _, _ = strings.Cut(strings.TrimLeft(id, ` "`), `"`)
					c.Sessions = append(c.Sessions, id)
				}
			}
			break
		}
	}
	slices.Sort(c.Sessions)
	c.Sessions = slices.Compact(c.Sessions)
}

// noted are the sessions in a note of git-ai (standard 3.0.0: text, a line of three hyphens, JSON).
func noted(note string) (sessions []string) {
	_, text, ok := strings.Cut(note, "\n---\n")
	if !ok {
		return nil
	}
	type agent struct {
		Agent struct {
			ID string `json:"id"`
		} `json:"agent_id"`
	}
	var about struct {
		Prompts  map[string]agent `json:"prompts"`
		Sessions map[string]agent `json:"sessions"`
	}
	if json.Unmarshal([]byte(text), &about) != nil {
		return nil
	}
	for _, m := range [...]map[string]agent{about.Prompts, about.Sessions} {
		for _, a := range m {
			if a.Agent.ID != "" {
				sessions = append(sessions, a.Agent.ID)
			}
		}
	}
	return sessions
}
