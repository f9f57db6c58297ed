// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
)

type simulateCmd struct {
	Seed         int64   `help:"Seed: the same one gives the same episodes."`
	Gain         float64 `help:"True relative gain that a good show/hide policy can reach, 0 to 1." default:"0.20"`
	Decisions    int     `help:"Decisions, over all contributors." default:"40000"`
	Developers   int     `help:"Developers, over all contributors." default:"1400"`
	Contributors int     `help:"Honest contributors: alder-bank, birch-telecom, cedar-retail and others." default:"3"`
	Flippers     int     `help:"Contributors besides who say the opposite of what was done."`
	Junk         int     `help:"Contributors besides whose records say nothing."`
	Copycats     int     `help:"Contributors besides who send another's records as their own."`
	Contributor  string  `help:"Only this one, such as alder-bank." placeholder:"NAME"`
	Period       int     `help:"Which four weeks: 1 is the same developers four weeks later."`
	Seasons      bool    `help:"Let people rest at weekends, accept more towards a weekend, and more from month to month."`
	Delays       bool    `help:"Let commits, merges, tests and reverts become known as late as they do in life."`
	Late         bool    `help:"What became known days later, instead: later versions of the same episodes." xor:"what"`
	Native       string  `help:"Write what the developers' own tools would keep, a home folder for each, below DIR; headrace read reads it." type:"path" placeholder:"DIR" xor:"what"`
}

func (c *simulateCmd) Help() string {
	return `Episodes of synthetic enterprises whose truth is known, with planted secrets, as their tools would record them: three, or as
many as you ask for, some of whom cheat. Each decision carries what the logging policy could have done, with what probability.

  headrace simulate --contributor alder-bank | headrace scrub | headrace consent --policy policy.yaml | headrace pack --out bundle
  headrace simulate --native homes --decisions 2000; headrace read homes/*/.claude/projects > episodes.jsonl`
}

// Run writes the episodes as JSON Lines.
func (c *simulateCmd) Run(e *env) error {
	w, err := sim.New(sim.Config{Seed: c.Seed, Gain: c.Gain, Decisions: c.Decisions, Developers: c.Developers, Contributors: c.Contributors,
		Flippers: c.Flippers, Junk: c.Junk, Copycats: c.Copycats, Period: c.Period, Delays: c.Delays, Seasons: c.Seasons})
	if err != nil {
		return usagef("%w", err)
	}
	contributors, stream := w.Contributors(), w.Episodes
	if c.Contributor != "" {
		if !slices.Contains(contributors, c.Contributor) {
			return usagef("no contributor is called %q; there are: %s", c.Contributor, strings.Join(contributors, ", "))
		}
		contributors = []string{c.Contributor}
	}
	if c.Native != "" {
		return c.native(e, w, contributors)
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

// native writes tools' own files.
func (c *simulateCmd) native(e *env, w *sim.World, contributors []string) error {
	files := 0
	for _, name := range contributors {
		err := w.Native(name, func(path string) (io.WriteCloser, error) {
			if err := e.ctx.Err(); err != nil {
				return nil, err
			}
			path = filepath.Join(c.Native, filepath.FromSlash(path))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return nil, err
			}
			files++
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				return nil, err
			}
			return &buffered{bufio.NewWriter(f), f}, nil
		})
		if err != nil {
			return err
		}
	}
	fmt.Fprintf(e.err, "simulate: %d files of %s below %s\n", files, strings.Join(sim.NativeTools(), ", "), c.Native)
	return nil
}

// buffered is a file that is written in pieces of some size.
type buffered struct {
	*bufio.Writer
	file *os.File
}

// Close implements io.Closer.
func (b *buffered) Close() error { return errors.Join(b.Flush(), b.file.Close()) }
