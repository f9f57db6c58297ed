// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/sharedtest"
)

// checkpoints are the shared transcripts that Entire kept: growing copies of sessions, and resumed ones that repeat others.
func checkpoints(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "corpus/claude-code/entire"), "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	return files
}

func records(t *testing.T, file string, each func(*record)) {
	t.Helper()
	var d lax.Reader
	var r record
	for line := range bytes.Lines(capturetest.File(t, file)) {
		if r.read(&d, bytes.TrimSpace(line)) {
			each(&r)
		}
	}
}

func TestRecordsOfTheSharedTranscriptsAreThoseThatTheReferenceCounts(t *testing.T) {
	in := map[lax.String]map[string]bool{} // files, by record
	thinking := 0
	for _, file := range checkpoints(t) {
		records(t, file, func(r *record) {
			if r.UUID != "" {
				if in[r.UUID] == nil {
					in[r.UUID] = map[string]bool{}
				}
				in[r.UUID][file] = true
			}
			if !strings.HasPrefix(filepath.Base(file), "b69e695e7b48-0.") {
				return
			}
			for i := range r.Message.Content.Blocks {
				if r.Message.Content.Blocks[i].Type == "thinking" {
					thinking++
				}
			}
		})
	}
	several := 0
	for _, files := range in {
		if len(files) > 1 {
			several++
		}
	}
	if len(in) != 3699 || several != 911 || thinking != 184 {
		t.Errorf("%d records, %d of them in several files, %d thinking blocks; want 3699, 911, 184", len(in), several, thinking)
	}
	for name, version := range map[string]string{"b69e695e7b48-0.full.jsonl": "2.1.17", "262cf8fa0634-0.full.jsonl": "2.1.12"} {
		all, _ := read(t, string(capturetest.File(t, filepath.Join(sharedtest.Dir(t, "corpus/claude-code/entire"), name))))
		for _, e := range all {
			if e.Tool.Version != version {
				t.Errorf("%s: version %q, want %s", name, e.Tool.Version, version)
			}
		}
	}
}

// Trap 7 of the reference: copies of a session repeat its records. Whatever the order in which the copies are read, and
// however often, each call and each decision is there once.
func TestCopiesOfASessionBecomeItsEpisodesOnce(t *testing.T) {
	merge := func(files []string) map[string]*episode.Episode {
		by := map[string]*episode.Episode{}
		for _, file := range files {
			all, _ := read(t, string(capturetest.File(t, file)))
			for _, e := range all {
				if by[e.ID] == nil {
					by[e.ID] = e
				} else {
					by[e.ID].Merge(e)
				}
			}
		}
		return by
	}
	files := checkpoints(t)
	calls := map[lax.String]bool{}
	for _, file := range files {
		records(t, file, func(r *record) {
			for i := range r.Message.Content.Blocks {
				if b := &r.Message.Content.Blocks[i]; b.Type == "tool_use" && r.Type == "assistant" {
					calls[b.ID] = true
				}
			}
		})
	}
	once := merge(files)
	turned := slices.Clone(files)
	slices.Reverse(turned)
	for name, got := range map[string]map[string]*episode.Episode{"once": once, "turned round": merge(turned), "twice": merge(slices.Concat(files, files))} {
		made := map[string]int{}
		for _, e := range got {
			for i := range e.Steps {
				for _, c := range e.Steps[i].ToolCalls {
					made[c.ID]++
				}
			}
			decided := map[string]int{}
			for _, d := range e.Decisions {
				if decided[d.Suggestion]++; decided[d.Suggestion] > 1 {
					t.Errorf("%s: %s is decided on twice", name, d.Suggestion)
				}
			}
		}
		for id, n := range made {
			if n > 1 {
				t.Errorf("%s: the call %s is made %d times", name, id, n)
			}
		}
		if len(got) != len(once) || len(made) != len(calls) {
			t.Errorf("%s: %d episodes with %d calls, want %d with %d", name, len(got), len(made), len(once), len(calls))
		}
	}
}

// Trap 6 of the reference: a response comes as several records, all with its figures. What the reader sums up is what each
// request's last record says, once.
func TestEachRequestOfTheSharedTranscriptsIsCountedOnce(t *testing.T) {
	requests, repeated := 0, 0
	for _, file := range checkpoints(t) {
		last := map[string]usage{}
		seen := map[lax.String]bool{}
		records(t, file, func(r *record) {
			if r.UUID == "" || seen[r.UUID] {
				return
			}
			if seen[r.UUID] = true; r.Type == "assistant" && r.Message.Used {
				if _, again := last[string(r.RequestID+"/"+r.Message.ID)]; again {
					repeated++
				}
				last[string(r.RequestID+"/"+r.Message.ID)] = r.Message.Usage
			}
		})
		var want, got episode.Usage
		for _, u := range last {
			requests++
			want.InputTokens += u.Input.Int()
			want.OutputTokens += u.Output.Int()
			want.CacheReadTokens += u.CacheRead.Int()
			want.CacheWriteTokens += u.CacheWrite.Int()
		}
		all, _ := read(t, string(capturetest.File(t, file)))
		for _, e := range all {
			if u := e.Usage; u != nil {
				got.InputTokens += u.InputTokens
				got.OutputTokens += u.OutputTokens
				got.CacheReadTokens += u.CacheReadTokens
				got.CacheWriteTokens += u.CacheWriteTokens
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", filepath.Base(file), d)
		}
	}
	if requests < 500 || repeated < 500 {
		t.Errorf("only %d requests, %d records more", requests, repeated)
	}
}
