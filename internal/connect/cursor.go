// SPDX-License-Identifier: Apache-2.0

package connect

import "path/filepath"

// cursorEvents are those that are told after the fact, but for the prompt. A hook that is asked beforehand must answer
// for what it lets through, and ours does not decide.
func cursorEvents() []string {
	return []string{"sessionStart", "beforeSubmitPrompt", "postToolUse", "postToolUseFailure", "afterFileEdit", "afterTabFileEdit", "afterAgentResponse", "stop", "sessionEnd"}
}

type cursorHook struct {
	Command string `json:"command"`
	Timeout int    `json:"timeout"`
}

func cursor(p *planner) {
	if !p.withContent("its hooks, which are all that it has on this machine") {
		return
	}
	p.edit(filepath.Join(p.home(), "hooks.json"), func(d *draft) {
		if !d.member(1, "version") {
			if d.err == nil {
				p.clash("version", d.path+" is of another version than 1", "enter the hook by hand: "+p.command("EVENT"))
			}
			return
		}
		for _, ev := range cursorEvents() {
			d.element(cursorHook{p.command(ev), hookSeconds}, "hooks", ev)
		}
	})
	p.note("Cursor says nowhere on this machine who rejected a change: the edge can ask its team statistics for the totals")
}
