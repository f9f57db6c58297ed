// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"maps"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Side is one of the two that talk.
type Side int

// Who sent a message.
const (
	Unknown Side = iota
	Client       // the editor
	Agent
)

// What a builder keeps at a time is bounded: of a session that is pushed out, what is under way ends; an answer to a
// request beyond the limit says nothing.
const (
	maxSessions = 64
	maxPending  = 1024 // requests of one side that wait for an answer
	maxName     = 1024 // bytes of an id, a path or another name
)

// Builder makes episodes of the messages of one connection. It is for one goroutine.
type Builder struct {
	// Counts are of the messages so far.
	Counts capture.Counts

	tool     episode.Tool
	sessions map[string]*session
	pending  [3]map[id]*request // by who asked
	version  float64            // of the protocol
	clock    int                // of messages, to tell which session rested longest
	done     []*episode.Episode
}

// request is one that waits for its answer.
type request struct {
	method  string
	session string
	model   string // that the session gets when it succeeds
	turn    *turn
	ask     *ask
	write   *write
	term    *terminal
}

// session is a conversation.
type session struct {
	id      string
	cwd     string
	model   string
	loading int // of requests to load it: what comes meanwhile is history
	prompts int
	used    int
	cost    float64 // of all of it, as the agent last said
	turns   []*turn // under way, in the order of their prompts
}

// NewBuilder makes a builder for an agent that was started by command, which tells the tool where the agent does not.
func NewBuilder(command []string) *Builder {
	b := &Builder{sessions: map[string]*session{}, tool: episode.Tool{Name: started(command), Surface: episode.SurfaceAgent}}
	for i := range b.pending {
		b.pending[i] = map[id]*request{}
	}
	return b
}

// Add takes a message that came at that time, and returns the episodes that it has ended. It is not ok where it is no
// message; what it says is passed over where we do not know it.
func (b *Builder) Add(from Side, at time.Time, raw []byte) (done []*episode.Episode, ok bool) {
	b.Counts.Lines++
	m, ok := decode(raw)
	if !ok {
		b.Counts.Unparsable++
		return nil, false
	}
	return b.add(from, at.UTC(), m), true
}

// Close ends what is under way, as it stands.
func (b *Builder) Close() []*episode.Episode {
	for len(b.sessions) > 0 {
		b.drop(b.oldest())
	}
	return b.take()
}

func (b *Builder) take() []*episode.Episode {
	done := b.done
	b.done = nil
	return done
}

func (b *Builder) add(from Side, at time.Time, m *message) []*episode.Episode {
	b.clock++
	if s := m.sender(); s != Unknown {
		from = s
	}
	switch {
	case m.Method == "":
		b.answer(from, at, m)
	case from == Client:
		b.Counts.Kind(short(m.Method))
		b.fromClient(at, m)
	case from == Agent:
		b.fromAgent(at, m)
	default:
		b.Counts.Kind("other")
	}
	return b.take()
}

// session returns the session with that id, which may be new.
func (b *Builder) session(id string) *session {
	if len(id) > maxName {
		id = episode.Digest([]byte(id))
	}
	s := b.sessions[id]
	if s == nil {
		if len(b.sessions) >= maxSessions {
			b.drop(b.oldest())
		}
		s = &session{id: strings.Clone(id)}
		b.sessions[s.id] = s
	}
	s.used = b.clock
	return s
}

func (b *Builder) oldest() *session {
	var old *session
	for _, s := range b.sessions {
		if old == nil || s.used < old.used || s.used == old.used && s.id < old.id {
			old = s
		}
	}
	return old
}

// drop forgets a session; what is under way ends.
func (b *Builder) drop(s *session) {
	defer maps.DeleteFunc(b.pending[Client], func(_ id, r *request) bool { return r.turn != nil && r.session == s.id })
	for len(s.turns) > 0 {
		b.end(s, s.turns[0])
	}
	delete(b.sessions, s.id)
}

// wait notes a request of a side's.
func (b *Builder) wait(from Side, m *message, r *request) {
	if m.ID == "" || len(b.pending[from]) >= maxPending {
		return
	}
	r.method = string(m.Method)
	b.pending[from][m.ID] = r
}

// fromClient takes what the editor asks or says.
func (b *Builder) fromClient(at time.Time, m *message) {
	p := &m.Params.V
	r := &request{session: string(p.Session)}
	switch m.Method {
	case "session/new":
		r.session = short(p.Cwd) // until its id is known
	case "session/load", "session/resume", "session/fork":
		s := b.session(r.session)
		if p.Cwd != "" {
			s.cwd = short(p.Cwd)
		}
		if b.wait(Client, m, r); m.Method == "session/load" && b.pending[Client][m.ID] == r {
			s.loading++
		}
		return
	case "session/prompt":
		if r.session == "" {
			return
		}
		r.turn = b.begin(at, m)
	case "session/cancel":
		b.cancel(r.session, nil)
		return
	case "session/set_model":
		r.model = short(p.ModelID)
	case "session/set_config_option":
		if strings.Contains(string(p.ConfigID), "model") {
			r.model = short(p.Value)
		}
	case "session/close", "session/delete":
		if s := b.sessions[r.session]; s != nil && len(s.turns) == 0 {
			b.drop(s)
		}
	case "$/cancel_request":
		if asked := b.pending[Client][p.Request]; asked != nil && asked.turn != nil {
			b.cancel(asked.session, asked.turn)
		}
		return
	}
	b.wait(Client, m, r)
}

