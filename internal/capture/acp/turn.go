// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// What one prompt may hold; what comes beyond is let go, and the episode says that it is cut.
const (
	maxHeld  = 16 << 20 // bytes of text
	maxParts = 4096     // of steps, calls, writes, terminals each
)

// turn is a prompt and all that came of it: an episode in the making.
type turn struct {
	e         *episode.Episode
	native    string
	room      int // for text
	cut       bool
	calls     map[string]*call
	order     []*call
	writes    []*write
	terms     map[string]*terminal
	termList  []*terminal
	message   strings.Builder // of the agent's step under way: it comes in small pieces
	thought   strings.Builder
	saying    bool // there is such a step
	saidAt    time.Time
	lastID    string // of its last message
	plan      []entry
	cancelled bool // by the person
	ended     bool
	stop      string
	model     string
	cost      float64 // of the session, before
}

// call is a call of the agent's, as it stands.
type call struct {
	id, name, title, kind, status string
	step, place                   int
	input                         jsontext.Value
	text, output                  string
	diffs                         []diff
	paths                         []string
	terminal                      string
	at, ended                     time.Time
	asked                         []*ask
	stopped                       bool // it failed after the person had stopped the turn
}

// diff is a change to a file that a call shows.
type diff struct{ path, before, after string }

// ask is a permission request, and its answer.
type ask struct {
	asked, at time.Time
	kinds     map[string]string // of the options, by their ids
	outcome   string
	choice    string // kind of the option that was chosen
}

// write is a file that the editor was asked to write.
type write struct {
	path, text   string
	step         int
	at           time.Time
	done, failed bool
}

// terminal is a command that the editor was asked to run.
type terminal struct {
	id, command, output string
	step                int
	at                  time.Time
}

// begin starts a prompt.
func (b *Builder) begin(at time.Time, m *message) *turn {
	p := &m.Params.V
	s := b.session(string(p.Session))
	b.Counts.Prompts++
	t := &turn{room: maxHeld, calls: map[string]*call{}, terms: map[string]*terminal{}, cost: s.cost, e: &episode.Episode{
		SchemaVersion: episode.SchemaVersion, StartedAt: at, EndedAt: at, Session: s.id, Repository: s.cwd}}
	t.hold(&t.e.Instruction, strings.TrimSpace(p.Prompt.text))
	t.e.Steps = []episode.Step{{At: at, Source: episode.SourceUser, Message: t.e.Instruction, Truncated: t.cut}}
	for _, r := range p.Prompt.resources {
		if len(t.e.Artifacts) < maxParts && t.room > len(r.Text) {
			a := r.artifact()
			if !slices.ContainsFunc(t.e.Artifacts, func(o episode.Artifact) bool { return o.Digest == a.Digest && o.Name == a.Name }) {
				t.room -= len(a.Text)
				t.e.Artifacts = append(t.e.Artifacts, a)
			}
		}
	}
	// The protocol gives prompts no ids, and a session that is loaded again counts from the start.
	t.native = s.id + "#" + strconv.Itoa(s.prompts) + "@" + at.Format(time.RFC3339Nano)
	if at.IsZero() {
		t.native = s.id + "#" + strconv.Itoa(s.prompts) + "@" + episode.Digest([]byte(p.Prompt.text))[:15]
	}
	s.prompts++
	s.loading = 0 // it must be over: nobody types into a session that is being loaded
	if len(s.turns) >= maxSessions {
		b.end(s, s.turns[0])
	}
	s.turns = append(s.turns, t)
	return t
}

func (t *turn) seen(at time.Time) {
	if at.After(t.e.EndedAt) {
		t.e.EndedAt = at
	}
}

// hold sets a string that the turn keeps, as far as there is room.
func (t *turn) hold(dst *string, s string) {
	t.room += len(*dst)
	if capture.Clip(&s) {
		t.cut = true
	}
	if len(s) > t.room {
		s, t.cut = "", true
	}
	t.room -= len(s)
	*dst = s
}

// step adds a step; where there are too many, what follows goes to the last.
func (t *turn) step(s episode.Step) {
	if len(t.e.Steps) < maxParts {
		t.e.Steps = append(t.e.Steps, s)
	} else {
		t.cut = true
	}
}

// flush ends the step under way.
func (t *turn) flush() {
	if !t.saying {
		return
	}
	t.step(episode.Step{At: t.saidAt, Source: episode.SourceAgent, Message: t.message.String(), Reasoning: t.thought.String()})
	t.message.Reset()
	t.thought.Reset()
	t.saying, t.lastID = false, ""
}

