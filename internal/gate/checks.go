// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/reward"
)

// wrongs are what can be wrong with a decision, by code, in words.
func wrongs() map[string]string {
	return map[string]string{
		"propensity":    "%d decisions do not say what could have been done, and with what probability",
		"range":         "%d decisions name probabilities that are none, or that do not add up",
		"impossible":    "%d decisions are ones that their policy says it never takes",
		"number":        "%d decisions have a feature that is no number",
		"contradicting": "%d decisions are there twice, with different outcomes",
		"twice":         "%d decisions are copies of others",
		"crossed":       "%d decisions are of developers who are in both arms",
		"clock":         "%d decisions are dated after the day of judging, or after what came of them",
	}
}

// contradicting returns, by row, "twice" for a decision that is there before with the same outcome, and "contradicting"
// for all that share an id and do not agree.
func contradicting(rows []dataset.Decision, scorer *reward.Scorer) []string {
	type key struct{ contributor, id string }
	first, out := make(map[key]int, len(rows)), make([]string, len(rows))
	for i := range rows {
		d := &rows[i]
		if d.DecisionID == "" {
			continue
		}
		k := key{d.Contributor, d.DecisionID}
		j, seen := first[k]
		if !seen {
			first[k] = i
			continue
		}
		a, okA := scorer.Of(d)
		b, okB := scorer.Of(&rows[j])
		if out[i] = "twice"; okA && okB && (a.Sum != b.Sum || d.Shown != rows[j].Shown) || out[j] == "contradicting" {
			out[i], out[j] = "contradicting", "contradicting"
		}
	}
	return out
}

// misdated returns "clock" for a decision of a day that is not over yet, or whose outcome was seen before it was made.
// Times leave coarse: a day of grace on either side.
func misdated(d *dataset.Decision, asOf int64) string {
	if asOf > 0 && d.Day > asOf+1 {
		return "clock"
	}
	for i := range d.Outcomes {
		if at := d.Outcomes[i].ObservedAt; !at.IsZero() && dataset.UnixDay(at.Unix()) < d.Day-1 {
			return "clock"
		}
	}
	return ""
}

// tell counts what there is, and notes what was left out or counts for less.
func (s *sample) tell(r *Report) {
	for _, code := range slices.Sorted(maps.Keys(s.spoilt)) {
		r.note(code, s.spoilt[code], wrongs()[code]+", and are left out")
	}
	r.note("immature", s.young, "%d decisions are too young to know what came of them, and are left out")
	r.note("unknown-action", s.strange, "in %d decisions there are actions that the candidate knows nothing of, and would not take")
	r.Data.Judged = len(s.rows)
	s.even(r)
	r.Data.Drift = s.drift()
}

// even makes the decisions of a developer who made too many of them count for less, so that nobody is more than maxShare of the
// weight, and counts developers.
func (s *sample) even(r *Report) {
	made := make([]int, s.clusters.N)
	for i := range s.rows {
		made[s.rows[i].cluster]++
	}
	most := 0
	for _, n := range made {
		if n > 0 {
			r.Data.Developers++
		}
		most = max(most, n)
	}
	if len(s.rows) == 0 {
		return
	}
	r.Data.Largest = float64(most) / float64(len(s.rows))
	if r.Data.Largest <= maxShare || float64(r.Data.Developers)*maxShare < 2 {
		return
	}
	// The most that may count follows from what all count together, which follows from the most: it falls until it stays.
	limit := float64(most)
	for range 100 {
		sum := 0.0
		for _, n := range made {
			sum += min(float64(n), limit)
		}
		if maxShare*sum >= limit {
			break
		}
		limit = maxShare * sum
	}
	less, people := 0, 0
	for _, n := range made {
		if float64(n) > limit {
			less, people = less+n, people+1
		}
	}
	for i := range s.rows {
		if n := float64(made[s.rows[i].cluster]); n > limit {
			s.rows[i].counts *= limit / n
		}
	}
	r.Notes = append(r.Notes, Note{Code: "concentration", Count: less, Message: fmt.Sprintf(
		"%d decisions, %.0f %% of all, are of %d developers: they count for less, so that nobody is more than %.0f %%",
		less, 100*float64(less)/float64(len(s.rows)), people, 100*maxShare)})
}

// drift is the population stability index Σ (a−b)·ln(a/b) between the older and the newer half of the decisions, over tenths
// of what the model expects of its own choice: whether what is judged by is still like what comes. No reward enters it.
func (s *sample) drift() float64 {
	const bins, least = 10, 500
	if len(s.rows) < 2*least {
		return 0
	}
	days, values := make([]int64, len(s.rows)), make([]float64, len(s.rows))
	for i := range s.rows {
		days[i], values[i] = s.rows[i].d.Day, s.rows[i].best
	}
	slices.Sort(days)
	slices.Sort(values)
	middle := days[len(days)/2]
	var n [2]float64
	var in [2][bins]float64
	for i := range s.rows {
		half := 0
		if s.rows[i].d.Day >= middle {
			half = 1
		}
		bin := 0
		for bin < bins-1 && s.rows[i].best >= values[len(values)*(bin+1)/bins] {
			bin++
		}
		n[half]++
		in[half][bin]++
	}
	if n[0] < least || n[1] < least {
		return 0
	}
	index := 0.0
	for b := range bins {
		// Half a decision more in each bin: an empty one is no proof of anything.
		p, q := (in[0][b]+0.5)/(n[0]+bins/2), (in[1][b]+0.5)/(n[1]+bins/2)
		index += float64((p - q) * math.Log(p/q))
	}
	return index
}

// tooLittle refuses by what the data lacks before the gain may be looked at.
func (s *sample) tooLittle(r *Report, m learn.Model) {
	data := &r.Data
	if m == nil {
		r.refuse("no-candidate", "there was too little to learn a candidate from", 0, 1)
	}
	r.need("developers", float64(data.Developers), minDevelopers, "%.0f held-out developers with decisions to judge by, of %.0f needed")
	r.need("propensity", float64(s.given-data.WithoutPropensity), math.Ceil((1-maxSpoilt)*float64(max(s.given, 1))),
		"%.0f decisions say with what probability they were made, of %.0f needed")
	s.tooSpoilt(r)
	r.need("sample", data.EffectiveSample, max(minSample, minSampleShare*float64(data.Judged)),
		"the decisions count as %.0f independent ones under the candidate, of %.0f needed")
	r.most("weight", data.Heaviest, maxHeaviest, "one decision would have %.4f of the weight of all, of %.2f allowed: the candidate would do what was hardly ever done")
	r.most("support", float64(data.Unsupported), 0, "in %.0f decisions the candidate would do what was never done; %.0f may be so")
}

// tooSpoilt refuses by what is wrong with the data whatever the design.
func (s *sample) tooSpoilt(r *Report) {
	for _, code := range slices.Sorted(maps.Keys(s.spoilt)) {
		if code != "propensity" && code != "twice" { // the one has a check of its own, the other does no harm
			r.most(code, float64(s.spoilt[code]), math.Floor(maxSpoilt*float64(s.given)), strings.Replace(wrongs()[code], "%d", "%.0f", 1)+", of %.0f allowed")
		}
	}
	r.most("concentration", r.Data.Largest, 0.5, "one developer made %.2f of the decisions, of %.2f allowed")
	r.most("drift", r.Data.Drift, maxDrift, "newer decisions are not like older ones: the population stability index is %.2f, of %.2f allowed")
}
