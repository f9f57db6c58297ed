// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/rights"
)

type learnCmd struct {
	Kind      string `help:"What to learn: filter (whether to show a suggestion), route (which of the actions that a decision names to take) or rank (which of two suggestions is preferred)." enum:"filter,route,rank" default:"filter"`
	Reward    string `help:"What a decision is worth: immediate, retained-characters, balanced, or a file such as spec/examples/reward.yaml." default:"immediate" placeholder:"NAME|FILE"`
	Recipient string `help:"Who learns: only records whose terms name them are used. Without it, any recipient's are." placeholder:"NAME"`
	Report    string `help:"Write what was learned from to FILE." type:"path" placeholder:"FILE"`
	Strict    bool   `help:"Exit with 1 when anything was set aside."`
}

func (*learnCmd) Help() string {
	return `Learns from the decisions in episodes which suggestions are worth showing, and writes the filter. Records whose terms do
not allow "reward" are left out, and those of providers whose output may not serve it (spec/rights.tsv). So are about a quarter of the developers, drawn by this machine's key: headrace gate on the
same machine judges by these alone, from the very same input.

A route is learned from decisions among actions that the edge's /v1/decide logged with their probabilities, some of which chance made
("explore" in the policy): docs/decide.md.

A ranker is learned from suggestions of one episode of which a person did more with one than with another. It is judged at once, by the
developers who are left out, beside preferring the longer: docs/models.md.

Example: headrace curate bundle | tee rows.jsonl | headrace learn > model.json; headrace gate --model model.json < rows.jsonl`
}

// Run writes the filter.
func (c *learnCmd) Run(e *env) error {
	spec, err := reward.Load(c.Reward)
	if err != nil {
		return usagef("%w", err)
	}
	if c.Kind == kindOfRanker {
		return c.rank(e, spec)
	}
	in, err := readDecisions(e, c.Recipient, episode.PurposeReward, false)
	if err != nil {
		return err
	}
	scorer := reward.Fit(spec, in.decisions, dataset.UnixDay(time.Now().Unix())-1)
	if c.Kind == string(release.Route) {
		return c.route(e, in, scorer)
	}
	filter, rep, err := learn.Fit(e.ctx, in.decisions, learn.Options{Reward: scorer})
	fmt.Fprintf(e.err, "learn: %d shown decisions of %d developers, %.4f by %s each; %s\n", rep.Used, rep.Developers, spec.Expected(rep.Rate), scorer.Report.Spec, in)
	if rep.Estimated > 0 {
		fmt.Fprintf(e.err, "  of %d it is too early to know everything, or nobody told: that is estimated\n", rep.Estimated)
	}
	for _, p := range scorer.Report.Parts {
		switch {
		case p.Never:
			fmt.Fprintf(e.err, "  %s: nobody tells of it; it counts as nothing\n", p.Name)
		case p.Blind:
			fmt.Fprintf(e.err, "  %s: no decision is old enough to have seen the end of it\n", p.Name)
		}
	}
	saved := struct {
		learn.Report
		Rewards reward.Report `json:"rewards"`
	}{rep, scorer.Report}
	if err := errors.Join(saveReport(c.Report, saved), err); err != nil {
		return err
	}
	model, err := filter.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := e.out.Write(model); err != nil {
		return err
	}
	return in.strict(c.Strict, "learn")
}

// route writes a route.
func (c *learnCmd) route(e *env, in *decisions, scorer *reward.Scorer) error {
	route, rep, err := learn.FitRoute(in.decisions, scorer)
	fmt.Fprintf(e.err, "learn: %d decisions among actions, of %d developers, %.4f each; %.4f by always taking what was thought best; %s\n", rep.Used, rep.Developers, rep.Mean, rep.Progressive, in)
	for _, why := range slices.Sorted(maps.Keys(rep.LeftOut)) {
		fmt.Fprintf(e.err, "  left out, %s: %d\n", why, rep.LeftOut[why])
	}
	if rep.Capped > 0 {
		fmt.Fprintf(e.err, "  %d developers with very many decisions count for a fifth of all at most\n", rep.Capped)
	}
	if rep.Cut > 0 {
		fmt.Fprintf(e.err, "  %d decisions were so unlikely that they count a hundredfold and no more, which took %.1f %% of the weight of all\n", rep.Cut, 100*rep.CutShare)
	}
	if err := errors.Join(saveReport(c.Report, rep), err); err != nil {
		return err
	}
	model, err := route.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := e.out.Write(model); err != nil {
		return err
	}
	return in.strict(c.Strict, "learn")
}

// decisions is one side of the split of standard input, and what became of the rest.
type decisions struct {
	decisions                  []dataset.Decision
	held                       func(contributor, developer string) bool // who is held out
	otherSide, refused, broken int                                      // records
}

// readDecisions reads the episodes of standard input whose terms allow the purpose, by developers who are held out or by
// the others. Whom a developer works for is not in a record, and pseudonyms of two contributors do not meet.
func readDecisions(e *env, recipient string, p episode.Purpose, heldOut bool) (*decisions, error) {
	d, rows, err := readRows(e, recipient, p, func(held bool) bool { return held == heldOut })
	if err != nil {
		return nil, err
	}
	d.decisions = dataset.Decisions(rows)
	return d, nil
}

// readRows reads the episodes of standard input whose terms allow the purpose, and of which side says that they are wanted.
func readRows(e *env, recipient string, p episode.Purpose, side func(held bool) bool) (*decisions, []dataset.Row, error) {
	ring, err := e.keys()
	if err != nil {
		return nil, nil, err
	}
	use, err := rights.Makers()
	if err != nil {
		return nil, nil, err
	}
	d, now := &decisions{held: gate.HeldOut(ring.Derive("split"))}, time.Now()
	var rows []dataset.Row
	for r, err := range streamRows(e, &d.broken) {
		if err != nil {
			return nil, nil, err
		}
		switch {
		case !permitted(r, use, recipient, p, now):
			d.refused++
		case !side(d.held(r.Contributor, r.Episode.Developer)):
			d.otherSide++
		default:
			rows = append(rows, r)
		}
	}
	return d, rows, nil
}

func permitted(r dataset.Row, use rights.Use, recipient string, p episode.Purpose, now time.Time) bool {
	if t := r.Episode.Terms; recipient == "" && t != nil {
		return slices.ContainsFunc(t.Recipients, func(name string) bool { return r.Permit(use, name, p, now) })
	}
	return r.Permit(use, recipient, p, now)
}

func (d *decisions) String() string {
	return fmt.Sprintf("records on the other side of the split: %d; refused by terms or rights: %d; unreadable lines: %d", d.otherSide, d.refused, d.broken)
}

func (d *decisions) strict(yes bool, stage string) error {
	if yes && d.refused+d.broken > 0 {
		return fmt.Errorf("%s: something was set aside (--strict)", stage)
	}
	return nil
}
