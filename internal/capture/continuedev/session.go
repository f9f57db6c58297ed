// SPDX-License-Identifier: Apache-2.0

package continuedev

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// session is one file of sessions/: a conversation, without times.
type session struct {
	SessionID lax.String     `json:"sessionId"`
	Workspace lax.String     `json:"workspaceDirectory"`
	History   lax.List[turn] `json:"history"`
}

type turn struct {
	Message lax.Object[message] `json:"message"`
	States  lax.List[callState] `json:"toolCallStates"`
}

type message struct {
	Role      lax.String         `json:"role"`
	Content   jsontext.Value     `json:"content"` // a string, or a list of parts
	ToolCalls lax.List[toolCall] `json:"toolCalls"`
}

type toolCall struct {
	ID       lax.String           `json:"id"`
	Function lax.Object[function] `json:"function"`
}

type function struct {
	Name      lax.String `json:"name"`
	Arguments lax.String `json:"arguments"`
}

type callState struct {
	ID     lax.String     `json:"toolCallId"`
	Status lax.String     `json:"status"`
	Output lax.List[part] `json:"output"`
}

type part struct {
	Content lax.String `json:"content"`
	Text    lax.String `json:"text"`
}

// readSession makes an episode of each prompt of a session and what follows it. A session is one record: one line, as
// far as the counts go.
func readSession(raw []byte, c *capture.Counts, emit func(*episode.Episode) error) error {
	var s session
	c.Lines++
	if !lax.Decode(raw, &s) {
		c.Unparsable++
		return errors.New("the session is torn: not a JSON object to its end")
	}
	c.Kind("session")
	var e *episode.Episode
	flush := func() error {
		if e == nil {
			return nil
		}
		capture.Languages(e)
		return emit(e)
	}
	for i := range s.History.V {
		t := &s.History.V[i]
		m := &t.Message.V
		content := m.text()
		switch {
		case m.Role == "user" || e == nil:
			if err := flush(); err != nil {
				return err
			}
			e = &episode.Episode{
				SchemaVersion: episode.SchemaVersion,
				ID:            episode.NewID(Name, string(s.SessionID)+"#"+strconv.Itoa(i)),
				Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
				Session:       string(s.SessionID),
				Repository:    path(string(s.Workspace)),
			}
		}
		step := episode.Step{Source: episode.SourceAgent, Message: content}
		step.Truncated = capture.Clip(&step.Message)
		switch m.Role {
		case "user":
			c.Prompts++
			step.Source, e.Instruction = episode.SourceUser, step.Message
		case "system":
			step.Source = episode.SourceSystem
		}
		e.Steps = append(e.Steps, step)
		t.calls(e, c)
	}
	return flush()
}

func (m *message) text() string {
	if len(m.Content) == 0 || m.Content[0] != '[' {
		return text(m.Content)
	}
	var parts struct {
		P lax.List[part]
	}
	lax.Decode(append(append([]byte(`{"P":`), m.Content...), '}'), &parts)
	var s string
	for _, p := range parts.P.V {
		s += string(p.Text)
	}
	return s
}

// calls adds the tool calls of a turn to its step, with their results and decisions.
func (t *turn) calls(e *episode.Episode, c *capture.Counts) {
	n := len(e.Steps) - 1
	st := &e.Steps[n]
	for _, tc := range t.Message.V.ToolCalls.V {
		c.ToolUses++
		f := &tc.Function.V
		args, cut := capture.Arguments(jsontext.Value(f.Arguments)) // JSON in a string
		st.Truncated = st.Truncated || cut
		st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(tc.ID), Name: string(f.Name), Arguments: args})
		if s, ok := suggest(string(tc.ID), n, f); ok {
			e.Suggestions = append(e.Suggestions, s)
		}
	}
	for i := range t.States.V {
		cs := &t.States.V[i]
		d := episode.Decision{Suggestion: string(cs.ID)}
		switch cs.Status {
		case "done":
			d.Verdict, d.By = episode.Accepted, episode.ByUnknown
		case "errored":
			c.Errors++
		case "canceled": // pressed "reject", or stopped: the session does not tell which
			d.Verdict, d.By = episode.Cancelled, episode.ByUnknown
		default:
			continue // still waiting
		}
		for j := range e.Suggestions {
			if e.Suggestions[j].ID == d.Suggestion && d.Verdict != "" {
				e.Decisions = append(e.Decisions, d)
			}
		}
		c.ToolResults++
		if st.Observation == nil {
			st.Observation = &episode.Observation{}
		}
		r := episode.Result{Call: string(cs.ID), Error: cs.Status == "errored"}
		for _, p := range cs.Output.V {
			r.Content += string(p.Content)
		}
		st.Truncated = capture.Clip(&r.Content) || st.Truncated
		st.Observation.Results = append(st.Observation.Results, r)
	}
}

// suggest makes the suggestion of a call that changes a file or runs a command.
func suggest(id string, step int, f *function) (episode.Suggestion, bool) {
	var in struct {
		FilePath  lax.String     `json:"file_path"`
		Filepath  lax.String     `json:"filepath"`
		OldString lax.String     `json:"old_string"`
		NewString lax.String     `json:"new_string"`
		Content   lax.String     `json:"content"`
		Contents  lax.String     `json:"contents"`
		Changes   lax.String     `json:"changes"`
		Command   lax.String     `json:"command"`
		Edits     lax.List[edit] `json:"edits"`
	}
	lax.Decode([]byte(f.Arguments), &in)
	s := episode.Suggestion{ID: id, Step: step, Path: path(string(in.FilePath + in.Filepath))}
	switch f.Name {
	case "Edit", "MultiEdit", "edit_existing_file", "single_find_and_replace", "multi_edit":
		var before, after []string
		for _, e := range in.Edits.V {
			before, after = append(before, string(e.OldString)), append(after, string(e.NewString))
		}
		s.Kind = episode.KindEdit
		s.Before, s.After = string(in.OldString)+strings.Join(before, "\n"), string(in.NewString+in.Changes)+strings.Join(after, "\n")
	case "Write", "create_new_file":
		s.Kind, s.After = episode.KindFile, string(in.Content+in.Contents)
	case "Bash", "run_terminal_command":
		s.Kind, s.After, s.Language = episode.KindCommand, string(in.Command), "shell"
	default:
		return s, false
	}
	s.Truncated = capture.Clip(&s.Before, &s.After)
	return s, true
}

type edit struct {
	OldString lax.String `json:"old_string"`
	NewString lax.String `json:"new_string"`
}
