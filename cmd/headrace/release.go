// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/release"
)

type releaseCmd struct {
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`

	List    releaseListCmd    `cmd:"" default:"1" help:"List the releases that this edge has, and what decides now."`
	Show    releaseShowCmd    `cmd:"" help:"Say what a release would choose here, before you approve it."`
	Approve releaseApproveCmd `cmd:"" help:"Approve a release that the policy asks a person about."`
}

func (releaseCmd) Help() string {
	return `An edge takes a release only under a rule of its own policy, below releases: (docs/releases.md). headrace pin lets one decide for
everybody, headrace stop takes it back, both at once and whatever the hub says.

Example: headrace release approve rel_5f1c`
}

type releaseListCmd struct{}

// Run lists them.
func (*releaseListCmd) Run(e *env, c *releaseCmd) error {
	return releaseJob{Do: "list"}.on(e, c.Config)
}

type releaseShowCmd struct {
	ID string `arg:"" help:"The release, or as much of its id as is of one alone." name:"release"`
}

// Run shows it.
func (a *releaseShowCmd) Run(e *env, c *releaseCmd) error {
	return releaseJob{Do: "show", ID: a.ID}.on(e, c.Config)
}

type releaseApproveCmd struct {
	ID string `arg:"" help:"The release, or as much of its id as is of one alone." name:"release"`
}

// Run approves it.
func (a *releaseApproveCmd) Run(e *env, c *releaseCmd) error {
	return releaseJob{Do: "approve", ID: a.ID}.on(e, c.Config)
}

type pinCmd struct {
	ID     string `arg:"" optional:"" name:"release" help:"The release, or as much of its id as is of one alone."`
	None   bool   `help:"Take off what was pinned and stopped: what hubs roll out decides again, as the policy lets it."`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (pinCmd) Help() string {
	return `Lets one release decide for everybody, at once and whatever the hub says, also after a restart and while the hub is down. It must be
here, and the policy must have a rule for its kind and its hub. The audit trail says who did it.

  headrace pin rel_5f1c
  headrace pin --none`
}

// Run pins it.
func (c *pinCmd) Run(e *env) error {
	if c.None == (c.ID != "") {
		return usagef("name a release, or give --none")
	}
	if c.None {
		return releaseJob{Do: "unpin"}.on(e, c.Config)
	}
	return releaseJob{Do: "pin", ID: c.ID}.on(e, c.Config)
}

type stopCmd struct {
	All    bool   `help:"Take none from now on, until headrace pin --none."`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (stopCmd) Help() string {
	return `Takes the releases that decide now back, at once and for good: whoever had one has what was there before it. With --all nothing that
hubs release decides any more, and all is as if Headrace were not there. Both hold after a restart and while the hub is down. The
audit trail says who did it.

Example: headrace stop --all`
}

// Run stops them.
func (c *stopCmd) Run(e *env) error {
	return releaseJob{Do: "stop", All: c.All}.on(e, c.Config)
}

// releaseJob is something to do with the releases of an edge, so that a running edge can do it, too.
type releaseJob struct {
	Do  string `json:"do"`
	ID  string `json:"id,omitempty"`
	All bool   `json:"all,omitempty"`
}

func (j releaseJob) on(e *env, config string) error { return onEdge(e, config, "releases", j) }

func (j releaseJob) do(ctx context.Context, ed *edge.Edge) (string, error) {
	switch j.Do {
	case "list":
		return listReleases(ctx, ed)
	case "show":
		return wouldChoose(ctx, ed, j.ID)
	case "approve":
		seen, err := wouldChoose(ctx, ed, j.ID)
		if err != nil {
			return "", err
		}
		return seen + "approved\n", ed.ApproveRelease(ctx, me(), j.ID)
	case "pin":
		return "pinned: it decides for everybody until headrace pin --none\n", ed.PinRelease(ctx, me(), j.ID)
	case "unpin":
		return "nothing is pinned or stopped any more\n", ed.Unpin(ctx, me())
	case "stop":
		ids, err := ed.StopReleases(ctx, me(), j.All)
		said := "back: " + strings.Join(ids, ", ") + "\n"
		if j.All {
			said = "no release decides anything until headrace pin --none\n"
		}
		return said, err
	}
	return "", fmt.Errorf("%q is nothing to do with releases", j.Do)
}

// wouldChoose says what a release would choose at an edge.
func wouldChoose(ctx context.Context, ed *edge.Edge, id string) (string, error) {
	would, err := ed.WouldChoose(ctx, id)
	if err != nil || would == nil {
		return "", err
	}
	if len(would.Choices) == 0 {
		return "too few decisions of its kind are logged here to say what it would choose; its gate report says it of all contributors together\n", nil
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "in the last %d logged decisions, of %d developers:\n", would.Decisions, would.Developers)
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACTION\tWAS CHOSEN\tIT WOULD CHOOSE")
	for _, x := range would.Choices {
		fmt.Fprintf(w, "%s\t%.1f %%\t%.1f %%\n", x.Action, 100*x.Before, 100*x.Now)
	}
	return out.String(), w.Flush()
}

func listReleases(ctx context.Context, ed *edge.Edge) (string, error) {
	list, err := ed.Releases(ctx)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RELEASE\tKIND\tHUB\tFETCHED\tSTATE")
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.ID, r.Kind, r.Hub, r.At.UTC().Format(time.DateTime), r.State)
	}
	return out.String(), w.Flush()
}

type hubRolloutCmd struct {
	What string `arg:"" optional:"" enum:"list,widen,pause,resume,back" default:"list" help:"list, widen, pause, resume or back."`
	Kind string `help:"Of which kind: filter, route or instructions." enum:"filter,route,instructions" default:"filter"`
	All  bool   `help:"With widen: to everybody at once."`
}

func (hubRolloutCmd) Help() string {
	return `Says whom the newest release has reached, stage by stage, and lets a person lead it: on to the next stage (widen), no further for now
(pause, resume), or away from everybody, for good (back). Each step is a signed document in the log (docs/releases.md).

  headrace hub rollout
  headrace hub rollout back`
}

// Run leads a roll-out, through the running hub where there is one.
func (c *hubRolloutCmd) Run(e *env, role *hubCmd) error { return onHub(e, role.Config, "rollout", *c) }

func (c hubRolloutCmd) do(ctx context.Context, h *hub.Hub) (string, error) {
	if c.What != "list" {
		if _, err := h.Steer(ctx, me(), release.Kind(c.Kind), c.What, c.All); err != nil {
			return "", err
		}
	}
	list, err := h.Rollouts(ctx, release.Kind(c.Kind))
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tRELEASE\tSTATE\tSTAGE\tCANARY\tEARLY\tSTABLE\tSINCE\tWHY")
	for _, r := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%d of %d", r.Sequence, r.Release, r.State, r.Stage, release.Stages)
		for _, s := range r.Shares {
			fmt.Fprintf(w, "\t%g %%", 100*s.Share)
		}
		fmt.Fprintf(w, "\t%s\t%s\n", r.Since.UTC().Format(time.DateTime), r.Why)
	}
	return out.String(), w.Flush()
}
