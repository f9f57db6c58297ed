// SPDX-License-Identifier: Apache-2.0

// Package hook maps what coding tools tell their hooks to episodes, one event at a time. [FromPayload] reads what the
// hook program kept, [Parts] an event whose tool is known, [Merge] joins the parts of one episode.
//
// All tools speak dialects of one language, that of Claude Code: names differ in case, and some put the event into an
// object of its own. So names are compared without case and signs, and one reader serves them all. Whose event it is is
// told by its shape before its label: Grok runs the hooks that are set up for Claude Code and for Cursor as well.
//
// Events come in any order, some twice. Each becomes one step, marked with what it is about; all that depends on several
// events is worked out anew after each merge, as in package otlp. Merging is therefore the same in any order, and again
// is the same as once.
//
// A hook sees what was done, hardly ever who agreed: what a tool carried out is accepted by unknown. That a person said
// no is not told to any hook; telemetry and histories tell it, and are joined by [Keys]. OpenCode alone tells its plugins
// what was answered, and writes it down nowhere.
package hook

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/cline"
	"github.com/headrace/headrace/internal/capture/codex"
	"github.com/headrace/headrace/internal/capture/cursor"
	"github.com/headrace/headrace/internal/capture/geminicli"
	"github.com/headrace/headrace/internal/capture/lax"
)

// The tools that are known by their names only.
const (
	copilot     = "copilot" // as the hook program calls both
	copilotCLI  = "copilot-cli"
	copilotChat = "copilot-chat"
	grok        = "grok"
	kiro        = "kiro"
)

// ErrEvent says that something is not an event that a tool gave its hook.
var ErrEvent = errors.New("not an event of a coding tool")

// FromPayload maps what the hook program kept: a line of JSON that says what it is, then the event.
func FromPayload(payload []byte) ([]*episode.Episode, error) {
	line, event, _ := bytes.Cut(payload, []byte{'\n'})
	var head struct {
		Kind  lax.String `json:"kind"`
		Tool  lax.String `json:"tool"`
		Event lax.String `json:"event"`
		At    lax.Time   `json:"at"`
	}
	if !lax.Decode(line, &head) || head.Kind != "hook" {
		return nil, fmt.Errorf("read what the hook program kept: %w", ErrEvent)
	}
	return Kept(string(head.Tool), string(head.Event), event, head.At.Time)
}

// Kept is Named of an event that came in, but for what the tool's history tells whole.
func Kept(label, name string, raw []byte, at time.Time) ([]*episode.Episode, error) {
	list, err := Named(label, name, raw, at)
	return slices.DeleteFunc(list, toldWhole), err
}

// Parts maps one event of a tool, which came at that time. An event that says nothing of what a person asked gives none.
func Parts(tool string, event []byte, at time.Time) ([]*episode.Episode, error) {
	return Named(tool, "", event, at)
}

// Named is Parts of an event for which the hook was set up under that name; some tools do not say it in the event.
func Named(label, name string, raw []byte, at time.Time) ([]*episode.Episode, error) {
	ev, ok := decode(raw)
	if !ok {
		return nil, fmt.Errorf("read a hook's event of %s: %w", label, ErrEvent)
	}
	ev.tool, ev.name = ev.whose(label), ev.called(name)
	if ev.at = at.UTC(); at.IsZero() {
		ev.at = lax.ParseTime(ev.str("timestamp"))
	}
	ev.session, ev.turn = ev.str("sessionid", "conversationid", "threadid", "taskid"), ev.str("promptid", "generationid", "turnid")
	if strings.HasPrefix(ev.name, "permission.") { // it tells the request, and the prompt only by the call that it is about
		ev.turn = ev.str("requestid", "permissionid", "id")
	}
	e := ev.episode()
	if e == nil {
		return nil, nil
	}
	return []*episode.Episode{combine([]*episode.Episode{e})}, nil
}

// whose tells the tool by what only its events have; else by where its transcript lies; else by the label.
func (ev *event) whose(label string) string {
	snake := ev.has("hook_event_name")
	switch {
	case ev.has("clineVersion") || ev.has("cline_version") || ev.has("hookName") || ev.has("hook_name"):
		return cline.Name
	case ev.has("cursor_version") || ev.has("conversation_id") && ev.has("generation_id"):
		return cursor.Name
	case !snake && ev.has("hookEventName") && (ev.has("workspaceRoot") || ev.has("promptId") || ev.has("toolUseId")):
		return grok
	case !snake && ev.has("hookEventName") && ev.has("sessionId"):
		return copilotChat // as VS Code puts it
	}
	path := strings.ReplaceAll(ev.str("transcriptpath"), `\`, "/")
	for _, home := range [...][2]string{{"/.grok/", grok}, {"/.claude/", claudecode.Name}, {"/.codex/", codex.Name}, {"/.gemini/", geminicli.Name},
		{"/.copilot/", copilotCLI}, {"/.cursor/", cursor.Name}, {"/.kiro/", kiro}} {
		if strings.Contains(path, home[0]) {
			return home[1]
		}
	}
	if label == copilot {
		return copilotCLI
	}
	return cmp.Or(strings.ToValidUTF8(label, "\uFFFD"), "unknown")
}

// called is the event's name, without case and signs. Copilot does not say it: then it is the one that the hook was set
// up for, or told by what there is.
func (ev *event) called(name string) string {
	if own := ev.str("hookeventname", "hookname", "type"); own != "" {
		name = own
	}
	if name = plain(name); name != "" && name != "unknown" {
		return name
	}
	switch {
	case ev.text("toolname") && ev.raw["error"] != nil:
		return "posttoolusefailure"
	case ev.text("toolname") && ev.raw["toolresult"] != nil:
		return "posttooluse"
	case ev.text("toolname"):
		return "pretooluse"
	case ev.text("prompt"):
		return "userpromptsubmitted"
	case ev.text("stopreason"):
		return "agentstop"
	}
	return ""
}

// id is the episode's. Claude Code's telemetry knows a prompt by the same id, so its hooks name the episode alike; and so
// do Grok's, which may come under either name.
func (ev *event) id() string {
	space := ev.tool
	if space == grok {
		space = claudecode.Name
	}
	if ev.turn != "" && space == claudecode.Name {
		return episode.NewID(space, ev.turn)
	}
	if ev.turn != "" {
		return episode.NewID(space, ev.session+"\x00"+ev.turn)
	}
	if space == claudecode.Name { // before prompts had ids, as package otlp has it
		return episode.NewID(space, ev.session)
	}
	return episode.NewID(space, ev.session+"#hooks") // the dialect does not tell prompts apart
}

// episode makes the part of an episode that the event tells; nil where it tells nothing of a prompt.
func (ev *event) episode() *episode.Episode {
	if ev.session == "" && ev.turn == "" && ev.name != "aftertabfileedit" {
		return nil
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            ev.id(),
		StartedAt:     ev.at, EndedAt: ev.at,
		Tool:       episode.Tool{Name: ev.tool, Version: ev.str("cursorversion", "clineversion", "version"), Surface: episode.SurfaceAgent},
		Session:    ev.session,
		Repository: ev.folder(),
	}
	p := part{ev: ev, e: e, step: episode.Step{At: ev.at, Source: episode.SourceSystem}, mark: mark{Event: ev.name, Turn: ev.turn, Model: ev.model()}}
	if !p.fill() {
		return nil
	}
	p.mark.put(&p.step)
	e.Steps = []episode.Step{p.step}
	return e
}
