// SPDX-License-Identifier: Apache-2.0

package otlp

import "github.com/headrace/headrace/episode"

const kiroPrefix = "kiro."

// kiro is Kiro: ids, counts and timings, no text, no decision. Its service tells of messages and its clients of tool calls,
// up to 45 minutes late, and either may tell again: what has the same id is the same.
type kiro struct{}

func (kiro) tool() string { return "kiro" }

func (kiro) speaks(ev *event) bool {
	_, ok := ev.named(kiroPrefix)
	return ok
}

func (kiro) tell(ev *event, p *part) bool {
	name, _ := ev.named(kiroPrefix)
	session := ev.str("conversation_id", "conversationId", "conversation.id", "kiro.conversation.id", "session_id", "session.id", "kiro.session.id")
	message := ev.str("message_id", "messageId", "message.id", "kiro.message.id", "utterance_id")
	call := ev.str("tool_use_id", "toolUseId", "tool_call_id", "tool.call.id", "kiro.tool.call.id", "call_id")
	switch name {
	case "chat.message":
		p.of(session, message, "")
		_, m := p.step(episode.SourceSystem, "")
		m.Model = ev.str("model", "model_id", "modelId", "model.id", "kiro.model.id")
		tokens(ev, m)
		if p.key("message", message); message != "" {
			m.Same, m.Cost = "message:"+message, "message:"+message
		}
	case "tool.call":
		p.of(session, message, call)
		id := cmpID(call, p)
		st, m := p.called(id, ev.str("tool_name", "toolName", "tool.name", "kiro.tool.name"), "")
		if ev.str("success", "status") != "" {
			p.returned(st, id, "", !ev.is("success") && plainly(ev.str("status")) != "success")
		}
		if call != "" {
			m.Same = "call:" + call
		}
	default:
		p.of(session, message, "")
		return false
	}
	return true
}

func (kiro) measure(string, *event) string { return "" }
