// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"

	"github.com/headrace/headrace/internal/canary"
)

// redactCmd is what an edge's standard error goes through.
type redactCmd struct {
	Canaries string `arg:"" help:"File of canaries, one a line." type:"path" placeholder:"FILE"`
}

// Run copies until its input ends: Ctrl-C, which its edge gets at the same time, does not stop it.
func (c *redactCmd) Run(e *env) error {
	list, err := canary.ReadFile(c.Canaries)
	if err != nil {
		return err
	}
	g, err := canary.New(list)
	if err != nil {
		return err
	}
	w := g.Writer(e.out)
	if _, err := io.Copy(w, e.in); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return w.Flush()
}

// keepOut keeps canaries out of all that this process says from now on, until restore. file is where they came from; empty: nil and
// nothing. Where the system lets us, the process' own standard error is redirected, too, so that a panic is seen.
func (e *env) keepOut(file string, list []string) (g *canary.Guard, restore func(), err error) {
	if file == "" {
		return nil, func() {}, nil
	}
	if g, err = canary.New(list); err != nil {
		return nil, nil, err
	}
	restore = func() {}
	if e.err == os.Stderr {
		if restore, err = redirectStderr(file); err != nil {
			return nil, nil, fmt.Errorf("keep canaries out of standard error: %w", err)
		}
	}
	e.err = g.Writer(e.err)
	return g, restore, nil
}