// cancel notes that the person stops a turn, or all of a session's.
func (b *Builder) cancel(id string, only *turn) {
	s := b.sessions[id]
	if s == nil {
		return
	}
	for _, t := range s.turns {
		if (only == nil || t == only) && !t.cancelled {
			b.Counts.Interrupts++
			t.cancelled = true
		}
	}
}

// fromAgent takes what the agent says or asks of the editor.
func (b *Builder) fromAgent(at time.Time, m *message) {
	p := &m.Params.V
	if m.Method == "session/update" {
		b.Counts.Kind(short(m.Method + "/" + p.Update.V.Kind))
		b.update(at, string(p.Session), &p.Update.V)
		return
	}
	b.Counts.Kind(short(m.Method))
	if m.Method == "$/cancel_request" {
		delete(b.pending[Agent], p.Request)
		return
	}
	s := b.sessions[string(p.Session)]
	if s == nil || len(s.turns) == 0 {
		return // nobody asked for anything
	}
	s.used = b.clock
	t := s.turns[0]
	t.seen(at)
	r := &request{session: s.id, turn: t}
	switch m.Method {
	case "session/request_permission":
		r.ask = b.asked(t, at, p)
	case "fs/write_text_file":
		r.write = t.wrote(at, string(p.Path), string(p.Content))
	case "terminal/create":
		r.term = t.terminal(at, string(p.Command), p.Args)
	case "terminal/output":
		r.term = t.terms[string(p.Terminal)]
	default:
		return
	}
	b.wait(Agent, m, r)
}

// answer takes the answer to a request. Where it is not known who answers, and both sides wait for one with that id, its
// form tells.
func (b *Builder) answer(from Side, at time.Time, m *message) {
	b.Counts.Kind("answer")
	asker := Unknown
	switch {
	case from == Client:
		asker = Agent
	case from == Agent:
		asker = Client
	case b.pending[Agent][m.ID] == nil:
		asker = Client
	case b.pending[Client][m.ID] == nil:
		asker = Agent
	default:
		asker = Agent
		if r := &m.Result.V; r.Stop != "" || r.Session != "" || r.AgentCan.OK || r.Models.V.Current != "" || r.Config.OK {
			asker = Client
		}
	}
	r := b.pending[asker][m.ID]
	if r == nil {
		return
	}
	delete(b.pending[asker], m.ID)
	if asker == Client {
		b.answered(at, r, m)
	} else {
		r.answered(at, m)
	}
}

// answered takes the agent's answer.
func (b *Builder) answered(at time.Time, r *request, m *message) {
	res, failed := &m.Result.V, m.Error.OK
	switch r.method {
	case "initialize":
		b.version = float64(res.Version)
		if a := &res.Agent.V; a.Name != "" {
			if name := Tool(string(a.Name)); name != "" || b.tool.Name == "" {
				b.tool.Name = name
			}
			b.tool.Version = short(a.Version)
		}
	case "session/new":
		if res.Session != "" {
			s := b.session(string(res.Session))
			s.cwd = r.session
			s.modelled(res)
		}
	case "session/load", "session/resume", "session/fork":
		if s := b.sessions[r.session]; s != nil {
			if r.method == "session/load" {
				s.loading = max(0, s.loading-1)
			}
			s.modelled(res)
		}
	case "session/set_model", "session/set_config_option":
		if s := b.sessions[r.session]; s != nil && !failed && r.model != "" {
			s.model = r.model
		}
	case "session/prompt":
		s := b.sessions[r.session]
		if r.turn == nil || s == nil || r.turn.ended {
			return
		}
		r.turn.seen(at)
		r.turn.spent(res)
		if r.turn.stop = short(res.Stop); res.Stop != "" || failed || b.version < 2 {
			b.end(s, r.turn)
		} // else it is accepted, and ends when the agent is idle
	}
}

// short is a name; empty where it is none, by its length.
func short(s lax.String) string {
	if len(s) > maxName {
		return ""
	}
	return string(s)
}

// modelled takes which model a session is with, as the agent says it.
func (s *session) modelled(r *result) {
	if r.Models.V.Current != "" {
		s.model = short(r.Models.V.Current)
	}
	s.configured(r.Config.V)
}

func (s *session) configured(options []config) {
	for _, o := range options {
		if (o.Category == "model" || o.ID == "model") && o.Current != "" {
			s.model = short(o.Current)
		}
	}
}

// answered takes the editor's answer.
func (r *request) answered(at time.Time, m *message) {
	if r.turn.ended {
		return
	}
	r.turn.seen(at)
	res, failed := &m.Result.V, m.Error.OK
	switch {
	case r.ask != nil && !failed:
		r.ask.outcome, r.ask.choice, r.ask.at = string(res.Outcome.V.Outcome), r.ask.kinds[string(res.Outcome.V.Option)], at
	case r.write != nil:
		r.write.done, r.write.failed = true, failed
	case r.term == nil || failed:
	case r.method == "terminal/create":
		r.turn.named(r.term, string(res.Terminal))
	default:
		r.turn.hold(&r.term.output, string(res.Output))
	}
}
