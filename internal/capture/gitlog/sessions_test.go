// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/sharedtest"
)

// named are the sessions that the commits of a repository name, by the first word of each message.
func named(t *testing.T, dir string) map[string]string {
	t.Helper()
	repo, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	err = repo.Scan(t.Context(), time.Time{}, func(string) bool { return false }, func(c *Commit) error {
		first, _, _ := strings.Cut(c.Message, "\n")
		got[first] = strings.Join(c.Sessions, " ")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// checkpoints makes the branch of Entire's checkpoints of files, "0a/1b2c3d4e5f/0/metadata.json".
func (r *repo) checkpoints(files map[string]string) {
	r.t.Helper()
	r.git("checkout", "-q", "--orphan", "entire/checkpoints/v1")
	for name, text := range files {
		r.write(name, text)
	}
	r.commit("checkpoints")
	r.git("checkout", "-q", "--orphan", "main")
	r.git("rm", "-rqf", "--cached", ".")
	r.git("clean", "-dfq")
}

func TestEachFormOfACheckpointNamesItsSessions(t *testing.T) {
	r := newRepo(t)
	session := func(checkpoint, id string) string {
		return fmt.Sprintf("{\n  \"checkpoint_id\": %q,\n  \"session_id\": %q\n}\n", checkpoint, id)
	}
	r.checkpoints(map[string]string{
		"0a/000000000a/metadata.json":   session("0a000000000a", "alone"),
		"0a/000000000b/metadata.json":   `{"checkpoint_id":"0a000000000b","sessions":[{"metadata":"/0a/000000000b/1/metadata.json"}]}`,
		"0a/000000000b/1/metadata.json": session("0a000000000b", "2026-03-02-11111111-2222-4333-8444-555555555555"),
		"0a/000000000b/2/metadata.json": `{"session_id":"second","checkpoint_id":"0a000000000b"}`,
		"0a/000000000b/2/full.jsonl":    `{"session_id":"of its own"}`,
		"0a/000000000c/0/metadata.json": `{"checkpoint_id":"0a000000000c","session_id":"vast","agent":"` + strings.Repeat("x", maxMetadata) + `"}`,
		"0a/000000000d/0/metadata.json": `{"checkpoint_id":`,
	})
	for name, trailers := range map[string]string{"one": "0a000000000a", "two": "0a000000000b", "both": "0a000000000a\nEntire-Checkpoint: 0a000000000b",
		"vast": "0a000000000c", "torn": "0a000000000d", "lost": "0a000000000e", "no id": "0a00"} {
		r.commit(name + "\n\nWhy.\n\nEntire-Checkpoint: " + trailers)
	}
	want := map[string]string{"one": "alone", "two": "11111111-2222-4333-8444-555555555555 second", "both": "11111111-2222-4333-8444-555555555555 alone second",
		"vast": "", "torn": "", "lost": "", "no id": ""}
	if d := cmp.Diff(want, named(t, r.dir)); d != "" {
		t.Error(d)
	}
	for _, how := range []string{"--bare", "--no-checkout"} {
		dir := t.TempDir()
		r.git("clone", "-q", how, r.dir, dir)
		if d := cmp.Diff(want, named(t, dir)); d != "" {
			t.Errorf("cloned %s: %s", how, d)
		}
	}
}

// The recorded checkpoints, laid out as Entire lays them out: a commit that names one is of the session of the history there.
func TestARecordedCheckpointJoinsItsCommitToItsHistory(t *testing.T) {
	corpus := sharedtest.Dir(t, "corpus/claude-code/entire")
	metadata, _ := filepath.Glob(filepath.Join(corpus, "*.metadata.json"))
	r := newRepo(t)
	files, want := map[string]string{}, map[string]string{}
	for _, path := range metadata {
		checkpoint, n, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".metadata.json"), "-")
		folder := checkpoint[:2] + "/" + checkpoint[2:] + "/" + n + "/"
		files[folder+"metadata.json"] = string(capturetest.File(t, path))
		history := strings.TrimSuffix(path, "metadata.json") + "full.jsonl"
		files[folder+"full.jsonl"] = string(capturetest.File(t, history))
		_, err := capture.Read(t.Context(), []capture.Source{claudecode.Source{}}, "", history, func(e *episode.Episode) error {
			want[checkpoint] = e.Session
			return nil
		})
		if err != nil {
			t.Logf("%s is left out: %v", filepath.Base(history), err)
		}
	}
	r.checkpoints(files)
	for checkpoint := range want {
		r.commit(checkpoint + "\n\nEntire-Checkpoint: " + checkpoint)
	}
	if d := cmp.Diff(want, named(t, r.dir)); d != "" || len(want) != 22 {
		t.Errorf("%d checkpoints: %s", len(want), d)
	}
}