// say takes a piece of what the agent thinks or says. Of a message that is sent as a whole, the last counts. A text is cut
// when it has grown to several times the record's limit, so that small pieces cost no more than what they bring.
func (t *turn) say(at time.Time, u *update) {
	text := u.Content.text
	if text == "" {
		return
	}
	if !t.saying {
		t.saying, t.saidAt = true, at
	}
	dst := &t.message
	if strings.HasPrefix(string(u.Kind), "agent_thought") {
		dst = &t.thought
	}
	if !strings.HasSuffix(string(u.Kind), "_chunk") && u.Message != "" && t.lastID == string(u.Message) {
		t.room += dst.Len()
		dst.Reset()
	}
	t.lastID = string(u.Message)
	if len(text) > t.room {
		t.cut = true
		return
	}
	t.room -= len(text)
	if dst.WriteString(text); dst.Len() > 4<<20 {
		whole := dst.String()
		short, _ := episode.Truncate(whole)
		dst.Reset()
		dst.WriteString(short)
		t.room, t.cut = t.room+len(whole)-len(short), true
	}
}

// call returns the call with the id, which may be new; nil where there are too many. Calls that follow each other are of
// one step.
func (b *Builder) call(t *turn, id string, at time.Time) *call {
	if c := t.calls[id]; c != nil && id != "" {
		return c
	}
	if len(t.order) >= maxParts || len(id) > maxName {
		t.cut = true
		return nil
	}
	if id == "" {
		id = t.free("call-" + strconv.Itoa(len(t.order)))
	}
	b.Counts.ToolUses++
	n := t.agent(at)
	st := &t.e.Steps[n]
	c := &call{id: strings.Clone(id), step: n, place: len(st.ToolCalls), at: at}
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: c.id})
	t.calls[c.id] = c
	t.order = append(t.order, c)
	return c
}

// agent is the place of the agent's last step, which is made where there is none since the person spoke.
func (t *turn) agent(at time.Time) int {
	t.flush()
	if t.e.Steps[len(t.e.Steps)-1].Source != episode.SourceAgent {
		t.step(episode.Step{At: at, Source: episode.SourceAgent})
	}
	return len(t.e.Steps) - 1
}

// free is an id that no call has, as near to that one as can be.
func (t *turn) free(id string) string {
	for t.calls[id] != nil {
		id += "'"
	}
	return id
}

// take takes what an update says of a call. What it leaves out stays as it was.
func (t *turn) take(c *call, u *update, at time.Time) {
	name := cmp.Or(string(u.Name), string(u.Meta.V.Claude.V.Tool), string(u.Meta.V.XAI.V.Name))
	for _, f := range [...]struct {
		dst *string
		s   string
	}{{&c.name, name}, {&c.title, string(u.Title)}, {&c.kind, string(u.CallKind)}, {&c.status, string(u.Status)}} {
		if f.s != "" {
			t.hold(f.dst, f.s)
		}
	}
	if len(u.Input) > len("null") && t.room > len(u.Input) {
		if input := []byte(u.Input); len(input) > len("{}") || len(c.input) == 0 {
			t.room += len(c.input) - len(input)
			c.input = input
		}
	}
	if u.Content.given {
		t.content(c, &u.Content)
	}
	if text := outputOf(u.Output); text != "" {
		t.hold(&c.output, text)
	}
	if len(u.Locations.V) > 0 {
		c.paths = c.paths[:0]
		for _, l := range u.Locations.V[:min(len(u.Locations.V), 64)] {
			c.paths = append(c.paths, short(l.Path))
		}
	}
	if c.status == "completed" || c.status == "failed" {
		c.ended = at
		c.stopped = c.status == "failed" && t.cancelled
	}
}

// content takes what a call shows. Later content takes the place of what was shown before; but the result of an edit
// does not take away the change that it made.
func (t *turn) content(c *call, in *contents) {
	t.hold(&c.text, in.text)
	c.terminal = cmp.Or(in.terminal, c.terminal)
	if len(in.diffs) == 0 {
		return
	}
	for _, d := range c.diffs {
		t.room += len(d.path) + len(d.before) + len(d.after)
	}
	c.diffs = nil
	for _, in := range in.diffs[:min(len(in.diffs), maxParts)] {
		var d diff
		t.hold(&d.path, string(in.Path))
		t.hold(&d.before, string(in.Old))
		t.hold(&d.after, string(in.New))
		c.diffs = append(c.diffs, d)
	}
}
