// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"os"

	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/instruct"
)

// hubOfferCmd asks an enterprise to have instructions tried that somebody at the maker wrote.
type hubOfferCmd struct {
	Contributor string   `arg:"" help:"The enterprise, as the hub knows it."`
	Diffs       []string `arg:"" name:"diff" type:"existingfile" help:"Unified diffs, each of one instruction file (AGENTS.md, .cursor/rules/style.mdc and so on)."`
	Title       string   `required:"" help:"What it is, in one line." placeholder:"TEXT"`
	Why         string   `help:"What speaks for it, for the person who is asked." placeholder:"TEXT"`
}

func (hubOfferCmd) Help() string {
	return `The enterprise's edge shows the diff to a person there; nothing is tried before they have said yes, and nothing is kept before the gate has
(docs/instructions.md).

  diff -u /dev/null AGENTS.md > tests-first.diff
  headrace hub offer alder-bank tests-first.diff --title "Tests first" --why "Other teams kept more of their code with it."`
}

// offerJob is the same for a running hub, with what the files say.
type offerJob struct {
	Contributor string `json:"contributor"`
	Payload     []byte `json:"payload"`
}

// Run offers, through the running hub where there is one.
func (c *hubOfferCmd) Run(e *env, role *hubCmd) error {
	var changes []instruct.Change
	for _, name := range c.Diffs {
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		changes = append(changes, instruct.Change{Diff: string(b)})
	}
	payload, err := instruct.New(c.Title, c.Why, changes...).Marshal()
	if err != nil {
		return err
	}
	for _, change := range changes {
		if _, err := io.WriteString(e.err, change.Diff); err != nil {
			return err
		}
	}
	return onHub(e, role.Config, "offer", offerJob{c.Contributor, payload})
}

func (j offerJob) do(ctx context.Context, h *hub.Hub) (string, error) {
	id, err := h.OfferInstructions(ctx, j.Contributor, j.Payload)
	if err != nil {
		return "", err
	}
	return id + " is offered: a person there is asked\n", nil
}
