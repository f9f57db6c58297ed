// SPDX-License-Identifier: Apache-2.0

package published

import (
	"fmt"
	"slices"
	"time"

	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/web"
)

// Looked is what a monitor had found at a time.
type Looked struct {
	At    time.Time
	Stage int
	release.Look
	Alarms []reward.Alarm `json:",omitempty"`
}

// Release is a release as the pages show it, who follow a channel: with all roll-outs of its kind, newest first, and what was looked at
// between them. Its state is "active" where it reaches anybody, "rolled back", or "superseded".
func Release(r *release.Release, madeAt time.Time, rollouts []release.Rollout, looks []Looked, channel, signer string) web.Release {
	out := web.Release{ID: r.ID, MadeAt: madeAt, Gate: r.Gate, Kind: string(r.Kind), Lever: lever(string(r.Kind)), Digest: r.Payload, Snapshot: r.Snapshot, Reward: r.Reward, Replaces: r.Replaces,
		Signer: signer, State: "superseded"}
	stage := 0
	for _, on := range slices.Backward(rollouts) {
		if on.Release != r.ID {
			continue
		}
		if on.Look != nil {
			looks = append(looks, Looked{At: on.Since, Stage: on.Stage, Look: *on.Look})
		}
		step := web.Step{At: on.Since, Share: release.Share(channel, on.Stage), Why: on.Why}
		if n := len(out.Steps); n > 0 && step.Share == out.Steps[n-1].Share && on.Stage > stage {
			step.Why = "nothing new here, other channels follow: " + on.Why
		}
		out.Steps, stage = append(out.Steps, step), on.Stage
		if on.State == release.Back {
			out.State, out.RolledBack = "rolled back", &web.RolledBack{At: on.Since, Why: on.Why, By: "the hub"}
			if on.Look != nil {
				out.RolledBack.Served = on.Look.New.Decisions
			}
		}
	}
	slices.SortStableFunc(looks, func(a, b Looked) int { return a.At.Compare(b.At) })
	for _, l := range looks {
		if l.Difference == nil {
			continue
		}
		look := web.Look{At: l.At, Share: release.Share(channel, l.Stage), Crossed: l.Crossed, Difference: web.Estimate{Value: l.Difference.Estimate, Lower: l.Difference.Lower, Upper: l.Difference.Upper,
			Developers: min(l.New.Developers, l.Old.Developers), Decisions: min(l.New.Decisions, l.Old.Decisions)}}
		if n := len(out.Looks); n > 0 && look.Difference == out.Looks[n-1].Difference && look.Crossed == out.Looks[n-1].Crossed {
			continue // the look that a step was taken on, which the step names again
		}
		out.Looks = append(out.Looks, look)
	}
	if len(rollouts) == 0 || out.RolledBack != nil {
		return out
	}
	on := rollouts[0]
	if on.Release != r.ID && on.Base != r.ID {
		return out
	}
	out.State = "active"
	if on.State == release.Paused && on.Release == r.ID {
		out.Held = on.Why
	}
	for _, c := range on.Shares {
		share := c.Share
		if on.Base == r.ID {
			share = 1 - share
		}
		out.Channels = append(out.Channels, web.Channel{Name: c.Name, Who: fmt.Sprintf("%g %% of the developers on this channel", 100*share), From: on.Since})
	}
	return out
}
