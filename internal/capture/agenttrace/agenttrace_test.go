// SPDX-License-Identifier: Apache-2.0

package agenttrace

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/capture/capturetest"
	"github.com/headrace/headrace/internal/sharedtest"
)

func TestBothShapesBecomeEpisodes(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, "testdata/traces.jsonl")
	var got []string
	for _, e := range all {
		for i, s := range e.Suggestions {
			got = append(got, fmt.Sprintf("%s %s %s %v-%v %s by %s", s.ID, s.Kind, s.Path, s.Features["start_line"], s.Features["end_line"], e.Decisions[i].Verdict, e.Decisions[i].By))
		}
	}
	want := []string{"t1 edit mill/wheel.go 3-9 accepted by unknown", "r1t1 edit mill/wheel.go 20-21 accepted by unknown", "t2 file mill/gate.py 1-40 accepted by unknown",
		"r0 edit sluice.ts 1-5 accepted by unknown", "r1 edit sluice.ts 6-7 modified by unknown"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(all) != 2 || rep.Unparsable != 1 || all[0].Session != "s-1" || all[1].Links == nil || all[1].Model.Name == "" || all[1].Tool.Version != "cursor/2.4" {
		t.Errorf("%d episodes, %+v, %+v", len(all), rep.Counts, all[1])
	}
	if d := cmp.Diff([]string{"go", "python"}, all[0].Languages); d != "" {
		t.Error(d)
	}
}

// The expected numbers of the reference, section 19.
func TestTheRealTracesAreCountedExactly(t *testing.T) {
	all, rep := capturetest.Read(t, Source{}, filepath.Join(sharedtest.Dir(t, "corpus/agent-trace"), "lazyusage-traces.jsonl"))
	n := 0
	for _, e := range all {
		n += len(e.Suggestions)
	}
	if rep.Lines != 35 || rep.Unparsable != 0 || rep.Kinds["Edit"] != 28 || rep.Kinds["Write"] != 7 || n != 35 {
		t.Errorf("%d suggestions, %+v", n, rep.Counts)
	}
}

func FuzzRead(f *testing.F) { capturetest.Fuzz(f, Source{}, "traces.jsonl") }
