// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/statedir"
)

// storyDays is how many simulated days the demo goes on for after the first four weeks, one after another; storyDecisions how many
// decisions there are in them. Then it goes on by storyStep days at a time, for as long as instructions are tried.
const (
	storyDays      = 18
	storyDecisions = 280_000
	storyStep      = 14
)

// storyBegins is the day after the first four weeks.
func storyBegins() time.Time { return time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC) }

// simulated is the demo's clock: it stands at a day of the story, and runs from there as clocks do.
type simulated struct {
	started time.Time
	day     atomic.Int64
}

func newSimulated() *simulated { return &simulated{started: time.Now()} }

func (s *simulated) now() time.Time {
	return evening(int(s.day.Load())).Add(time.Since(s.started))
}

// evening is when a day of the story has happened.
func evening(day int) time.Time { return storyBegins().AddDate(0, 0, day).Add(20 * time.Hour) }

// story is what the demo plays on simulated time, once the first weeks are in. What becomes of it all, nobody here decides: the
// roll-out and the gate do.
type story struct {
	*stack
	drawn  sim.Config // of the first weeks
	clock  *simulated
	file   string                       // has the last day that was played, so that a restart goes on after it
	days   []map[int][]*episode.Episode // of each edge: what its tool suggests, by day
	agents *agents
}

// play goes on from where the story was.
func (s *story) play(ctx context.Context, world *sim.World) error {
	last, err := s.last()
	if err != nil {
		return err
	}
	if s.agents, err = newAgents(s.drawn, s.names[0], s.edges[0], last); err != nil {
		return err
	}
	if last < 0 {
		if _, _, err := s.feed(ctx, world); err != nil {
			return err
		}
		if err := s.agents.history(ctx, s.clock.now()); err != nil {
			return err
		}
	}
	if last < 0 {
		if err := s.hub.Turn(ctx); err != nil { // the first release, and the first proposal
			return err
		}
	}
	if err := s.draw(ctx, last); err != nil {
		return err
	}
	atRest := sync.OnceFunc(func() { close(s.rest) })
	for day := last; ; {
		if day++; day >= storyDays { // time stands still but for a trial
			atRest()
			if err := s.agents.tried(ctx); err != nil {
				return err
			}
			day += storyStep - 1
		}
		s.clock.day.Store(int64(day))
		if err := s.live(ctx, day); err != nil {
			return err
		}
		if err := statedir.Write(s.file, []byte(strconv.Itoa(day)+"\n")); err != nil {
			return err
		}
	}
}

// last is the last day that was played; -1 where not even the first weeks are in.
func (s *story) last() (int, error) {
	b, err := os.ReadFile(s.file)
	if errors.Is(err, os.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	day, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("the demo's day in %s: %w", s.file, err)
	}
	return day, nil
}

// draw draws what the tools of all suggest on the days after one.
func (s *story) draw(ctx context.Context, last int) error {
	cfg := s.drawn
	cfg.Period, cfg.Decisions = 1, storyDecisions
	world, err := sim.New(cfg)
	if err != nil {
		return err
	}
	s.days = make([]map[int][]*episode.Episode, len(s.edges))
	for i := range s.edges {
		s.days[i] = map[int][]*episode.Episode{}
		err := world.Settled(s.names[i], time.Time{}, func(ep *episode.Episode) error {
			day := int(ep.StartedAt.Sub(storyBegins()) / (24 * time.Hour))
			if last < day && day < storyDays && *ep.Decisions[0].Shown { // of the others nobody knows what a person would have done
				s.days[i][day] = append(s.days[i][day], ep)
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// live lets a day pass: developers' tools ask the edge what to show, and what they did with it comes in that evening. On the first
// days the tool is a version that tells its confidence the other way round, which no gate could know from the weeks before; then
// it is mended. A steward of the first enterprise looks at what is proposed there.
func (s *story) live(ctx context.Context, day int) error {
	broken := !s.wentBack(ctx)
	var g errgroup.Group
	for i, e := range s.edges {
		g.Go(func() error {
			if err := e.Turn(ctx); err != nil { // what is in force that day
				return err
			}
			today := s.days[i][day]
			delete(s.days[i], day) // nobody asks about it again
			if len(today) > 0 {
				_, _, err := read(ctx, e, func(emit func(*episode.Episode) error) error { return asked(ctx, e, today, broken, emit) })
				if err != nil {
					return err
				}
			}
			if i == 0 {
				if err := s.agents.work(ctx, day, s.clock.now()); err != nil {
					return err
				}
			}
			return e.Turn(ctx)
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := s.hub.Turn(ctx); err != nil {
		return err
	}
	if day == 2 { // what the hub itself has found to propose came first
		if err := s.offer(ctx); err != nil {
			return err
		}
	}
	return s.agents.decide(ctx, day)
}

// wentBack says that a release has been taken back: the tool's makers have heard of it, and mended the tool.
func (s *stack) wentBack(ctx context.Context) bool {
	list, err := s.hub.Rollouts(ctx, release.Filter)
	return err == nil && slices.ContainsFunc(list, func(r release.Rollout) bool { return r.State == release.Back })
}

// asked lets the edge decide about each suggestion of a day, as a tool would, and tells what came of it.
func asked(ctx context.Context, e *edge.Edge, day []*episode.Episode, broken bool, emit func(*episode.Episode) error) error {
	if broken {
		mixUp(day)
	}
	for _, ep := range day {
		s, d := &ep.Suggestions[0], &ep.Decisions[0]
		a := e.Decide(edge.Principal{Authenticated: true}, edge.DecideRequest{Developer: ep.Developer, Suggestion: ep.ID, Features: s.Features})
		if a.DecisionID == "" {
			continue // it is not in the log: nobody may learn from it
		}
		if !a.Shown {
			d.Verdict, d.By, d.EditDistance = episode.Ignored, episode.ByRule, nil
			s.ShownAt, s.DwellMS, ep.Outcomes = time.Time{}, 0, nil
		}
		d.Actions = nil
		for _, l := range a.Actions {
			d.Actions = append(d.Actions, episode.Action{ID: l.ID, Propensity: l.Propensity})
		}
		d.DecisionID, d.Release, d.Chosen, d.Explore, d.Shown = a.DecisionID, a.Release, a.Chosen, a.Explore, &a.Shown
		s.Policy, s.Propensity = a.Release, a.Propensity()
		if err := emit(ep); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// mixUp turns every number and every yes or no of what a tool tells about its suggestions the other way round: of a number's
// values the highest becomes the lowest.
func mixUp(day []*episode.Episode) {
	values := map[string][]float64{}
	for _, ep := range day {
		for name, v := range ep.Suggestions[0].Features {
			if x, ok := v.(float64); ok && !slices.Contains(values[name], x) {
				values[name] = append(values[name], x)
			}
		}
	}
	for _, of := range values {
		slices.Sort(of)
	}
	for _, ep := range day {
		features := ep.Suggestions[0].Features
		for name, v := range features {
			switch v := v.(type) {
			case float64:
				of := values[name]
				i, _ := slices.BinarySearch(of, v)
				features[name] = of[len(of)-1-i]
			case bool:
				features[name] = !v
			}
		}
	}
}
