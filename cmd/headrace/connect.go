// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/connect"
	"github.com/headrace/headrace/internal/hookprog"
	"github.com/headrace/headrace/internal/lever"
)

// hookbin holds the hook program, where the build has put it there.
//
//go:embed hookbin
var hookbin embed.FS

type connectCmd struct {
	Tool      string `arg:"" help:"The tool: claude-code, copilot, cursor, codex, gemini-cli, cline, continue, grok, kiro, opencode, poolside; zed or jetbrains for agents by ACP; or all that are on this machine."`
	Undo      bool   `help:"Give your settings back as they were."`
	DryRun    bool   `name:"dry-run" help:"Show what would change, and change nothing."`
	NoContent bool   `name:"no-content" help:"Leave out what carries prompts, code or output."`
	Managed   string `type:"path" placeholder:"DIR" help:"Write the settings for a fleet into DIR instead, in the form that an administrator distributes."`
	Hook      string `placeholder:"PROGRAM" help:"The hook program that tools are to run (with --managed: where it lies on each machine)."`
	Endpoint  string `default:"http://127.0.0.1:4318" placeholder:"URL" help:"Where the agent takes OpenTelemetry on this machine."`
}

func (connectCmd) Help() string {
	return `Your settings stay: what Headrace needs goes beside them, comments and order are kept, and a copy of each file is made first. Where
the two cannot both be, yours stays and you are told. To connect again changes nothing; --undo gives back the same bytes.

Example: headrace connect claude-code --dry-run`
}

// Run connects, or takes it back.
func (c *connectCmd) Run(e *env) error {
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	o := connect.Options{Home: home, Getenv: os.Getenv, Dir: e.dir, Endpoint: strings.TrimSuffix(c.Endpoint, "/"), NoContent: c.NoContent,
		TokenFile: filepath.Join(e.agentDir(), "token")}
	tools, err := c.tools(&o)
	if err != nil {
		return err
	}
	if c.Managed != "" {
		return c.managed(e, o)
	}
	if o.Token, err = c.token(e); err != nil {
		return err
	}
	if !c.Undo {
		if o.Hook, err = c.program(e); err != nil {
			return err
		}
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		o.Program = append([]string{self}, e.dirArgs()...)
	}
	for _, t := range tools {
		if err := c.one(e, t, o); err != nil {
			return err
		}
	}
	return nil
}

// tools are those that are meant.
func (c *connectCmd) tools(o *connect.Options) ([]connect.Tool, error) {
	if c.Tool != "all" {
		t, err := connect.Named(c.Tool)
		if err != nil {
			return nil, &usageError{err}
		}
		return []connect.Tool{t}, nil
	}
	var here []connect.Tool
	for _, t := range connect.Tools() {
		if c.Undo || c.Managed != "" || t.Here(o) {
			here = append(here, t)
		}
	}
	if len(here) == 0 {
		return nil, &episode.Problem{Code: "connect/none", Message: "no tool that can be connected is on this machine", Hint: "name one to connect it all the same: headrace connect claude-code"}
	}
	return here, nil
}

// one connects one tool, or takes it back. What is in the way of a part does not keep the rest from being done.
func (c *connectCmd) one(e *env, t connect.Tool, o connect.Options) error {
	work := t.Plan
	if c.Undo {
		work = t.Undo
	}
	plan, err := work(o)
	if err != nil {
		return err
	}
	for i := range plan.Changes {
		ch := &plan.Changes[i]
		switch {
		case c.DryRun: // the token is for files that only this person reads, not for a screen
			fmt.Fprint(e.out, strings.ReplaceAll(ch.Diff(), o.Token, "<token>"))
		case ch.Remove:
			fmt.Fprintf(e.out, "%s: %s removed\n", t.Title, ch.Path)
		case c.Undo:
			fmt.Fprintf(e.out, "%s: %s given back\n", t.Title, ch.Path)
		default:
			fmt.Fprintf(e.out, "%s: %s written\n", t.Title, ch.Path)
		}
	}
	if !c.DryRun {
		if err := plan.Apply(); err != nil {
			return err
		}
	}
	if len(plan.Changes) == 0 && len(plan.Problems) == 0 && !(c.Undo && c.Tool == "all") {
		fmt.Fprintf(e.err, "%s: nothing to change\n", t.Title)
	}
	for _, p := range plan.Problems {
		fmt.Fprintf(e.err, "%s: left as it is: %s\n  → %s\n", t.Title, p.Message, p.Hint)
	}
	for _, n := range plan.Notes {
		fmt.Fprintf(e.err, "%s: %s\n", t.Title, n)
	}
	if l, ok := lever.Named(t.Name); ok && l.Event != "" && !c.Undo && len(plan.Changes) > 0 {
		fmt.Fprintf(e.err, "%s: instructions that somebody at your edge has approved may come to the model by its hook at %s: headrace doctor shows them\n", t.Title, l.Event)
	}
	if len(plan.Changes) > 0 && !c.Undo && !c.DryRun {
		fmt.Fprintf(e.err, "Headrace records your work with %s from now on: prompts, suggestions and what becomes of them. See it: headrace doctor. Stop it: headrace connect %s --undo\n",
			t.Title, t.Name)
	}
	return nil
}

