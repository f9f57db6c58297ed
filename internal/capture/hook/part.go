// SPDX-License-Identifier: Apache-2.0

package hook

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/cline"
	"github.com/headrace/headrace/internal/capture/codex"
	"github.com/headrace/headrace/internal/capture/cursor"
	"github.com/headrace/headrace/internal/capture/geminicli"
)

// part is one event on its way to become part of an episode.
type part struct {
	ev   *event
	e    *episode.Episode
	step episode.Step
	mark mark
}

// fill fills in what the event tells; false where it tells nothing of what a person asked. What is passed over is told by
// another event, with more: a shell command before and after it by the tool use that it is.
func (p *part) fill() bool {
	switch p.ev.name {
	case "userpromptsubmit", "userpromptsubmitted", "beforesubmitprompt", "beforeagent":
		return p.prompt()
	case "pretooluse", "beforetool":
		return p.call(before)
	case "posttooluse", "aftertool":
		return p.call(after)
	case "posttoolusefailure":
		return p.call(failed)
	case "permissiondenied":
		return p.call(denied)
	case "permission.asked", "permission.updated":
		return p.asked()
	case "permission.replied":
		p.mark.Key, p.mark.Reply = p.ev.turn, p.ev.str("reply", "response")
		p.step.Message = p.ev.str("message")
		p.step.Truncated = capture.Clip(&p.step.Message)
		return p.mark.Key != "" && p.mark.Reply != ""
	case "afterfileedit":
		return p.edit(episode.KindEdit, episode.ByUnknown) // applied, and reviewed later or never
	case "aftertabfileedit":
		p.e.Tool.Surface = episode.SurfaceCompletion
		return p.edit(episode.KindCompletion, episode.ByPerson) // comes when somebody pressed Tab
	case "afteragentthought":
		p.step.Source, p.step.Reasoning = episode.SourceAgent, p.ev.str("text")
		p.step.Truncated = capture.Clip(&p.step.Reasoning)
		p.mark.Key = hash(p.step.Reasoning)
		return p.step.Reasoning != ""
	case "stop", "agentstop", "afteragent", "afteragentresponse", "agentturncomplete", "stopcancelled", "interrupt", "taskcancel":
		return p.answer()
	case "instructionsloaded":
		return p.artifact(p.ev.str("filepath"), p.ev.str("content"))
	case "beforereadfile": // a rule that is in force, and its text
		for _, a := range list(p.ev.raw["attachments"]) {
			if path := first(a, "filepath"); first(a, "type") == "rule" && path == p.ev.str("filepath") {
				return p.artifact(path, p.ev.str("content"))
			}
		}
	}
	return false
}

func (p *part) prompt() bool {
	text := p.ev.str("prompt")
	p.step.Source = episode.SourceUser
	p.step.Truncated = capture.Clip(&text)
	p.step.Message, p.e.Instruction = text, text
	p.mark.Key = hash(text)
	for _, a := range list(p.ev.raw["attachments"]) { // without its text a rule has no digest, and is not in the record
		if first(a, "type") == "rule" {
			p.artifact(first(a, "filepath"), first(a, "content", "text"))
		}
	}
	return text != ""
}

// artifact adds a rule whose text is there.
func (p *part) artifact(path, content string) bool {
	if content == "" {
		return false
	}
	p.e.Artifacts = append(p.e.Artifacts, capture.Artifact(episode.ArtifactRules, path, content))
	if p.mark.Key == "" {
		p.mark.Key = hash(path, content)
	}
	return true
}

