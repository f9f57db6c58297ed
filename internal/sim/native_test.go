// SPDX-License-Identifier: Apache-2.0

package sim_test

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/tools"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

type closer struct{ bytes.Buffer }

func (*closer) Close() error { return nil }

// heard is what a tool tells of a verdict.
func heard(tool string, v episode.Verdict) string {
	taken := v == episode.Accepted || v == episode.Modified
	switch {
	case tool == "continue" && taken:
		return "accepted by person"
	case tool == "continue":
		return "ignored by unknown"
	case v == episode.Modified && tool != "codex":
		return "modified by person"
	case taken && tool == "copilot-chat":
		return "accepted by person"
	case taken:
		return "accepted by unknown"
	case v == episode.TimedOut && tool == "copilot-chat":
		return "" // an edit that nobody answered, and a cancelled answer: below
	case v == episode.TimedOut:
		return "cancelled by person"
	}
	return "rejected by person"
}

// Our own readers read of the tools' files what happened.
func TestToolsFilesReadBackToTheSameDecisions(t *testing.T) {
	w := simtest.World(t, sim.Config{Seed: 8, Gain: 0.2, Decisions: 6000, Developers: 150})
	const contributor = "birch-telecom"
	files := map[string]*closer{}
	if err := w.Native(contributor, func(path string) (io.WriteCloser, error) {
		if files[path] != nil {
			t.Fatalf("%s is there twice", path)
		}
		files[path] = new(closer)
		return files[path], nil
	}); err != nil {
		t.Fatal(err)
	}
	got, texts, toolOf := map[string]map[string]int{}, map[string]bool{}, map[string]string{} // by developer; suggested; by developer
	for _, path := range slices.Sorted(maps.Keys(files)) {
		user, _, _ := strings.Cut(path, "/")
		report, err := capture.ReadFrom(t.Context(), tools.All(), "", capture.File{Path: path, R: bytes.NewReader(files[path].Bytes())}, func(e *episode.Episode) error {
			if got[user] == nil {
				got[user] = map[string]int{}
			}
			toolOf[user] = e.Tool.Name
			for _, d := range e.Decisions {
				if e.Tool.Name == "copilot-chat" && d.Verdict == episode.Cancelled {
					continue
				}
				got[user][string(d.Verdict)+" by "+string(d.By)]++
			}
			for _, s := range e.Suggestions {
				texts[strings.TrimSuffix(s.After, "\n")] = true
			}
			return nil
		})
		if err != nil || report.Unparsable > 0 {
			t.Fatalf("%s: %v, %+v", path, err, report)
		}
	}
	want, lost, all := map[string]map[string]int{}, 0, 0
	if err := w.Episodes(contributor, func(e *episode.Episode) error {
		d := &e.Decisions[0]
		if !*d.Shown {
			return nil
		}
		user, _, _ := strings.Cut(e.Developer, "@")
		if want[user] == nil {
			want[user] = map[string]int{}
		}
		if h := heard(toolOf[user], d.Verdict); h != "" {
			want[user][h]++
		}
		if all++; !texts[strings.TrimSuffix(e.Suggestions[0].After, "\n")] {
			lost++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if lost > 0 {
		t.Errorf("%d of %d suggested texts are not read", lost, all)
	}
	used := map[string]int{}
	for _, tool := range toolOf {
		used[tool]++
	}
	for _, tool := range sim.NativeTools() {
		if used[tool] < 5 {
			t.Errorf("%d developers use %s", used[tool], tool)
		}
	}
}
