// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// task is the conversation of one task, or of one session of the SDK, filed under the person's prompts.
type task struct {
	c        *capture.Counts
	id       string
	sdk      bool
	fork     bool // Roo Code's or Kilo Code's
	ui       *dialog
	meta     metadata
	episodes []*episode.Episode
	calls    map[string]*call // by their ids
	open     []*call          // those of the last answer, no more than maxCalls
	aside    string           // what the person said in this message before the result that it is about
	now      time.Time        // of the message that is read
	message  int
	made     int // ids that were made up
}

// call is one use of a tool.
type call struct {
	e          *episode.Episode
	step       int
	message    int
	id, name   string
	what       string // the file or the command
	suggestion int    // in e.Suggestions, -1 while there is none
	shown      *shown
	decision   int  // in e.Decisions, -1 while there is none
	closed     bool // something came back
}

func (c *call) edit() bool {
	return kind(c.name) == episode.KindEdit || kind(c.name) == episode.KindFile
}

func (t *task) read(all []message) {
	t.fork = t.ui.fork
	for i := range all {
		m := &all[i]
		t.c.Kind(string(m.Role))
		if t.message, t.now = i, m.At.Time; t.now.IsZero() {
			t.now = t.ui.at(i)
		}
		switch m.Role {
		case "user":
			t.user(m)
		case "assistant":
			t.assistant(m)
		}
		if e := t.current(); e != nil {
			// A request is shown before its message is added, so its index is of the one before.
			if u := t.ui.usage[i-1]; u != nil && !m.Metrics.OK && !all[min(i+1, len(all)-1)].Metrics.OK {
				t.spent(e, u)
			}
			if t.now.After(e.EndedAt) {
				e.EndedAt = t.now
			}
		}
	}
	t.undo()
}

func (t *task) current() *episode.Episode {
	if len(t.episodes) == 0 {
		return nil
	}
	return t.episodes[len(t.episodes)-1]
}

// prompt begins an episode with the person's words.
func (t *task) prompt(id, text string) {
	t.c.Prompts++
	e := t.begin(id)
	step := episode.Step{At: t.now, Source: episode.SourceUser, Message: text}
	step.Truncated = capture.Clip(&step.Message)
	e.Instruction = step.Message
	e.Steps = append(e.Steps, step)
}

func (t *task) begin(id string) *episode.Episode {
	if id == "" {
		id = strconv.Itoa(len(t.episodes))
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, t.id+"#"+id),
		StartedAt:     t.now,
		EndedAt:       t.now,
		Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
		Session:       t.id,
	}
	if v := t.meta.Environment.V; len(v) > 0 {
		e.Tool.Version = string(v[len(v)-1].Version)
	}
	t.episodes = append(t.episodes, e)
	t.open = nil
	return e
}

// assistant adds a step for what the model said, thought and used.
func (t *task) assistant(m *message) {
	e := t.current()
	if e == nil {
		e = t.begin("") // the prompt was cut off
	}
	t.model(e, m)
	if u := &m.Metrics; u.OK {
		k := &u.V.Tokens.V
		t.spent(e, &episode.Usage{InputTokens: u.V.Input.Int() + max(0, k.Prompt.Int()-k.Cached.Int()), OutputTokens: u.V.Output.Int() + k.Completion.Int(),
			CacheReadTokens: u.V.CacheRead.Int() + k.Cached.Int(), CacheWriteTokens: u.V.CacheWrite.Int(), CostUSD: cost(u.V.Cost)})
	}
	n := len(e.Steps)
	e.Steps = append(e.Steps, episode.Step{At: t.now, Source: episode.SourceAgent})
	t.open = nil
	stopped := false
	var message, reasoning strings.Builder
	for _, b := range m.blocks() {
		switch b.Type {
		case "text":
			text := string(b.Text)
			if cut, ok := strings.CutSuffix(strings.TrimSpace(text), "[Response interrupted by user]"); ok {
				text, stopped = cut, true
			}
			said, thinking, uses := text, "", []used(nil)
			if !t.sdk {
				said, thinking, uses = untag(text)
			}
			line(&message, said)
			line(&reasoning, thinking)
			for _, u := range uses {
				t.made++
				t.use(e, n, "use-"+strconv.Itoa(t.message)+"-"+strconv.Itoa(t.made), u.name, u.object())
			}
		case "thinking":
			line(&reasoning, string(b.Thinking))
		case "tool_use":
			t.use(e, n, string(b.ID), string(b.Name), b.Input)
		}
	}
	st := &e.Steps[n]
	st.Message, st.Reasoning = message.String(), reasoning.String()
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || st.Truncated
	if stopped {
		t.interrupted(e, n)
	}
}

// use adds a call and what it suggests.
func (t *task) use(e *episode.Episode, n int, id, name string, input jsontext.Value) {
	t.c.ToolUses++
	id = t.unique(id)
	st := &e.Steps[n]
	args, cut := capture.Arguments(input)
	st.Truncated = st.Truncated || cut
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: name, Arguments: args})
	c := &call{e: e, step: n, message: t.message, id: id, name: name, suggestion: -1, decision: -1}
	t.calls[id] = c
	if len(t.open) < maxCalls {
		t.open = append(t.open, c)
	}
	t.suggest(c, input)
}

// unique is the id, or one made of it where it is taken.
func (t *task) unique(id string) string {
	for name := id; ; id = name + "~" + strconv.Itoa(t.made) {
		if t.calls[id] == nil && id != "" {
			return id
		}
		t.made++
	}
}

// model sets the model that answered: the message says it, else the last that the task changed to.
func (t *task) model(e *episode.Episode, m *message) {
	v := &m.Model.V
	capture.SetModel(e, provider(string(v.Provider+v.ProviderID)), string(v.ID+v.ModelID))
	for i := len(t.meta.Models.V) - 1; i >= max(0, len(t.meta.Models.V)-64) && e.Model.Name == ""; i-- {
		if u := &t.meta.Models.V[i]; i == 0 || !u.At.After(t.now) {
			capture.SetModel(e, provider(string(u.Provider)), string(u.Model))
		}
	}
}

// provider passes over the gateways, which make no models: the model's name says whose it is.
func provider(p string) string {
	switch p {
	case "cline", "openrouter", "requesty", "litellm", "vercel-ai-gateway", "kilocode", "roo", "bedrock", "vertex", "vscode-lm":
		return ""
	}
	return p
}

func (t *task) spent(e *episode.Episode, u *episode.Usage) {
	if e.Usage == nil {
		e.Usage = &episode.Usage{}
	}
	add(e.Usage, u)
}

// line adds a text on a line of its own.
func line(b *strings.Builder, text string) {
	if b.Len() > 0 && text != "" {
		b.WriteByte('\n')
	}
	b.WriteString(text)
}