// answer is the end of a turn: what the agent said, or that a person stopped it.
func (p *part) answer() bool {
	ev := p.ev
	text := ev.str("lastassistantmessage", "promptresponse", "text")
	p.step.Source = episode.SourceAgent
	p.step.Truncated = capture.Clip(&text)
	p.step.Message = text
	p.mark.Key = hash(text)
	if said := strings.Join(texts(ev.raw["inputmessages"]), "\n"); said != "" {
		if ev.tool == codex.Name && codex.Own(said) {
			return false
		}
		capture.Clip(&said)
		p.e.Instruction = said
	} else if ev.name == "afteragent" {
		p.e.Instruction = ev.str("prompt")
		capture.Clip(&p.e.Instruction)
	}
	if !stopped(ev) {
		return text != ""
	}
	id := "answer-" + p.e.ID
	p.mark.Call = id
	p.e.Suggestions = []episode.Suggestion{{ID: id, Kind: episode.KindAnswer, After: text, ShownAt: ev.at, Truncated: p.step.Truncated}}
	p.decide(id, episode.Cancelled, episode.ByPerson, "")
	return true
}

// stopped reports whether the tool says that its user stopped it. Other ways to end are no decision.
func stopped(ev *event) bool {
	switch ev.name {
	case "stop":
		return ev.tool == cursor.Name && ev.str("status") == "aborted"
	case "interrupt":
		return true
	case "taskcancel":
		return ev.tool == cline.Name
	case "stopcancelled":
		switch ev.str("reason") {
		case "user_interrupt", "permission_rejected", "permission_cancelled":
			return true
		}
	}
	return false
}

func (p *part) decide(suggestion string, v episode.Verdict, by episode.By, reason string) {
	capture.Clip(&reason)
	p.e.Decisions = []episode.Decision{{Suggestion: suggestion, Verdict: v, By: by, At: p.ev.at, Reason: reason}}
}

// edit is a change that Cursor has made to a file; it has no id of its own.
func (p *part) edit(kind episode.SuggestionKind, by episode.By) bool {
	sg := episode.Suggestion{Kind: kind, Path: p.ev.str("filepath"), ShownAt: p.ev.at}
	var olds, news, where []string
	for _, e := range list(p.ev.raw["edits"]) {
		olds, news, where = append(olds, first(e, "oldstring")), append(news, first(e, "newstring")), append(where, first(e, "oldline"))
	}
	if len(news) == 0 {
		return false
	}
	sg.Before, sg.After = strings.Join(olds, "\n"), strings.Join(news, "\n")
	sg.ID = made + hash(append(append(append(where, sg.Path), olds...), news...)...)
	if kind == episode.KindCompletion { // each is something of its own: nobody asked for it
		sg.ID = made + hash(sg.ID, p.ev.at.Format(time.RFC3339Nano))
		p.e.ID = episode.NewID(p.ev.tool, p.ev.session+"\x00"+sg.ID)
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	p.step.Source = episode.SourceAgent
	p.mark.Key, p.mark.Call = sg.ID, sg.ID
	p.e.Suggestions = []episode.Suggestion{sg}
	p.decide(sg.ID, episode.Accepted, by, "")
	return true
}

// made begins an id that is not the tool's own: no other source knows it.
const made = "hook-"

// hash names a thing by what it says.
func hash(parts ...string) string {
	h := sha256.New()
	for _, s := range parts {
		h.Write([]byte(s))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// toldElsewhere reports whether a call without an id is left to the tool's other sources: they tell the same call with a
// name of its own, or with who decided, and nothing would show that it is the same.
func toldElsewhere(tool string) bool {
	return tool == geminicli.Name || tool == copilotCLI || tool == copilotChat || tool == cline.Name
}

// toldWhole reports whether the tool's history tells all that an event does, and which prompt it is of, which the event does
// not: it could be joined to none of them.
func toldWhole(e *episode.Episode) bool {
	return (e.Tool.Name == geminicli.Name || e.Tool.Name == copilotCLI) && read(&e.Steps[0]).Turn == ""
}

// byWhom is who refused, where it is the tool that says so. In Claude Code the event comes from a model that decides in
// the place of a person, and from nothing else.
func byWhom(ev *event) episode.By {
	if ev.tool == claudecode.Name {
		return episode.ByModel
	}
	switch ev.str("reason") {
	case "config", "rule", "policy":
		return episode.ByRule
	case "hook":
		return episode.ByHook
	}
	return episode.ByUnknown
}
