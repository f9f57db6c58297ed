// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"strings"
)

// hookSeconds is how long a tool should wait for the hook; it answers in milliseconds, and after 4 seconds at the latest.
const hookSeconds = 5

// A hook entry, in the form that Claude Code made and most others took over.
type (
	group struct {
		Matcher string    `json:"matcher,omitzero"`
		Hooks   []command `json:"hooks"`
	}
	command struct {
		Type    string `json:"type"`
		Command string `json:"command"`
		Name    string `json:"name,omitzero"`
		Timeout int    `json:"timeout"`
	}
)

// command is the line that runs the hook program for an event of the tool, for a shell.
func (p *planner) command(event string) string { return commandLine(p.o.Hook, p.tool.Name, event) }

func commandLine(hook []string, tool, event string) string {
	words := append(append([]string{}, hook...), tool)
	if event != "" {
		words = append(words, event)
	}
	for i, w := range words {
		words[i] = shellWord(w)
	}
	return strings.Join(words, " ")
}

// shellWord quotes a word for a POSIX shell, where it has to be.
func shellWord(w string) string {
	safe := w != ""
	for _, r := range w {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("/._-+:=@%,", r):
		default:
			safe = false
		}
	}
	if safe {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// groups adds a hook for each of the events to the object "hooks" of the file.
func (d *draft) groups(p *planner, events ...string) {
	for _, ev := range events {
		d.element(group{Hooks: []command{{Type: "command", Command: p.command(ev), Timeout: hookSeconds}}}, "hooks", ev)
	}
}

// ours is a file in a folder of hooks that is all ours.
func (p *planner) ours(path string, content any) {
	p.whole(path, 0o600, append(pretty(content), '\n'))
}

// withContent reports whether hooks are wanted: they carry prompts and code, and there is no switch for that in them.
func (p *planner) withContent(what string) bool {
	if p.o.NoContent {
		p.note("without content nothing is set up of %s: it carries prompts and code, whatever is set", what)
	}
	return !p.o.NoContent
}
