// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/value"
)

// result is what one turn came to: what up --once prints.
type result struct {
	Stages  []stageResult    `json:"stages"`
	Gain    *gainResult      `json:"gain"`
	Release *release.Release `json:"release"`
	// Gate is the report behind the release, or behind there being none.
	Gate      *gate.Report      `json:"gate"`
	Statement []value.Statement `json:"statement"`
}

// stageResult is what one stage took and how much came through.
type stageResult struct {
	Name    string  `json:"name"`
	Count   int64   `json:"count"`
	Seconds float64 `json:"seconds"`
}

// gainResult is V(new) − V(old), reward per decision.
type gainResult struct {
	Estimate   float64  `json:"estimate"`
	Lower      float64  `json:"lower"`
	Upper      float64  `json:"upper"`
	True       *float64 `json:"true,omitempty"` // in a demo: the simulator's truth about the released filter
	Developers int      `json:"developers"`
	Method     string   `json:"method"`
}

// result gathers what a turn came to.
func (s *stack) result(ctx context.Context, episodes int, readSeconds float64) (*result, error) {
	r := &result{Stages: []stageResult{{"read", int64(episodes), readSeconds}}}
	sum := func(name string, of func(*edge.Stats) *edge.StepStat) {
		st := stageResult{Name: name}
		for _, e := range s.edges {
			x := of(e.Stats())
			st.Count += x.Count.Load()
			st.Seconds += x.Seconds()
		}
		r.Stages = append(r.Stages, st)
	}
	sum("intake", func(x *edge.Stats) *edge.StepStat { return &x.Intake })
	sum("scrub", func(x *edge.Stats) *edge.StepStat { return &x.Scrub })
	sum("consent", func(x *edge.Stats) *edge.StepStat { return &x.Consent })
	sum("pack", func(x *edge.Stats) *edge.StepStat { return &x.Pack })
	h := s.hub.Stats()
	for _, x := range []struct {
		name string
		of   *hub.StepStat
	}{{"verify", &h.Verify}, {"curate", &h.Curate}, {"learn", &h.Learn}, {"gate", &h.Gate}, {"release", &h.Release}, {"value", &h.Value}} {
		r.Stages = append(r.Stages, stageResult{x.name, x.of.Count.Load(), x.of.Seconds()})
	}
	g, rel, err := s.hub.LatestGate(ctx)
	if err != nil {
		return nil, err
	}
	r.Gate, r.Release = g, rel
	if g != nil && g.Gain != nil {
		r.Gain = &gainResult{Estimate: g.Gain.Estimate, Lower: g.Gain.Lower, Upper: g.Gain.Upper, Developers: g.Gain.Developers, Method: g.Method}
	}
	r.Statement, err = s.hub.LatestStatements(ctx)
	return r, err
}

// print writes the result as JSON, or as a few lines for a person.
func (r *result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		b, err := json.Marshal(r, json.Deterministic(true), jsontext.WithIndent("  "))
		if err != nil {
			return err
		}
		_, err = w.Write(append(b, '\n'))
		return err
	}
	fresh := false
	for _, s := range r.Stages {
		fmt.Fprintf(w, "%-8s %8d  %6.2f s\n", s.Name, s.Count, s.Seconds)
		fresh = fresh || s.Name == "curate" && s.Count > 0
	}
	if !fresh {
		fmt.Fprintln(w, "Stages count what is new in this turn, and nothing was: what follows is of an earlier one. Another --seed makes another world.")
	}
	if r.Gate != nil {
		fmt.Fprintf(w, "gate     %s\n", r.Gate.Verdict)
		for _, why := range r.Gate.Reasons {
			fmt.Fprintf(w, "  %s (have %.4g, need %.4g, missing %.4g)\n", why.Message, why.Have, why.Need, why.Missing)
		}
	}
	if g := r.Gain; g != nil {
		fmt.Fprintf(w, "gain     %+.4f reward a decision, 95 %% between %+.4f and %+.4f, from %d developers held out", g.Estimate, g.Lower, g.Upper, g.Developers)
		if g.True != nil {
			fmt.Fprintf(w, "; the truth is %+.4f", *g.True)
		}
		fmt.Fprintln(w)
	}
	if r.Release != nil {
		fmt.Fprintf(w, "release  %s\n", r.Release.ID)
	}
	return nil
}
