// SPDX-License-Identifier: Apache-2.0

// Package connect writes coding tools' own settings so that they report to the agent on this machine, and takes that out
// again.
//
// [Tools] are those it knows. [Tool.Plan] works out what would change, [Plan.Apply] changes it, [Tool.Undo] plans the way
// back. A plan touches nothing, so it is also what a dry run shows.
//
// A settings file is the person's. What is theirs stays, with its comments and its order: ours goes beside it, and where
// the two cannot both be, theirs stays and a Problem says what to do. Before a file is touched, it is copied below the
// state folder, and what goes in is written down; to undo gives back the same bytes where nobody has changed the file
// since, and else takes out our own entries only. To connect twice changes nothing.
//
// [Managed] makes the files for a fleet instead. Nothing here talks to a tool or to a network.
package connect

import (
	"cmp"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/headrace/headrace/episode"
)

// Options say where things are and what is wanted.
type Options struct {
	Home   string
	Getenv func(string) string
	// Dir is the state folder: backups are below it.
	Dir string
	// Hook is the hook program, with the arguments that go before the tool's name.
	Hook []string
	// Program is headrace itself, with the arguments that go before a command's name.
	Program []string
	// Endpoint is where the agent takes OpenTelemetry, such as http://127.0.0.1:4318; Token proves to it who sends.
	Endpoint, Token string
	// TokenFile is where the token lies, for what a person has to set by hand.
	TokenFile string
	// NoContent leaves out what carries prompts, code or output.
	NoContent bool
}

// open is the endpoint for tools that cannot send a header: the token is in the address.
func (o *Options) open() string {
	if o.Token == "" {
		return o.Endpoint
	}
	return o.Endpoint + "/t/" + o.Token
}

// config is the folder where applications keep their settings.
func (o *Options) config() string {
	switch runtime.GOOS {
	case "darwin":
		return filepath.Join(o.Home, "Library", "Application Support")
	case "windows":
		return o.Getenv("APPDATA")
	}
	if d := o.Getenv("XDG_CONFIG_HOME"); d != "" {
		return d
	}
	return filepath.Join(o.Home, ".config")
}

// Tool is a coding tool that can be connected.
type Tool struct {
	Name, Title string
	// home is the folder that shows that the tool is there, and below which most of its settings are.
	home func(o *Options) string
	set  func(*planner)
}

// Tools returns the tools, those most used first.
func Tools() []Tool {
	return []Tool{
		{"claude-code", "Claude Code", func(o *Options) string { return o.under("CLAUDE_CONFIG_DIR", ".claude") }, claudeCode},
		{"copilot", "GitHub Copilot", func(o *Options) string { return o.under("COPILOT_HOME", ".copilot") }, copilot},
		{"cursor", "Cursor", func(o *Options) string { return filepath.Join(o.Home, ".cursor") }, cursor},
		{"codex", "OpenAI Codex", func(o *Options) string { return o.under("CODEX_HOME", ".codex") }, codex},
		{"gemini-cli", "Gemini CLI", func(o *Options) string { return filepath.Join(o.Home, ".gemini") }, geminiCLI},
		{"cline", "Cline", func(o *Options) string { return filepath.Join(o.Home, "Documents", "Cline") }, cline},
		{"continue", "Continue", func(o *Options) string { return o.under("CONTINUE_GLOBAL_DIR", ".continue") }, continueDev},
		{"grok", "Grok Build", func(o *Options) string { return o.under("GROK_HOME", ".grok") }, grok},
		{"kiro", "Kiro", func(o *Options) string { return filepath.Join(o.Home, ".kiro") }, kiro},
		{"opencode", "OpenCode", func(o *Options) string { return filepath.Join(o.Home, ".config", "opencode") }, opencode},
		{"zed", "Zed", func(o *Options) string { return filepath.Join(o.config(), "zed") }, zed},
		{"jetbrains", "JetBrains IDEs", func(o *Options) string { return filepath.Join(o.Home, ".jetbrains") }, jetbrains},
		{"poolside", "poolside", func(o *Options) string { return filepath.Join(o.config(), "poolside") }, poolside},
	}
}

// under is the folder that the variable names, else the one below home.
func (o *Options) under(variable, name string) string {
	if d := o.Getenv(variable); d != "" {
		return d
	}
	return filepath.Join(o.Home, name)
}

// Named returns the tool of that name.
func Named(name string) (Tool, error) {
	all := Tools()
	if i := slices.IndexFunc(all, func(t Tool) bool { return t.Name == name }); i >= 0 {
		return all[i], nil
	}
	var names []byte
	for _, t := range all {
		names = fmt.Appendf(names, " %s", t.Name)
	}
	return Tool{}, &episode.Problem{Code: "connect/unknown-tool", Message: "no tool of the name " + name + " can be connected",
		Hint: "one of:" + string(names) + "; of any other tool the history is read where it lies"}
}

// Here reports whether the tool seems to be on this machine.
func (t Tool) Here(o *Options) bool {
	if t.Name == "copilot" && len(editors(o)) > 0 {
		return true
	}
	return isDir(t.home(o))
}

// Plan is what is to be done for one tool.
type Plan struct {
	Tool    Tool
	Changes []Change
	// Problems are what is left out because something of the person's is in the way.
	Problems []*episode.Problem
	// Notes are what the person should know, or has to do by hand.
	Notes []string

	manifest *manifest
}

// Change is one file that is to be written or removed.
type Change struct {
	Path          string
	Before, After []byte
	// Create and Remove say that the file is not there before, or not after.
	Create, Remove bool

	back  bool // ours goes out, and nothing comes in
	mode  uint32
	entry entry  // of the manifest, once it is applied
	base  []byte // the file without anything of ours: what to give back
}

// Plan works out what connecting the tool changes.
func (t Tool) Plan(o Options) (*Plan, error) {
	m, err := readManifest(o.Dir)
	if err != nil {
		return nil, err
	}
	p := newPlanner(t, &o, m)
	t.set(p)
	if p.err != nil || !m.connected(t.Name) || len(p.plan.Changes)+len(p.plan.Problems) == 0 && !p.stale() {
		return p.plan, p.err
	}
	// Something is not as it was connected: what was written then is taken out first, so that nothing of it stays behind.
	p = newPlanner(t, &o, m)
	p.anew = true
	if t.set(p); p.err != nil {
		return nil, p.err
	}
	for _, e := range m.Tools[t.Name] {
		if _, seen := p.wanted[e.Path]; !seen {
			if err := p.plan.giveBack(e); err != nil {
				return nil, err
			}
		}
	}
	return p.plan, nil
}

// Undo works out what gives the person's settings back.
func (t Tool) Undo(o Options) (*Plan, error) {
	m, err := readManifest(o.Dir)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Tool: t, manifest: m}
	for _, e := range m.Tools[t.Name] {
		if err := plan.giveBack(e); err != nil {
			return nil, err
		}
	}
	return plan, nil
}

// giveBack plans that what was put into a file goes out of it.
func (p *Plan) giveBack(e entry) error {
	current, mode, exists, err := load(e.Path)
	if err != nil {
		return err
	}
	c := Change{Path: e.Path, back: true, mode: mode, entry: e, Remove: true, Create: true} // gone already: forget it
	if exists {
		base, there, left := p.manifest.without(e, current)
		for _, l := range left {
			p.Notes = append(p.Notes, fmt.Sprintf("%s: %s has been changed since; it stays", e.Path, cmp.Or(l, "it")))
		}
		c.Before, c.After, c.Create, c.Remove = current, base, false, !there
	}
	p.Changes = append(p.Changes, c)
	return nil
}
