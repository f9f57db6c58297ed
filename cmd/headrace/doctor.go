// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/tools"
	"github.com/headrace/headrace/internal/connect"
	"github.com/headrace/headrace/internal/hookprog"
	"github.com/headrace/headrace/internal/lever"
)

// doctorCmd says what is captured on this machine, and what is not and why.
type doctorCmd struct {
	All    bool `help:"Name the tools that are not on this machine, too."`
	Levers bool `help:"Say instead what a release can move in each tool."`

	Coverage bool   `help:"Compare, at the edge, the decisions captured with those that the tools themselves counted."`
	Days     int    `help:"With --coverage: of how many days, 7 or 28." default:"7" placeholder:"N"`
	JSON     bool   `name:"json" help:"With --coverage: as one JSON object."`
	Config   string `help:"With --coverage: the edge's configuration file (default: edge.yaml in the state folder, if there)." type:"path" placeholder:"FILE"`
}

func (doctorCmd) Help() string {
	return `For each tool: what histories it has here, how many of them the agent has read as they are now, whether its hooks and
telemetry report here (headrace connect), what its histories tell, and what a release can move in it.
Then whether this machine is enrolled, and what waits to be delivered; and, where an edge runs here, what its gateway passed on and
captured, and which bundles the hub has refused for what it found in them. It reads names and sizes, no content, and changes nothing.

With --coverage it asks this machine's edge instead: of the decisions that the tools themselves counted, by their telemetry or on
their makers' servers (pollers: in edge.yaml), how many were captured, by tool and team. No figure is from fewer than 10 developers,
but on a developer's own machine.

Example: headrace doctor --all
         headrace doctor --coverage --days 28
         headrace doctor --levers`
}

// Run looks and says.
func (c *doctorCmd) Run(e *env) error {
	if c.Levers {
		_, err := io.WriteString(e.out, lever.Table())
		return err
	}
	if c.Coverage {
		return c.coverage(e)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	found, problems := tools.Find(e.ctx, home, os.Getenv)
	read := agent.ReadSoFar(e.agentDir())
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	state, err := e.connections()
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "TOOL\tHISTORIES\tSIZE\tREAD AS THEY ARE\tCONNECTED\tTELLS\tLEVERS\tMISSING")
	shown := map[string]bool{}
	for _, s := range tools.All() {
		about := s.About()
		var f tools.Found
		for _, g := range found {
			if g.Tool == s.Name() {
				f = g
			}
		}
		if len(about.Places) == 0 || len(f.Files) == 0 && !c.All {
			continue
		}
		shown[settingsOf(s.Name())] = true
		delivered := 0
		for _, path := range f.Files {
			if read(path) {
				delivered++
			}
		}
		fmt.Fprintf(w, "%s\t%d files\t%.1f MB\t%d\t%s\t%s\t%s\t%s\n", about.Title, len(f.Files), float64(f.Bytes)/1e6, delivered, state(s.Name()), tells(about.Yields), levers(s.Name()), about.Note)
	}
	for _, t := range connect.Tools() { // here or connected, and nothing has been written yet
		o := connect.Options{Home: home, Getenv: os.Getenv}
		if s := state(t.Name); !shown[t.Name] && (t.Here(&o) || strings.HasPrefix(s, "yes")) {
			fmt.Fprintf(w, "%s\tnone yet\t-\t-\t%s\t-\t%s\t\n", t.Title, s, levers(t.Name))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintf(e.out, "no coding tool has histories below %s; headrace doctor --all names where they are looked for by tool\n", home)
	}
	for _, p := range problems {
		fmt.Fprintln(e.out, "passed over:", p)
	}
	fmt.Fprintln(e.out)
	if err := c.machine(e); err != nil {
		return err
	}
	return cmp.Or(c.running(e, "gateway"), c.running(e, "incidents"))
}

// running says what the edge that runs on this machine, if there is one, says of its gateway, or of what the hub has refused.
func (c *doctorCmd) running(e *env, what string) error {
	f, err := edge.ReadFile(c.Config, e.dir)
	if err != nil {
		return err
	}
	said, err := control(e.ctx, f.Dir, what, "")
	if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == "control/not-running" || err == nil && said == "" {
		return nil
	}
	if err == nil {
		fmt.Fprintln(e.out, said)
	}
	return err
}

// levers names what a release can move in a tool.
func levers(name string) string {
	t, _ := lever.Named(name)
	return cmp.Or(strings.Join(t.Levers(), ", "), "none")
}

// connections returns what tells of a reader's tool whether its telemetry and hooks report here, and if not, what to do.
func (e *env) connections() (func(reader string) string, error) {
	connected, err := connect.Connected(e.dir)
	if err != nil {
		return nil, err
	}
	return func(reader string) string {
		name := settingsOf(reader)
		if _, err := connect.Named(name); err != nil {
			return "-"
		}
		if !slices.Contains(connected, name) {
			return "no: headrace connect " + name
		}
		if heard, err := os.Stat(filepath.Join(e.agentDir(), "told", name)); err == nil {
			return "yes, first heard " + heard.ModTime().Local().Format("2 January")
		}
		return "yes, no hook heard yet"
	}, nil
}

// settingsOf is the tool that is connected where that reader's histories are of.
func settingsOf(reader string) string {
	if strings.HasPrefix(reader, "copilot") {
		return "copilot" // one tool's settings, several histories
	}
	return reader
}

// tells is what a tool's histories tell, in words.
func tells(y capture.Yields) string {
	var all []string
	for _, t := range []struct {
		yes  bool
		what string
	}{{y.Decision, "decision"}, {y.Modification, "modification"}, {y.Prompt, "prompt"}, {y.Code, "code"}, {y.Artifacts, "artifacts"}, {y.Outcome, "outcome"}} {
		if t.yes {
			all = append(all, t.what)
		}
	}
	return strings.Join(all, ", ")
}

// machine says whether this machine delivers.
func (c *doctorCmd) machine(e *env) error {
	dir := e.agentDir()
	at, err := agent.OpenEdge(dir, logger(e.err))
	switch {
	case errors.Is(err, agent.ErrNotEnrolled):
		fmt.Fprintln(e.out, "not enrolled with an edge: headrace up keeps all on this machine; headrace agent enrol delivers to your enterprise's edge")
	case err != nil:
		return err
	default:
		fmt.Fprintf(e.out, "enrolled as %s at %s; certificate good until %s\n", at.Developer, at.URL, at.Until().Local().Format("2 January 15:04"))
		if end := at.LoginUntil; !end.IsZero() {
			fmt.Fprintf(e.out, "by %s, %s\n", end.Local().Format("2 January 15:04"), at.EnrolAgain())
		} else if time.Now().After(at.Until()) {
			fmt.Fprintln(e.out, "it is over:", at.EnrolAgain())
		}
	}
	fmt.Fprintf(e.out, "waiting to be delivered: %s from histories and telemetry, %s from hooks\n", size(filepath.Join(dir, "spool")), size(filepath.Join(dir, "hooks")))
	if words := filepath.Join(dir, hookprog.Words); exists(words) {
		fmt.Fprintln(e.out, "instructions that your edge has approved go to the model at the start of sessions:", words)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// size is how much lies in a folder, in words.
func size(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "nothing"
	}
	var n int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			n += info.Size()
		}
	}
	if n == 0 {
		return "nothing"
	}
	return fmt.Sprintf("%.1f kB", float64(n)/1e3)
}
