// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/reward"
)

// table is a model that expects of an action what stands in it, whatever the context but for "hard" ones.
type table map[string][2]float64

func (m table) Values(into []float64, context map[string]any, actions []episode.Action) []float64 {
	hard, _ := context["hard"].(bool)
	for _, a := range actions {
		v, ok := m[a.ID]
		switch {
		case !ok:
			into = append(into, math.NaN())
		case hard:
			into = append(into, v[1])
		default:
			into = append(into, v[0])
		}
	}
	return into
}

func (m table) MarshalBinary() ([]byte, error) { return []byte(fmt.Sprint(m)), nil }

// route is how often a suggestion of each model is taken, where it is easy and where it is hard.
func route() table { return table{"large": {0.6, 0.5}, "mid": {0.5, 0.3}, "small": {0.7, 0.1}} }

// routed is a log of a policy that chooses among models by chance, with unequal probabilities; how much the developers take
// differs.
func routed(seed uint64, developers, each int) (rows []dataset.Decision) {
	rng := rand.New(rand.NewPCG(seed, 1))
	for k := range developers {
		taste := 0.15 * rng.NormFloat64()
		for i := range each {
			hard := rng.Float64() < 0.5
			p := []float64{0.2, 0.3, 0.5}
			d := dataset.Decision{Contributor: "c", Developer: fmt.Sprint("dev", k), DecisionID: fmt.Sprint(k, "/", i), Day: 20_000 + int64(i%28),
				Features: map[string]any{"hard": hard, "language": []string{"go", "rust"}[i%2]}, Shown: true, By: episode.ByPerson, Verdict: episode.Rejected}
			u := rng.Float64()
			for a, id := range []string{"large", "mid", "small"} {
				d.Actions = append(d.Actions, episode.Action{ID: id, Propensity: p[a]})
				if u >= 0 && u < p[a] {
					d.Chosen = id
				}
				u -= p[a]
			}
			q := route()[d.Chosen][0]
			if hard {
				q = route()[d.Chosen][1]
			}
			if rng.Float64() < q+taste {
				d.Verdict = episode.Accepted
			}
			rows = append(rows, d)
		}
	}
	return rows
}

// expects is a model for such a log, wrong by bias.
func expects(bias float64) table {
	m := table{}
	for id, q := range route() {
		m[id] = [2]float64{q[0] - 0.25 + bias, q[1] - 0.25 + bias}
	}
	return m
}

// logged and best are what the log's policy and the best one are truly worth.
const logged, best = 0.2*0.55 + 0.3*0.4 + 0.5*0.4 - 0.25, 0.5*0.7 + 0.5*0.5 - 0.25

func TestARouteAmongModelsIsJudgedAsAFilterIs(t *testing.T) {
	for _, bias := range []float64{0, 0.3} { // right on average whatever the model says, as long as the order is
		covered, n := 0, 10
		for seed := range uint64(n) {
			r := Evaluate(routed(seed, 200, 30), expects(bias), Options{})
			if r.Verdict != Released || r.Curve != nil || len(r.Choices) != 3 {
				t.Fatalf("%s: %+v", r.Verdict, r.Reasons)
			}
			if err := r.Check(); err != nil {
				t.Fatal(err)
			}
			covered += count(r.Gain.Lower <= best-logged && best-logged <= r.Gain.Upper)
		}
		if covered < n-3 {
			t.Errorf("model wrong by %v: %d of %d intervals hold the true gain", bias, covered, n)
		}
	}
	worse := expects(0)
	for id, q := range worse {
		worse[id] = [2]float64{-q[0], -q[1]}
	}
	if r := Evaluate(routed(1, 200, 30), worse, Options{}); r.Verdict != Refused || r.Gain == nil || r.Gain.Upper > 0 {
		t.Errorf("the worst route is %s", r.Verdict)
	}
	if r := Evaluate(routed(1, 200, 30), expects(0), Options{Explore: 0.3}); math.Abs(r.Gain.Estimate-0.7*(best-logged)) > 0.08 || r.Gain.Estimate > 0.9*(best-logged) {
		t.Errorf("with a third left to chance: %+v, about %v expected", r.Gain, best-logged)
	}
}

func TestWhatTheModelDoesNotKnowIsNotDone(t *testing.T) {
	m := expects(0)
	delete(m, "mid")
	r := Evaluate(routed(1, 200, 30), m, Options{})
	if r.Verdict != Released || !noted(&r, "unknown-action", 6000) {
		t.Errorf("%s, %+v", r.Verdict, r.Notes)
	}
	r = Evaluate(routed(1, 200, 30), table{}, Options{}) // knows nothing, so that there is nothing to judge it by
	if r.Gain != nil || r.Verdict != Refused || !refusedFor(&r, "developers") || r.Data.LeftOut[noSay] != 6000 {
		t.Errorf("%s: %+v", r.Verdict, r.Data)
	}
}

