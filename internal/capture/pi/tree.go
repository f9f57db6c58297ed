// SPDX-License-Identifier: Apache-2.0

package pi

import (
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// tree files the entries of one session under its prompts.
type tree struct {
	c     *capture.Counts
	start record
	model record            // the last model_change
	up    map[string]string // an entry's parent
	owner map[string]*turn  // an entry's turn
	last  string            // the last entry: the leaf that the session is at
	turns []*turn
	seen  map[string]bool // native ids of prompts
	calls map[string]*call
}

// turn is a prompt and what followed it: an episode in the making.
type turn struct {
	e      *episode.Episode
	entry  string // of the prompt; empty where it was torn
	parent *turn
	taken  map[string]bool // ids of suggestions
}

// call is a tool call, and the suggestion that it makes.
type call struct {
	t          *turn
	id, name   string
	step       int
	suggestion int // index, -1 for a tool that only looks
	done       bool
}

func newTree(c *capture.Counts) *tree {
	return &tree{c: c, up: map[string]string{}, owner: map[string]*turn{}, seen: map[string]bool{}, calls: map[string]*call{}}
}

func (t *tree) add(r *record) {
	if r.Type == "session" {
		if t.start.Type == "" {
			t.start = *r
		}
		return
	}
	id, parent := string(r.ID), string(r.ParentID)
	if _, known := t.up[parent]; parent != "" && !known {
		parent = t.last // a torn line held it
	}
	if id != "" {
		if _, again := t.up[id]; again {
			return // nothing rewrites an entry
		}
		t.up[id], t.last = parent, id
	}
	if r.Type == "model_change" {
		t.model = *r
	}
	on := t.owner[parent]
	if id == "" && len(t.turns) > 0 {
		on = t.turns[len(t.turns)-1] // version 1 has no ids
	}
	if r.Type == "message" {
		on = t.message(r, on)
	}
	if id != "" && on != nil {
		t.owner[id] = on
	}
}

// message files a message that follows what turn on holds, and returns the turn that it belongs to.
func (t *tree) message(r *record, on *turn) *turn {
	m := &r.Message.V
	switch m.Role {
	case "user":
		return t.prompt(r, on)
	case "assistant":
		if on == nil {
			on = t.begin(r, nil)
		}
		t.answer(r, on)
	case "toolResult":
		t.result(r)
	}
	if on != nil {
		until(on.e, r.Timestamp.Time)
	}
	return on
}

func (t *tree) prompt(r *record, parent *turn) *turn {
	t.c.Prompts++
	n := t.begin(r, parent)
	n.entry = string(r.ID)
	st := episode.Step{At: r.Timestamp.Time, Source: episode.SourceUser, Message: r.Message.V.Content.text()}
	st.Truncated = capture.Clip(&st.Message)
	n.e.Instruction = st.Message
	n.e.Steps = append(n.e.Steps, st)
	return n
}

func (t *tree) begin(r *record, parent *turn) *turn {
	// An id is but eight digits; with its time it is one of a kind, in the file of a fork as well.
	native := string(r.ID) + "@" + r.Timestamp.Format(time.RFC3339Nano)
	if r.ID == "" || t.seen[native] {
		native = string(t.start.ID) + "#" + strconv.Itoa(len(t.turns))
	}
	t.seen[native] = true
	n := &turn{parent: parent, taken: map[string]bool{}, e: &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native),
		StartedAt: r.Timestamp.Time, EndedAt: r.Timestamp.Time, Tool: episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
		Session: string(t.start.ID), Repository: string(t.start.CWD)}}
	t.turns = append(t.turns, n)
	return n
}

func until(e *episode.Episode, at time.Time) {
	if e.StartedAt.IsZero() {
		e.StartedAt = at
	}
	if at.After(e.EndedAt) {
		e.EndedAt = at
	}
}

// answer files a message of the agent's: a step.
func (t *tree) answer(r *record, on *turn) {
	m, e := &r.Message.V, on.e
	provider, model := string(m.Provider), string(m.Model)
	if model == "" {
		provider, model = string(t.model.Provider), string(t.model.ModelID)
	}
	if maker := capture.Provider(model); maker != "" {
		provider = maker // the provider may be a reseller
	}
	capture.SetModel(e, provider, model)
	n := len(e.Steps)
	e.Steps = append(e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceAgent, Message: m.Content.text()})
	var thoughts []string
	for i := range m.Content.Blocks.V {
		switch b := &m.Content.Blocks.V[i]; b.Type {
		case "thinking":
			thoughts = append(thoughts, string(b.Thinking))
		case "toolCall":
			t.call(on, n, b, r.Timestamp.Time)
		}
	}
	st := &e.Steps[n]
	st.Reasoning = strings.Join(thoughts, "\n")
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || st.Truncated
	if u := &m.Usage.V; m.Usage.OK {
		if e.Usage == nil {
			e.Usage = &episode.Usage{}
		}
		e.Usage.InputTokens += u.Input.Int()
		e.Usage.OutputTokens += u.Output.Int()
		e.Usage.CacheReadTokens += u.CacheRead.Int()
		e.Usage.CacheWriteTokens += u.CacheWrite.Int()
		if dollars := u.Cost.V.Total; dollars > 0 && dollars < maxCost {
			e.Usage.CostUSD += float64(dollars)
		}
	}
	if m.StopReason == "aborted" {
		t.abort(on, n, r.Timestamp.Time)
	}
}

const maxCost = 1e6 // no request costs a million dollars

// finish gives every turn to emit, in the order in which they began. Those that are not on the way from the leaf to the
// first entry were left behind.
func (t *tree) finish(emit func(*episode.Episode) error) error {
	live := map[*turn]bool{}
	for at, left := t.last, len(t.up); at != "" && left >= 0; at, left = t.up[at], left-1 { // hostile parents may go round
		if on := t.owner[at]; on != nil {
			live[on] = true
		}
	}
	for _, n := range t.turns {
		var l episode.Links
		if n.parent != nil {
			l.Parent = n.parent.e.ID
		}
		if n.entry != "" && !live[n] {
			l.AbandonedBranch = true
		}
		if l.Parent != "" || l.AbandonedBranch {
			n.e.Links = &l
		}
		capture.Languages(n.e)
		if err := emit(n.e); err != nil {
			return err
		}
	}
	return nil
}
