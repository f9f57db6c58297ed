// SPDX-License-Identifier: Apache-2.0

package amp

import (
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// thread files the messages of one thread under its prompts.
type thread struct {
	c     *capture.Counts
	emit  func(*episode.Episode) error
	doc   *document
	begun int
	seen  map[string]bool // native ids of prompts

	e       *episode.Episode
	calls   map[string]*call
	applied map[string][]string // edits that were carried out, by file, the latest last
	rules   map[string]bool
	open    []*call // calls of cancelled messages
}

// call is a tool call, and the suggestion that it makes.
type call struct {
	id, name   string
	path       string
	step       int
	suggestion int // index, -1 for a tool that only looks
	decided    bool
}

// headless reports whether the client that made the thread asks nobody.
func (t *thread) headless() bool {
	return strings.Contains(strings.ToLower(string(t.doc.Env.V.Initial.V.Platform.V.Client)), "execute")
}

// interactive reports whether it is a client that a person sits at.
func (t *thread) interactive() bool {
	return t.doc.Env.V.Initial.V.Platform.V.Client != "" && !t.headless() && t.doc.Main == ""
}

func (t *thread) message(m *message) error {
	t.c.Kind("message/" + string(m.Role))
	switch m.Role {
	case "user":
		at := m.Meta.V.SentAt.Time
		var text []string
		answers := false
		for i := range m.Content.V {
			switch b := &m.Content.V[i]; b.Type {
			case "tool_result":
				answers = true
				t.result(string(b.ToolUseID), &b.Run.V)
			case "text":
				if b.Text != "" {
					text = append(text, string(b.Text))
				}
			}
		}
		if len(text) > 0 && !answers {
			if err := t.prompt(m, strings.Join(text, "\n"), at); err != nil {
				return err
			}
		}
		t.guided(m.Guidance.V)
		return nil
	case "assistant":
		return t.turn(m)
	}
	return nil
}

// prompt begins an episode. In a subagent's messages the agent wrote it.
func (t *thread) prompt(m *message, text string, at time.Time) error {
	if err := t.begin(strings.Trim(string(m.ID), `"`), at); err != nil {
		return err
	}
	st := episode.Step{At: at, Source: episode.SourceAgent, Message: text}
	st.Truncated = capture.Clip(&st.Message)
	if t.doc.Main == "" && m.Parent == "" {
		t.c.Prompts++
		st.Source, t.e.Instruction = episode.SourceUser, st.Message
	}
	t.e.Steps = append(t.e.Steps, st)
	return nil
}

func (t *thread) begin(native string, at time.Time) error {
	if err := t.flush(); err != nil {
		return err
	}
	if native == "" || len(native) > 100 || t.seen[native] {
		native = "ordinal-" + strconv.Itoa(t.begun)
	}
	if t.seen == nil {
		t.seen, t.applied = map[string]bool{}, map[string][]string{}
	}
	t.seen[native] = true
	t.begun++
	t.calls, t.rules = map[string]*call{}, map[string]bool{}
	clear(t.applied)
	p := &t.doc.Env.V.Initial.V
	t.e = &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, string(t.doc.ID)+"#"+native), StartedAt: at, EndedAt: at,
		Tool: episode.Tool{Name: Name, Version: string(p.Platform.V.Version), Surface: episode.SurfaceAgent}, Session: string(t.doc.ID)}
	if len(p.Trees.V) > 0 {
		if t.e.Repository = string(p.Trees.V[0].Repository.V.URL); t.e.Repository == "" {
			t.e.Repository = strings.TrimPrefix(string(p.Trees.V[0].URI), "file://")
		}
	}
	return nil
}

func (t *thread) until(at time.Time) {
	if t.e.StartedAt.IsZero() {
		t.e.StartedAt = at
	}
	if at.After(t.e.EndedAt) {
		t.e.EndedAt = at
	}
}

