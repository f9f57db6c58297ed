// SPDX-License-Identifier: Apache-2.0

// Package learn turns decisions into control models: what a release holds, and what moves a tool's lever.
//
// Every control model chooses among actions, and says so by [Model]: what each is worth in a context, in the unit of
// the reward that it was learned for. A filter's actions are to show a suggestion or to hide it. [Decode] reads any
// model file; [Greedy] chooses by what it says. Start from [Fit]: it learns a [Filter], by logistic regression or by
// boosted trees, whichever predicts better for developers whom it has not learned from. The learners themselves are in
// the packages below, and know nothing of decisions.
//
// The same rows in the same order give the same model file, byte for byte. Nothing here decides what is released
// (package release does) or who is paid for it (package value).
package learn

import (
	"context"
	"fmt"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/learn/linear"
	"github.com/headrace/headrace/internal/learn/portable"
	"github.com/headrace/headrace/internal/reward"
)

// Kind is how a filter scores.
type Kind string

const (
	Logistic Kind = "logistic" // a weighted sum of terms: small, fast, and steady where there is little data
	Trees    Kind = "trees"    // boosted trees: what depends on several features at once
)

// Options say how to learn; the zero value is right for most.
type Options struct {
	// Reward says what a decision is worth; nil is reward.Immediate. Fit it to the rows that are learned from.
	Reward *reward.Scorer
	// Kind is how the filter scores; when empty, what predicts better in cross-validation.
	Kind Kind
	// Penalty is the ridge on each standardised weight; 1 when zero.
	Penalty float64
	// Crosses are pairs of a listed feature and a number whose effect may differ from value to value. Nil means
	// language × mean_logprob: how far a model's own certainty can be trusted depends on the language.
	Crosses []linear.Cross
}

// Report says what a fit saw.
type Report struct {
	Reward     string         `json:"reward"`
	Rows       int            `json:"rows"`       // given
	Used       int            `json:"used"`       // shown, with a reward
	Developers int            `json:"developers"` // behind the used ones
	Hidden     int            `json:"hidden"`     // not used: what was hidden has reward 0 whatever the features
	Undecided  int            `json:"undecided"`  // of the used ones, which no policy decided: they were shown for sure
	LeftOut    map[string]int `json:"left_out,omitempty"`
	// Capped are the developers whose decisions count for less, so that none counts for more than a fifth.
	Capped    int       `json:"capped,omitempty"`
	Kind      Kind      `json:"kind"`
	Compared  *Compared `json:"compared,omitempty"` // nil where the kind was given, or there was too little to compare
	Estimated int       `json:"estimated,omitzero"` // of the used ones, whose reward is not all known yet
	Rate      float64   `json:"rate"`               // mean share of the reward's range; of reward.Immediate, of what was taken
	LogLoss   float64   `json:"log_loss"`           // on the used ones, beside that of the rate alone
	BaseLoss  float64   `json:"base_loss"`
	Steps     int       `json:"steps"` // of Newton's method, or trees
}

const (
	minUsed   = 50  // fewer shown decisions than that teach nothing
	maxWeight = 100 // of one decision
)

// Fit learns a filter from the decisions that were shown and have a reward: what share of the reward's range to expect of a
// suggestion, which of reward.Immediate is the probability that it is taken. A share between 0 and 1 is learned as that part
// of a yes: the logistic likelihood is a proper quasi-likelihood of any bounded mean (Papke and Wooldridge 1996).
//
// Each is weighted by one over the probability with which it was shown. Without that, the filter would learn the
// share among what the logging policy chose to show, and that policy may know more than the features
// say (it saw the text). What no policy decided was shown for sure, and has weight 1: most tools show whatever they have,
// and a trial of instructions changes nothing about that. What a policy decided that does not say how likely it was is left
// out: nobody knows what it stands for. What was hidden needs no model: its reward is 0.
func Fit(ctx context.Context, rows []dataset.Decision, o Options) (*Filter, Report, error) {
	if o.Reward == nil {
		o.Reward = reward.New(reward.Immediate())
	}
	spec := o.Reward.Spec
	used, report := shown(rows, o.Reward)
	var paid, total float64
	alike := true
	for _, e := range used.examples {
		paid, total = paid+float64(e.Weight*e.Label), total+e.Weight
		alike = alike && e.Label == used.examples[0].Label
	}
	if len(used.examples) < minUsed || alike {
		return nil, report, &episode.Problem{Code: "learn/too-little",
			Message: fmt.Sprintf("%d shown decisions with a reward are too few, or all alike, to learn from", len(used.examples)),
			Hint:    fmt.Sprintf("at least %d are needed, some taken and some not", minUsed)}
	}
	report.Rate = paid / total
	report.BaseLoss = entropy(report.Rate)
	if o.Penalty <= 0 {
		o.Penalty = 1
	}
	if o.Crosses == nil {
		o.Crosses = []linear.Cross{{Enum: "language", Number: "mean_logprob"}}
	}
	f := &Filter{Format: filterFormat, Reward: spec.Name, Threshold: spec.Threshold()}
	if low, high := spec.Range(); high-low != 1 {
		f.Scale = high - low
	}
	var err error
	if report.Kind = o.Kind; report.Kind == "" {
		if report.Kind, report.Compared, err = choose(ctx, used, o); err != nil {
			return nil, report, err
		}
	}
	if report.LogLoss, report.Steps, err = f.fit(ctx, report.Kind, used, o); err != nil {
		return nil, report, err
	}
	return f, report, nil
}