// A show/hide policy may be written down as two actions, or as the probability of showing.
func TestShowAndHideAreActionsLikeOthers(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var short, long []dataset.Decision
	for i := range 12_000 {
		p, hard := 0.3+0.6*rng.Float64(), rng.Float64() < 0.5
		d := dataset.Decision{Contributor: "c", Developer: fmt.Sprint("dev", i%150), Features: map[string]any{"hard": hard}, Logged: true, PropensityShow: p,
			Shown: rng.Float64() < p, Verdict: episode.Rejected, By: episode.ByPerson, Chosen: dataset.ActionHide,
			Actions: []episode.Action{{ID: dataset.ActionShow, Propensity: p}, {ID: dataset.ActionHide, Propensity: 1 - p}}}
		if d.Shown {
			d.Chosen = dataset.ActionShow
		}
		if !hard && rng.Float64() < 0.6 || hard && rng.Float64() < 0.1 {
			d.Verdict = episode.Accepted
		}
		long = append(long, d)
		long[i].Logged = false
		d.Actions, d.Chosen = nil, ""
		short = append(short, d)
	}
	m := table{dataset.ActionShow: {0.3, -0.1}, dataset.ActionHide: {0, 0}}
	a, b := Evaluate(short, m, Options{}), Evaluate(long, m, Options{})
	if a.Gain == nil || b.Gain == nil || math.Abs(a.Gain.Estimate-b.Gain.Estimate) > 1e-12 || a.Verdict != Released || len(a.Curve) == 0 {
		t.Errorf("%s %+v, and %s %+v", a.Verdict, a.Gain, b.Verdict, b.Gain)
	}
}

func noted(r *Report, code string, n int) bool {
	return slices.ContainsFunc(r.Notes, func(x Note) bool { return x.Code == code && (n < 0 || x.Count == n) && x.Message != "" })
}

func refusedFor(r *Report, code string) bool {
	return slices.ContainsFunc(r.Reasons, func(x Reason) bool { return x.Code == code && x.Message != "" && !strings.Contains(x.Message, "%!") })
}

// What is wrong in a few rows is left out and noted; in many, the candidate is refused before the gain is looked at.
func TestWhatIsWrongIsLeftOutOrRefusedAndNeverUsed(t *testing.T) {
	const asOf = 20_030
	for code, spoil := range map[string]func(d *dataset.Decision){
		"propensity": func(d *dataset.Decision) { d.Actions, d.Chosen = nil, "" },
		"range":      func(d *dataset.Decision) { d.Actions[0].Propensity = 1.2 },
		"impossible": func(d *dataset.Decision) {
			d.Chosen, d.Actions = "large", []episode.Action{{ID: "large", Propensity: 0}, {ID: "mid", Propensity: 0.5}, {ID: "small", Propensity: 0.5}}
		},
		"number": func(d *dataset.Decision) { d.Features["lines"] = math.NaN() },
		"clock":  func(d *dataset.Decision) { d.Day = asOf + 9 },
		"contradicting": func(d *dataset.Decision) {
			d.DecisionID = "the same"
		},
	} {
		few, many := routed(2, 200, 30), routed(2, 200, 30)
		for i := range many {
			if i%100 == 0 {
				spoil(&few[i])
			}
			if i%10 == 0 {
				spoil(&many[i])
			}
		}
		a, b := Evaluate(few, expects(0), Options{AsOf: asOf}), Evaluate(many, expects(0), Options{AsOf: asOf})
		if a.Verdict != Released || !noted(&a, code, -1) || a.Data.Judged+60 < len(few) || a.Data.Judged == len(few) {
			t.Errorf("%s in a few: %s, %d judged, %+v %+v", code, a.Verdict, a.Data.Judged, a.Notes, a.Reasons)
		}
		if b.Verdict != Refused || b.Gain != nil || !refusedFor(&b, code) {
			t.Errorf("%s in many: %s, %+v", code, b.Verdict, b.Reasons)
		}
	}
}

func TestOutcomesFromBeforeTheDecisionAreNoOutcomes(t *testing.T) {
	rows := routed(3, 200, 30)
	rows[7].Outcomes = []episode.Outcome{{Kind: episode.OutcomeKept, Value: 1, ObservedAt: time.Unix(rows[7].Day*86400, 0).AddDate(0, 0, -3)}}
	if r := Evaluate(rows, expects(0), Options{}); !noted(&r, "clock", 1) || r.Data.Judged != len(rows)-1 {
		t.Errorf("%d judged, %+v", r.Data.Judged, r.Notes)
	}
}