// turn files a message of the agent's: a step.
func (t *thread) turn(m *message) error {
	at := m.Usage.V.Timestamp.Time
	if t.e == nil {
		if err := t.begin("", at); err != nil {
			return err
		}
	}
	t.until(at)
	n := len(t.e.Steps)
	t.e.Steps = append(t.e.Steps, episode.Step{At: at, Source: episode.SourceAgent})
	st := &t.e.Steps[n]
	var said, thought []string
	for i := range m.Content.V {
		switch b := &m.Content.V[i]; b.Type {
		case "text":
			if text := strings.TrimSpace(string(b.Text)); text != "" {
				said = append(said, text)
			}
		case "thinking":
			thought = append(thought, string(b.Thinking))
		case "tool_use":
			t.call(n, b, at)
		}
	}
	st.Message, st.Reasoning = strings.Join(said, "\n"), strings.Join(thought, "\n")
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || st.Truncated
	t.use(&m.Usage.V)
	if m.State.V.Type == "cancelled" {
		t.stop(n)
	}
	return nil
}

func (t *thread) use(u *usage) {
	capture.SetModel(t.e, "", string(u.Model))
	if u.Input.Int()+u.Output.Int()+u.CacheRead.Int()+u.CacheWrite.Int() == 0 {
		return
	}
	if t.e.Usage == nil {
		t.e.Usage = &episode.Usage{}
	}
	t.e.Usage.InputTokens += u.Input.Int()
	t.e.Usage.OutputTokens += u.Output.Int()
	t.e.Usage.CacheReadTokens += u.CacheRead.Int()
	t.e.Usage.CacheWriteTokens += u.CacheWrite.Int()
}

// guided notes the instruction files that were found, with their text where the thread has it.
func (t *thread) guided(files []guidance) {
	for i := range files {
		g := &files[i]
		name := strings.TrimPrefix(string(g.URI), "file://")
		if t.e == nil || name == "" || t.rules[name] {
			continue
		}
		t.rules[name] = true
		a := episode.Artifact{Kind: episode.ArtifactRules, Name: name}
		if g.Content != "" {
			a = capture.Artifact(episode.ArtifactRules, name, string(g.Content))
		}
		t.e.Artifacts = append(t.e.Artifacts, a)
	}
}

// call adds a tool call to a step, and the suggestion that it makes.
func (t *thread) call(n int, b *block, at time.Time) {
	t.c.ToolUses++
	st := &t.e.Steps[n]
	args, cut := capture.Arguments(b.Input)
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(b.ID), Name: string(b.Name), Arguments: args})
	st.Truncated = st.Truncated || cut
	if b.ID == "" || t.calls[string(b.ID)] != nil {
		return
	}
	var in input
	lax.Decode(b.Input, &in)
	k := &call{id: string(b.ID), name: string(b.Name), path: string(in.Path), step: n, suggestion: -1}
	t.calls[k.id] = k
	sg := episode.Suggestion{Path: string(in.Path), ShownAt: at}
	switch b.Name {
	case "edit_file":
		sg.Kind, sg.Before, sg.After = episode.KindEdit, string(in.OldStr), string(in.NewStr)
	case "apply_patch":
		sg.Kind = episode.KindEdit
		sg.Path, sg.Before, sg.After = capture.Unpatch(string(in.PatchText))
	case "create_file":
		sg.Kind, sg.After = episode.KindFile, string(in.Content)
	case "Bash", "shell_command":
		sg.Kind, sg.Path, sg.After, sg.Language = episode.KindCommand, "", string(in.Cmd+in.Command), "shell"
	default:
		return
	}
	t.suggest(k, sg)
}

func (t *thread) suggest(k *call, sg episode.Suggestion) {
	sg.ID, sg.Step = k.id, k.step
	sg.Truncated = capture.Clip(&sg.Before, &sg.After) || sg.Truncated
	k.suggestion = len(t.e.Suggestions)
	t.e.Suggestions = append(t.e.Suggestions, sg)
}

func (t *thread) flush() error {
	e := t.e
	if e == nil {
		return nil
	}
	for _, k := range t.open { // no result has come for them
		t.decide(k, episode.Cancelled, episode.ByUnknown, "")
	}
	t.e, t.open = nil, nil
	capture.Languages(e)
	return t.emit(e)
}
