// SPDX-License-Identifier: Apache-2.0

package qcli

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// conversation is one, as it is stored.
type conversation struct {
	ID        lax.String            `json:"conversation_id"`
	History   history               `json:"history"`
	Model     lax.String            `json:"model"`
	ModelInfo lax.Object[modelInfo] `json:"model_info"`
}

type modelInfo struct {
	ModelID lax.String `json:"model_id"`
}

// history is a list of exchanges.
type history []exchange

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (h *history) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return lax.Each(d, func() error {
		var x exchange
		if err := x.UnmarshalJSONFrom(d); err != nil {
			return err
		}
		*h = append(*h, x)
		return nil
	})
}

// exchange is what went to the model and what came back: an object, in older versions a list of the two.
type exchange struct {
	User      lax.Object[user]
	Assistant lax.Object[assistant]
	Request   lax.Object[request]
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (x *exchange) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '{':
		var o struct {
			User      lax.Object[user]      `json:"user"`
			Assistant lax.Object[assistant] `json:"assistant"`
			Request   lax.Object[request]   `json:"request_metadata"`
		}
		err := json.UnmarshalDecode(d, &o)
		*x = exchange(o)
		return err
	case '[':
		if _, err := d.ReadToken(); err != nil {
			return err
		}
		for i := 0; d.PeekKind() != ']'; i++ {
			var err error
			switch i {
			case 0:
				err = x.User.UnmarshalJSONFrom(d)
			case 1:
				err = x.Assistant.UnmarshalJSONFrom(d)
			default:
				err = d.SkipValue()
			}
			if err != nil {
				return err
			}
		}
		_, err := d.ReadToken()
		return err
	}
	return d.SkipValue()
}

type user struct {
	AdditionalContext lax.String              `json:"additional_context"` // what hooks said
	Env               lax.Object[environment] `json:"env_context"`
	Content           lax.Object[content]     `json:"content"`
	Timestamp         lax.Time                `json:"timestamp"`
}

type environment struct {
	State lax.Object[state] `json:"env_state"`
}

type state struct {
	Folder lax.String `json:"current_working_directory"`
}

// content is one of these.
type content struct {
	Prompt    lax.Object[prompt]  `json:"Prompt"`
	Results   lax.Object[results] `json:"ToolUseResults"`
	Cancelled lax.Object[results] `json:"CancelledToolUses"`
}

type prompt struct {
	Prompt lax.String `json:"prompt"`
}

type results struct {
	Prompt  lax.String       `json:"prompt"` // what was said in place of an answer
	Results lax.List[result] `json:"tool_use_results"`
}

type result struct {
	ID      lax.String      `json:"tool_use_id"`
	Content lax.List[piece] `json:"content"`
	Status  lax.String      `json:"status"`
}

type piece struct {
	Text lax.String     `json:"Text"`
	JSON jsontext.Value `json:"Json"`
}

func (r *result) text() string {
	var all []string
	for _, p := range r.Content.V {
		if p.Text != "" || len(p.JSON) == 0 {
			all = append(all, string(p.Text))
		} else {
			all = append(all, strings.ToValidUTF8(string(p.JSON), "\uFFFD"))
		}
	}
	return strings.Join(all, "\n")
}

// assistant is one of these.
type assistant struct {
	Response lax.Object[reply] `json:"Response"`
	ToolUse  lax.Object[reply] `json:"ToolUse"`
}

type reply struct {
	MessageID lax.String           `json:"message_id"`
	Content   lax.String           `json:"content"`
	ToolUses  lax.List[toolUse]    `json:"tool_uses"`
	Thinking  lax.Object[thinking] `json:"thinking"`
}

type thinking struct {
	Text lax.String `json:"text"`
}

type toolUse struct {
	ID   lax.String     `json:"id"`
	Name lax.String     `json:"name"`
	Args jsontext.Value `json:"args"`
}

