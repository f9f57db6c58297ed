// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// session files what it is told under the prompts that it came of.
type session struct {
	c        *capture.Counts
	id       string
	summary  summary
	answers  []*answer
	turns    []*turn // every prompt, in the order in which they were written
	active   []*turn // those that no rewind took back
	calls    map[string]*call
	order    []*call
	open     *turn           // whose last step is the agent's under way
	message  strings.Builder // of that step, so far: it comes in small pieces
	thought  strings.Builder
	typing   bool // the last update was a piece of a prompt
	numbered bool // prompts have numbers in this session
}

// turn is a prompt and all that came of it: an episode in the making.
type turn struct {
	e        *episode.Episode
	index    int64
	prompt   string          // the tool's own id
	wrote    strings.Builder // what the person wrote, as the tool wrapped it
	next     *turn
	model    string
	plan     string
	category string // why it was stopped
	by       episode.By
	stopped  bool
}

// call is a call of the agent's, as it stands at the end.
type call struct {
	t      *turn
	step   int
	place  int // among the step's calls
	id     string
	name   string
	named  bool // by the tool, not by the title that it shows
	kind   string
	input  jsontext.Value
	status string
	result string
	diffs  []block
	at     time.Time
	answer *answer
}

func newSession(c *capture.Counts) *session {
	return &session{c: c, calls: map[string]*call{}}
}

// current is the prompt under way, or nil.
func (s *session) current() *turn {
	if len(s.active) == 0 {
		return nil
	}
	return s.active[len(s.active)-1]
}

// begin starts a prompt with the first piece of its text.
func (s *session) begin(index int64, text string, at time.Time) *turn {
	s.flush()
	t := &turn{index: index, e: &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		StartedAt:     at,
		EndedAt:       at,
		Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
	}}
	t.e.Steps = []episode.Step{{At: at, Source: episode.SourceUser}}
	t.wrote.WriteString(text)
	if n := len(s.turns); n > 0 {
		s.turns[n-1].next = t
	}
	s.turns, s.active = append(s.turns, t), append(s.active, t)
	return t
}

// add adds a step to a prompt.
func (s *session) add(t *turn, st episode.Step) {
	s.flush()
	t.e.Steps = append(t.e.Steps, st)
}

// flush puts what the agent has thought and said into its step.
func (s *session) flush() {
	if s.open != nil {
		st := &s.open.e.Steps[len(s.open.e.Steps)-1]
		st.Message, st.Reasoning = st.Message+s.message.String(), st.Reasoning+s.thought.String()
	}
	s.open = nil
	s.message.Reset()
	s.thought.Reset()
}

// seen notes when something came, and the id of the prompt that it came of.
func (t *turn) seen(at time.Time, prompt string) {
	if t == nil {
		return
	}
	if t.prompt == "" {
		t.prompt = prompt
	}
	if at.After(t.e.EndedAt) {
		t.e.EndedAt = at
	}
}

// agent sees to it that the last step is the agent's and under way, not after a message of someone else's, nor after
// calls, and returns the prompt that it is of.
func (s *session) agent(at time.Time) *turn {
	t := s.current()
	if t == nil {
		t = s.begin(0, "", at) // the prompt was torn, or compacted away
	}
	n := len(t.e.Steps) - 1
	if t.e.Steps[n].Source != episode.SourceAgent || len(t.e.Steps[n].ToolCalls) > 0 {
		s.add(t, episode.Step{At: at, Source: episode.SourceAgent})
	}
	if s.open != t {
		s.flush()
		s.open = t
	}
	return t
}

// call returns the call with the id, which is new the first time.
func (s *session) call(id string, at time.Time) *call {
	if cl := s.calls[id]; cl != nil && id != "" {
		return cl
	}
	for n := len(s.order); id == "" || s.calls[id] != nil; n++ {
		id = "call-" + strconv.Itoa(n)
	}
	s.c.ToolUses++
	t := s.current()
	if n := len(s.order) - 1; t == nil || n < 0 || s.order[n].t != t || s.order[n].step != len(t.e.Steps)-1 {
		t = s.agent(at) // calls that follow each other are of one step
	}
	n := len(t.e.Steps) - 1
	st := &t.e.Steps[n]
	cl := &call{t: t, step: n, place: len(st.ToolCalls), id: id, at: at}
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id})
	s.calls[id] = cl
	s.order = append(s.order, cl)
	return cl
}

// rewind takes back the prompts from a number on.
func (s *session) rewind(to int64) {
	for n := len(s.active) - 1; n >= 0 && s.active[n].index >= to; n-- {
		s.active[n].e.Links = &episode.Links{AbandonedBranch: true}
		s.active = s.active[:n]
	}
	s.typing = false
}

// stopped notes that a turn was stopped, and by whom if a key did it.
func (s *session) stopped(t *turn, category, trigger string, at time.Time) {
	if t.stopped {
		return
	}
	s.c.Interrupts++
	t.stopped, t.category, t.by = true, category, episode.ByUnknown
	switch trigger {
	case "esc", "ctrl_c":
		t.by = episode.ByPerson
	}
	t.seen(at, "")
}

// What the tool puts around a prompt.
const (
	queryBegins = "<user_query>"
	queryEnds   = "</user_query>"
)

// typed reports whether a message may be a person's: what the tool itself says in their name begins with a tag.
func typed(text string) bool {
	text = strings.TrimSpace(text)
	return !strings.HasPrefix(text, "<user_info>") && !strings.HasPrefix(text, "<system-reminder>")
}

func query(text string) string {
	if _, in, ok := strings.Cut(text, queryBegins); ok {
		text, _, _ = strings.Cut(in, queryEnds)
	}
	return strings.TrimSpace(text)
}

// finish gives every prompt to emit as an episode.
func (s *session) finish(emit func(*episode.Episode) error) error {
	for i, t := range s.turns {
		e := t.e
		if t.prompt == "" && i == len(s.turns)-1 && !e.StartedAt.IsZero() && len(e.Steps) == 1 {
			break // it has just been written: its id comes with the answer
		}
		native := t.prompt
		if native == "" {
			native = s.id + "#" + strconv.Itoa(i)
		}
		e.ID, e.Session, e.Repository = episode.NewID(Name, native), s.id, s.summary.repository()
		capture.SetModel(e, "xai", t.model)
		capture.SetModel(e, "xai", string(s.summary.Model))
		first := &e.Steps[0]
		first.Message = query(t.wrote.String())
		first.Truncated = capture.Clip(&first.Message)
		if s.summary.Kind == "subagent" { // the agent wrote it, for a helper of its own
			first.Source = episode.SourceAgent
			if p := s.summary.Parent; p != "" {
				if e.Links == nil {
					e.Links = &episode.Links{}
				}
				e.Links.Parent = episode.NewID(Name, string(p))
			}
		} else if e.Instruction = first.Message; e.Instruction != "" {
			s.c.Prompts++
		}
		for j := range e.Steps {
			if st := &e.Steps[j]; capture.Clip(&st.Message, &st.Reasoning) {
				st.Truncated = true
			}
		}
		if t.plan != "" {
			e.Artifacts = append(e.Artifacts, capture.Artifact(episode.ArtifactPlan, "plan", t.plan))
		}
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

// name settles the session's id, where no record bears it: the folder is named after it.
func (s *session) name(path string) {
	if s.id == "" {
		s.id = string(s.summary.Info.V.ID)
	}
	if dir := filepath.Base(filepath.Dir(path)); s.id == "" && path != "-" && path != "" && dir != "." && dir != string(filepath.Separator) {
		s.id = strings.ToValidUTF8(dir, "\uFFFD")
	}
}
