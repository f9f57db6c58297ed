// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// What guardrails allow. They are there to catch harm that the reward does not see, not to judge a second time: a filter
// that hides more, or that cannot read the text as the policy before it could, changes each of these a little by design.
const (
	allowAccept     = 0.10 // less of what is shown is taken
	allowKept       = 0.10 // less of what is taken is kept
	AllowReverted   = 0.03 // more of what is taken is reverted
	inPart          = 1.5  // times as much in a part as in the whole
	allowShow       = 0.75 // of the old show rate
	AllowAccepts    = 0.5  // of what was taken
	allowValue      = 0.5  // of the old value, in a part
	minDecisive     = 30   // developers in a part that can refuse a candidate: fewer, and uneven ones, are shown only
	alphaGuardrails = 0.05 // for all of them together (Bonferroni)
)

// measure is one thing that must not get worse: terms under both policies.
type measure struct {
	name     string
	old, new func(*row) ope.Term
	worse    float64 // −1: less is worse; 1: more is
	allowed  float64 // by how much, above 0
	required bool    // must be shown to hold, not only not be broken
}

// share makes a measure of how often something is so, of the decisions where it could be.
func share(name string, worse, allowed float64, of func(*row) (is, could float64)) measure {
	return measure{name: name, worse: worse, allowed: allowed,
		old: func(r *row) ope.Term {
			is, could := of(r)
			return ope.Term{Fixed: r.old.weight * is, Size: r.old.weight * could}
		},
		new: func(r *row) ope.Term {
			is, could := of(r)
			return ope.Term{Fixed: r.new.weight * is, Size: r.new.weight * could}
		}}
}

func accepted(r *row) (is, could float64) {
	switch {
	case !r.d.Shown:
		return 0, 0
	case reward.Taken(r.d):
		return 1, 1
	}
	return 0, 1
}

// became returns a share of what was taken, by the newest outcome of a kind; of several of one time, by the last.
func became(kind episode.OutcomeKind) func(*row) (is, could float64) {
	return func(r *row) (is, could float64) {
		if !r.d.Shown || !reward.Taken(r.d) {
			return 0, 0
		}
		var newest time.Time
		for i := range r.d.Outcomes {
			if o := &r.d.Outcomes[i]; o.Kind == kind && !o.ObservedAt.Before(newest) {
				is, could, newest = o.Value, 1, o.ObservedAt
			}
		}
		return is, could
	}
}

// reverted is the share of what was taken that was reverted, of all that anything is known of: a revert is told only where
// there is one.
func reverted(r *row) (is, could float64) {
	is, could = became(episode.OutcomeReverted)(r)
	if could == 0 && r.d.Shown && reward.Taken(r.d) && followed(r.d) {
		could = 1
	}
	return is, could
}

// followed reports whether anything is known of where a suggestion went after it was taken.
func followed(d *dataset.Decision) bool {
	return d.EditDistance != nil || slices.ContainsFunc(d.Outcomes, func(o episode.Outcome) bool {
		return o.Kind == episode.OutcomeKept || o.Kind == episode.OutcomeCommitted || o.Kind == episode.OutcomeMerged
	})
}

// guardrails looks at all of the data, and at each part with at least 10 developers.
func (s *sample) guardrails(parts []part, old float64) (list []Guardrail) {
	accept := share("accept_rate", -1, allowAccept, accepted)
	accept.required = true
	whole := []measure{accept, share("kept_rate", -1, allowKept, became(episode.OutcomeKept)), share("reverted_rate", 1, AllowReverted, reverted)}
	if s.allShow() {
		shows := measure{name: "show_rate", worse: -1, required: true,
			old: func(r *row) ope.Term { return ope.Term{Fixed: r.old.show, Size: 1} }, new: func(r *row) ope.Term { return ope.Term{Fixed: r.new.show, Size: 1} }}
		shows.allowed = allowShow * s.ratio(shows.old, nil).Estimate()
		// Of what was taken, what would still be shown: all of it was, so the old share is 1.
		kept := measure{name: "accepts_kept", worse: -1, allowed: AllowAccepts, required: true,
			old: func(r *row) ope.Term { is, _ := accepted(r); return ope.Term{Fixed: is, Size: is} },
			new: func(r *row) ope.Term { is, _ := accepted(r); return ope.Term{Fixed: is * r.new.show, Size: is} }}
		whole = append(whole, shows, kept)
	}
	parted := []measure{share("accept_rate", -1, inPart*allowAccept, accepted), share("kept_rate", -1, inPart*allowKept, became(episode.OutcomeKept)),
		share("reverted_rate", 1, inPart*AllowReverted, reverted),
		{name: "value", worse: -1, allowed: allowValue * max(old, 0), old: oldValue, new: newValue}}
	var states []measure
	add := func(m measure, by, name string, rows []int32) {
		a, b := s.ratio(m.old, rows), s.ratio(m.new, rows)
		if d := apart(b, a); d != nil {
			list = append(list, Guardrail{Name: m.name, By: by, Part: name, Old: shown(a.Interval()), New: shown(b.Interval()), Difference: d, Allowed: m.worse * m.allowed})
			states = append(states, m)
		}
	}
	for _, m := range whole {
		add(m, "", "", nil)
	}
	for _, p := range parts {
		for _, m := range parted {
			add(m, p.by, p.name, p.rows)
		}
	}
	for i := range list {
		list[i].judge(alphaGuardrails/float64(len(list)), states[i])
	}
	return list
}

// judge sets the state: held where the difference is surely within what is allowed, broken where it is surely for the
// worse and more than is allowed as far as we can tell.
func (g *Guardrail) judge(alpha float64, m measure) {
	lower, upper := g.Difference.At(alpha)
	estimate := g.Difference.Estimate
	if m.worse > 0 {
		lower, upper, estimate = -upper, -lower, -estimate
	}
	switch g.State = Unsure; {
	case lower >= -m.allowed:
		g.State = Held
	case upper < 0 && estimate < -m.allowed && g.Difference.Developers >= minDecisive:
		g.State = Broken
	}
	g.Required = m.required
}
