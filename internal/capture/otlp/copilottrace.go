// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"bytes"
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// session is the chat that an event is of. What an agent has another do is of the chat that the agent is in. The editor
// gives a request to a model the request's own id for a conversation: that is no chat.
func (t copilot) session(ev *event) string {
	if s := ev.str("copilot_chat.parent_chat_session_id"); s != "" {
		return s
	}
	return t.chat(ev)
}

func (copilot) chat(ev *event) string {
	if s := ev.str("copilot_chat.chat_session_id", "copilot_chat.session_id", "conversation_id", "session.id"); s != "" {
		return s
	}
	s := ev.str("gen_ai.conversation.id")
	if s == ev.str("gen_ai.response.id") || s == ev.str("copilot_chat.server_request_id") {
		return ""
	}
	return s
}

// trajectory adds what the spans tell as plain GenAI, and what they tell beyond it.
func (t copilot) trajectory(ev *event, p *part) bool {
	operation, session := ev.str("gen_ai.operation.name"), t.session(ev)
	p.session, p.native = session, cmp.Or(ev.trace, session)
	switch {
	case !ev.isBelow() && operation != "invoke_agent" && t.chat(ev) == "":
		return false // the editor asks for a title, for words to show while it works: no person asked for that
	case operation == "execute_hook":
		return ev.on == nil && t.hook(ev, p)
	case ev.on != nil: // the span has told all but this
		return t.message(ev, p)
	case !ev.isSpan && operation == "chat": // the request's span tells the same, and has an id of its own
		return false
	}
	told := genAI{typed: typed, bySpan: true}.tell(ev, p)
	p.session = session
	p.key("prompt", ev.str("github.copilot.interaction_id")) // the command line tool's history has it too
	if p.native = cmp.Or(p.native, session); p.native == "" {
		return false
	}
	p.e.Repository = ev.str("copilot_chat.repo.remote_url", "github.copilot.git.repository")
	if said := ev.str("copilot_chat.user_request"); said != "" {
		p.asked(typed(said))
		told = true
	}
	if rules := ev.str("copilot_chat.prompt_instructions"); rules != "" {
		p.e.Artifacts = append(p.e.Artifacts, capture.Artifact(episode.ArtifactRules, "instructions", rules))
		told = true
	}
	if think := ev.str("copilot_chat.reasoning_content"); think != "" {
		for i := range p.e.Steps {
			if st := &p.e.Steps[i]; st.Source == episode.SourceAgent {
				st.Reasoning = think
				st.Truncated = capture.Clip(&st.Reasoning) || st.Truncated
				break
			}
		}
	}
	if operation == "execute_tool" {
		t.parameters(ev, p)
	}
	return told
}

// message adds the person's words, where an event on a span has them.
func (copilot) message(ev *event, p *part) bool {
	said := text(ev.attrs, "content")
	if ev.name() != "user_message" || said == "" {
		return false
	}
	p.asked(typed(said))
	return true
}

// parameters adds what the span of a call says that the call would do, and makes a text of the tree that came back.
func (copilot) parameters(ev *event, p *part) {
	const params = "github.copilot.tool.parameters."
	for i := range p.e.Steps {
		for _, r := range results(p.e.Steps[i]) {
			p.e.Steps[i].Observation.Results = []episode.Result{{Call: r.Call, Content: rendered(r.Content), Error: r.Error}}
		}
		for _, c := range p.e.Steps[i].ToolCalls {
			s := episode.Suggestion{ID: c.ID, Path: ev.str(params+"file_path", "copilot_chat.file.relative_path")}
			switch ev.str(params + "edit_type") {
			case "create":
				s.Kind = episode.KindFile
			case "insert", "str_replace", "update":
				s.Kind = episode.KindEdit
			}
			if cmd := ev.str(params + "command"); cmd != "" && s.Kind == "" {
				s.Kind, s.After, s.Language = episode.KindCommand, cmd, "shell"
			}
			if s.Kind != "" {
				p.suggest(s)
			}
		}
	}
}

// typed is what a person typed, of a message around which the editor put context and reminders.
func typed(message string) string {
	const open, end = "<userRequest>", "</userRequest>"
	i := strings.LastIndex(message, open)
	if i < 0 {
		return message
	}
	said, _, _ := strings.Cut(message[i+len(open):], end)
	return cmp.Or(strings.TrimSpace(said), message)
}

// rendered is the text of a result that is a tree of nodes, as the editor keeps one; any other is its own text.
func rendered(content string) string {
	if !strings.HasPrefix(content, `{"node":`) {
		return content
	}
	var b strings.Builder
	d := jsontext.NewDecoder(bytes.NewReader([]byte(content)), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	named := false
	for {
		tok, err := d.ReadToken()
		if err != nil {
			break
		}
		if named && tok.Kind() == '"' {
			b.WriteString(tok.String())
			named = false
			continue
		}
		kind, n := d.StackIndex(d.StackDepth())
		named = kind == '{' && n%2 == 1 && tok.Kind() == '"' && tok.String() == "text"
	}
	return cmp.Or(b.String(), content)
}

// hookInput is what a hook is given before a tool runs.
type hookInput struct {
	ToolName  lax.String     `json:"tool_name"`
	ToolInput jsontext.Value `json:"tool_input"`
	ToolUseID lax.String     `json:"tool_use_id"`
}

// hookOutput is what a hook may answer, in one of two forms.
type hookOutput struct {
	Decision lax.String `json:"decision"`
	Reason   lax.String `json:"reason"`
	Specific lax.Object[struct {
		Decision lax.String `json:"permissionDecision"`
		Reason   lax.String `json:"permissionDecisionReason"`
	}] `json:"hookSpecificOutput"`
}

// hook adds what a hook decided on a call, before the tool ran. One that ends with an error stops the call, and says why;
// an error that does not stop it has another name.
func (copilot) hook(ev *event, p *part) bool {
	var in hookInput
	if plainly(ev.str("copilot_chat.hook_type", "github.copilot.hook.type")) != "pretooluse" || !lax.Decode([]byte(ev.str("copilot_chat.hook_input")), &in) {
		return false
	}
	id, _, _ := strings.Cut(string(in.ToolUseID), "__vscode-") // the editor makes the model's id its own
	var out hookOutput
	lax.Decode([]byte(ev.str("copilot_chat.hook_output")), &out)
	d := episode.Decision{Suggestion: id, By: episode.ByHook, Reason: string(cmp.Or(out.Specific.V.Reason, out.Reason))}
	switch word := string(cmp.Or(out.Specific.V.Decision, out.Decision)); {
	case ev.str("copilot_chat.hook_result_kind") == "error":
		d.Verdict, d.Reason = episode.Rejected, ev.note
	case word == "deny", word == "block", ev.str("github.copilot.hook.decision") == "block":
		d.Verdict = episode.Rejected
	case word == "allow", word == "approve", ev.str("github.copilot.hook.decision") == "approve":
		d.Verdict, d.Reason = episode.Accepted, ""
	}
	s := Suggestion(id, string(in.ToolName), string(in.ToolInput))
	if id == "" || d.Verdict == "" || d.Verdict == episode.Accepted && s.Kind == "" {
		return false
	}
	p.key("call", id)
	st, _ := p.step(episode.SourceSystem, "")
	p.suggest(itself(s, string(in.ToolName)))
	st.Source = p.decide(d)
	return true
}
