// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/headrace/headrace/edge"
)

type withdrawCmd struct {
	Session string `arg:"" help:"The session to take back, as the episodes page names it."`
	Config  string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *withdrawCmd) Help() string {
	return `Takes back everything of a session that has left. The withdrawal is signed and kept here before it is sent, so it is never
forgotten; a running edge sends it at once, otherwise the edge's next start does. The hub erases what it holds and answers
with a certificate, which the edge's withdrawals page shows.

Example: headrace withdraw 7f6c1c6e-alder-bank`
}

// Run withdraws, through the running edge where there is one.
func (c *withdrawCmd) Run(e *env) error {
	f, err := edge.ReadFile(c.Config, e.dir)
	if err != nil {
		return err
	}
	id, err := c.offline(e, f)
	if errors.Is(err, errInUse) || errors.Is(err, edge.ErrNotJoined) {
		id, err = control(e.ctx, f.Dir, "withdraw", c.Session)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, id)
	return nil
}

func (c *withdrawCmd) offline(e *env, f edge.File) (string, error) {
	m, err := edge.ReadMembership(f.Dir)
	if err != nil {
		return "", err
	}
	conf, err := f.Config(m)
	if err != nil {
		return "", err
	}
	conf.Log = logger(e.err)
	ed, err := edge.New(e.ctx, conf)
	if err != nil {
		return "", err
	}
	defer ed.Close()
	id, err := ed.Withdraw(e.ctx, me(), c.Session)
	if err == nil {
		fmt.Fprintln(e.err, "kept; it is sent when the edge runs: headrace edge")
	}
	return id, err
}
