// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
)

// routeLog is a log of decisions among three models, made by chance, as records that have left: which is taken more often depends on
// how much text there is.
func routeLog(t *testing.T, developers, each int) string {
	t.Helper()
	rng := rand.New(rand.NewPCG(3, 0))
	var out bytes.Buffer
	begin := time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Hour)
	for k := range developers {
		for i := range each {
			long := rng.IntN(2) == 0
			features := map[string]any{"language": []string{"go", "rust"}[rng.IntN(2)], "lines": 4.0}
			if long {
				features["lines"] = 256.0
			}
			d := episode.Decision{Suggestion: "s1", Verdict: episode.Rejected, By: episode.ByPerson, At: begin, DecisionID: fmt.Sprint("d_", k, "_", i), Release: "rel_log"}
			p := []float64{0.5, 0.25, 0.25}
			u, chosen := rng.Float64(), 0
			for u >= p[chosen] {
				u -= p[chosen]
				chosen++
			}
			for a := range p {
				d.Actions = append(d.Actions, episode.Action{ID: fmt.Sprint("option-", a+1), Propensity: p[a]})
			}
			d.Chosen = d.Actions[chosen].ID
			taken := map[bool][]float64{false: {0.5, 0.7, 0.1}, true: {0.4, 0.1, 0.8}}
			if rng.Float64() < taken[long][chosen] {
				d.Verdict = episode.Accepted
			}
			ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("route", d.DecisionID), Developer: fmt.Sprint("dev_", k), StartedAt: begin,
				Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Features: features}}, Decisions: []episode.Decision{d},
				Origin: &episode.Origin{Provider: "demo", ContractClass: "business", License: "proprietary"}, Privacy: &episode.Privacy{Level: episode.LevelSignal}, Terms: &usable}
			line, err := episode.AppendCanonical(nil, ep)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(append(line, '\n'))
		}
	}
	return out.String()
}

// A route is learned from decisions among actions and judged, on others' decisions, by the same gate as a filter.
func TestARouteIsLearnedAndJudged(t *testing.T) {
	dir, log := t.TempDir(), routeLog(t, 800, 30)
	code, model, errs := stage(dir, log, "learn", "--kind", "route")
	if code != 0 || !strings.Contains(errs, "decisions among actions") {
		t.Fatalf("learn: %d %s", code, errs)
	}
	m, err := learn.Decode([]byte(model))
	if err != nil {
		t.Fatal(err)
	}
	actions := []episode.Action{{ID: "option-1"}, {ID: "option-2"}, {ID: "option-3"}}
	for lines, want := range map[float64]int{4: 1, 256: 2} {
		if v := m.Values(nil, map[string]any{"language": "go", "lines": lines}, actions); learn.Greedy(v) != want {
			t.Errorf("%v lines: %v", lines, v)
		}
	}
	file := filepath.Join(dir, "route.json")
	if err := os.WriteFile(file, []byte(model), 0o600); err != nil {
		t.Fatal(err)
	}
	code, report, errs := stage(dir, log, "gate", "--model", file)
	var rep gate.Report
	if err := json.Unmarshal([]byte(report), &rep); err != nil || code != 0 {
		t.Fatalf("gate: %d %v %s", code, err, errs)
	}
	if rep.Verdict != gate.Released || rep.Gain == nil || rep.Gain.Bound < 0.1 {
		t.Errorf("%s %+v\n%s", rep.Verdict, rep.Gain, errs)
	}
	code, _, errs = stage(dir, log[:strings.Index(log, "\n")+1], "learn", "--kind", "route")
	if code != 1 || !strings.Contains(errs, "not enough to learn from") {
		t.Errorf("of one record: %d %s", code, errs)
	}
}
