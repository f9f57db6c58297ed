// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/capture/gitlog"
)

// mirrorEvery is how often the repositories that the edge follows itself are asked for new commits.
const mirrorEvery = 10 * time.Minute

// mirror tells of the commits of the repositories that the configuration names: clones and bare mirrors where they are,
// others in mirrors of the edge's own. Git finds the credentials where it always does.
func (e *Edge) mirror(ctx context.Context) {
	if len(e.cfg.Repositories) == 0 {
		return
	}
	clones := gitlog.NewClones(nil) // what was told before is told again once: it is the same
	for {
		for _, r := range e.cfg.Repositories {
			dir, err := e.mirrorOf(ctx, r)
			if err != nil && ctx.Err() == nil {
				e.log.Warn("a repository is not followed", "repository", gitlog.Name(r), "err", err)
				continue
			}
			clones.Add(dir)
		}
		_, err := clones.Tell(ctx, e.cfg.Now(), func(ctx context.Context, body []byte) error {
			return e.ReceiveCommits(ctx, Principal{Authenticated: true}, body)
		})
		if err != nil && ctx.Err() == nil {
			e.log.Warn("of some commits nothing is told yet", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(mirrorEvery):
		}
	}
}

// mirrorOf is the folder of a repository, brought up to date where it is a mirror of ours.
func (e *Edge) mirrorOf(ctx context.Context, repository string) (string, error) {
	if gitlog.Name(repository) == "" {
		return strings.TrimPrefix(repository, "file://"), nil
	}
	dir := filepath.Join(e.cfg.Dir, "mirrors", e.gitName(gitlog.Name(repository))+".git")
	if _, err := os.Stat(filepath.Join(dir, "HEAD")); err == nil {
		return dir, fetch(ctx, dir, "remote", "update", "--prune")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return "", err
	}
	half := dir + ".new"
	if err := errors.Join(os.RemoveAll(half), fetch(ctx, filepath.Dir(dir), "clone", "--mirror", "--quiet", "--", repository, half)); err != nil {
		return "", err
	}
	return dir, os.Rename(half, dir)
}

// fetch runs git where it may ask the network, and nobody.
func fetch(ctx context.Context, dir string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.hooksPath=" + os.DevNull, "-c", "gc.auto=0"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("git %s: %w: %.500s", args[0], err, out)
	}
	return nil
}
