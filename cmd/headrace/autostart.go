// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
)

// autostart is the file that starts the agent with a person's session, and what is in it. No system needs more rights for
// it than the person has.
func autostart(home, program, dir string) (path, content string) {
	switch runtime.GOOS {
	case "darwin": // launchd.plist(5)
		xml := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
		return filepath.Join(home, "Library", "LaunchAgents", "com.github.headrace.agent.plist"), fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>Label</key><string>com.github.headrace.agent</string>
<key>ProgramArguments</key><array><string>%s</string><string>agent</string><string>--dir</string><string>%s</string></array>
<key>RunAtLoad</key><true/><key>KeepAlive</key><true/>
</dict></plist>
`, xml.Replace(program), xml.Replace(dir))
	case "windows":
		return filepath.Join(home, "AppData", "Roaming", "Microsoft", "Windows", "Start Menu", "Programs", "Startup", "headrace-agent.cmd"),
			fmt.Sprintf("@start \"\" /b \"%s\" agent --dir \"%s\"\r\n", program, dir)
	}
	// Desktop Application Autostart Specification; with systemd, the session's generator makes a unit of it.
	return filepath.Join(home, ".config", "autostart", "headrace-agent.desktop"), fmt.Sprintf(`[Desktop Entry]
Type=Application
Name=Headrace agent
Comment=Records what coding tools suggest and what becomes of it
Exec=%s agent --dir %s
NoDisplay=true
`, quoteExec(program), quoteExec(dir))
}

// quoteExec quotes an argument of an Exec line (Desktop Entry Specification, "The Exec key").
func quoteExec(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\\\`, `"`, `\\"`, "`", "\\\\`", `$`, `\\$`, `%`, `%%`).Replace(s) + `"`
}
