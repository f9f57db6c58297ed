// SPDX-License-Identifier: Apache-2.0

// Package tools lists the coding tools whose histories Headrace reads, and finds those of this machine.
//
// To add a tool, write a package beside this one that implements capture.Source, and add a line to [All]. Nothing
// registers itself. [Find] looks where each says that it keeps its histories; [Table] is what all of them tell.
package tools

import (
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/acp"
	"github.com/headrace/headrace/internal/capture/agenttrace"
	"github.com/headrace/headrace/internal/capture/aider"
	"github.com/headrace/headrace/internal/capture/amazonq"
	"github.com/headrace/headrace/internal/capture/amp"
	"github.com/headrace/headrace/internal/capture/antigravity"
	"github.com/headrace/headrace/internal/capture/atif"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/cline"
	"github.com/headrace/headrace/internal/capture/codex"
	"github.com/headrace/headrace/internal/capture/continuedev"
	"github.com/headrace/headrace/internal/capture/copilotchat"
	"github.com/headrace/headrace/internal/capture/copilotcli"
	"github.com/headrace/headrace/internal/capture/copilototel"
	"github.com/headrace/headrace/internal/capture/cursor"
	"github.com/headrace/headrace/internal/capture/droid"
	"github.com/headrace/headrace/internal/capture/entire"
	"github.com/headrace/headrace/internal/capture/geminicli"
	"github.com/headrace/headrace/internal/capture/gitai"
	"github.com/headrace/headrace/internal/capture/grok"
	"github.com/headrace/headrace/internal/capture/kiro"
	"github.com/headrace/headrace/internal/capture/native"
	"github.com/headrace/headrace/internal/capture/opencode"
	"github.com/headrace/headrace/internal/capture/openhands"
	"github.com/headrace/headrace/internal/capture/pi"
	"github.com/headrace/headrace/internal/capture/poolside"
	"github.com/headrace/headrace/internal/capture/specstory"
	"github.com/headrace/headrace/internal/capture/sweagent"
	"github.com/headrace/headrace/internal/capture/windsurf"
)

// All returns every source, in the order in which they are asked whether a file is theirs.
func All() []capture.Source {
	return []capture.Source{
		native.Source{},
		claudecode.Source{},
		copilotchat.Source{},
		copilotcli.Source{},
		copilototel.Source{},
		codex.Source{},
		geminicli.Source{},
		antigravity.Source{},
		grok.Source{},
		acp.Source{},
		poolside.Source{},
		cursor.Source{},
		windsurf.Source{},
		opencode.Source{},
		droid.Source{},
		amp.Source{},
		pi.Source{},
		cline.Source{},
		continuedev.Source{},
		openhands.Source{},
		sweagent.Source{},
		atif.Source{},
		agenttrace.Source{},
		gitai.Source{},
		entire.Source{},
		amazonq.Source{},
		kiro.Source{},
		specstory.Source{}, // before aider, whose own marks may be quoted in it
		aider.Source{},
	}
}

// Named returns the source with that name alone, or nil.
func Named(name string) []capture.Source {
	for _, s := range All() {
		if s.Name() == name {
			return []capture.Source{s}
		}
	}
	return nil
}
