// SPDX-License-Identifier: Apache-2.0

package qcli

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// Session files what happened in one conversation, in order, under the prompts of its person. It holds the episodes until
// [Session.Flush], as a later entry may take back an earlier one.
type Session struct {
	Tool       string
	ID         string
	Repository string
	// Model is the name of the model that answers, until Say names another.
	Model string
	// Helper says that an agent wrote the prompts, not a person.
	Helper bool
	Counts *capture.Counts

	episodes []*episode.Episode
	ids      map[string]int  // how often a native id was given
	calls    map[string]*use // those of the current episode, by id
}

// use is a call of the current episode.
type use struct {
	name     string
	step     int
	suggests bool
	decided  bool
	refused  bool // or stopped: its result is no error then
}

// Abandon marks the episodes from the one with index from on as left behind.
func (s *Session) Abandon(from int) {
	for _, e := range s.episodes[min(from, len(s.episodes)):] {
		e.Links = &episode.Links{AbandonedBranch: true}
	}
}

// Withdraw marks the last episode as left behind, where the person stopped it before anything came of the prompt.
func (s *Session) Withdraw() {
	s.Counts.Interrupts++
	if n := len(s.episodes) - 1; n >= 0 && len(s.episodes[n].Steps) == 1 {
		s.Abandon(n)
	}
}

// Prompt begins an episode with what the person asked. The native id is the prompt's own, or else any name that a second
// reading finds again.
func (s *Session) Prompt(native string, at time.Time, said string, context ...episode.Artifact) {
	e := s.begin(native, at)
	e.Artifacts = context
	st := episode.Step{At: at, Source: episode.SourceAgent, Message: said}
	st.Truncated = capture.Clip(&st.Message)
	if !s.Helper {
		s.Counts.Prompts++
		st.Source, e.Instruction = episode.SourceUser, st.Message
	}
	e.Steps = append(e.Steps, st)
}

func (s *Session) begin(native string, at time.Time) *episode.Episode {
	if native == "" {
		native = s.ID + "#" + strconv.Itoa(len(s.episodes))
	}
	if s.ids == nil {
		s.ids = map[string]int{}
	}
	if s.ids[native]++; s.ids[native] > 1 {
		native += "#" + strconv.Itoa(s.ids[native])
	}
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(s.Tool, native), StartedAt: at, EndedAt: at,
		Tool: episode.Tool{Name: s.Tool, Surface: episode.SurfaceAgent}, Session: s.ID, Repository: s.Repository}
	s.episodes = append(s.episodes, e)
	s.calls = map[string]*use{}
	return e
}

// current is the episode that an entry belongs to: begun here if its prompt is lost.
func (s *Session) current(at time.Time) *episode.Episode {
	if len(s.episodes) == 0 {
		return s.begin("", at)
	}
	e := s.episodes[len(s.episodes)-1]
	if e.StartedAt.IsZero() {
		e.StartedAt = at
	}
	if at.After(e.EndedAt) {
		e.EndedAt = at
	}
	return e
}

// Note adds what was said by another than the agent, without a new prompt.
func (s *Session) Note(at time.Time, by episode.Source, text string) {
	e := s.current(at)
	st := episode.Step{At: at, Source: by, Message: text}
	st.Truncated = capture.Clip(&st.Message)
	e.Steps = append(e.Steps, st)
}

// Say adds a step of the agent's, or goes on with one that has only been thought so far. The model is the one that
// answered, where it is known.
func (s *Session) Say(at time.Time, model, text, thought string) {
	e := s.current(at)
	if model == "" {
		model = s.Model
	}
	if model != "auto" { // chosen anew for each request
		capture.SetModel(e, "", model)
	}
	if n := len(e.Steps) - 1; n >= 0 && thought == "" {
		if st := &e.Steps[n]; st.Source == episode.SourceAgent && st.Message == "" && st.Reasoning != "" && len(st.ToolCalls) == 0 {
			st.Message = text
			st.Truncated = capture.Clip(&st.Message) || st.Truncated
			return
		}
	}
	st := episode.Step{At: at, Source: episode.SourceAgent, Message: text, Reasoning: thought}
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning)
	e.Steps = append(e.Steps, st)
}

