// SPDX-License-Identifier: Apache-2.0

package reward_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sim/simtest"
)

// young returns the decisions of the first days of a simulated world as known at the end of a day, and the same ones as
// known at the end of time.
func young(t *testing.T, cfg sim.Config, days int) (now, then []dataset.Decision, day int64) {
	t.Helper()
	cfg.Delays = true
	w := simtest.World(t, cfg)
	end := time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC).AddDate(0, 0, days)
	collect := func(until time.Time) []dataset.Decision {
		var rows []dataset.Row
		for _, c := range w.Contributors() {
			if err := w.Settled(c, until, func(e *episode.Episode) error {
				if e.StartedAt.Before(end) {
					rows = append(rows, dataset.Row{Contributor: c, Episode: e})
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return dataset.Decisions(rows)
	}
	return collect(end.Add(-time.Nanosecond)), collect(time.Time{}), end.Unix()/86400 - 1
}

// mean is the mean of a number of each decision, with the interval of its difference from another's.
func mean(rows []dataset.Decision, of func(i int) (y, weight float64)) ope.Interval {
	people := dataset.ByDeveloper(rows)
	r := ope.NewRatio(people.N)
	for i := range rows {
		if y, weight := of(i); weight > 0 {
			r.Add(people.Of[i], y*weight, weight)
		}
	}
	iv, _ := r.Interval()
	return iv
}

func TestWhatIsTooEarlyToKnowIsEstimatedWithoutBias(t *testing.T) {
	spec := reward.Balanced()
	spec.Parts[3] = reward.Part{Name: "lasting", From: "kept", After: "7d", Within: "14d", Weight: 0.2} // so that 24 days show an end
	spec.Parts = append(spec.Parts, reward.Part{Name: "merged", From: "merged", Within: "10d", Weight: 0.2})
	now, then, day := young(t, sim.Config{Seed: 11, Gain: 0.2, Decisions: 40_000}, 24)
	scorer := reward.Fit(spec, now, day)
	truth := reward.Fit(spec, then, day+1000)
	value := func(s *reward.Scorer, rows []dataset.Decision) []reward.Value {
		out := make([]reward.Value, len(rows))
		for i := range rows {
			v, ok := s.Of(&rows[i])
			if !ok {
				v.Sum = math.NaN()
			}
			out[i] = v
		}
		return out
	}
	young, old := value(scorer, now), value(truth, then)
	estimated := 0
	for i := range old {
		if !math.IsNaN(old[i].Sum) && !old[i].Mature {
			t.Fatalf("at the end of time decision %d is not known: %+v of %+v", i, old[i], then[i])
		}
		if young[i].Estimated != 0 {
			estimated++
		}
	}
	has := func(i int) float64 {
		if math.IsNaN(old[i].Sum) {
			return 0
		}
		return 1
	}
	imputed := mean(now, func(i int) (float64, float64) { return young[i].Sum - old[i].Sum, has(i) })
	weighted := mean(now, func(i int) (float64, float64) { return young[i].Sum, has(i) * young[i].Weight })
	unweighted := mean(now, func(i int) (float64, float64) { return young[i].Sum, has(i) * math.Min(1, young[i].Weight) })
	all := mean(now, func(i int) (float64, float64) { return old[i].Sum, has(i) })
	// What has not happened yet taken for what does not happen: the scorer of a day far away sees no part as open.
	hasty := reward.Fit(spec, now, day+1000)
	naive := mean(now, func(i int) (float64, float64) {
		v, _ := hasty.Of(&now[i])
		return v.Sum - old[i].Sum, has(i)
	})
	t.Logf("%d of %d are estimates; truth %.4f; estimates %+.4f ± %.4f; weighted %.4f ± %.4f; unweighted %.4f; hasty %+.4f ± %.4f", estimated, len(now), all.Estimate,
		imputed.Estimate, imputed.SE, weighted.Estimate, weighted.SE, unweighted.Estimate, naive.Estimate, naive.SE)
	if d := math.Abs(imputed.Estimate); d > 3*imputed.SE+0.002 {
		t.Errorf("estimates are off by %.4f ± %.4f", imputed.Estimate, imputed.SE)
	}
	if math.Abs(weighted.Estimate-all.Estimate) > 3*weighted.SE {
		t.Errorf("mature rows by weight come to %.4f ± %.4f, truly %.4f", weighted.Estimate, weighted.SE, all.Estimate)
	}
	if unweighted.Upper > all.Estimate || naive.Upper > 0 {
		t.Errorf("without weights %.4f of %.4f, hasty %+.4f: nothing was to be corrected here", unweighted.Estimate, all.Estimate, naive.Estimate)
	}
	for k, p := range spec.Parts {
		d := mean(now, func(i int) (float64, float64) { return young[i].Parts[k] - old[i].Parts[k], has(i) })
		if math.Abs(d.Estimate) > 3*d.SE+0.004*math.Abs(p.Weight) {
			t.Errorf("part %s is off by %+.4f ± %.4f", p.Name, d.Estimate, d.SE)
		}
	}
}

func TestTheSameRowsGiveTheSameScorer(t *testing.T) {
	now, _, day := young(t, sim.Config{Seed: 2, Gain: 0.2, Decisions: 6000, Developers: 300}, 20)
	a, b := reward.Fit(reward.Balanced(), now, day), reward.Fit(reward.Balanced(), now, day)
	if !reflect.DeepEqual(a, b) {
		t.Error("two fits of the same rows differ")
	}
	for i := range now {
		if v, ok := a.Of(&now[i]); ok && (math.IsNaN(v.Sum) || v.Mature != (v.Weight > 0)) {
			t.Fatalf("%+v", v)
		}
	}
	if n := testing.AllocsPerRun(100, func() { a.Of(&now[0]) }); n != 0 {
		t.Errorf("%v allocations a decision", n)
	}
	r := a.Report
	if r.Horizon != 40 || r.Old != 0 || !r.Parts[3].Blind || r.Rows == 0 || r.Mature >= r.Rows || r.Spec != "balanced/1" {
		t.Errorf("%+v", r)
	}
}

var decided = time.Date(2026, 9, 7, 12, 0, 0, 0, time.UTC)

// took is a suggestion of 200 characters that was taken, with what became of it.
func took(outcomes ...episode.Outcome) dataset.Decision {
	same := 0.0
	return dataset.Decision{Day: decided.Unix() / 86400, Shown: true, Verdict: episode.Accepted, By: episode.ByPerson, Chars: 200, EditDistance: &same, Outcomes: outcomes}
}

func became(kind episode.OutcomeKind, value float64, days int, window string) episode.Outcome {
	return episode.Outcome{Kind: kind, Value: value, ObservedAt: decided.AddDate(0, 0, days), Window: window}
}

func TestBalancedIsTheSumOfItsParts(t *testing.T) {
	best := took(became("committed", 1, 0, ""), became("tests", 1, 0, ""), became("kept", 1, 32, "30d"))
	worst := took(became("committed", 0, 7, ""), became("reverted", 1, 2, ""))
	far := *worst.EditDistance + 1
	worst.EditDistance, worst.Chars = &far, 1
	half := took(became("committed", 1, 0, ""), became("kept", 0.5, 32, "30d"), became("reverted", 1, 8, "")) // too late to count
	passed := took()
	passed.Verdict, passed.By = episode.Ignored, episode.ByUnknown
	hidden := dataset.Decision{}
	for name, c := range map[string]struct {
		d    dataset.Decision
		want float64
	}{"best": {best, 0.75}, "worst": {worst, -0.75}, "half": {half, -0.25 + 0.25 + 0.25 + 0.2 + 0.1}, "passed over": {passed, -0.25}, "hidden": {hidden, 0}} {
		if got, ok := reward.Balanced().Of(&c.d); !ok || math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%s: %v, %v; want %v", name, got, ok, c.want)
		}
	}
	untold := took()
	if got, ok := reward.Balanced().Of(&untold); ok {
		t.Errorf("nobody told what became of it, and it has the reward %v", got)
	}
}

func TestRetainedCharactersCountTheLongMoreAndTheEditedLess(t *testing.T) {
	of := func(chars int32, distance float64) float64 {
		d := took()
		d.Chars, d.EditDistance = chars, &distance
		r, ok := reward.Retained().Of(&d)
		if !ok {
			t.Fatal("not known")
		}
		return r
	}
	if of(200, 0) != 0.75 || of(2000, 0) != 0.75 || of(200, 1) != -0.25 || !(of(200, 0.5) < of(200, 0)) || !(of(20, 0) < of(100, 0)) {
		t.Error(of(200, 0), of(2000, 0), of(200, 1), of(200, 0.5), of(20, 0))
	}
}

func TestWhatMakesNoSenseIsNotUsedAndSaid(t *testing.T) {
	rows := []dataset.Decision{
		took(became("committed", 1, 1, ""), became("committed", math.NaN(), 2, ""), became("committed", 7, 2, "")),
		took(became("committed", 1, -3, "")), // a clock that ran backwards
		took(became("committed", 0, 1, ""), became("committed", 1, 1, "")),
		took(became("committed", 1, 30, "")), // not seen yet
	}
	s := reward.Fit(reward.Balanced(), rows, decided.Unix()/86400+5)
	if r := s.Report; r.Nonsense != 2 || r.Backwards != 1 || r.Contradicting != 1 {
		t.Errorf("%+v", r)
	}
	committed := func(i int) (float64, bool) {
		v, _ := s.Of(&rows[i])
		return v.Parts[2], v.Estimated&(1<<2) == 0
	}
	for i, want := range []bool{true, false, true, false} {
		if share, told := committed(i); told != want || told && share != 0.2 {
			t.Errorf("row %d: %v, told %v", i, share, told)
		}
	}
}

func TestAKindThatNobodyTellsCountsAsNothingAndIsSaid(t *testing.T) {
	rows := []dataset.Decision{took(became("committed", 1, 1, ""), became("kept", 1, 0, "10m")), took(became("committed", 0, 1, ""))} // an editor's word is not git's
	s := reward.Fit(reward.Balanced(), rows, decided.Unix()/86400+50)
	for i, p := range s.Report.Parts {
		if never := i >= 3; p.Never != never { // lasting, tests, reverted
			t.Errorf("%+v", p)
		}
	}
	if v, ok := s.Of(&rows[0]); !ok || !v.Mature || math.Abs(v.Sum-(-0.25+0.25+0.25+0.2)) > 1e-12 {
		t.Errorf("%+v", v)
	}
}

func BenchmarkOf(b *testing.B) {
	now := []dataset.Decision{took(became("committed", 1, 1, ""), became("kept", 0.9, 2, "1d")), took()}
	s := reward.Fit(reward.Balanced(), now, decided.Unix()/86400+5)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Of(&now[i&1])
		i++
	}
}
