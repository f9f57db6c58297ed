// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// update takes what the agent notifies of. What comes while a session is being loaded is its history, told again; what
// comes when nobody has asked for anything belongs to no prompt.
func (b *Builder) update(at time.Time, id string, u *update) {
	s := b.sessions[id]
	if s == nil {
		return
	}
	s.used = b.clock
	switch u.Kind {
	case "config_option_update":
		s.configured(u.Config.V)
	case "usage_update":
		if c := &u.Cost.V; c.Currency == "USD" && c.Amount > 0 {
			s.cost = float64(c.Amount)
		}
	}
	if s.loading > 0 || len(s.turns) == 0 {
		return
	}
	t := s.turns[0]
	t.seen(at)
	switch u.Kind {
	case "agent_message_chunk", "agent_thought_chunk", "agent_message", "agent_thought":
		t.say(at, u)
	case "tool_call", "tool_call_update":
		if c := b.call(t, string(u.CallID), at); c != nil {
			t.take(c, u, at)
		}
	case "tool_call_content_chunk":
		if c := t.calls[string(u.CallID)]; c != nil {
			t.append(c, &u.Content)
		}
	case "plan":
		t.planned(u.Entries.V)
	case "plan_update":
		t.planned(u.Plan.V.Entries.V)
	case "usage_update":
		t.metered(&u.Meta.V)
	case "state_update": // the protocol's version 2: an answered prompt is only accepted
		b.version = 2
		for u.State == "idle" && len(s.turns) > 0 {
			s.turns[0].stop = string(u.Stop)
			b.end(s, s.turns[0])
		}
	}
}

// append takes a piece of what a call shows.
func (t *turn) append(c *call, in *contents) {
	diffs := c.diffs
	c.diffs = nil
	more := *in
	more.text = c.text + in.text
	t.content(c, &more)
	c.diffs = append(diffs[:min(len(diffs), maxParts)], c.diffs...)
}

// asked takes a question for permission: it tells of the call, too.
func (b *Builder) asked(t *turn, at time.Time, p *params) *ask {
	c := b.call(t, string(p.ToolCall.V.CallID), at)
	if c == nil {
		return nil
	}
	t.take(c, &p.ToolCall.V, at)
	a := &ask{asked: at, kinds: map[string]string{}}
	for _, o := range p.Options.V[:min(len(p.Options.V), 32)] {
		if len(o.ID)+len(o.Kind) <= maxName {
			a.kinds[string(o.ID)] = string(o.Kind)
		}
	}
	if len(c.asked) < 32 {
		c.asked = append(c.asked, a)
	}
	return a
}

// wrote takes a file that the editor is asked to write.
func (t *turn) wrote(at time.Time, path, text string) *write {
	if len(t.writes) >= maxParts {
		t.cut = true
		return nil
	}
	w := &write{at: at, step: t.agent(at)}
	t.hold(&w.path, path)
	t.hold(&w.text, text)
	t.writes = append(t.writes, w)
	return w
}

// terminal takes a command that the editor is asked to run. What is in its environment is not kept.
func (t *turn) terminal(at time.Time, command string, args []string) *terminal {
	if len(t.termList) >= maxParts {
		t.cut = true
		return nil
	}
	x := &terminal{at: at, step: t.agent(at)}
	t.hold(&x.command, strings.TrimSpace(plainCommand(append([]string{command}, args...))))
	t.termList = append(t.termList, x)
	return x
}

// named takes the id that the editor has given to a terminal.
func (t *turn) named(x *terminal, id string) {
	if x.id == "" && id != "" && len(id) <= maxName {
		x.id = id
		t.terms[id] = x
	}
}

// plainCommand is a command as a person would type it: of a shell that is told to run a text, the text.
func plainCommand(words []string) string {
	if n := len(words); n >= 3 && strings.HasPrefix(words[n-2], "-") && strings.HasSuffix(words[n-2], "c") && strings.HasSuffix(words[0], "sh") {
		return words[n-1]
	}
	return strings.Join(words, " ")
}

// planned takes the list of things to do, which is told anew each time.
func (t *turn) planned(entries []entry) {
	for _, e := range t.plan {
		t.room += len(e.Content)
	}
	t.plan = nil
	for _, e := range entries[:min(len(entries), maxParts)] {
		var text string
		t.hold(&text, string(e.Content))
		t.plan = append(t.plan, entry{lax.String(text), e.Status})
	}
}

// spent takes what a prompt cost, from its answer.
func (t *turn) spent(r *result) {
	if r.Usage.OK {
		u := &r.Usage.V
		t.tokens(u.Input.Int(), u.Output.Int(), u.Read.Int(), u.Write.Int(), u.Total.Int())
		return
	}
	q := &r.Meta.V.Quota.V
	if len(q.Models.V) > 0 && q.Models.V[0].Model != "" {
		t.model = string(q.Models.V[0].Model)
	}
	if q.Count.OK {
		t.tokens(q.Count.V.Input.Int(), q.Count.V.Output.Int(), 0, 0, 0)
	}
}

// metered takes poolside's counts: a prompt that is stopped has none in its answer.
func (t *turn) metered(m *meta) {
	if m.PoolIn+m.PoolOut > 0 {
		t.tokens(m.PoolIn.Int(), m.PoolOut.Int(), m.PoolRead.Int(), m.PoolWrite.Int(), (m.PoolIn + m.PoolOut).Int())
	}
}

// tokens sets the usage. Some agents count what came from the cache in the input, too: then input and output are the total.
func (t *turn) tokens(in, out, read, write, total int64) {
	if read+write > 0 && total == in+out {
		in = max(0, in-read-write)
	}
	if in+out+read+write > 0 {
		t.e.Usage = &episode.Usage{InputTokens: in, OutputTokens: out, CacheReadTokens: read, CacheWriteTokens: write}
	}
}

// outputOf is what a call gave back, as text: the text itself, or the part of an object that agents put it into.
func outputOf(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return ""
		}
		return strings.ToValidUTF8(string(text), "\uFFFD")
	case '{':
		var o struct {
			Formatted lax.String `json:"formatted_output"`
			Output    lax.String `json:"output"`
			Stdout    lax.String `json:"stdout"`
		}
		lax.Decode(v, &o)
		for _, s := range [...]lax.String{o.Formatted, o.Output, o.Stdout} {
			if s != "" {
				return string(s)
			}
		}
		return strings.ToValidUTF8(string(v), "\uFFFD")
	}
	return ""
}