// What was taken is known to stay or not after a week; what was rejected is known at once.
func TestTheYoungDoNotCountAndTheOthersStandForThem(t *testing.T) {
	rows := routed(3, 300, 56)
	const asOf = 20_027
	for i := range rows {
		d := &rows[i]
		if d.Verdict == episode.Accepted && d.Day <= asOf-7 {
			d.Outcomes = []episode.Outcome{{Kind: episode.OutcomeReverted, Value: float64(i % 4 / 3), Window: "7d", ObservedAt: time.Unix((d.Day+7)*86400, 0).UTC()}}
		}
	}
	spec := reward.Immediate()
	spec.Name = "reverts"
	spec.Parts = append(spec.Parts, reward.Part{Name: "reverted", From: "reverted", Within: "7d", Weight: -0.4})
	r := Evaluate(rows, expects(0), Options{AsOf: asOf, Reward: reward.Fit(spec, rows, asOf)})
	if r.Gain == nil || !noted(&r, "immature", -1) || len(r.Components) != 3 || r.Reward != "reverts" {
		t.Fatalf("%+v %+v %+v", r.Reasons, r.Notes, r.Components)
	}
	// A quarter of what is taken is reverted: it is worth 0.1 less. Mature rows alone would make the old value much too small.
	taken := logged + 0.25
	if want := 0.9*taken - 0.25; math.Abs(r.Old.Estimate-want) > 0.03 {
		t.Errorf("the old value is %+v, truly %v", r.Old, want)
	}
	sum := 0.0
	for _, c := range r.Components {
		sum += c.Gain.Estimate
	}
	if math.Abs(sum-r.Gain.Estimate) > 0.05 {
		t.Errorf("the components change by %v in sum, the reward by %v", sum, r.Gain.Estimate)
	}
}

func TestNobodyIsMostOfTheEvidence(t *testing.T) {
	rows := routed(5, 200, 30)
	for i := range 1500 {
		rows[i].Developer = "one"
	}
	r := Evaluate(rows, expects(0), Options{})
	if !noted(&r, "concentration", 1500) || r.Gain == nil {
		t.Errorf("a quarter of one developer: %+v %+v", r.Notes, r.Reasons)
	}
	for i := range 5400 {
		rows[i].Developer = "one"
	}
	if r := Evaluate(rows, expects(0), Options{}); r.Gain != nil || !refusedFor(&r, "concentration") {
		t.Errorf("nine tenths of one developer: %+v", r.Reasons)
	}
}

func TestDriftIsSeenBeforeTheGain(t *testing.T) {
	rows := routed(6, 200, 30)
	for i := range rows {
		if rows[i].Day >= 20_014 {
			rows[i].Features = map[string]any{"hard": true}
		}
	}
	if r := Evaluate(rows, expects(0), Options{}); r.Gain != nil || !refusedFor(&r, "drift") {
		t.Errorf("%+v, drift %v", r.Reasons, r.Data.Drift)
	}
}

// A candidate that is worth more, and does what the reward does not see.
func TestHarmThatTheRewardDoesNotSeeIsRefused(t *testing.T) {
	rows := routed(7, 300, 40)
	for i := range rows {
		d := &rows[i]
		reverted := 0.0
		if d.Chosen == "large" || d.Chosen == "small" && i%3 == 0 {
			reverted = 1
		}
		d.Outcomes = []episode.Outcome{{Kind: episode.OutcomeReverted, Value: reverted}}
	}
	r := Evaluate(rows, expects(0), Options{})
	if r.Gain == nil || !(r.Gain.Bound > 0) || r.Verdict != Refused || !refusedFor(&r, "guardrail") {
		t.Fatalf("%s, gain %+v, %+v", r.Verdict, r.Gain, r.Reasons)
	}
	if err := r.Check(); err != nil {
		t.Error(err)
	}
}

func TestTheWorstDecileIsANumberOfManyAndOnlyAsFarAsPeopleDiffer(t *testing.T) {
	alike := Evaluate(routed(8, 400, 40), expects(0), Options{})
	rows := routed(8, 400, 40)
	for i := range rows { // for a fifth, the good choice is a bad one
		if i/40%5 == 0 && rows[i].Chosen == "small" {
			rows[i].Verdict = episode.Rejected
		}
	}
	apart := Evaluate(rows, expects(0), Options{})
	if alike.WorstDecile == nil || apart.WorstDecile == nil {
		t.Fatalf("%+v %+v", alike.Reasons, apart.Reasons)
	}
	if alike.WorstDecile.Spread > 0.02 || apart.WorstDecile.Spread < 0.03 || apart.WorstDecile.Gain.Estimate > alike.WorstDecile.Gain.Estimate-0.05 || alike.WorstDecile.Developers != 40 {
		t.Errorf("alike %+v, apart %+v", alike.WorstDecile, apart.WorstDecile)
	}
	few := Evaluate(routed(8, 99, 100), expects(0), Options{})
	if few.WorstDecile != nil || few.Gain != nil {
		t.Errorf("of 99 developers: %+v", few.WorstDecile)
	}
}