type request struct {
	MessageID lax.String `json:"message_id"`
	ModelID   lax.String `json:"model_id"`
	Start     lax.Time   `json:"request_start_timestamp_ms"`
	End       lax.Time   `json:"stream_end_timestamp_ms"`
}

// read files the exchanges of a conversation.
func (c *conversation) read(s *Session) {
	s.Model = string(c.Model)
	if c.ModelInfo.V.ModelID != "" {
		s.Model = string(c.ModelInfo.V.ModelID)
	}
	for i := range c.History {
		x := &c.History[i]
		at := x.User.V.Timestamp.Time
		if at.IsZero() {
			at = x.Request.V.Start.Time
		}
		reply := &x.Assistant.V.Response
		if x.Assistant.V.ToolUse.OK {
			reply = &x.Assistant.V.ToolUse
		}
		asked(s, x, reply.V.MessageID, at)
		if !reply.OK {
			continue
		}
		end := x.Request.V.End.Time
		s.Say(end, string(x.Request.V.ModelID), string(reply.V.Content), string(reply.V.Thinking.V.Text))
		for _, u := range reply.V.ToolUses.V {
			s.Call(string(u.ID), string(u.Name), u.Args, end)
		}
	}
}

// asked files the user's half of an exchange, which may be a program's.
func asked(s *Session, x *exchange, answer lax.String, at time.Time) {
	switch u := &x.User.V; {
	case u.Content.V.Prompt.OK:
		said := string(u.Content.V.Prompt.V.Prompt)
		s.Counts.Kind("prompt")
		if written(said) {
			s.Note(at, episode.SourceSystem, said)
			return
		}
		said, context := Words(said)
		hooks, more := Words(string(u.AdditionalContext))
		context = append(context, more...)
		if hooks != "" {
			context = append(context, capture.Artifact(episode.ArtifactFile, "context", hooks))
		}
		if s.Repository == "" {
			s.Repository = string(u.Env.V.State.V.Folder)
		}
		native := x.Request.V.MessageID
		if native == "" {
			native = answer
		}
		if native == "" { // the history loses its beginning, so a number would not stay
			native = lax.String(s.ID + "#" + episode.Digest([]byte(at.String()+said)))
		}
		s.Prompt(string(native), at, said, context...)
	case u.Content.V.Cancelled.OK:
		s.Counts.Kind("cancelled tool uses")
		refused(s, &u.Content.V.Cancelled.V, at)
	case u.Content.V.Results.OK:
		s.Counts.Kind("tool use results")
		for i := range u.Content.V.Results.V.Results.V {
			r := &u.Content.V.Results.V.Results.V[i]
			a := Answer{Call: string(r.ID), Text: r.text(), Failed: strings.EqualFold(string(r.Status), "error"), At: at}
			a.Decision = Blocked(a.Text)
			s.Result(a)
		}
	default:
		s.Counts.Kind("other")
	}
}

// refused files calls that were not carried out. Of several calls it is not told which one the person was asked about.
func refused(s *Session, c *results, at time.Time) {
	words := strings.TrimSpace(string(c.Prompt))
	d := Decision{Verdict: episode.Rejected, By: episode.ByPerson}
	if len(c.Results.V) > 1 {
		d.By = episode.ByUnknown
	}
	switch {
	case words == interrupted: // Ctrl-C
		s.Counts.Interrupts++
		d = Decision{Verdict: episode.Cancelled, By: episode.ByPerson}
	case words == "":
		d = Decision{Verdict: episode.Cancelled, By: episode.ByUnknown}
	case words == denied: // "n"
	case strings.HasPrefix(words, "Tool use with ") && strings.HasSuffix(words, forbidden):
		d.By = episode.ByRule
	default: // in words of their own, where yes or no was asked for
		d.Reason = words
	}
	for i := range c.Results.V {
		r := &c.Results.V[i]
		s.Result(Answer{Call: string(r.ID), Text: r.text(), Failed: true, At: at, Decision: d})
	}
	if d.Reason != "" {
		s.Note(at, episode.SourceUser, words)
	}
}