// Call adds a call to the agent's last step, or to a new one where that has its results. The same call again is none.
func (s *Session) Call(id, name string, input jsontext.Value, at time.Time) {
	e := s.current(at)
	if id == "" {
		id = "call-" + strconv.Itoa(len(s.calls))
	}
	if s.calls[id] != nil {
		return
	}
	s.Counts.ToolUses++
	n := len(e.Steps) - 1
	if n < 0 || e.Steps[n].Source != episode.SourceAgent || e.Steps[n].Observation != nil {
		e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceAgent})
		n++
	}
	args, cut := capture.Arguments(input)
	st := &e.Steps[n]
	st.Truncated = st.Truncated || cut
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: name, Arguments: args})
	u := &use{name: name, step: n}
	s.calls[id] = u
	if sg, ok := Suggest(name, input); ok {
		sg.ID, sg.Step, sg.ShownAt = id, n, at
		sg.Truncated = capture.Clip(&sg.Before, &sg.After)
		e.Suggestions, u.suggests = append(e.Suggestions, sg), true
	}
}

// Answer is what came back for a call, and what it shows of a decision, if anything.
type Answer struct {
	Call   string
	Text   string
	Failed bool
	At     time.Time
	Decision
}

// Decision is what was decided on a call.
type Decision struct {
	Verdict episode.Verdict
	By      episode.By
	Reason  string
}

// Result files an answer. A call that was carried out was let through, by whom is unknown; that one failed says nothing.
func (s *Session) Result(a Answer) {
	e := s.current(a.At)
	s.Counts.ToolResults++
	if a.Failed {
		s.Counts.Errors++
	}
	u := s.calls[a.Call]
	if u == nil { // asked for before what is kept
		u = &use{step: len(e.Steps) - 1}
	}
	if u.step < 0 || e.Steps[u.step].Source != episode.SourceAgent {
		e.Steps = append(e.Steps, episode.Step{At: a.At, Source: episode.SourceAgent})
		u.step = len(e.Steps) - 1
	}
	st := &e.Steps[u.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Truncated = capture.Clip(&a.Text) || st.Truncated
	r := episode.Result{Call: a.Call, Content: a.Text, Error: a.Failed && a.Verdict == "" && !u.refused}
	st.Observation.Results = append(st.Observation.Results, r)
	if a.Verdict == "" && !a.Failed {
		a.Decision = Decision{Verdict: episode.Accepted, By: episode.ByUnknown}
	}
	s.Decide(a.Call, a.Decision, a.At)
	u.decided = true // what comes later is about another call
}

// Decide files a decision on a call: the first counts. A tool that only looks suggests nothing, but where it was stopped.
func (s *Session) Decide(call string, d Decision, at time.Time) {
	u := s.calls[call]
	if u == nil || u.decided || d.Verdict == "" {
		return
	}
	e := s.current(at)
	u.decided, u.refused = true, d.Verdict == episode.Rejected || d.Verdict == episode.Cancelled
	if !u.suggests {
		if !u.refused {
			return
		}
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: call, Step: u.step, Kind: episode.KindCommand, After: u.name})
		u.suggests = true
	}
	if d.Verdict == episode.Rejected {
		if s.Counts.Rejections++; d.Reason != "" {
			s.Counts.RejectionsWithReason++
		}
	}
	capture.Clip(&d.Reason)
	e.Decisions = append(e.Decisions, episode.Decision{Suggestion: call, Verdict: d.Verdict, By: d.By, Reason: d.Reason, At: at})
}

// Stop cancels the calls of the current episode that have no answer yet.
func (s *Session) Stop(by episode.By, at time.Time) {
	s.Counts.Interrupts++
	if len(s.episodes) == 0 {
		return
	}
	e := s.current(at)
	for i := range e.Steps {
		for _, c := range e.Steps[i].ToolCalls {
			s.Decide(c.ID, Decision{Verdict: episode.Cancelled, By: by}, at)
		}
	}
}

// Flush gives the episodes to emit.
func (s *Session) Flush(emit func(*episode.Episode) error) error {
	for _, e := range s.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	s.episodes, s.calls = nil, nil
	return nil
}