// september are the days of routed.
func september() []CountedPeriod { return []CountedPeriod{{20_000, 20_030, 20}} }

func TestWhatWasWithheldIsSeenByWhoeverJudgesAndIsInNoReport(t *testing.T) {
	rows := routed(9, 200, 30)
	r := Evaluate(rows, expects(0), Options{Withheld: []Withheld{{Contributor: "c", Shown: 10_000, Taken: 2_000, Noise: 50, Periods: september()},
		{Contributor: "c", Language: "go", Shown: 5_000, Taken: 1_000, Noise: 50, Periods: september()}}})
	if len(r.Selection) != 1 || len(r.Selection[0].Strata) != 2 || r.Selection[0].Decisions != len(rows) {
		t.Fatalf("%+v", r.Selection)
	}
	s := r.Selection[0].Strata[0]
	if s.Counted != 0.2 || s.Contributed.Estimate < 0.3 || !(s.Noise > 0.004) || s.Difference.Lower < 0.05 || !(s.Difference.SE > s.Contributed.SE) {
		t.Errorf("%+v", s)
	}
	without := Evaluate(rows, expects(0), Options{})
	if len(without.Selection) != 0 || !noted(&without, "selection", len(rows)) {
		t.Errorf("it is not in the report, and that is said: %+v", without.Notes)
	}
	a, err := json.Marshal(r)
	b, err2 := json.Marshal(without)
	if err != nil || err2 != nil || !bytes.Equal(a, b) {
		t.Error("the report tells what was counted at home")
	}
}

// Who contributes all looks so, though a few developers make most of the decisions and at most 20 of each are counted.
func TestWhoContributesAllDoesNotLookAsIfItDidNot(t *testing.T) {
	rows := slices.Concat(routed(9, 150, 20), routed(10, 160, 140))
	shown, taken := 0.0, 0.0
	at := map[string]int{}
	for i := range rows {
		d := &rows[i]
		if i >= 150*20 { // the busy take little
			d.Developer, d.DecisionID = d.Developer+"busy", d.DecisionID+"busy"
			if i%2 == 0 {
				d.Verdict = episode.Rejected
			}
		}
		if at[d.Developer]++; at[d.Developer] <= 20 {
			shown++
			if reward.Taken(d) {
				taken++
			}
		}
	}
	w := Withheld{Contributor: "c", Shown: shown, Taken: taken, Noise: 5, Periods: september()}
	of := func() Stratum {
		t.Helper()
		r := Evaluate(rows, expects(0), Options{Withheld: []Withheld{w}})
		if len(r.Selection) != 1 {
			t.Fatalf("%+v %+v", r.Selection, r.Reasons)
		}
		return r.Selection[0].Strata[0]
	}
	if s := of(); s.Difference.Lower > 0 || s.Difference.Upper < 0 || math.Abs(s.Difference.Estimate) > 0.03 {
		t.Errorf("%+v", s)
	}
	w.Periods[0].PerDeveloper = 10_000 // all alike, they are of other people's decisions
	if s := of(); s.Difference.Upper > 0 {
		t.Errorf("the rows do not tell one from the other: %+v", s)
	}
}

func TestWhatWasNotCountedAtHomeIsNotHeldBesideWhatWas(t *testing.T) {
	rows := routed(9, 200, 30)
	for i := range rows {
		if rows[i].Day >= 20_014 { // of another time, and all taken
			rows[i].Verdict = episode.Accepted
		}
	}
	half := []CountedPeriod{{20_000, 20_014, 20}}
	r := Evaluate(rows, expects(0), Options{Withheld: []Withheld{{Contributor: "c", Shown: 2_000, Taken: 800, Noise: 5, Periods: half}}})
	want := 0
	for i := range rows {
		if rows[i].Day < 20_014 {
			want++
		}
	}
	if len(r.Selection) != 1 || r.Selection[0].Decisions != want || r.Selection[0].Strata[0].Contributed.Estimate > 0.6 {
		t.Errorf("%+v", r.Selection)
	}
	later := []CountedPeriod{{21_000, 21_030, 20}}
	if r := Evaluate(rows, expects(0), Options{Withheld: []Withheld{{Contributor: "c", Shown: 2_000, Taken: 800, Noise: 5, Periods: later}}}); len(r.Selection) != 0 {
		t.Errorf("%+v", r.Selection)
	}
}

var _ learn.Model = table{}
