// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

func TestTasksAreReadOrRefusedWithTheirLine(t *testing.T) {
	got, err := DecodePairs(strings.NewReader(`{"task":"a","cluster":"r","old":0,"new":1}` + "\n\n" + `{"task":"b","old":0.5,"new":0.25}`))
	if d := cmp.Diff([]Pair{{"a", "r", 0, 1}, {"b", "task b", 0.5, 0.25}}, got); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	for bad, says := range map[string]string{
		`{"task":"a","old":1}`:                        "both rewards",
		`{"task":"a","old":1,"new":null}`:             "both rewards",
		`{"old":1,"new":1}`:                           "names no task",
		`{"task":"a","old":1,"new":"1"}`:              "line 1",
		`{"task":"a","old":1,"new":1e999}`:            "line 1",
		`{"task":"a","old":1,"new":1,"weight":2}`:     "weight",
		`{"task":"` + strings.Repeat("x", 70_000):     "line 1",
		`{"task":"a","old":1,"new":1}` + "\nnot json": "line 2",
	} {
		if _, err := DecodePairs(strings.NewReader(bad)); !errors.Is(err, &episode.Problem{Code: "gate/bad-pairs"}) || !strings.Contains(err.Error(), says) {
			t.Errorf("%.40s: %v, want %q", bad, err, says)
		}
	}
}

func FuzzDecodePairs(f *testing.F) {
	f.Add(`{"task":"a","cluster":"r","old":0,"new":1}` + "\n" + `{"task":"b","old":0.5,"new":0.25}`)
	f.Fuzz(func(t *testing.T, s string) {
		pairs, err := DecodePairs(strings.NewReader(s))
		if err != nil {
			return
		}
		for _, p := range pairs {
			if p.Task == "" || p.Cluster == "" || !finite(p.Old) || !finite(p.New) {
				t.Fatalf("%+v", p)
			}
		}
		r := Compare(pairs, Options{})
		if err := r.Check(); err != nil {
			t.Fatal(err)
		}
	})
}