// token is this machine's; a dry run does not make one, nor does the way back.
func (c *connectCmd) token(e *env) (string, error) {
	if _, err := os.Stat(filepath.Join(e.agentDir(), "token")); (c.DryRun || c.Undo) && err != nil {
		return "made-when-it-is-written", nil
	}
	return e.agentToken()
}

// dirArgs name the state folder, where it is not the usual one: tools do not have our environment.
func (e *env) dirArgs() []string {
	if home, err := os.UserHomeDir(); err == nil && e.dir == filepath.Join(home, ".local", "state", "headrace") {
		return nil
	}
	return []string{"--dir", e.dir}
}

// program is the hook program, with its first arguments: the one that is named; the one that headrace carries, written out;
// the one beside headrace, or on the PATH; or else headrace itself.
func (c *connectCmd) program(e *env) ([]string, error) {
	dir := e.dirArgs()
	if c.Hook != "" {
		path, err := filepath.Abs(c.Hook)
		if err == nil && !runs(path) {
			err = &episode.Problem{Code: "connect/hook", Message: path + " is not the hook program, or does not run here", Hint: "leave --hook out: headrace finds its own"}
		}
		return append([]string{path}, dir...), err
	}
	if path, err := c.carried(e); err != nil || path != "" {
		return append([]string{path}, dir...), err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	beside := filepath.Join(filepath.Dir(self), "headrace-hook")
	onPath, _ := exec.LookPath("headrace-hook")
	for _, path := range [...]string{beside, onPath} {
		if path != "" && runs(path) {
			return append([]string{path}, dir...), nil
		}
	}
	return append(append([]string{self}, dir...), "hook"), nil
}

// carried writes the program out that headrace carries, and gives its path; empty where it carries none that runs here.
func (c *connectCmd) carried(e *env) (string, error) {
	program, err := hookbin.ReadFile("hookbin/headrace-hook")
	if err != nil {
		return "", nil
	}
	path := filepath.Join(e.agentDir(), "bin", "headrace-hook")
	if c.DryRun {
		return path, nil
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, program) {
		next := path + ".new" // a tool may be running the one that is there
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(next, program, 0o755), os.Rename(next, path)); err != nil {
			return "", fmt.Errorf("write out the hook program: %w", err)
		}
	}
	if !runs(path) {
		return "", nil
	}
	return path, nil
}

// runs reports whether the hook program runs here.
func runs(path string) bool {
	out, err := exec.Command(path, hookprog.Check).Output()
	return err == nil && string(out) == hookprog.Checked
}

// managed writes the settings for a fleet.
func (c *connectCmd) managed(e *env, o connect.Options) error {
	o.Hook = []string{connect.ManagedHook}
	if c.Hook != "" {
		o.Hook = []string{c.Hook}
	}
	for _, f := range connect.Managed(o) {
		if c.Tool != "all" && f.Name != "README.txt" && !strings.HasPrefix(f.Name, c.Tool+"/") {
			continue
		}
		path := filepath.Join(c.Managed, filepath.FromSlash(f.Name))
		if c.DryRun {
			fmt.Fprintf(e.out, "%s:\n%s\n", path, f.Content)
			continue
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Content, 0o644)); err != nil {
			return fmt.Errorf("write the settings for a fleet: %w", err)
		}
		fmt.Fprintln(e.out, path)
	}
	fmt.Fprintln(e.err, "where each goes is in", filepath.Join(c.Managed, "README.txt"))
	return nil
}

// hookCmd is the hook program, for where there is no other. It always ends well: see package hookprog.
type hookCmd struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"TOOL [EVENT]"`
}

// Run takes one event.
func (c *hookCmd) Run(e *env) error {
	hookprog.Main(append([]string{"--dir", e.dir}, c.Args...))
	return nil
}
