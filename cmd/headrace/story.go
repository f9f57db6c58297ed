// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sim"
)

// storyDays is how many simulated days the demo goes on for after the first four weeks; storyDecisions how many decisions there
// are in them.
const (
	storyDays      = 18
	storyDecisions = 280_000
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
	return storyBegins().AddDate(0, 0, int(s.day.Load())).Add(20*time.Hour + time.Since(s.started))
}

// story plays on, day after day, once the first weeks are in: developers' tools ask the edge what to show, and what they did
// with it comes in that evening. On the first days the tool is a version that tells its confidence the other way round, which no
// gate could know from the weeks before; then it is mended. What becomes of it all, nobody here decides: the roll-out does.
func (s *stack) story(ctx context.Context, cfg sim.Config, clock *simulated) error {
	cfg.Period, cfg.Decisions = 1, storyDecisions
	world, err := sim.New(cfg)
	if err != nil {
		return err
	}
	days := make([]map[int][]*episode.Episode, len(s.edges))
	for i := range s.edges {
		days[i] = map[int][]*episode.Episode{}
		err := world.Settled(s.names[i], time.Time{}, func(ep *episode.Episode) error {
			day := int(ep.StartedAt.Sub(storyBegins()) / (24 * time.Hour))
			if day < storyDays && *ep.Decisions[0].Shown { // of the others nobody knows what a person would have done
				days[i][day] = append(days[i][day], ep)
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
	}
	for day := range storyDays {
		clock.day.Store(int64(day))
		broken := !s.wentBack(ctx)
		var g errgroup.Group
		for i, e := range s.edges {
			g.Go(func() error {
				if err := e.Turn(ctx); err != nil { // what is in force that day
					return err
				}
				_, _, err := read(ctx, e, func(emit func(*episode.Episode) error) error {
					return asked(ctx, e, days[i][day], broken, emit)
				})
				if err != nil {
					return err
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
	}
	return nil
}

// wentBack says that a release has been taken back: the tool's makers have heard of it, and mended the tool.
func (s *stack) wentBack(ctx context.Context) bool {
	list, err := s.hub.Rollouts(ctx, release.Filter)
	return err == nil && slices.ContainsFunc(list, func(r release.Rollout) bool { return r.State == release.Back })
}

// told says that the story has begun before, and what was made of it is here.
func (s *stack) told(ctx context.Context) bool {
	list, err := s.hub.Rollouts(ctx, release.Filter)
	return err == nil && len(list) > 0
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
