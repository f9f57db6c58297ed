// SPDX-License-Identifier: Apache-2.0

// Package value says what each contributor's data was worth, and what that earns.
//
// Start from [Measure]: it learns again without each contributor in turn, and asks what the release would be worth less
// on held-out developers of the others. Nobody's own developers judge their own data, and who sends harmful data earns
// nothing for it. [State] puts that together with the gate's verdict and a published [RateCard] into one [Statement] a
// contributor; [Recompute] lets anyone with the same inputs check one.
//
// Leaving one out is blind to copies: two contributors with the same data are worth nothing each. Shares by group come
// with a later way of measuring. Nothing here stores, signs or sends.
package value

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// Worth is what one contributor's data added to the release for the others.
type Worth struct {
	Contributor string `json:"contributor"`
	// Value is reward per decision, the mean over the others' developers; nil where it cannot be told, and Why says why.
	Value *ope.Interval `json:"value,omitempty"`
	Why   string        `json:"why,omitempty"`
	// Credit is what counts: the one-sided 95 % lower bound, and never below 0.
	Credit float64 `json:"credit"`
}

// Measure values every contributor, sorted by name. Full is the filter learned from all of train.
func Measure(ctx context.Context, train, heldOut []dataset.Decision, full *learn.Filter, o learn.Options) ([]Worth, error) {
	o.Kind = full.Kind() // without a contributor the same is learned, not something else
	names := map[string]bool{}
	for i := range train {
		names[train[i].Contributor] = true
	}
	sorted := slices.Sorted(maps.Keys(names))
	worths := make([]Worth, len(sorted))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0)) // each holds a copy of train
	for i, name := range sorted {
		g.Go(func() (err error) {
			worths[i], err = leaveOut(ctx, name, train, heldOut, full, o)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return worths, nil
}

// leaveOut compares the filter with the one learned without the contributor, decision by decision, on the others.
func leaveOut(ctx context.Context, name string, train, heldOut []dataset.Decision, full *learn.Filter, o learn.Options) (Worth, error) {
	w := Worth{Contributor: name}
	others := func(d dataset.Decision) bool { return d.Contributor == name }
	without, _, err := learn.Fit(ctx, slices.DeleteFunc(slices.Clone(train), others), o)
	if _, tooLittle := errors.AsType[*episode.Problem](err); tooLittle {
		w.Why = "without this contributor there is too little to learn from"
		return w, nil
	} else if err != nil {
		return w, err
	}
	rows := slices.DeleteFunc(slices.Clone(heldOut), others)
	scorer := judge(o.Reward, rows)
	clusters := dataset.ByDeveloper(rows)
	sum, weight, count := make([]float64, clusters.N), make([]float64, clusters.N), make([]int, clusters.N)
	for i := range rows {
		d := &rows[i]
		v, ok := scorer.Of(d)
		if !ok || v.Weight == 0 || !d.Logged || d.Shown && d.PropensityShow == 0 {
			continue
		}
		from, _ := without.Decide(d.Features)
		to, p := full.Decide(d.Features)
		k := clusters.Of[i]
		sum[k] += float64(v.Weight * ope.Shift(d.Shown, v.Sum, scorer.Spec.Expected(p), d.PropensityShow, probability(from), probability(to)))
		weight[k] += v.Weight
		count[k]++
	}
	// Each developer counts once: whoever sends the most does not judge the most.
	mean, decisions := ope.NewRatio(clusters.N), 0
	for k, n := range count {
		if n > 0 {
			mean.Add(k, sum[k]/weight[k], 1)
			decisions += n
		}
	}
	v, ok := mean.Interval()
	v.N = decisions
	if !ok || v.Developers < minDevelopers {
		w.Why = "too few held-out developers of other contributors"
		return w, nil
	}
	w.Value, w.Credit = &v, max(0, v.Bound)
	return w, nil
}

// judge says what decisions are worth by the spec that was learned by, and only from those that are judged by; nil is
// reward.Immediate. Those that are too young to know are stood for by the others.
func judge(learned *reward.Scorer, rows []dataset.Decision) *reward.Scorer {
	switch {
	case learned == nil:
		return reward.New(reward.Immediate())
	case !learned.Spec.Waits():
		return learned
	}
	return reward.Fit(learned.Spec, rows, learned.Report.Day)
}

const minDevelopers = 10 // no figure for fewer

func probability(shown bool) float64 {
	if shown {
		return 1
	}
	return 0
}
