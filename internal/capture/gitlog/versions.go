// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Version is a commit that changed a file.
type Version struct {
	Commit string
	Made   time.Time
}

// maxVersions bounds how far back a file is looked into.
const maxVersions = 500

// Versions are the commits of the branch that is checked out which changed a file of the work tree, the newest first.
func (r *Repository) Versions(ctx context.Context, path string) ([]Version, error) {
	name, err := r.name(path)
	if err != nil {
		return nil, err
	}
	out, err := r.git(ctx, nil, "log", "--no-show-signature", "--max-count="+strconv.Itoa(maxVersions), "--format=%H %ct", "HEAD", "--", ":(literal)"+name)
	if err != nil {
		return nil, err
	}
	var all []Version
	for line := range strings.Lines(string(out)) {
		id, at, _ := strings.Cut(strings.TrimSpace(line), " ")
		seconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("git log in %s: %q is no commit's time", r.dir, at)
		}
		all = append(all, Version{id, time.Unix(seconds, 0)})
	}
	return all, nil
}

// Text is a file of the work tree as a commit has it; an error where that has none, or one of more than most bytes.
func (r *Repository) Text(ctx context.Context, commit, path string, most int64) ([]byte, error) {
	name, err := r.name(path)
	if err != nil {
		return nil, err
	}
	out, err := r.git(ctx, nil, "cat-file", "-s", commit+":"+name)
	if err != nil {
		return nil, err
	}
	if size, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64); err != nil || size > most {
		return nil, fmt.Errorf("%s has %s bytes in %s, more than %d", name, strings.TrimSpace(string(out)), commit, most)
	}
	return r.git(ctx, nil, "cat-file", "blob", commit+":"+name)
}

// Plain reports whether a path, or as much of it as there is at a commit, is a file in folders: no link, and nothing of another repository.
func (r *Repository) Plain(ctx context.Context, commit, path string) (bool, error) {
	name, err := r.name(path)
	if err != nil {
		return false, err
	}
	args := []string{"ls-tree", "-z", "--full-tree", commit, "--"}
	for i, c := range name + "/" {
		if c == '/' {
			args = append(args, ":(literal)"+name[:i])
		}
	}
	out, err := r.git(ctx, nil, args...)
	if err != nil {
		return false, err
	}
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		kind, at, _ := strings.Cut(entry, "\t")
		if entry != "" && !strings.HasPrefix(kind, "100") && (at == name || !strings.HasPrefix(kind, "040000 ")) {
			return false, nil
		}
	}
	return true, nil
}

// name is a file's name from the top of the work tree.
func (r *Repository) name(path string) (string, error) {
	rel, err := filepath.Rel(r.dir, path)
	if err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s is not below %s", path, r.dir)
	}
	return filepath.ToSlash(rel), nil
}
