// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
)

type simulateCmd struct {
	Seed        int64   `help:"Seed: the same one gives the same episodes."`
	Gain        float64 `help:"True relative gain that a good show/hide policy can reach, 0 to 1." default:"0.20"`
	Decisions   int     `help:"Decisions, over all contributors." default:"40000"`
	Developers  int     `help:"Developers, over all contributors." default:"1400"`
	Contributor string  `help:"Only this one: alder-bank, birch-telecom or cedar-retail." enum:"alder-bank,birch-telecom,cedar-retail," default:"" placeholder:"NAME"`
	Late        bool    `help:"What became known days later, instead: later versions of the same episodes."`
}

func (c *simulateCmd) Help() string {
	return `Episodes of three synthetic enterprises whose truth is known, with planted secrets, as their tools would record them.

  headrace simulate --contributor alder-bank | headrace scrub | headrace consent --policy policy.yaml | headrace pack --out bundle`
}

// Run writes the episodes as JSON Lines.
func (c *simulateCmd) Run(e *env) error {
	w, err := sim.New(sim.Config{Seed: c.Seed, Gain: c.Gain, Decisions: c.Decisions, Developers: c.Developers})
	if err != nil {
		return usagef("%w", err)
	}
	contributors, stream := w.Contributors(), w.Episodes
	if c.Contributor != "" {
		contributors = []string{c.Contributor}
	}
	if c.Late {
		stream = w.Late
	}
	out, line := bufio.NewWriterSize(e.out, 64<<10), []byte(nil)
	for _, name := range contributors {
		err := stream(name, func(ep *episode.Episode) (err error) {
			if err := e.ctx.Err(); err != nil {
				return err
			}
			if line, err = episode.Append(line[:0], ep); err != nil {
				return err
			}
			_, err = out.Write(append(line, '\n'))
			return err
		})
		if err != nil {
			return err
		}
	}
	return out.Flush()
}
