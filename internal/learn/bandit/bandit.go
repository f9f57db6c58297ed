// SPDX-License-Identifier: Apache-2.0

// Package bandit learns which of several actions to take in a context, when only the reward of the one that was taken
// is ever seen: the model to ask, the variant to use.
//
// Start from [Learner]: Distribution says with which probability to take each action, Learn learns from what came of
// one. Actions are told apart by their features alone, so that what is learned of one helps with another. [SquareCB],
// [Epsilon] and [Mix] make probabilities of values, for whoever has values from elsewhere. [Route] is what is shipped
// of a learner: the value of each action, in a small file; [Fit] makes one from decisions that were logged with their
// propensities.
//
// The same decisions in the same order give the same bytes. Nothing here draws: who asks does, and logs the propensity.
package bandit

import (
	"math"

	"github.com/headrace/headrace/internal/learn/hashed"
)

// Feature is a number under a hashed name: package hashed makes them.
type Feature = hashed.Feature

// Estimator says how the reward of actions not taken is made up for.
type Estimator uint8

const (
	// Plain regresses the reward of the chosen action, all alike: what SquareCB's analysis asks for, where the learner's own
	// distribution chose.
	Plain Estimator = iota
	// MTR weights that by one over the propensity, so that what another policy seldom did counts as much as it will: for
	// logs. Both are one update a decision.
	MTR
	// IPS regresses for each action the reward over the propensity, which is 0 for those not chosen. It needs no model to
	// be unbiased, and varies most.
	IPS
	// DR regresses for each action what a second model expects of it, and for the chosen one, too, by how much that was
	// wrong, over the propensity (Dudík, Langford and Li 2011).
	DR
)

// Explorer says how a distribution is made of values.
type Explorer uint8

const (
	BySquareCB Explorer = iota // the further behind the best, the rarer, and more so with time
	ByEpsilon                  // a fixed share for all alike, the rest for the best
)

// Options say how to learn; the zero value is right for most.
type Options struct {
	Bits      int     // of the table of weights, as in package hashed
	Rate      float64 // of learning, as in package hashed
	Estimator Estimator
	Explorer  Explorer
	// Scale and Power give SquareCB's γ after t decisions, Scale·t^Power; 10 and 0.5 when zero.
	Scale, Power float64
	// Epsilon is the share of ByEpsilon; 0.05 when zero.
	Epsilon float64
	// MaxWeight bounds one over a propensity; without bound when zero.
	MaxWeight float64
}

func (o Options) withDefaults() Options {
	if o.Scale <= 0 {
		o.Scale = 10
	}
	if o.Power <= 0 {
		o.Power = 0.5
	}
	if o.Epsilon <= 0 {
		o.Epsilon = 0.05
	}
	if o.MaxWeight <= 0 {
		o.MaxWeight = math.Inf(1)
	}
	return o
}

// Learner learns from one decision after the other. It is for one goroutine. It does not allocate once it has seen as
// many actions and features as there ever are at once.
type Learner struct {
	o      Options
	model  *hashed.Model // of the rewards, or of what the estimator makes of them
	direct *hashed.Model // DR's second model

	events, offered float64 // decisions learned from, and the actions that these had

	terms  []Feature // of the action in hand
	values []float64 // of the actions of Learn
}

// New returns a learner that knows nothing.
func New(o Options) (*Learner, error) {
	l := &Learner{o: o.withDefaults()}
	var err error
	if l.model, err = hashed.New(hashed.Options{Bits: o.Bits, Rate: o.Rate}); err != nil {
		return nil, err
	}
	if o.Estimator == DR {
		l.direct, err = hashed.New(hashed.Options{Bits: o.Bits, Rate: o.Rate})
	}
	return l, err
}

// Values appends to into what to expect of each action.
func (l *Learner) Values(into []float64, context []Feature, actions [][]Feature) []float64 {
	return l.valuesOf(l.model, into, context, actions)
}

func (l *Learner) valuesOf(m *hashed.Model, into []float64, context []Feature, actions [][]Feature) []float64 {
	l.terms = appendShared(l.terms[:0], context)
	shared := m.Score(l.terms)
	for _, a := range actions {
		l.terms = appendOwn(l.terms[:0], context, a)
		into = append(into, shared+m.Score(l.terms))
	}
	return into
}

// The terms of an action in a context: what is the same for all actions, and what is its own.

func appendShared(terms, context []Feature) []Feature {
	return append(append(terms, hashed.Constant()), context...)
}

func appendOwn(terms, context, action []Feature) []Feature {
	return hashed.Cross(append(terms, action...), context, action)
}

// Distribution appends to into the probability with which to take each action. They sum to 1.
func (l *Learner) Distribution(into []float64, context []Feature, actions [][]Feature) []float64 {
	at := len(into)
	into = l.Values(into, context, actions)
	p := into[at:]
	if l.o.Explorer == ByEpsilon {
		Epsilon(p, l.o.Epsilon)
	} else {
		SquareCB(p, l.gamma())
	}
	return into
}

func (l *Learner) gamma() float64 {
	if l.o.Power == 0.5 {
		return l.o.Scale * math.Sqrt(l.events)
	}
	return l.o.Scale * math.Pow(l.events, l.o.Power)
}

// Learn learns that the action at chosen, taken with that propensity, brought reward. What cannot be learned from
// (no such action, a propensity not in (0, 1], a reward that is no number) changes nothing and reports false.
func (l *Learner) Learn(context []Feature, actions [][]Feature, chosen int, propensity, reward float64) bool {
	return l.learn(context, actions, chosen, propensity, reward, 1)
}

// learn is Learn of a decision that counts for times as much.
func (l *Learner) learn(context []Feature, actions [][]Feature, chosen int, propensity, reward, times float64) bool {
	if chosen < 0 || chosen >= len(actions) || !(propensity > 0 && propensity <= 1) || math.IsNaN(reward) || math.IsInf(reward, 0) {
		return false
	}
	l.events++
	l.offered += float64(len(actions))
	weight := min(1/propensity, l.o.MaxWeight)
	switch l.o.Estimator {
	case Plain:
		l.update(l.model, context, actions[chosen], reward, times*l.events/l.offered)
	case MTR:
		l.update(l.model, context, actions[chosen], reward, times*weight*l.events/l.offered)
	case IPS:
		for i, a := range actions {
			target := 0.0
			if i == chosen {
				target = reward * weight
			}
			l.update(l.model, context, a, target, times)
		}
	case DR:
		l.values = l.valuesOf(l.direct, l.values[:0], context, actions)
		for i, a := range actions {
			target := l.values[i]
			if i == chosen {
				target += float64((reward - target) * weight)
			}
			l.update(l.model, context, a, target, times)
		}
		l.update(l.direct, context, actions[chosen], reward, times)
	}
	return true
}

// update moves a model towards target for one action.
func (l *Learner) update(m *hashed.Model, context, action []Feature, target, weight float64) {
	l.terms = appendOwn(appendShared(l.terms[:0], context), context, action)
	m.Update(l.terms, target, weight)
}
