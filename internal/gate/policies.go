// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"math"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
)

// policies finds out what the logging policy and the candidate would do in a decision.
type policies struct {
	model   learn.Model
	explore float64
	// unsupported says that the candidate would do what the logging policy never does; unknown that there are actions of
	// which the model knows nothing: the candidate does not take them.
	unsupported, unknown bool
	// What the weight and its square are on average, over what the logging policy might have done, where something is shown.
	reach, spread float64
	values        []float64
	actions       []episode.Action
}

// judge keeps the decisions that a candidate can be judged by, counts the others, and says so.
func judge(heldOut []dataset.Decision, m learn.Model, o Options, r *Report) *sample {
	s, data := gather(heldOut, o, r), &r.Data
	var sum, squares, most, reach, spread float64
	p := policies{model: m, explore: o.Explore}
	for i := range heldOut {
		d := &heldOut[i]
		if why := foreign(d); why != "" {
			data.LeftOut[why]++
			continue
		}
		x, wrong, ok := s.admit(i, d, o, data)
		if !ok {
			continue
		}
		if wrong == "" {
			wrong = p.compare(d, &x)
		}
		if wrong == noSay {
			s.given--
			data.LeftOut[noSay]++
			continue
		}
		if wrong != "" {
			s.spoilt[wrong]++
			if wrong == "propensity" {
				data.WithoutPropensity++
			}
			continue
		}
		if p.unsupported {
			data.Unsupported++
		}
		if p.unknown {
			s.strange++
		}
		if w := float64(x.new.weight * x.counts); d.Shown && w > 0 {
			sum, squares, most = sum+w, squares+float64(w*w), max(most, w)
			data.MaxWeight = max(data.MaxWeight, x.new.weight)
		}
		reach, spread = reach+float64(x.counts*p.reach), spread+float64(x.counts*x.counts*p.spread)
		s.rows = append(s.rows, x)
	}
	if squares > 0 {
		data.EffectiveSample, data.Heaviest = min(sum*sum/squares, reach*reach/spread), most/sum
	}
	s.tell(r)
	return s
}

// noSay is why a decision is left out in which the candidate changes nothing because it knows none of the actions: it, and
// its developer, are no evidence about the candidate.
const noSay = "the candidate knows none of the actions"

// foreign says why a decision is none that a release of a control model could change; empty where it may be one.
func foreign(d *dataset.Decision) string {
	switch {
	case !d.Decided():
		return "no policy of ours decided"
	case d.Choice() == dataset.WithOrWithout:
		return "the trial of an instruction"
	}
	return ""
}

// compare fills in what the policies would do in a decision, and returns what is wrong with it, if anything is, or noSay.
func (p *policies) compare(d *dataset.Decision, x *row) (wrong string) {
	p.unsupported, p.unknown, p.reach, p.spread = false, false, 0, 0
	taken := p.list(d)
	if taken < 0 {
		return "propensity"
	}
	if wrong := p.check(taken); wrong != "" {
		return wrong
	}
	for _, v := range d.Features {
		if f, is := v.(float64); is && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return "number"
		}
	}
	best := -1
	if p.values = p.values[:0]; p.model != nil {
		p.values = p.model.Values(p.values, d.Features, p.actions)
		if best = learn.Greedy(p.values); best < 0 {
			return noSay
		}
	}
	x.old.choice, x.new.choice = p.actions[taken].ID, p.actions[taken].ID
	x.old.size, x.old.weight, x.new.size = 1, 1, 1
	for i, a := range p.actions {
		q := 0.0
		if p.model != nil {
			if q = p.values[i]; math.IsNaN(q) {
				q, p.unknown = 0, true
			}
		}
		to := a.Propensity // without a model nothing changes
		if best >= 0 {
			to = p.explore / float64(len(p.actions))
			if i == best {
				to += 1 - p.explore
				x.best, x.new.choice = q, a.ID
			}
		}
		hidden := a.ID == dataset.ActionHide
		if hidden {
			q = 0 // known without a model
		}
		if to > 0 && a.Propensity == 0 && !hidden {
			p.unsupported = true
		}
		if a.Propensity > 0 && !hidden {
			p.reach, p.spread = p.reach+to, p.spread+float64(to*to)/a.Propensity
		}
		x.old.direct += float64(a.Propensity * q)
		x.new.direct += float64(to * q)
		if i == taken {
			x.expected, x.new.weight = q, to/a.Propensity
		}
		if a.ID == dataset.ActionShow {
			x.mayShow, x.old.show, x.new.show, x.showing = true, a.Propensity, to, q
		}
	}
	return ""
}

// check says what is wrong with the probabilities of the actions.
func (p *policies) check(taken int) (wrong string) {
	total := 0.0
	for _, a := range p.actions {
		if !(a.Propensity >= 0 && a.Propensity <= 1) {
			return "range"
		}
		total += a.Propensity
	}
	switch {
	case math.Abs(total-1) > 0.01:
		return "range"
	case p.actions[taken].Propensity == 0:
		return "impossible"
	}
	return ""
}

// list puts the actions of a decision into p.actions, and returns the index of the one taken, or -1 where the decision does
// not say what could have been done.
func (p *policies) list(d *dataset.Decision) (taken int) {
	if d.Logged { // a show/hide policy: what it did follows from what came to be
		p.actions = append(p.actions[:0], episode.Action{ID: dataset.ActionShow, Propensity: d.PropensityShow},
			episode.Action{ID: dataset.ActionHide, Propensity: 1 - d.PropensityShow})
		if d.Shown {
			return 0
		}
		return 1
	}
	p.actions = append(p.actions[:0], d.Actions...)
	return slices.IndexFunc(p.actions, func(a episode.Action) bool { return a.ID == d.Chosen })
}
