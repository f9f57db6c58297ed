// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/internal/login"
	"github.com/headrace/headrace/internal/statedir"
)

// agentCmd is the role on a developer's machine.
type agentCmd struct {
	Run_      agentRunCmd       `cmd:"" name:"run" default:"withargs" help:"Follow this machine's tools and deliver to the edge (this is what headrace agent alone does)."`
	Enrol     agentEnrolCmd     `cmd:"" help:"Enrol this machine with your enterprise's edge."`
	Autostart agentAutostartCmd `cmd:"" help:"Start the agent with your session, or no more (--undo)."`
}

func (agentCmd) Help() string {
	return `Enrol once, with the code that whoever runs the edge sent you (headrace edge invite DEVELOPER prints it):

  headrace agent enrol https://edge.example:8402 CODE
  headrace agent enrol https://edge.example:8402 --login PIN   # where you log in instead
  headrace agent autostart      # from the next login on; or run headrace agent yourself
  headrace connect claude-code  # the tool tells who decided, too

What is captured rests on this machine only sealed to the edge's key, and is delivered when the edge can be reached. It needs
no administrator rights. headrace doctor says what is found and what arrives.`
}

// agentDir is the agent's folder.
func (e *env) agentDir() string { return filepath.Join(e.dir, "agent") }

type agentRunCmd struct {
	OTLP string `name:"otlp" default:"127.0.0.1:4318" help:"Loopback address where tools send OpenTelemetry; none for no such port." placeholder:"HOST:PORT"`
}

// Run runs the agent.
func (c *agentRunCmd) Run(e *env) error {
	log := logger(e.err)
	dir := e.agentDir()
	at, err := agent.OpenEdge(dir, log)
	if err != nil {
		return err
	}
	lock, err := statedir.Lock(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	out, err := agent.OpenOutbox(dir, at, log)
	if err != nil {
		return err
	}
	defer out.Close()
	conf, err := c.config(e, out.Send)
	if err != nil {
		return err
	}
	if conf.SealTo, err = at.Public(); err != nil {
		return err
	}
	fmt.Fprintf(e.err, "recording what coding tools on this machine do, for %s at %s; headrace doctor says what, Ctrl-C stops\n", at.Developer, at.URL)
	g, ctx := errgroup.WithContext(e.ctx)
	g.Go(func() error { return out.Run(ctx) })
	g.Go(func() error { return agent.Run(ctx, conf) })
	return ended(g.Wait())
}

// config is what an agent needs that sends by send.
func (c *agentRunCmd) config(e *env, send func(context.Context, [][]byte) error) (agent.Config, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return agent.Config{}, err
	}
	conf := agent.Config{Dir: e.agentDir(), Home: home, Getenv: os.Getenv, Send: send, Log: logger(e.err)}
	if conf.Token, err = e.agentToken(); err != nil {
		return conf, err
	}
	if c.OTLP == "" || c.OTLP == "none" {
		return conf, nil
	}
	conf.Listen, err = listen(c.OTLP)
	return conf, err
}

// agentToken is the secret by which tools on this machine show the agent that they are this person's.
func (e *env) agentToken() (string, error) {
	path := filepath.Join(e.agentDir(), "token")
	b, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	token := rand.Text()
	return token, errors.Join(os.MkdirAll(e.agentDir(), 0o700), os.WriteFile(path, []byte(token+"\n"), 0o600))
}

type agentEnrolCmd struct {
	URL   string `arg:"" help:"Address of the edge for machines, as the code's sender named it."`
	Code  string `arg:"" optional:"" help:"The one-time code."`
	Login string `help:"Log in with your enterprise's identity provider instead; PIN is what headrace edge invite --oidc prints." placeholder:"PIN"`
}

// Run enrols.
func (c *agentEnrolCmd) Run(e *env) error {
	if (c.Code == "") == (c.Login == "") {
		return usagef("a machine is enrolled with a code, or with --login PIN")
	}
	var at *agent.Edge
	var err error
	if c.Login != "" {
		at, err = agent.EnrolByLogin(e.ctx, e.agentDir(), c.URL, c.Login, func(a login.Ask) { sayLogin(e.err, a) }, logger(e.err))
	} else {
		at, err = agent.Enrol(e.ctx, e.agentDir(), c.URL, c.Code, logger(e.err))
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "enrolled as %s at %s\n", at.Developer, at.URL)
	if !at.LoginUntil.IsZero() {
		fmt.Fprintf(e.err, "run the same line and log in again by %s, for the agent to go on delivering\n", at.LoginUntil.Local().Format("2 January 2006"))
	}
	fmt.Fprintln(e.err, "now start it: headrace agent; or from the next login on: headrace agent autostart")
	return nil
}

// sayLogin tells a person where to log in.
func sayLogin(w io.Writer, a login.Ask) {
	fmt.Fprintf(w, "\n  Log in at  %s\n  with code  %s\n", a.Address, a.Code)
	if a.Whole != "" {
		fmt.Fprintf(w, "\n  or open    %s\n  if it shows the same code\n", a.Whole)
	}
	fmt.Fprintf(w, "\nwaiting for you until %s; Ctrl-C stops\n", a.Until.Local().Format("15:04"))
}

type agentAutostartCmd struct {
	Undo bool `help:"Start it no more."`
}

// Run writes the session's own autostart entry, or removes it.
func (c *agentAutostartCmd) Run(e *env) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	path, content := autostart(home, program, e.dir)
	if c.Undo {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		fmt.Fprintln(e.out, "removed", path)
		return nil
	}
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
		return err
	}
	fmt.Fprintln(e.out, "wrote", path)
	fmt.Fprintln(e.err, "the agent starts with your next session; headrace agent autostart --undo takes it back")
	return nil
}
