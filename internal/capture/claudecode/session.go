// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// session files the records of one transcript under the turns they belong to.
type session struct {
	turns   []*turn
	owner   map[string]*turn // by record uuid
	uses    map[string]use   // by tool_use id
	follows map[any]*turn    // the latest turn that follows a turn, or a record that belongs to none
}

// turn is a prompt and all that came of it: an episode in the making.
type turn struct {
	e         *episode.Episode
	parent    *turn
	branch    any      // what it follows: a *turn, or the uuid of a record that belongs to none
	command   bool     // begun by a slash command: an episode only if the agent did something
	message   string   // id of the response that the last step is from
	requests  []string // in order, so that sums do not depend on map order
	usage     map[string]usage
	suggested map[string]int // index of the suggestion of a tool use
	abandoned bool
}

// use is one tool use, until its result comes.
type use struct {
	turn     *turn
	step     int
	id, name string
	input    input
	decided  bool
}

func newSession() *session {
	return &session{owner: map[string]*turn{}, uses: map[string]use{}, follows: map[any]*turn{}}
}

// add files one record.
func (s *session) add(r *record) {
	id := string(r.UUID)
	if id == "" {
		if t := s.current(); t != nil && r.Type == "pr-link" && r.PRURL != "" {
			t.links().PullRequest = string(r.PRURL)
		}
		return
	}
	if _, again := s.owner[id]; again {
		return // a resumed session repeats what it resumed
	}
	t := s.turnOf(r)
	s.owner[id] = t
	if t == nil {
		return
	}
	if e := t.e; !r.Timestamp.IsZero() {
		if e.StartedAt.IsZero() {
			e.StartedAt = r.Timestamp.Time
		}
		if r.Timestamp.After(e.EndedAt) {
			e.EndedAt = r.Timestamp.Time
		}
	}
	if t.e.Tool.Version == "" {
		t.e.Tool.Version = string(r.Version)
	}
	switch r.Type {
	case "assistant":
		t.assistant(s, r)
	case "user":
		t.user(s, r)
	}
}

func (s *session) current() *turn {
	if len(s.turns) == 0 {
		return nil
	}
	return s.turns[len(s.turns)-1]
}

// turnOf returns the turn a record belongs to, beginning a new one where it is a prompt; nil for what comes before any.
func (s *session) turnOf(r *record) *turn {
	parent := string(r.ParentUUID)
	if parent == "" {
		parent = string(r.LogicalParentUUID)
	}
	t, known := s.owner[parent]
	if !known && !bool(r.IsSidechain) {
		t = s.current() // a torn line may have held the parent
	}
	command := r.Type == "user" && strings.HasPrefix(r.Message.V.Content.text(), "<command-")
	switch {
	case typed(r) && !bool(r.IsCompactSummary), command:
	case t == nil && r.Type == "assistant": // the prompt is in another file, or torn
	default:
		return t
	}
	n := s.begin(r, t)
	n.command = command
	if n.branch = any(t); t == nil {
		n.branch = parent
	}
	if known && parent != "" {
		if before := s.follows[n.branch]; before != nil && !bool(r.IsSidechain) {
			before.abandoned = true
		}
		if !r.IsSidechain {
			s.follows[n.branch] = n
		}
	}
	return n
}

func (s *session) begin(r *record, parent *turn) *turn {
	t := &turn{parent: parent, usage: map[string]usage{}, suggested: map[string]int{}, e: &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, string(r.UUID)),
		Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
		Session:       string(r.SessionID),
		// The folder's full path: its last element alone would make strangers' "api" folders one repository.
		Repository: string(r.CWD),
	}}
	s.turns = append(s.turns, t)
	return t
}

func (t *turn) links() *episode.Links {
	if t.e.Links == nil {
		t.e.Links = &episode.Links{}
	}
	return t.e.Links
}

