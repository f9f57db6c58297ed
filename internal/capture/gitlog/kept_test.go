// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// keptIn is what tools keep in a repository: "name: content (commit)".
func keptIn(t *testing.T, dir string) (all []string) {
	t.Helper()
	repo, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	err = repo.Kept(t.Context(), func(k *Kept, content io.Reader) error {
		b, err := io.ReadAll(content)
		all = append(all, k.Name+": "+strings.TrimSpace(string(b))+" ("+k.Commit+")")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatToolsKeepInARepositoryIsReadWithItsCommit(t *testing.T) {
	r := newRepo(t)
	if got := keptIn(t, r.dir); len(got) != 0 {
		t.Errorf("of an empty repository: %v", got)
	}
	r.checkpoints(map[string]string{
		"0a/00000000aa/0/metadata.json": "merged", "0a/00000000aa/0/full.jsonl": "history", "0a/00000000aa/0/prompt.txt": "words",
		"0a/00000000bb/0/metadata.json": "rebased", "0a/00000000cc/1/metadata.json": "of two commits", "0a/00000000dd/0/metadata.json": "on a branch",
		"0a/00000000ee/0/metadata.json": "of no commit",
	})
	noted := r.commit("merged\n\nEntire-Checkpoint: 0a00000000aa\nEntire-Checkpoint: 0a00000000aa")
	r.commit("first\n\nEntire-Checkpoint: 0a00000000cc")
	r.commit("second\n\nEntire-Checkpoint: 0a00000000cc")
	r.git("checkout", "-q", "-b", "side")
	r.commit("before\n\nEntire-Checkpoint: 0a00000000bb")
	side := r.commit("side\n\nEntire-Checkpoint: 0a00000000dd")
	r.git("checkout", "-q", "main")
	rebased := r.commit("after\n\nEntire-Checkpoint: 0a00000000bb")
	r.git("notes", "--ref=ai", "add", "-m", "gate.go", noted)
	const branch = "entire/checkpoints/v1/0a/00000000"
	want := []string{
		branch + "aa/0/full.jsonl: history (" + noted + ")", branch + "aa/0/metadata.json: merged (" + noted + ")",
		branch + "bb/0/metadata.json: rebased (" + rebased + ")", branch + "cc/1/metadata.json: of two commits ()",
		branch + "dd/0/metadata.json: on a branch (" + side + ")", branch + "ee/0/metadata.json: of no commit ()",
	}
	note := "refs/notes/ai/" + noted + ".note: gate.go (" + noted + ")"
	if d := cmp.Diff(append([]string{note}, want...), keptIn(t, r.dir)); d != "" {
		t.Error(d)
	}
	bare, clone := t.TempDir(), t.TempDir()
	r.git("clone", "-q", "--mirror", r.dir, bare)
	if d := cmp.Diff(append([]string{note}, want...), keptIn(t, bare)); d != "" {
		t.Errorf("a mirror: %s", d)
	}
	r.git("clone", "-q", r.dir, clone) // leaves the notes behind
	if d := cmp.Diff(want, keptIn(t, clone)); d != "" {
		t.Errorf("a clone: %s", d)
	}
	repo, err := Open(t.Context(), r.dir)
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := repo.Kept(t.Context(), func(*Kept, io.Reader) error { return enough }); err != enough {
		t.Errorf("stopped with %v", err)
	}
}
