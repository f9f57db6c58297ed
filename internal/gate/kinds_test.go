// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/instruct"
)

// shownOrHidden is a log of a filter that shows seven of ten, by so many developers; what is hard is hardly ever taken.
func shownOrHidden(decisions, developers int) (rows []dataset.Decision) {
	rng := rand.New(rand.NewPCG(6, 6))
	for i := range decisions {
		hard := rng.Float64() < 0.6
		d := dataset.Decision{Contributor: "c", Developer: fmt.Sprint("completes", i%developers), Day: 20_000, By: episode.ByPerson, Verdict: episode.Rejected,
			Features: map[string]any{"hard": hard}, Logged: true, PropensityShow: 0.7, Shown: rng.Float64() < 0.7}
		if !d.Shown {
			d.Verdict, d.By = episode.Ignored, episode.ByRule
		} else if !hard && rng.Float64() < 0.65 {
			d.Verdict = episode.Accepted
		}
		rows = append(rows, d)
	}
	return rows
}

// What other tools' developers do, and what is done in an instruction's trial, says nothing about a filter: it neither
// stands for developers who are missing, nor refuses what is proven.
func TestOnlyWhatTheCandidateCouldDecideIsEvidence(t *testing.T) {
	filter := table{dataset.ActionShow: {0.4, -0.2}, dataset.ActionHide: {0, 0}}
	foreign := func(n int, d dataset.Decision) (rows []dataset.Decision) {
		d.Contributor, d.Day, d.Tool, d.Shown, d.By, d.Verdict = "c", 20_000, "claude-code", true, episode.ByPerson, episode.Accepted
		for i := range n {
			d.Developer = fmt.Sprint("agent", i%100)
			rows = append(rows, d)
		}
		return rows
	}
	trial := foreign(5000, dataset.Decision{Release: "rel_trial", Chosen: dataset.ActionWith,
		Actions: []episode.Action{{ID: dataset.ActionWith, Propensity: 0.5}, {ID: dataset.ActionWithout, Propensity: 0.5}}})
	routes := foreign(5000, dataset.Decision{Release: "rel_route", Chosen: "small",
		Actions: []episode.Action{{ID: "small", Propensity: 0.5}, {ID: "large", Propensity: 0.5}}})
	for why, rows := range map[string][]dataset.Decision{"the trial of an instruction": trial, noSay: routes} {
		r := Evaluate(append(shownOrHidden(6000, 12), rows...), filter, Options{})
		if r.Verdict != Refused || r.Data.Developers != 12 || r.Data.Judged != 6000 || r.Data.LeftOut[why] != 5000 {
			t.Errorf("12 developers beside %q: %s, %+v", why, r.Verdict, r.Data)
		}
	}
	edits := foreign(600, dataset.Decision{})
	alone, beside := Evaluate(shownOrHidden(9000, 150), filter, Options{}), Evaluate(append(shownOrHidden(9000, 150), edits...), filter, Options{})
	if alone.Verdict != Released || beside.Verdict != Released || beside.Gain.Estimate != alone.Gain.Estimate || beside.Data.LeftOut["no policy of ours decided"] != 600 {
		t.Errorf("150 developers alone %s %v; beside edits of another tool %s %v %v", alone.Verdict, alone.Reasons, beside.Verdict, beside.Reasons, beside.Data.LeftOut)
	}
}

// inTwoArms is a trial of 200 developers, of whom a share takes what is suggested without and with the instruction; change
// alters each decision.
func inTwoArms(without, with float64, change func(rng *rand.Rand, k int, d *dataset.Decision)) (rows []dataset.Decision, arm func(*dataset.Decision) (bool, bool)) {
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range 20_000 {
		k := i % 200
		d := dataset.Decision{Contributor: "c", Developer: fmt.Sprint(k), Day: 20_000, Shown: true, By: episode.ByPerson, Verdict: episode.Rejected, Chosen: dataset.ActionWithout}
		p := without
		if k%2 == 0 {
			d.Chosen, p = dataset.ActionWith, with
		}
		if rng.Float64() < p {
			d.Verdict = episode.Accepted
		}
		change(rng, k, &d)
		rows = append(rows, d)
	}
	return rows, func(d *dataset.Decision) (bool, bool) { return d.Chosen == dataset.ActionWith, true }
}

// A revert is told only where there is one; what was committed and never reverted counts all the same.
func TestAnInstructionWhoseCodeIsRevertedIsNotReleased(t *testing.T) {
	for _, c := range []struct {
		back float64
		want Verdict
	}{{0.02, Released}, {0.4, Refused}} {
		rows, arm := inTwoArms(0.4, 0.5, func(rng *rand.Rand, k int, d *dataset.Decision) {
			back := 0.02
			if k%2 == 0 {
				back = c.back
			}
			if d.Verdict == episode.Accepted {
				d.Outcomes = []episode.Outcome{{Kind: episode.OutcomeCommitted, Value: 1}}
				if rng.Float64() < back {
					d.Outcomes = append(d.Outcomes, episode.Outcome{Kind: episode.OutcomeReverted, Value: 1})
				}
			}
		})
		r := Trial(rows, arm, nil, Options{})
		if r.Verdict != c.want || c.want == Refused && !refusedFor(&r, "guardrail") {
			t.Errorf("%.0f %% reverted: %s %v", 100*c.back, r.Verdict, r.Reasons)
		}
	}
}

// Of outcomes of one kind the newest counts, wherever it is listed.
func TestTheNewestOutcomeCounts(t *testing.T) {
	at := func(day int) time.Time { return time.Unix(int64(day)*86400, 0) }
	d := dataset.Decision{Shown: true, Verdict: episode.Accepted, By: episode.ByPerson, Outcomes: []episode.Outcome{
		{Kind: episode.OutcomeKept, Value: 0.2, ObservedAt: at(20_030)}, {Kind: episode.OutcomeKept, Value: 1, ObservedAt: at(20_001)}}}
	if is, could := became(episode.OutcomeKept)(&row{d: &d}); is != 0.2 || could != 1 {
		t.Errorf("%v of %v is kept, want 0.2 of 1", is, could)
	}
}

// Two developers without the instruction use a language that twelve with it use: what these take and the difference would
// tell what those two take.
func TestNoDifferenceTellsWhatFewerThanTenDo(t *testing.T) {
	rows, arm := inTwoArms(0.4, 0.5, func(_ *rand.Rand, k int, d *dataset.Decision) {
		language := "go"
		if k < 24 && k%2 == 0 || k == 1 || k == 3 {
			language = "zig"
		}
		d.Features = map[string]any{"language": language}
	})
	r := Trial(rows, arm, nil, Options{})
	seen := false
	for _, g := range r.Guardrails {
		seen = seen || g.Part == "go"
		if g.Part == "zig" {
			t.Errorf("%s of zig: %+v", g.Name, g)
		}
	}
	for _, p := range r.Parts {
		if p.Name == "zig" {
			t.Errorf("the gain in zig: %+v", p)
		}
	}
	if !seen {
		t.Error("no guardrail of go")
	}
}

func TestATrialsMarksAreKnownByTheNamesThatTheyAreWrittenBy(t *testing.T) {
	if dataset.ActionWith != instruct.With || dataset.ActionWithout != instruct.Without {
		t.Errorf("%q and %q are written", instruct.With, instruct.Without)
	}
}
