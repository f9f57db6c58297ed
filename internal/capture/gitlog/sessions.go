// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/headrace/headrace/internal/capture/entire"
	"github.com/headrace/headrace/internal/capture/gitai"
)

// trailer is how Entire names a checkpoint in a commit's message; the checkpoint's metadata are on a branch of their own, in
// a folder named by the first two digits and one by the rest.
var trailer = regexp.MustCompile(`(?m)^Entire-Checkpoint: *([0-9a-f]{2})([0-9a-f]{10})\s*$`)

const (
	maxCheckpoints = 8  // of a commit that are looked up
	maxParts       = 32 // of a checkpoint: one for each session
	maxMetadata    = 1 << 20
)

// sessions notes the coding sessions that a commit names itself.
func (r *Repository) sessions(ctx context.Context, c *Commit, note string) {
	if n, err := gitai.Parse([]byte(note)); err == nil {
		c.Sessions = n.Sessions()
	}
	for _, m := range trailer.FindAllStringSubmatch(c.Message, maxCheckpoints) {
		for _, branch := range checkpointBranches() {
			if found := r.checkpoint(ctx, branch+":"+m[1]+"/"+m[2]); len(found) > 0 {
				c.Sessions = append(c.Sessions, found...)
				break
			}
		}
	}
	slices.Sort(c.Sessions)
	c.Sessions = slices.Compact(c.Sessions)
}

// checkpoint is the sessions of a checkpoint in its folder, branch and all. The first checkpoints had their one session's
// metadata in the folder itself, later ones have a folder for each session, from 0 or from 1 on.
func (r *Repository) checkpoint(ctx context.Context, folder string) (sessions []string) {
	var ask bytes.Buffer
	fmt.Fprintf(&ask, "%s/metadata.json\n", folder)
	for i := range maxParts {
		fmt.Fprintf(&ask, "%s/%d/metadata.json\n", folder, i)
	}
	listed, err := r.git(ctx, &ask, "cat-file", "--batch-check=%(objecttype) %(objectsize) %(objectname)")
	if err != nil {
		return nil // the repository is torn, and git log has more to say of that
	}
	var found bytes.Buffer
	for line := range bytes.Lines(listed) {
		var size int
		var id string
		if n, _ := fmt.Sscanf(string(line), "blob %d %s\n", &size, &id); n == 2 && size <= maxMetadata {
			fmt.Fprintln(&found, id)
		}
	}
	if found.Len() == 0 {
		return nil
	}
	blobs, err := r.git(ctx, &found, "cat-file", "--batch=%(objectsize)")
	if err != nil {
		return nil
	}
	for len(blobs) > 0 {
		head, rest, _ := bytes.Cut(blobs, []byte("\n"))
		n, err := strconv.Atoi(string(head))
		if err != nil || n >= len(rest) {
			break // "missing": taken away in between
		}
		if p, ok := entire.Parse(rest[:n]); ok {
			sessions = append(sessions, p.Session)
		}
		blobs = rest[n+1:]
	}
	return sessions
}
