// SPDX-License-Identifier: Apache-2.0

// Package published turns what a hub signs (releases, gate reports, statements) into what the pages show, the same way
// at the hub that made it and at the edge that fetched it. It checks no signature: whoever opened the document has.
package published

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/value"
	"github.com/headrace/headrace/internal/web"
)

// Gate is a gate report as the pages show it.
func Gate(id string, at time.Time, r *gate.Report, releaseID string) web.Gate {
	g := web.Gate{ID: id, At: at, Candidate: r.Model, Snapshot: r.Snapshot, Released: r.Verdict == gate.Released, Release: releaseID, Design: string(r.Design),
		Method: r.Method, Reward: r.Reward, HasGain: r.Gain != nil}
	if r.Gain != nil {
		g.Gain, g.Bound, g.Sure = estimate(*r.Gain), r.Certified(), 0.95
	}
	if r.Look != nil && r.Look.Bound != nil {
		g.Sure, g.Look = 1-r.Look.Alpha, r.Look.Number
	}
	if r.Look != nil {
		g.Kind = r.Look.Kind
	}
	for _, c := range r.Choices {
		g.Choices = append(g.Choices, web.ActionShare{Action: c.Action, Before: c.Old, Now: c.New})
	}
	if r.Old != nil && r.New != nil {
		g.Old, g.New = estimate(*r.Old), estimate(*r.New)
	}
	for _, p := range r.Parts {
		g.Slices = append(g.Slices, web.Slice{By: p.By, Name: p.Name, Gain: estimate(p.Gain)})
	}
	for _, p := range r.Curve {
		g.Curve = append(g.Curve, web.CurvePoint{Threshold: p.Threshold, ShowRate: p.ShowRate, Gain: estimate(p.Gain)})
	}
	for _, x := range r.Guardrails {
		if x.Name == "value" || x.By != "" && x.State != gate.Broken {
			continue // the gain by part says as much; parts in order would be many
		}
		rail := web.Guardrail{Name: rail(x.Name), Part: strings.TrimSpace(x.By + " " + x.Part), More: x.Allowed < 0, Margin: math.Abs(x.Allowed),
			OK: x.State == gate.Held || x.State == gate.Unsure && !x.Required}
		rail.Old, rail.New, rail.Difference = known(x.Old), known(x.New), known(x.Difference)
		g.Guardrails = append(g.Guardrails, rail)
	}
	for _, x := range r.Components {
		if x.Old != nil && x.New != nil {
			g.Components = append(g.Components, web.Component{Name: x.Name, Old: estimate(*x.Old), New: estimate(*x.New)})
		}
	}
	if r.WorstDecile != nil {
		g.Worst = known(&r.WorstDecile.Gain)
	}
	if r.Power != nil {
		g.More = r.Power.Developers
	}
	of := 0
	for _, x := range r.Selection {
		of += x.Decisions
		for _, st := range x.Strata {
			g.Withheld = append(g.Withheld, web.Withheld{Contributor: x.Contributor, Language: st.Language, Came: estimate(st.Contributed), Counted: min(max(st.Counted, 0), 1), Within: 1.96 * st.Noise,
				Difference: known(&st.Difference), Apart: st.Difference.Lower > 0 || st.Difference.Upper < 0})
		}
	}
	for _, x := range r.Notes {
		switch rest := x.Count - of; {
		case x.Code != "selection":
		case of == 0:
			g.WithheldNote = x.Message
		case rest > 0:
			g.WithheldNote = fmt.Sprintf("of what was withheld beside %d of the decisions nothing is known: their contributors sent no counts of that time", rest)
		}
	}
	refused := map[string]bool{}
	for _, x := range r.Reasons {
		refused[x.Code] = true
		name, unit := check(x.Code)
		g.Checks = append(g.Checks, web.Check{Name: name, Detail: x.Message, Have: x.Have, Need: x.Need, Unit: unit})
	}
	passed := func(code, detail string) {
		if !refused[code] {
			name, _ := check(code)
			g.Checks = append(g.Checks, web.Check{Name: name, OK: true, Detail: detail})
		}
	}
	switch d := r.Data; r.Design {
	case gate.Randomised:
		g.Kind = string(release.Instructions)
		passed("developers", fmt.Sprintf("%d developers, drawn at random to have it or not", d.Developers))
		passed("sample", fmt.Sprintf("%d decisions of which all is known", d.Judged))
	default:
		passed("developers", fmt.Sprintf("%d held-out developers", d.Developers))
		passed("propensity", fmt.Sprintf("%d of %d held-out decisions do not say with what probability they were shown", d.WithoutPropensity, d.Decisions))
		passed("sample", fmt.Sprintf("the decisions count for %.0f independent ones", d.EffectiveSample))
		passed("weight", fmt.Sprintf("the heaviest decision counts %.1f times, and is %.2f %% of the weight of all", d.MaxWeight, 100*d.Heaviest))
	}
	if r.Gain != nil {
		passed("gain", fmt.Sprintf("the lower bound of the gain is %+.4f", r.Certified()))
	}
	return g
}

func estimate(i ope.Interval) web.Estimate {
	return web.Estimate{Value: i.Estimate, Lower: i.Lower, Upper: i.Upper, Developers: i.Developers, Decisions: i.N}
}

// known is an interval where there is one.
func known(i *ope.Interval) *web.Estimate {
	if i == nil {
		return nil
	}
	e := estimate(*i)
	return &e
}

// Statement is a statement as the pages show it.
func Statement(id string, s *value.Statement, signer string) web.Statement {
	out := web.Statement{ID: id, Contributor: s.Contributor, Given: s.Records.In, Used: s.Records.Used, HasValue: s.Value != nil, ValueUnit: "reward per decision of the others",
		Method: s.Method, Discount: s.Discount, RateCard: s.RateCard, Signer: signer, Recompute: "headrace value --statement " + id}
	if from, err := time.Parse("2006-01", s.Period); err == nil {
		out.From, out.To = from, from.AddDate(0, 1, -1)
	}
	if s.Value != nil {
		out.Value = estimate(*s.Value)
	}
	for _, why := range slices.Sorted(maps.Keys(s.Records.SetAside)) {
		out.SetAside = append(out.SetAside, web.Reason{Why: why, Count: s.Records.SetAside[why]})
	}
	for _, l := range s.Lines {
		if l.Kind == "flat-floor" {
			out.Floor = l.Percent
		}
		out.Lines = append(out.Lines, web.StatementLine{What: l.Kind, Why: l.Note, Percent: l.Percent})
	}
	return out
}