// assistant adds a response, which comes as one record per content block, all with the same message id.
func (t *turn) assistant(s *session, r *record) {
	m := &r.Message.V
	if m.Model != "<synthetic>" {
		capture.SetModel(t.e, "", string(m.Model))
	}
	key := string(r.RequestID)
	if key == "" {
		key = string(m.ID)
	}
	if m.Usage.OK { // counted once per request, with the last record's figures: earlier ones are partial
		if _, seen := t.usage[key]; !seen {
			t.requests = append(t.requests, key)
		}
		t.usage[key] = m.Usage.V
	}
	if len(t.e.Steps) == 0 || m.ID == "" || t.message != string(m.ID) {
		t.e.Steps = append(t.e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceAgent})
		t.message = string(m.ID)
	}
	n := len(t.e.Steps) - 1
	step := &t.e.Steps[n]
	step.Message = joined(step.Message, m.Content.text())
	for i := range m.Content.Blocks.V {
		switch b := &m.Content.Blocks.V[i]; b.Type {
		case "thinking":
			step.Reasoning = joined(step.Reasoning, string(b.Thinking))
		case "tool_use":
			t.call(s, n, b, r.Timestamp.Time)
		}
	}
	if capture.Clip(&step.Message, &step.Reasoning) {
		step.Truncated = true
	}
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// user adds a prompt, results of tool uses, or an interrupt.
func (t *turn) user(s *session, r *record) {
	m := &r.Message.V.Content
	if typed(r) && !bool(r.IsCompactSummary) {
		text := m.text()
		cut := capture.Clip(&text)
		if t.e.Instruction == "" && len(t.e.Steps) == 0 && !bool(r.IsSidechain) {
			t.e.Instruction = text
		}
		t.e.Steps = append(t.e.Steps, episode.Step{At: r.Timestamp.Time, Source: source(r), Message: text, Truncated: cut})
	}
	if r.PlanContent != "" {
		t.artifact(string(r.PlanContent))
	}
	for i := range m.Blocks.V {
		if b := &m.Blocks.V[i]; b.Type == "tool_result" {
			if u, ok := s.uses[string(b.ToolUseID)]; ok {
				u.turn.result(&u, b, r)
				s.uses[u.id] = u
			}
		}
	}
	if strings.HasPrefix(m.text(), interrupted) {
		t.interrupt(s, r.Timestamp.Time)
	}
}

// source says who wrote a prompt: in a side chain the agent itself wrote it, for a helper of its own.
func source(r *record) episode.Source {
	if r.IsSidechain {
		return episode.SourceAgent
	}
	return episode.SourceUser
}

func (t *turn) artifact(plan string) {
	a := capture.Artifact(episode.ArtifactPlan, "plan", plan)
	for i := range t.e.Artifacts {
		if t.e.Artifacts[i].Digest == a.Digest {
			return
		}
	}
	t.e.Artifacts = append(t.e.Artifacts, a)
}

// finish gives every turn to emit as an episode, in the order in which they began.
func (s *session) finish(emit func(*episode.Episode) error) error {
	nearest := map[*turn]string{} // id of the nearest turn, going up, that is an episode
	for _, t := range s.turns {
		if t.parent != nil && t.parent.abandoned {
			t.abandoned = true
		}
		if t.parent != nil {
			t.links().Parent = nearest[t.parent]
		}
		if t.command && len(t.e.Steps) == 0 {
			if nearest[t] = ""; t.parent != nil {
				nearest[t] = nearest[t.parent]
			}
			continue
		}
		nearest[t] = t.e.ID
		if t.abandoned {
			t.links().AbandonedBranch = true
		}
		if l := t.e.Links; l != nil && l.Parent+l.PullRequest == "" && !l.AbandonedBranch {
			t.e.Links = nil
		}
		t.sum()
		capture.Languages(t.e)
		if err := emit(t.e); err != nil {
			return err
		}
	}
	return nil
}

func (t *turn) sum() {
	if len(t.requests) == 0 {
		return
	}
	t.e.Usage = &episode.Usage{}
	for _, key := range t.requests {
		u := t.usage[key]
		t.e.Usage.InputTokens += u.Input.Int()
		t.e.Usage.OutputTokens += u.Output.Int()
		t.e.Usage.CacheReadTokens += u.CacheRead.Int()
		t.e.Usage.CacheWriteTokens += u.CacheWrite.Int()
	}
}
