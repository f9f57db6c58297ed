// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/geminicli"
	"github.com/headrace/headrace/internal/capture/lax"
)

const geminiPrefix = "gemini_cli."

// gemini is Gemini CLI. One event tells of a call, of the answer in the dialog and of what came of it; it alone sizes what
// a person changed in a proposal. It names the prompt but not the call: the response that asked for it does, see [Named].
// What it sends as plain GenAI, and as spans, tells the same again. Prompts and arguments are sent by default.
type gemini struct{}

func (gemini) tool() string { return geminicli.Name }

func (gemini) speaks(ev *event) bool {
	_, ok := ev.named(geminiPrefix)
	return ok || ev.service() == "gemini-cli"
}

func (t gemini) tell(ev *event, p *part) bool {
	name, own := ev.named(geminiPrefix)
	p.of(ev.str("session.id"), ev.str("prompt_id"), "")
	if !own || ev.isSpan || ev.on != nil {
		return false
	}
	p.e.Tool.Version = "" // service.version is that of Node.js
	switch name {
	case "user_prompt":
		p.said(ev.str("prompt"))
	case "tool_call":
		t.call(ev, p)
	case "api_response":
		own := !strings.HasPrefix(ev.str("role"), "utility_") // not to choose a model, or for a summary
		if !own && !strings.HasPrefix(ev.str("prompt_id"), ev.str("session.id")) {
			return false // nor of any prompt
		}
		m := t.response(ev, p, own)
		m.Auxiliary = !own
		m.Provider, m.Model = "google", ev.str("model")
		cached := ev.num("cached_content_token_count").Int() // counted as input too
		m.InputTokens, m.CacheReadTokens = max(0, ev.num("input_token_count").Int()-cached), cached
		m.OutputTokens = ev.num("output_token_count").Int() + ev.num("thoughts_token_count").Int()
	default:
		return false
	}
	return true
}

// geminiResponse is a response of the model's as its JSON has it: one, or a list of pieces.
type geminiResponse struct {
	Candidates lax.List[struct {
		Content lax.Object[struct {
			Parts lax.List[struct {
				Text lax.String `json:"text"`
				Call lax.Object[struct {
					ID   lax.String     `json:"id"`
					Name lax.String     `json:"name"`
					Args jsontext.Value `json:"args"`
				}] `json:"functionCall"`
			}] `json:"parts"`
		}] `json:"content"`
	}] `json:"candidates"`
}

// response adds what the model said, and the calls that it asked for.
func (gemini) response(ev *event, p *part, own bool) *mark {
	raw := ev.str("response_text")
	var in struct {
		R lax.List[geminiResponse] `json:"r"`
	}
	if strings.HasPrefix(raw, "{") {
		raw = "[" + raw + "]"
	}
	if !own || !lax.Decode([]byte(`{"r":`+raw+`}`), &in) {
		_, m := p.step(episode.SourceAgent, "")
		return m
	}
	var text strings.Builder
	var calls []episode.ToolCall
	for _, r := range in.R.V {
		for _, c := range r.Candidates.V {
			for _, part := range c.Content.V.Parts.V {
				text.WriteString(string(part.Text))
				if call := &part.Call.V; call.ID != "" {
					args, _ := capture.Arguments(call.Args)
					calls = append(calls, episode.ToolCall{ID: string(call.ID), Name: string(call.Name), Arguments: args})
					p.key("call", string(call.ID))
				}
			}
		}
	}
	st, m := p.step(episode.SourceAgent, text.String())
	st.ToolCalls = calls
	return m
}

// changes is the metadata of a call, a JSON string on the wire: how much the model proposed, and how much of it the person
// changed.
type changes struct {
	ModelAdded        lax.Number `json:"model_added_lines"`
	ModelRemoved      lax.Number `json:"model_removed_lines"`
	ModelAddedChars   lax.Number `json:"model_added_chars"`
	ModelRemovedChars lax.Number `json:"model_removed_chars"`
	UserAdded         lax.Number `json:"user_added_lines"`
	UserRemoved       lax.Number `json:"user_removed_lines"`
	UserAddedChars    lax.Number `json:"user_added_chars"`
	UserRemovedChars  lax.Number `json:"user_removed_chars"`
}

