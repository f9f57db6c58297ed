// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
)

// rankLog has episodes of three suggestions each, as records that have left: the surer the model was, the likelier a suggestion is
// taken, and long ones are a little likelier. The upper slot is taken far more often, whatever is in it.
func rankLog(developers, each int) ([]byte, error) {
	rng := rand.New(rand.NewPCG(5, 0))
	var out bytes.Buffer
	begin := time.Now().UTC().Add(-72 * time.Hour).Truncate(time.Hour)
	for k := range developers {
		for i := range each {
			ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("rank", fmt.Sprint(k, "/", i)), Developer: fmt.Sprint("dev_", k), StartedAt: begin,
				Origin: &episode.Origin{Provider: "demo", ContractClass: "business", License: "proprietary"}, Privacy: &episode.Privacy{Level: episode.LevelSignal}, Terms: &usable}
			for slot := range 3 {
				sure, chars := rng.NormFloat64(), math.Round(100*math.Exp(rng.NormFloat64()))
				id := fmt.Sprint("s", slot+1)
				ep.Suggestions = append(ep.Suggestions, episode.Suggestion{ID: id, Step: -1, Slot: slot, Features: map[string]any{"mean_logprob": sure, "suggestion_chars": chars}})
				d := episode.Decision{Suggestion: id, Verdict: episode.Rejected, By: episode.ByPerson, At: begin}
				if gap := 1.5*sure + 0.2*math.Log(chars/100) - 1.5*float64(slot); rng.Float64() < 1/(1+math.Exp(-gap)) {
					d.Verdict = episode.Accepted
				}
				ep.Decisions = append(ep.Decisions, d)
			}
			line, err := episode.AppendCanonical(nil, ep)
			if err != nil {
				return nil, err
			}
			out.Write(append(line, '\n'))
		}
	}
	return out.Bytes(), nil
}

// compared writes such a log of so many developers into a file, for scripts.
func compared(ts *testscript.TestScript, neg bool, args []string) {
	var developers int
	if _, err := fmt.Sscan(args[0], &developers); neg || len(args) != 2 || err != nil {
		ts.Fatalf("usage: compared DEVELOPERS FILE")
	}
	log, err := rankLog(developers, 8)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), log, 0o600))
}

// A ranker is learned from what people took and passed over in one episode, and judged by others beside the length.
func TestARankerIsLearnedAndJudgedByOthers(t *testing.T) {
	log, err := rankLog(150, 12)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	code, model, errs := stage(dir, string(log), "learn", "--kind", "rank", "--report", file)
	if code != 0 {
		t.Fatalf("learn: %d %s", code, errs)
	}
	m, err := learn.Decode([]byte(model))
	if err != nil || learn.Chooses(m) != "" {
		t.Fatal(err)
	}
	score := func(sure, chars float64) float64 {
		return m.Values(nil, nil, []episode.Action{{Features: map[string]any{"mean_logprob": sure, "suggestion_chars": chars}}})[0]
	}
	if gap := score(1, 100) - score(-1, 100); gap < 1.5 || gap > 4.5 { // truly 3
		t.Errorf("surer by 2 is worth %.2f", gap)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var rep learn.RankReport
	if err := json.Unmarshal(b, &rep); err != nil {
		t.Fatal(err)
	}
	h := rep.HeldOut
	if rep.Developers+h.Developers != 150 || h.Developers < 20 || h.Right == nil || h.Length == nil || h.Gain == nil {
		t.Fatalf("%+v", rep)
	}
	if h.Right.Lower < 0.6 || h.Length.Estimate < 0.45 || h.Length.Estimate > 0.6 || h.Gain.Lower < 0.05 || h.Right.Developers != h.Developers {
		t.Errorf("right %+v, length %+v, gain %+v", h.Right, h.Length, h.Gain)
	}
	if rep.Upper < 0.6 {
		t.Errorf("the upper slot wins %.2f", rep.Upper)
	}
	if !strings.Contains(errs, fmt.Sprintf("%.1f %%", 100*h.Right.Estimate)) {
		t.Error(errs)
	}
}
