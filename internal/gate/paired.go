// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"

	"github.com/headrace/headrace/internal/ope"
)

const (
	pairedMethod = "mean difference over tasks; jackknife over clusters (CR3), Student t"
	minTasks     = 100
	minClusters  = 30
)

// Pair is one held-out task done under both policies.
type Pair struct {
	Task string
	// Cluster names what tasks hang together by, such as the repository that they are from.
	Cluster  string
	Old, New float64 // reward
}

// Compare judges a candidate by tasks done under both policies. Developers of the report are clusters of tasks.
func Compare(pairs []Pair, o Options) Report {
	r := o.report(Paired, pairedMethod)
	r.Data.Decisions = len(pairs)
	at, seen := map[string]int{}, map[string]int{}
	old, new := ope.NewRatio(len(pairs)), ope.NewRatio(len(pairs))
	for _, p := range pairs {
		seen[p.Task]++
	}
	spoilt := map[string]int{}
	for _, p := range pairs {
		switch {
		case !finite(p.Old) || !finite(p.New):
			spoilt["number"]++
			continue
		case seen[p.Task] > 1:
			spoilt["contradicting"]++ // which of them counts, nobody can say
			continue
		}
		k, ok := at[p.Cluster]
		if !ok {
			k = len(at)
			at[p.Cluster] = k
		}
		old.Add(k, p.Old, 1)
		new.Add(k, p.New, 1)
		r.Data.Judged++
	}
	r.Data.Developers = len(at)
	r.note("number", spoilt["number"], "%d tasks have a reward that is no number, and are left out")
	r.note("contradicting", spoilt["contradicting"], "%d tasks are there more than once, and are left out")
	for _, code := range []string{"contradicting", "number"} {
		r.most(code, float64(spoilt[code]), math.Floor(maxSpoilt*float64(len(pairs))), "%.0f tasks cannot be used; %.0f may be so")
	}
	r.need("tasks", float64(r.Data.Judged), minTasks, "%.0f tasks done under both, of %.0f needed")
	r.need("clusters", float64(len(at)), minClusters, "%.0f clusters of tasks, of %.0f needed")
	if len(r.Reasons) > 0 {
		return r
	}
	r.Gain, r.Old, r.New = shown(ope.Difference(new, old)), shown(old.Interval()), shown(new.Interval())
	if r.Gain == nil || r.Old == nil || r.New == nil {
		r.Gain, r.Old, r.New = nil, nil, nil
		r.refuse("gain", "the gain cannot be told from these tasks", 0, 0)
		return r
	}
	r.weigh()
	r.decide()
	return r
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
