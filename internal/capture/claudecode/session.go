// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"hash/maphash"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// session files the records of one transcript under the turns they belong to.
type session struct {
	turns   []*turn
	given   int // so many of the turns were given out already
	held    int // bytes of the records of those that were not
	seed    maphash.Seed
	owner   map[uint64]*turn // by record uuid, hashed: there may be millions
	uses    map[string]use   // by tool_use id, until the result has come
	follows map[any]*turn    // the latest turn that follows a turn, or a record that belongs to none
	prompts map[string]bool  // the tool's own ids of prompts that were seen
	files   *files
}

// maxHeld is how many bytes of records a session holds before it gives out what it has.
const maxHeld = 24 << 20

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
	size      int    // bytes of its records
	nearest   string // id of the nearest turn, going up from this one, that is an episode
	given     bool   // given out: e is what came since
	known     bool   // that it is abandoned was known then
	next      *turn  // what continues it
}

// use is one tool use, until its result comes.
type use struct {
	turn     *turn
	step     int
	id, name string
	input    input
	decided  bool
	path     string // of the file that it edits
	stirred  int    // as files has it, at the call
}

func newSession() *session {
	return &session{seed: maphash.MakeSeed(), owner: map[uint64]*turn{}, uses: map[string]use{}, follows: map[any]*turn{}, prompts: map[string]bool{}, files: newFiles()}
}

func (s *session) key(uuid lax.String) uint64 { return maphash.String(s.seed, string(uuid)) }

// add files one record, of so many bytes.
func (s *session) add(r *record, size int) {
	if r.UUID == "" {
		if t := s.current(); t != nil && r.Type == "pr-link" && r.PRURL != "" {
			t.links().PullRequest = string(r.PRURL)
		}
		return
	}
	id := s.key(r.UUID)
	if _, again := s.owner[id]; again {
		return // a resumed session repeats what it resumed
	}
	s.files.heed(r)
	t := s.turnOf(r)
	s.owner[id] = t
	if t == nil {
		return
	}
	t.size, s.held = t.size+size, s.held+size
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
	parent := r.ParentUUID
	if parent == "" {
		parent = r.LogicalParentUUID
	}
	t, known := s.owner[s.key(parent)]
	if !known && !bool(r.IsSidechain) {
		t = s.current() // a torn line may have held the parent
	}
	command := r.Type == "user" && strings.HasPrefix(r.Message.Content.text(), "<command-")
	switch {
	case typed(r) && !bool(r.IsCompactSummary), command:
	case t == nil && r.Type == "assistant": // the prompt is in another file, or torn
	default:
		return s.continued(t, r)
	}
	n := s.begin(r, t)
	n.command = command
	if n.branch = any(t); t == nil {
		n.branch = string(parent)
	}
	if known && parent != "" {
		if before := s.follows[n.branch]; before != nil && !bool(r.IsSidechain) {
			before.abandoned = true
			s.files.forgetAll() // what was rewound may have been taken back
		}
		if !r.IsSidechain {
			s.follows[n.branch] = n
		}
	}
	return n
}

// continued returns the turn that a record of t goes to: t, or what continues it where t was given out or is too long.
func (s *session) continued(t *turn, r *record) *turn {
	if t == nil {
		return nil
	}
	for t.next != nil {
		t = t.next
	}
	if r.Type != "assistant" || !t.given && t.size < maxHeld/2 {
		return t
	}
	t.next = s.begin(r, t)
	return t.next
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
	m := &r.Message
	if m.Model != "<synthetic>" {
		capture.SetModel(t.e, "", string(m.Model))
	}
	key := string(r.RequestID)
	if key == "" {
		key = string(m.ID)
	}
	if m.Used { // counted once per request, with the last record's figures: earlier ones are partial
		if _, seen := t.usage[key]; !seen {
			t.requests = append(t.requests, key)
		}
		t.usage[key] = m.Usage
	}
	if len(t.e.Steps) == 0 || m.ID == "" || t.message != string(m.ID) {
		t.e.Steps = append(t.e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceAgent})
		t.message = string(m.ID)
	}
	n := len(t.e.Steps) - 1
	step := &t.e.Steps[n]
	step.Message = joined(step.Message, m.Content.text())
	for i := range m.Content.Blocks {
		switch b := &m.Content.Blocks[i]; b.Type {
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
	m := &r.Message.Content
	if typed(r) && !bool(r.IsCompactSummary) {
		text := m.text()
		cut := capture.Clip(&text)
		if t.e.Instruction == "" && len(t.e.Steps) == 0 && !bool(r.IsSidechain) {
			t.e.Instruction = text
		}
		t.e.Steps = append(t.e.Steps, episode.Step{At: r.Timestamp.Time, Source: source(r), Message: text, Truncated: cut})
		if !bool(r.IsSidechain) && r.PromptID != "" && !s.prompts[string(r.PromptID)] { // what is said meanwhile has the same
			s.prompts[string(r.PromptID)] = true
			capture.MarkPrompt(&t.e.Steps[len(t.e.Steps)-1], string(r.PromptID))
		}
	}
	if r.PlanContent != "" {
		t.artifact(string(r.PlanContent))
	}
	for i := range m.Blocks {
		if b := &m.Blocks[i]; b.Type == "tool_result" {
			if u, ok := s.uses[string(b.ToolUseID)]; ok {
				accepted := u.turn.result(&u, b, r)
				s.files.returned(&u, b, r, accepted)
				delete(s.uses, u.id)
			}
		}
	}
	if strings.HasPrefix(m.text(), interrupted) {
		t.interrupt(s, r.person(), r.Timestamp.Time)
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

// flush gives the turns before the n-th to emit as episodes, in the order in which they began. Once all are given, so is
// what came later of those that were given before.
func (s *session) flush(n int, emit func(*episode.Episode) error) error {
	for ; s.given < n; s.given++ {
		t := s.turns[s.given]
		s.held -= t.size
		t.close()
		if t.command && len(t.e.Steps) == 0 {
			continue
		}
		if err := emit(t.e); err != nil {
			return err
		}
		t.give()
	}
	if n < len(s.turns) {
		return nil
	}
	for _, t := range s.turns {
		t.abandoned = t.abandoned || t.parent != nil && t.parent.abandoned
		if t.given && t.abandoned && !t.known {
			t.links().AbandonedBranch = true
		}
		if t.given && (t.e.Links != nil || len(t.e.Decisions) > 0) {
			if err := emit(t.e); err != nil {
				return err
			}
		}
	}
	return nil
}

// close settles what only the whole turn shows.
func (t *turn) close() {
	p := t.parent
	if p != nil {
		t.abandoned = t.abandoned || p.abandoned
		t.links().Parent = p.nearest
	}
	if t.command && len(t.e.Steps) == 0 {
		if p != nil {
			t.nearest = p.nearest
		}
		return
	}
	t.nearest = t.e.ID
	if t.abandoned {
		t.links().AbandonedBranch = true
	}
	if l := t.e.Links; l != nil && l.Parent+l.PullRequest == "" && !l.AbandonedBranch {
		t.e.Links = nil
	}
	t.sum()
	capture.Languages(t.e)
}

// give leaves of a turn what later records may still refer to.
func (t *turn) give() {
	t.given, t.known, t.usage, t.requests = true, t.abandoned, nil, nil
	t.e = &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: t.e.ID, Tool: t.e.Tool, Session: t.e.Session}
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
