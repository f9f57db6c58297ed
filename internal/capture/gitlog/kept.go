// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"strconv"
	"strings"
)

// Kept is a file that a tool keeps in a repository beside its branches of code: a note of git-ai, or of an Entire checkpoint
// the metadata or the session's history.
type Kept struct {
	Name string // "refs/notes/ai/<commit>.note", "entire/checkpoints/v1/0a/1b2c3d4e5f/0/full.jsonl"
	// Commit is the one that it is of; empty where the repository names none, or several.
	Commit string

	blob string
}

// checkpointBranches are where Entire keeps checkpoints: in the repository that made them, and in a clone.
func checkpointBranches() [2]string {
	return [...]string{"refs/heads/entire/checkpoints/v1", "refs/remotes/origin/entire/checkpoints/v1"}
}

// Kept gives what tools keep in the repository, each with its content, in the order of names: the notes first.
func (r *Repository) Kept(ctx context.Context, emit func(k *Kept, content io.Reader) error) error {
	list, err := r.notes(ctx)
	if err != nil {
		return err
	}
	for _, branch := range checkpointBranches() {
		more, err := r.keptIn(ctx, branch)
		if err != nil {
			return err
		}
		if list = append(list, more...); len(more) > 0 {
			break
		}
	}
	if len(list) == 0 {
		return nil
	}
	return r.contents(ctx, list, emit)
}

// notes are those of git-ai.
func (r *Repository) notes(ctx context.Context) (list []Kept, err error) {
	out, err := r.git(ctx, nil, "notes", "--ref=ai", "list")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(out)) {
		if blob, commit, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			list = append(list, Kept{"refs/notes/ai/" + commit + ".note", commit, blob})
		}
	}
	return list, nil
}

// keptIn is what the checkpoints on a branch hold, where there is such a branch.
func (r *Repository) keptIn(ctx context.Context, branch string) (list []Kept, err error) {
	if _, err := r.git(ctx, nil, "rev-parse", "--verify", "--quiet", branch+"^{commit}"); err != nil {
		return nil, ctx.Err()
	}
	out, err := r.git(ctx, nil, "ls-tree", "-r", "-z", branch)
	if err != nil {
		return nil, err
	}
	commits, err := r.checkpointed(ctx)
	if err != nil {
		return nil, err
	}
	for entry := range bytes.SplitSeq(out, []byte{0}) {
		about, name, _ := strings.Cut(string(entry), "\t") // "100644 blob <id>\t<path>"
		f := strings.Fields(about)
		base := path.Base(name)
		if len(f) != 3 || !strings.HasPrefix(f[0], "100") || base != "metadata.json" && base != "full.jsonl" {
			continue
		}
		id := ""
		if parts := strings.Split(name, "/"); len(parts) > 2 {
			id = parts[0] + parts[1]
		}
		list = append(list, Kept{"entire/checkpoints/v1/" + strings.ToValidUTF8(name, "\uFFFD"), commits[id], f[2]})
	}
	return list, nil
}

// checkpointed is the commit that names each checkpoint: the one of the default branch, else the one there is. Rebases and
// cherry-picks copy the name, and a session may go on with it: which of several commits it was is not known.
func (r *Repository) checkpointed(ctx context.Context) (map[string]string, error) {
	found := map[string]string{}
	read := func(tips ...string) error {
		out, err := r.git(ctx, nil, append([]string{"log", "--no-show-signature", "--no-notes", "--grep=^Entire-Checkpoint:", "--format=%x01%H%n%B",
			"--exclude=refs/heads/entire/*", "--exclude=refs/remotes/*/entire/*", "--exclude=refs/stash", "--exclude=refs/notes/*"}, tips...)...)
		if err != nil {
			return err
		}
		had := found
		found = map[string]string{}
		for c := range strings.SplitSeq(string(out), "\x01") {
			commit, message, _ := strings.Cut(c, "\n")
			for _, m := range trailer.FindAllStringSubmatch(message, maxCheckpoints) {
				id := m[1] + m[2]
				if other, named := found[id]; named && other != commit {
					found[id] = "" // of several
				} else {
					found[id] = commit
				}
			}
		}
		maps.Copy(found, had)
		return nil
	}
	if tip, err := r.Main(ctx); err == nil {
		if err := read(tip); err != nil {
			return nil, err
		}
	}
	return found, read("--all")
}

// contents gives the content of each, one after the other as git writes them.
func (r *Repository) contents(ctx context.Context, list []Kept, emit func(k *Kept, content io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var ask bytes.Buffer
	for i := range list {
		fmt.Fprintln(&ask, list[i].blob)
	}
	cmd := r.command(ctx, "cat-file", "--batch=%(objectsize)")
	cmd.Stdin = &ask
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run git: %w", err)
	}
	in := bufio.NewReaderSize(pipe, 256<<10)
	for i := range list {
		if err = r.content(in, &list[i], emit); err != nil {
			cancel()
			break
		}
	}
	if bad := cmd.Wait(); err == nil && bad != nil {
		return fmt.Errorf("git cat-file in %s: %w", r.dir, bad)
	}
	return err
}

func (r *Repository) content(in *bufio.Reader, k *Kept, emit func(k *Kept, content io.Reader) error) error {
	head, err := in.ReadString('\n')
	if err != nil {
		return fmt.Errorf("git cat-file in %s ends before %s: %w", r.dir, k.Name, err)
	}
	size, err := strconv.ParseInt(strings.TrimSpace(head), 10, 64)
	if err != nil {
		return nil // "missing": a clone need not have all
	}
	content := io.LimitReader(in, size)
	if err := emit(k, content); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return err
	}
	if _, err := in.Discard(1); err != nil { // the end of the line
		return fmt.Errorf("git cat-file in %s ends within %s: %w", r.dir, k.Name, err)
	}
	return nil
}
