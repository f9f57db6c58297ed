// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"path/filepath"
)

// opencodePlugin passes on what OpenCode asks for and what the person answers, which it tells nobody else and keeps nowhere.
// It waits for nothing, and what goes wrong with it is no matter of OpenCode's.
const opencodePlugin = `// headrace connect put this here; headrace connect opencode --undo takes it out
import { spawn } from "node:child_process"

const hook = @HOOK@

export const Headrace = async () => ({
  event: async ({ event }) => {
    if (!event.type.startsWith("permission.")) return
    try {
      const to = spawn(hook[0], hook.slice(1), { stdio: ["pipe", "ignore", "ignore"] })
      to.on("error", () => {})
      to.stdin.on("error", () => {})
      to.stdin.end(JSON.stringify(event))
    } catch {}
  },
})
`

// opencode loads each script in its folder of plugins. Its history holds all else.
func opencode(p *planner) {
	if !p.withContent("its permissions") {
		return
	}
	words := append(append([]string{}, p.o.Hook...), p.tool.Name)
	p.whole(filepath.Join(p.home(), "plugins", "headrace.js"), 0o600, bytes.Replace([]byte(opencodePlugin), []byte("@HOOK@"), value(words), 1))
	p.note("OpenCode loads its plugins when it starts")
}
