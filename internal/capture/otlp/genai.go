// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// genAI is any program that follows the conventions of OpenTelemetry for generative AI, and the part of it that tools of
// other dialects speak: requests to a model, tool calls, evaluations. The conventions have no word for what a person
// decided. An episode is what has one trace, because a conversation goes on over many prompts.
type genAI struct {
	typed  func(message string) string // what a person typed of a message; nil where that is all of it
	bySpan bool                        // ids of responses are those of more than one request
}

func (genAI) tool() string { return "opentelemetry" }

func (genAI) speaks(ev *event) bool {
	if _, ok := ev.named("gen_ai."); ok {
		return true
	}
	return ev.str("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system") != ""
}

func (t genAI) tell(ev *event, p *part) bool {
	call := ev.str("gen_ai.tool.call.id", "gen_ai.tool.call_id")
	session, response := ev.str("gen_ai.conversation.id", "session.id"), ev.str("gen_ai.response.id")
	p.of(session, "", call)
	if ev.trace != "" {
		p.native = ev.trace
	} else if session == "" {
		p.native = cmp.Or(response, p.native)
	}
	p.key("response", response)
	if name, ok := ev.named("gen_ai.evaluation."); ok && name == "result" {
		return t.evaluation(ev, p)
	}
	operation := ev.str("gen_ai.operation.name")
	if operation == "" && ev.isSpan {
		operation, _, _ = strings.Cut(ev.name(), " ")
	}
	switch operation {
	case "chat", "generate_content", "text_completion":
		t.request(ev, p, response)
	case "execute_tool":
		t.call(ev, p, cmp.Or(call, ev.span, p.madeUp()))
	case "invoke_agent": // its output and its cost are those of the requests below it
		return t.said(ev, p)
	default:
		return false
	}
	return true
}

// said adds what the person said last. Each request of a trace repeats it.
func (t genAI) said(ev *event, p *part) bool {
	in := messages(ev.str("gen_ai.input.messages"))
	for i := len(in) - 1; i >= 0; i-- {
		if said := in[i].texts("text"); in[i].Role == "user" && said != "" {
			if t.typed != nil {
				said = t.typed(said)
			}
			p.asked(said)
			return true
		}
	}
	return false
}

// message is one of gen_ai.input.messages and gen_ai.output.messages.
type message struct {
	Role  lax.String       `json:"role"`
	Parts lax.List[inside] `json:"parts"`
}

type inside struct {
	Type      lax.String     `json:"type"`
	Content   lax.String     `json:"content"`
	ID        lax.String     `json:"id"`
	Name      lax.String     `json:"name"`
	Arguments jsontext.Value `json:"arguments"`
}

// messages reads a list of messages, given as JSON in a string or as a value.
func messages(list string) []message {
	var in struct {
		M lax.List[message] `json:"m"`
	}
	lax.Decode([]byte(`{"m":`+list+`}`), &in)
	return in.M.V
}

// texts is what the parts of a type say.
func (m *message) texts(kind string) string {
	var b strings.Builder
	for _, p := range m.Parts.V {
		if string(p.Type) == kind {
			b.WriteString(string(p.Content))
		}
	}
	return b.String()
}

// request adds a request to a model: what the person said last, what came of it, what it cost. The span and the event with
// its details are of the same request.
func (t genAI) request(ev *event, p *part, response string) {
	of := cmp.Or(response, ev.span)
	if t.bySpan {
		of = ev.span
	}
	t.said(ev, p)
	st, m := p.step(episode.SourceAgent, "")
	for _, out := range messages(ev.str("gen_ai.output.messages")) {
		st.Message += out.texts("text")
		st.Reasoning += out.texts("reasoning")
		for _, c := range out.Parts.V {
			if c.Type != "tool_call" {
				continue
			}
			args, cut := capture.Arguments(unquoted(c.Arguments))
			st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(c.ID), Name: string(c.Name), Arguments: args})
			st.Truncated = st.Truncated || cut
		}
	}
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || st.Truncated
	if of != "" {
		m.Same, m.Cost = "request:"+of, of
	}
	m.Provider, m.Model = provider(ev), ev.str("gen_ai.response.model", "gen_ai.request.model")
	tokens(ev, m)
}

// unquoted is the value in a JSON string, or the value itself.
func unquoted(v jsontext.Value) jsontext.Value {
	if len(v) > 0 && v[0] == '"' {
		if s, err := jsontext.AppendUnquote(nil, v); err == nil && jsontext.Value(s).IsValid() {
			return s
		}
	}
	return v
}

// provider is the maker of the model by our names; empty where the model's name tells it better.
func provider(ev *event) string {
	switch p := ev.str("gen_ai.provider.name", "gen_ai.system"); {
	case strings.HasPrefix(p, "gcp."), p == "gemini", p == "vertex_ai":
		return "google"
	case p == "x_ai":
		return "xai"
	case p == "mistral_ai":
		return "mistral"
	case p == "openai", p == "anthropic", p == "cohere", p == "deepseek", p == "mistral", p == "google", p == "xai":
		return p
	}
	return "" // a service that resells others' models
}

// call adds a tool call and what came back. The request that wanted it and the span that ran it tell of the same call.
func (genAI) call(ev *event, p *part, id string) {
	tool, args := ev.str("gen_ai.tool.name"), ev.str("gen_ai.tool.call.arguments")
	st, m := p.called(id, tool, args)
	m.Same = "call:" + id
	failed := ev.failed || ev.str("error.type") != ""
	p.returned(st, id, ev.str("gen_ai.tool.call.result"), failed)
	if s := Suggestion(id, tool, args); s.Kind != "" {
		p.suggest(s)
		if !failed {
			p.decide(episode.Decision{Suggestion: id, Verdict: episode.Accepted, By: episode.ByUnknown})
		}
	}
}

// evaluation adds a judgement. Who made it is not said: by its name, a metric of that name.
func (genAI) evaluation(ev *event, p *part) bool {
	r := episode.Rating{By: cmp.Or(ev.str("gen_ai.evaluation.name"), "unknown"), Value: float64(ev.num("gen_ai.evaluation.score.value")), Comment: ev.str("gen_ai.evaluation.explanation")}
	switch label := ev.str("gen_ai.evaluation.score.label"); {
	case ev.str("gen_ai.evaluation.score.value") != "" && r.Value >= 0 && r.Value <= 1:
		r.Scale = "unit"
	case ev.str("gen_ai.evaluation.score.value") != "":
		r.Scale = "score"
	case label == "pass" || label == "passed" || label == "true":
		r.Scale, r.Value = "binary", 1
	case label == "fail" || label == "failed" || label == "false":
		r.Scale = "binary"
	default:
		return false
	}
	p.rate(r)
	return true
}

func (genAI) measure(metric string, ev *event) string {
	if metric == "gen_ai.client.token.usage" {
		return tokensOf(ev.str("gen_ai.token.type"))
	}
	return ""
}
