// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"fmt"
	"math"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/ope"
)

const statementFormat = "headrace-statement/1"

// Statement is what a contributor gave in a period, what it was worth, and what it earns. The hub signs it.
type Statement struct {
	Format      string  `json:"format"`
	Contributor string  `json:"contributor"`
	Period      string  `json:"period"`
	Records     Records `json:"records"`
	// Value is what the records added, reward per decision of the others; nil where it cannot be told.
	Value     *ope.Interval `json:"value,omitempty"`
	Method    string        `json:"method"`
	Lines     []Line        `json:"lines"`
	Discount  float64       `json:"discount"`       // percent, the sum of the lines
	RateCard  string        `json:"rate_card"`      // digest
	Gate      string        `json:"gate"`           // digest of the gate report
	Verdict   string        `json:"verdict"`        // of the gate
	Certified float64       `json:"certified_gain"` // relative, lower bound; 0 when refused
	// Channel is the first in which the contributor may have releases beside canary, which is open to all: early where what it gave was
	// surely of worth, or nobody can tell yet, else stable.
	Channel string `json:"channel,omitzero"`
}

// Records counts what a contributor sent.
type Records struct {
	In       int            `json:"in"`
	Used     int            `json:"used"`
	SetAside map[string]int `json:"set_aside,omitempty"` // by reason
}

// Line is one part of the discount.
type Line struct {
	Kind    string  `json:"kind"` // "flat-floor" or "measured"
	Percent float64 `json:"percent"`
	Note    string  `json:"note"`
}

// Inputs are everything that statements follow from.
type Inputs struct {
	Period  string
	Card    *RateCard
	Gate    Gate
	Records map[string]Records // by contributor
	Worths  []Worth            // of all contributors
}

// Gate is what a gate report says that matters here.
type Gate struct {
	Digest   string
	Verdict  string // "released" or "refused"
	Released bool
	// Certified is the one-sided lower bound of the gain over the value of the policy before it.
	Certified float64
}

const method = "leave one contributor out, judged on the others' held-out developers; lower bound, negative counts as 0"

// State returns one statement a contributor, in the order of in.Worths.
func State(in Inputs) []Statement {
	var credits float64
	for _, w := range in.Worths {
		credits += w.Credit
	}
	certified := 0.0
	if in.Gate.Released {
		certified = max(0, in.Gate.Certified)
	}
	var out []Statement
	for _, w := range in.Worths {
		s := Statement{Format: statementFormat, Contributor: w.Contributor, Period: in.Period, Records: in.Records[w.Contributor],
			Value: w.Value, Method: method, RateCard: in.Card.Digest, Gate: in.Gate.Digest, Verdict: in.Gate.Verdict, Certified: certified, Channel: standing(in.Records[w.Contributor], w)}
		s.Lines = append(s.Lines, floor(in.Card, s.Records), measured(in, w, certified, credits))
		for _, l := range s.Lines {
			s.Discount += l.Percent
		}
		s.Discount = hundredths(s.Discount)
		out = append(out, s)
	}
	return out
}

// standing is the channel that a contributor may follow by what it gave.
func standing(r Records, w Worth) string {
	if r.Used > 0 && (w.Value == nil || w.Credit > 0) {
		return "early"
	}
	return "stable"
}

func floor(card *RateCard, r Records) Line {
	if r.Used == 0 {
		return Line{"flat-floor", 0, "no records were used"}
	}
	return Line{"flat-floor", hundredths(card.FlatFloor), fmt.Sprintf("%d records were valid and used", r.Used)}
}

func measured(in Inputs, w Worth, certified, credits float64) Line {
	l := Line{Kind: "measured"}
	switch {
	case !in.Gate.Released:
		l.Note = "the gate refused: no gain was certified, so there is none to share"
	case w.Value == nil:
		l.Note = w.Why
	case w.Credit == 0:
		l.Note = "a value above zero cannot be told from chance"
	case in.Records[w.Contributor].Used == 0:
		l.Note = "no records were used"
	default:
		budget, share := 100*in.Card.BudgetShare*certified, w.Credit/credits
		l.Percent = hundredths(min(budget*share, in.Card.Cap-in.Card.FlatFloor))
		l.Note = fmt.Sprintf("%.1f %% of a budget of %.2f percent points", 100*share, budget)
	}
	return l
}

// hundredths rounds down to hundredths of a percent point, forgiving what floating point makes of 0.29.
func hundredths(percent float64) float64 { return math.Floor(percent*100+1e-6) / 100 }

// Recompute makes the statement again from its inputs and refuses one that differs.
func Recompute(s Statement, in Inputs) error {
	got, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("encode statement: %w", err)
	}
	for _, want := range State(in) {
		if want.Contributor != s.Contributor {
			continue
		}
		if s.Channel == "" {
			want.Channel = "" // statements did not say it yet
		}
		b, err := json.Marshal(want, json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("encode statement: %w", err)
		}
		if !bytes.Equal(b, got) {
			return &episode.Problem{Code: "value/mismatch",
				Message: fmt.Sprintf("the statement of %s says %.2f %%; recomputed it is %.2f %%, or another part differs", s.Contributor, s.Discount, want.Discount),
				Hint:    "compare the two field by field; the inputs are named by their digests"}
		}
		return nil
	}
	return &episode.Problem{Code: "value/mismatch", Message: fmt.Sprintf("the inputs hold nothing of %s", s.Contributor),
		Hint: "use the inputs of the same period and hub"}
}
