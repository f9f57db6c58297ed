// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
)

// agents are the part of the demo's story that is about instructions. The developers of one enterprise use a second tool, an agent
// that reads instruction files: one file helps their code to last, one hurts it, and who has which is by nature as it misleads. What
// the hub makes of that it proposes; then a steward, who is simulated too, says yes to the diff, and in the end to the verdict.
type agents struct {
	name  string
	edge  *edge.Edge
	drawn sim.Config
	sent  []*episode.Episode // since the story began, with all that will become of them
	last  int                // day of the story that was told last
	told  time.Time          // until when all is told that became of it
}

const (
	agentDecisions = 24_000 // in four weeks, of all enterprises' developers, of whom those of one are here
	agentEffect    = 1.5    // of the files that help and hurt, on the logit of lasting
	trialWeeks     = 4      // of decisions that a trial is judged by
	steward        = "a simulated steward"
)

// newAgents makes it, where all is told until a day of the story; -1 is none.
func newAgents(drawn sim.Config, name string, e *edge.Edge, last int) (*agents, error) {
	drawn.Decisions, drawn.Draws, drawn.Delays = agentDecisions, 1, true
	a := &agents{name: name, edge: e, drawn: drawn, last: -1, told: evening(last)}
	for a.last < last { // drawn anew: what they were told then, they are told now
		if err := a.draw(a.last + 1); err != nil {
			return nil, err
		}
		a.last++
	}
	return a, nil
}

// span hands over what the agent did in a span of four weeks, with files in force by nature or as inForce says.
func (a *agents) span(period int, inForce func(sim.Place, *sim.RuleFile) bool, until time.Time, emit func(*episode.Episode) error) error {
	cfg := a.drawn
	cfg.Period, cfg.Rules = period, &sim.Rules{Helps: agentEffect, Hurts: agentEffect, InForce: inForce}
	w, err := sim.New(cfg)
	if err != nil {
		return err
	}
	return w.Settled(a.name, until, func(ep *episode.Episode) error {
		d := &ep.Decisions[0]
		if d.By == episode.ByRule {
			return nil // an agent hides nothing
		}
		ep.ID, ep.Tool = episode.NewID("claude-code", ep.ID), episode.Tool{Name: "claude-code", Version: "2.0", Surface: episode.SurfaceAgent}
		ep.Suggestions[0].Kind, ep.Suggestions[0].Policy, ep.Suggestions[0].Propensity = episode.KindEdit, "", 0
		d.DecisionID, d.Release, d.Chosen, d.Explore, d.Actions = "", "", "", false, nil // and asks nobody
		return emit(ep)
	})
}

// history tells what the agent did in the weeks before the story, as far as is known by then.
func (a *agents) history(ctx context.Context, now time.Time) error {
	_, _, err := read(ctx, a.edge, func(emit func(*episode.Episode) error) error { return a.span(0, nil, now, emit) })
	if err != nil {
		return err
	}
	return a.edge.Turn(ctx)
}

// draw draws what the agent does on a day, with the words that each developer has. It works until the trial has what it needs.
func (a *agents) draw(day int) error {
	from, err := a.trial(day)
	if err != nil || from >= 0 && day > from+7*trialWeeks {
		return err
	}
	inForce := func(p sim.Place, f *sim.RuleFile) bool {
		return from >= 0 && day > from && strings.Contains(a.edge.Words(p.Developer), f.Text)
	}
	return a.span(1+day/28, inForce, time.Time{}, func(ep *episode.Episode) error {
		if ep.StartedAt.Sub(storyBegins())/(24*time.Hour) == time.Duration(day) {
			a.sent = append(a.sent, ep)
		}
		return nil
	})
}

// trial is the day of the story on which the last trial until a day began; -1 where none had.
func (a *agents) trial(until int) (day int, err error) {
	all, err := a.edge.Instructions(context.Background())
	day = -1
	for _, i := range all {
		if began := int(i.From.Sub(storyBegins()) / (24 * time.Hour)); !i.From.IsZero() && began <= until {
			day = max(day, began)
		}
	}
	return day, err
}

// work tells what the agent did since the last day that was told, and what became since of all that it did before.
func (a *agents) work(ctx context.Context, day int, now time.Time) error {
	known := len(a.sent)
	for a.last < day {
		if err := a.draw(a.last + 1); err != nil {
			return err
		}
		a.last++
	}
	var news []*episode.Episode
	for i, ep := range a.sent {
		told, fresh := *ep, i >= known
		told.Outcomes = nil
		for _, o := range ep.Outcomes {
			if !o.ObservedAt.After(now) && (fresh || o.ObservedAt.After(a.told)) {
				told.Outcomes = append(told.Outcomes, o)
			}
		}
		if !fresh { // the rest of it is there already
			told.Suggestions, told.Decisions, told.Languages, told.Artifacts = nil, nil, nil, nil
		}
		if fresh || len(told.Outcomes) > 0 {
			news = append(news, &told)
		}
	}
	a.told = now
	if len(news) == 0 {
		return nil
	}
	_, _, err := read(ctx, a.edge, func(emit func(*episode.Episode) error) error {
		for _, ep := range news {
			if err := emit(ep); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	return err
}

// tried waits until instructions are tried, or have passed and wait for the steward.
func (a *agents) tried(ctx context.Context) error {
	for {
		all, err := a.edge.Instructions(ctx)
		if err != nil || slices.ContainsFunc(all, func(i edge.Instruction) bool { return i.State == "trying" || i.State == "passed" && i.By == steward }) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// decide lets the steward say yes to what the hub has proposed, once it has been there for a day, and to what came of that. What
// others at the pages have said yes to is theirs.
func (a *agents) decide(ctx context.Context, day int) error {
	all, err := a.edge.Instructions(ctx)
	if err != nil {
		return err
	}
	proposed := ""
	for _, i := range all {
		switch {
		case i.State == "passed" && i.By == steward:
			return a.edge.KeepInstructions(ctx, steward, i.ID)
		case i.State == "trying" || i.State == "passed":
			return nil
		case i.State == "offered" && i.Told.Evidence != nil:
			proposed = i.ID
		}
	}
	if proposed == "" || day == 0 {
		return nil
	}
	i, err := a.edge.Instruction(ctx, proposed)
	if err != nil || i.Words == "" || i.Problem != "" {
		return err
	}
	return a.edge.TryInstructions(ctx, steward, i.ID, i.Seen, 0.5)
}