func (c *changes) byUser() bool {
	return c.UserAdded > 0 || c.UserRemoved > 0 || c.UserAddedChars > 0 || c.UserRemovedChars > 0
}

// distance is how far the person's text is from the model's, as a share of the longer, by the tool's own counts: a
// character that was replaced is one added and one removed. Nil where they were not sent.
func (c *changes) distance() *float64 {
	model, added, removed := c.ModelAddedChars.Int(), c.UserAddedChars.Int(), c.UserRemovedChars.Int()
	longer := max(model, model-removed+added)
	if longer <= 0 || added+removed == 0 {
		return nil
	}
	d := min(1, float64(max(added, removed))/float64(longer))
	return &d
}

func (t gemini) call(ev *event, p *part) {
	tool, args, id := ev.str("function_name"), ev.str("function_args"), p.madeUp()
	var ch changes
	lax.Decode([]byte(ev.str("metadata")), &ch)
	d := t.decision(ev, &ch)
	st, _ := p.called(id, tool, args)
	failed := !ev.is("success")
	p.returned(st, id, ev.str("error", "error.message"), failed && d.Verdict != episode.Rejected)
	s := Suggestion(id, tool, args)
	switch {
	case s.Kind == "" && d.Verdict != episode.Rejected:
		return // it only looked
	case d.Verdict == episode.Modified:
		d.EditDistance = ch.distance()
		var in struct {
			Modified lax.Bool   `json:"modified_by_user"`
			Proposed lax.String `json:"ai_proposed_content"`
		}
		if lax.Decode([]byte(args), &in); bool(in.Modified) { // then the arguments are what the person made of the proposal
			d.Final, s.After = s.After, string(in.Proposed)
		}
	}
	s = itself(s, tool)
	s.Features = lines(ch.ModelAdded.Int() + ch.ModelRemoved.Int())
	p.suggest(s)
	d.Suggestion = id
	p.decide(d)
}

// decision maps the answer in the dialog. "modify" is a person's. "accept" is too, and is also what the tool says where a
// rule or a mode let the call through and nobody was asked (0.61 does); "auto_accept" comes with "always". "reject" stands
// for every answer that the tool has no word for: where the call was made all the same, the answer was "always, and save".
// No word means that nobody was asked.
func (gemini) decision(ev *event, ch *changes) (d episode.Decision) {
	d.By = episode.ByPerson
	if strings.EqualFold(ev.str("interactive"), "false") {
		d.By = episode.ByUnknown
	}
	success := ev.is("success")
	switch plainly(ev.str("decision")) {
	case "accept":
		if d.Verdict = episode.Accepted; ch.byUser() {
			d.Verdict = episode.Modified
		} else {
			d.By = episode.ByUnknown
		}
	case "modify":
		d.Verdict = episode.Modified
	case "autoaccept":
		d.Verdict, d.By = episode.Accepted, episode.ByUnknown
	case "reject":
		if d.Verdict = episode.Rejected; success {
			d.Verdict = episode.Accepted
		}
	case "":
		switch d.By = episode.ByUnknown; {
		case success:
			d.Verdict = episode.Accepted
		case ev.str("error_type") == "policy_violation":
			d.Verdict, d.By = episode.Rejected, episode.ByRule
		}
	}
	return d
}

func (gemini) measure(metric string, ev *event) string {
	switch strings.TrimPrefix(metric, geminiPrefix) {
	case "tool.call.count":
		return cmp.Or(verdictOf(ev.str("decision")), "tool_calls")
	case "lines.changed":
		return linesOf(ev.str("type"))
	case "token.usage":
		return tokensOf(ev.str("type"))
	case "session.count":
		return "sessions"
	}
	return ""
}