// FitRoute learns a route from the decisions that were a choice among actions, by what the scorer says they were worth.
func FitRoute(rows []dataset.Decision, scorer *reward.Scorer) (*bandit.Route, bandit.Report, error) {
	return bandit.Fit(rows, scorer.Spec.Name, func(d *dataset.Decision) (float64, bool) {
		v, ok := scorer.Of(d)
		return v.Sum, ok
	})
}

// decisions are what is learned from, and whose each is.
type decisions struct {
	examples []linear.Example
	who      []int32 // by example: which developer
	people   []drawn // by developer
}

// drawn is where a developer falls in what is drawn by lot; the same for ever.
type drawn struct{ sample, fold, stop float64 }

// shown are the decisions to learn from.
func shown(rows []dataset.Decision, scorer *reward.Scorer) (*decisions, Report) {
	report := Report{Reward: scorer.Spec.Name, Rows: len(rows), LeftOut: map[string]int{}}
	people := dataset.ByDeveloper(rows)
	used, number := &decisions{}, make([]int32, people.N) // a developer's number plus one
	for i := range rows {
		d := &rows[i]
		v, ok := scorer.Of(d)
		switch c := d.Choice(); {
		case c == dataset.AmongOptions:
			report.LeftOut["a choice of another kind"]++
			continue
		case c == dataset.NoChoice && d.Decided():
			report.LeftOut["a policy decided that does not say how likely it was"]++
			continue
		case !ok:
			report.LeftOut[string(d.Verdict)+" by "+string(d.By)]++
			continue
		case !d.Shown:
			report.Hidden++
			continue
		case d.Logged && !(d.PropensityShow > 0 && d.PropensityShow <= 1):
			report.LeftOut["propensity of showing is not in (0, 1]"]++
			continue
		}
		if v.Estimated != 0 {
			report.Estimated++
		}
		if !d.Logged {
			report.Undecided++
		}
		e := linear.Example{Features: d.Features, Label: scorer.Spec.Share(v.Sum), Weight: 1}
		if d.Logged {
			e.Weight = min(1/d.PropensityShow, maxWeight)
		}
		who := &number[people.Of[i]]
		if *who == 0 {
			lot := func(what string) float64 { return draw.Fraction(nil, what, d.Contributor, d.Developer) }
			used.people = append(used.people, drawn{lot("sample"), lot("fold"), lot("stop")})
			*who = int32(len(used.people))
		}
		used.examples, used.who = append(used.examples, e), append(used.who, *who-1)
	}
	report.Used, report.Developers = len(used.examples), len(used.people)
	report.Capped = used.cap()
	return used, report
}

// count is how many decisions each developer has.
func (d *decisions) count() []int {
	count := make([]int, len(d.people))
	for _, who := range d.who {
		count[who]++
	}
	return count
}

// cap lets no developer's decisions count for more than a fifth, and returns how many now count for less.
func (d *decisions) cap() (capped int) {
	count := d.count()
	most := bandit.CapOf(slices.Clone(count))
	for _, n := range count {
		if float64(n) > most {
			capped++
		}
	}
	for i, who := range d.who {
		if n := float64(count[who]); n > most {
			d.examples[i].Weight *= most / n
		}
	}
	return capped
}

// entropy is the mean loss of always predicting the rate.
func entropy(p float64) float64 {
	return float64(p*loss(portable.Logit(p), 1)) + float64((1-p)*loss(portable.Logit(p), 0))
}

// loss is that of a score for a label.
func loss(score, label float64) float64 {
	return portable.Log1p(portable.Exp(-max(score, -score))) + max(score, 0) - float64(label*score)
}
