// SPDX-License-Identifier: Apache-2.0

package copilotcli

import (
	"cmp"
	"strconv"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// session files the events of one stream under the messages they came from.
type session struct {
	c           *capture.Counts
	start       data // what session.start and later events said of the session
	model       string
	episodes    []*episode.Episode
	calls       map[string]*call  // by tool call id
	asked       map[string]string // the tool call that a permission was asked for, by the request's id
	at          map[string]int    // the episode that was current at an event, by the event's id
	interaction string            // of the last prompt
	thought     string            // waits for the message it belongs to
}

// call is a call of the agent's and, where it suggests something, its suggestion.
type call struct {
	e          *episode.Episode
	step       int
	suggestion string
	asked      bool // a permission was asked for
	decided    bool
	answered   bool
}

func (s *session) add(r *record) {
	d := &r.Data.V
	switch r.Type {
	case "session.start", "session.resume":
		s.start.SessionID = cmp.Or(s.start.SessionID, d.SessionID)
		s.start.CopilotVersion = cmp.Or(d.CopilotVersion, s.start.CopilotVersion)
		s.start.Context.V = place{CWD: cmp.Or(d.Context.V.CWD, s.start.Context.V.CWD), GitRoot: cmp.Or(d.Context.V.GitRoot, s.start.Context.V.GitRoot),
			Repository: cmp.Or(d.Context.V.Repository, s.start.Context.V.Repository)}
		s.model = cmp.Or(string(d.SelectedModel), s.model)
	case "session.model_change":
		s.model = string(d.NewModel)
	case "user.message":
		s.prompt(r, d)
	case "assistant.reasoning":
		s.thought = string(d.Content)
	case "assistant.message":
		s.message(r, d)
	case "assistant.usage":
		if e := s.current(); e != nil {
			addUsage(e, d)
		}
	case "tool.execution_start":
		s.begin(r, request{ToolCallID: d.ToolCallID, Name: d.ToolName, Arguments: d.Arguments})
	case "tool.execution_complete":
		s.result(r, d)
	case "session.plan_changed", "exit_plan_mode.requested":
		s.plan(r, d)
	case "exit_plan_mode.completed":
		s.planned(r, d)
	case "permission.requested":
		s.permissionAsked(d)
	case "permission.completed":
		s.permissionAnswered(r, d)
	case "session.snapshot_rewind":
		s.rewind(d)
	case "abort":
		s.abort(r)
	case "skill.invoked":
		if e := s.current(); e != nil && d.Content != "" {
			s.artifact(e, episode.ArtifactRules, cmp.Or(string(d.Path), string(d.Name)), string(d.Content))
		}
	}
	if e := s.current(); e != nil {
		capture.SetModel(e, "", cmp.Or(string(d.Model), s.model))
		if r.Timestamp.After(e.EndedAt) {
			e.EndedAt = r.Timestamp.Time
		}
		s.at[string(r.ID)] = len(s.episodes) - 1
	}
}

func (s *session) current() *episode.Episode {
	if len(s.episodes) == 0 {
		return nil
	}
	return s.episodes[len(s.episodes)-1]
}

func (s *session) open(r *record, native string) *episode.Episode {
	id := string(s.start.SessionID)
	if native == "" {
		native = id + "#" + strconv.Itoa(len(s.episodes))
	}
	c := &s.start.Context.V
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native), StartedAt: r.Timestamp.Time, EndedAt: r.Timestamp.Time,
		Tool:    episode.Tool{Name: Name, Version: string(s.start.CopilotVersion), Surface: episode.SurfaceAgent},
		Session: id, Repository: string(cmp.Or(c.Repository, c.GitRoot, c.CWD))}
	s.episodes = append(s.episodes, e)
	return e
}

// prompt begins an episode. What the person wrote is content; transformedContent has been added to by the tool.
func (s *session) prompt(r *record, d *data) {
	s.c.Prompts++
	e := s.open(r, string(r.ID))
	text := string(d.Content)
	cut := capture.Clip(&text)
	e.Instruction = text
	e.Steps = append(e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceUser, Message: text, Truncated: cut})
	if id := string(d.InteractionID); id != s.interaction { // what is said meanwhile has the same
		s.interaction = id
		capture.MarkPrompt(&e.Steps[0], id)
	}
}

// agent returns the current episode and a new step of the agent's in it.
func (s *session) agent(r *record) (*episode.Episode, int) {
	e := s.current()
	if e == nil {
		e = s.open(r, "") // the message was torn, or is in another file
	}
	e.Steps = append(e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceAgent})
	return e, len(e.Steps) - 1
}

func (s *session) message(r *record, d *data) {
	e, n := s.agent(r)
	text, thought := string(d.Content), cmp.Or(string(d.ReasoningText), s.thought)
	s.thought = ""
	st := &e.Steps[n]
	st.Truncated = capture.Clip(&text, &thought)
	st.Message, st.Reasoning = text, thought
	addUsage(e, d)
	for _, q := range d.ToolRequests.V {
		s.call(r, e, n, q)
	}
}

// begin notes a call that runs, if no message has asked for it.
func (s *session) begin(r *record, q request) {
	if s.calls[string(q.ToolCallID)] == nil {
		e, n := s.agent(r)
		s.call(r, e, n, q)
	}
}

func addUsage(e *episode.Episode, d *data) {
	if d.OutputTokens == 0 && d.InputTokens == 0 {
		return
	}
	if e.Usage == nil {
		e.Usage = &episode.Usage{}
	}
	e.Usage.InputTokens += d.InputTokens.Int()
	e.Usage.OutputTokens += d.OutputTokens.Int()
	e.Usage.CacheReadTokens += d.CacheReadTokens.Int()
	e.Usage.CacheWriteTokens += d.CacheWriteTokens.Int()
}

func (s *session) artifact(e *episode.Episode, kind episode.ArtifactKind, name, text string) {
	a := capture.Artifact(kind, name, text)
	for i := range e.Artifacts {
		if e.Artifacts[i].Digest == a.Digest {
			return
		}
	}
	e.Artifacts = append(e.Artifacts, a)
}

// rewind marks what came after an event as left behind, and takes back what it had applied.
func (s *session) rewind(d *data) {
	from, known := s.at[string(d.UpToEventID)]
	if !known {
		return
	}
	for _, e := range s.episodes[from:] {
		if e.Links == nil {
			e.Links = &episode.Links{}
		}
		e.Links.AbandonedBranch = true
		for i := range e.Decisions {
			dec := &e.Decisions[i]
			if dec.Verdict == episode.Accepted {
				e.Outcomes = append(e.Outcomes, episode.Outcome{Suggestion: dec.Suggestion, Kind: episode.OutcomeReverted, Value: 1, ObservedAt: s.current().EndedAt})
			}
		}
	}
}

// finish gives every episode to emit.
func (s *session) finish(emit func(*episode.Episode) error) error {
	for _, e := range s.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}
