// SPDX-License-Identifier: Apache-2.0

// Package atif reads trajectories in the Agent Trajectory Interchange Format, versions 1.2 to 1.8: one JSON document each.
//
// The format is an exchange form of many agents, so the tool of the episodes is "atif" and its version names the agent, as
// "name/version". Each step of a user begins an episode; steps that were copied from an earlier trajectory, to go on from,
// give nothing again. The trajectories of subagents give episodes of their own, with the one that started them as parent.
// Tokens and their log-probabilities go to the suggestion that a step makes, where it makes one.
//
// The format's rules are not enforced: what breaks one is read, and counted as a kind "broken/…". It has no field for a
// decision; a call that a result came back for was let through, by whom is unknown.
package atif

import (
	"context"
	"fmt"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "atif"

// Source reads ATIF trajectories; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "ATIF (Harbor and others)", Tested: capture.Constructed, Yields: capture.Yields{Decision: true, Prompt: true, Code: true},
		Note: "an exchange format: name the files; token ids and log-probabilities are kept; the tool's version is the agent's name/version"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	return strings.HasPrefix(lax.Keys(head)["schema_version"], "ATIF-v")
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var t trajectory
	ok, err := capture.Document(f.R, &c, &t)
	if err != nil {
		return c, err
	}
	if !ok {
		return c, fmt.Errorf("the trajectory is torn: it is not JSON to its end")
	}
	c.Kind("schema/" + string(t.Schema[:min(len(t.Schema), 20)]))
	return c, read(ctx, &c, &t, emit)
}

// maxAgents bounds the trajectories of one file, the subagents' and theirs among them.
const maxAgents = 10_000

// read gives the episodes of a trajectory and then those of its subagents, each level after the one above.
func read(ctx context.Context, c *capture.Counts, t *trajectory, emit func(*episode.Episode) error) error {
	queue := []*reading{{c: c, t: t}}
	for i := 0; i < len(queue); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		r := queue[i]
		r.read()
		for _, e := range r.episodes {
			capture.Languages(e)
			if err := emit(e); err != nil {
				return err
			}
		}
		for j := range r.t.Subagents.V {
			sub := &r.t.Subagents.V[j]
			if len(queue) >= maxAgents {
				c.Kind("broken/too-many-subagents")
				break
			}
			queue = append(queue, &reading{c: c, t: sub, parent: r.parentOf(sub), above: r.id(), ordinal: j + 1})
		}
		r.episodes, r.calls = nil, nil
	}
	return nil
}
