// SPDX-License-Identifier: Apache-2.0

package antigravity

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// transcript files the steps of one conversation under the requests they came of.
type transcript struct {
	c        *capture.Counts
	session  string
	model    string // in force
	episodes []*episode.Episode
	pending  []pending // calls of the last response that nothing came back for yet
}

// pending is a call, and its suggestion if it makes one.
type pending struct {
	id, name   string
	step       int
	suggestion int // index, or -1
}

func (tr *transcript) current() *episode.Episode {
	if len(tr.episodes) == 0 {
		return nil
	}
	return tr.episodes[len(tr.episodes)-1]
}

func (tr *transcript) add(s *step) {
	switch {
	case s.Type == "USER_INPUT":
		tr.request(s)
	case s.Type == "PLANNER_RESPONSE":
		tr.response(s)
	case s.Source == "MODEL":
		tr.result(s)
	case s.Content != "" && tr.current() != nil:
		e := tr.current()
		st := episode.Step{At: s.CreatedAt.Time, Source: episode.SourceSystem, Message: string(s.Content)}
		st.Truncated = capture.Clip(&st.Message) || s.truncated()
		e.Steps = append(e.Steps, st)
	}
	if e := tr.current(); e != nil && s.CreatedAt.After(e.EndedAt) {
		e.EndedAt = s.CreatedAt.Time
	}
}

// What the tool wraps a request in. A person may have typed any of it; what counts is the outermost.
var (
	modelChange = regexp.MustCompile("`Model Selection` from .*? to ([^\n]+?)\\.?(?:\n|$)")
	comments    = regexp.MustCompile(`(?m)^Comments on artifact URI: (\S+)\s+The user has approved this document\.`)
)

const (
	requestBegins = "<USER_REQUEST>"
	requestEnds   = "</USER_REQUEST>"
)

// request begins an episode with the person's words. An approval without words goes on with what it approves.
func (tr *transcript) request(s *step) {
	whole := string(s.Content)
	said, around := whole, ""
	if before, rest, ok := strings.Cut(whole, requestBegins); ok {
		said, around = rest, before
		if i := strings.Index(rest, requestEnds); i >= 0 {
			said, around = rest[:i], before+"\n"+rest[i+len(requestEnds):]
		}
	} else if strings.HasPrefix(whole, "Comments on artifact URI: ") {
		said, around = "", whole
	}
	if m := modelChange.FindStringSubmatch(around); m != nil {
		tr.model = m[1]
	}
	if s.Source == "USER_EXPLICIT" {
		for _, m := range comments.FindAllStringSubmatch(around, -1) {
			tr.approve(m[1], s)
		}
	}
	said = strings.TrimSpace(said)
	e := tr.current()
	if said != "" || e == nil {
		e = tr.begin(s)
		tr.c.Prompts++
		e.Instruction = said
		capture.Clip(&e.Instruction)
	}
	tr.pending = nil
	st := episode.Step{At: s.CreatedAt.Time, Source: episode.SourceUser, Message: strings.TrimSpace(whole)}
	st.Truncated = capture.Clip(&st.Message) || s.truncated()
	e.Steps = append(e.Steps, st)
	capture.SetModel(e, "", tr.model)
}

// approve records that the person approved a document: the last plan of that name that was put before them.
func (tr *transcript) approve(uri string, s *step) {
	for _, e := range slices.Backward(tr.episodes) {
		for i := range slices.Backward(e.Suggestions) {
			sg := &e.Suggestions[i]
			if sg.Kind != episode.KindPlan || base(sg.Path) != base(uri) {
				continue
			}
			if !slices.ContainsFunc(e.Decisions, func(d episode.Decision) bool { return d.Suggestion == sg.ID }) {
				e.Decisions = append(e.Decisions, episode.Decision{Suggestion: sg.ID, Verdict: episode.Accepted, By: episode.ByPerson, At: s.CreatedAt.Time})
			}
			return
		}
	}
}

func (tr *transcript) begin(s *step) *episode.Episode {
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, tr.session+"#"+strconv.Itoa(len(tr.episodes))),
		StartedAt:     s.CreatedAt.Time,
		EndedAt:       s.CreatedAt.Time,
		Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
		Session:       tr.session,
	}
	tr.episodes = append(tr.episodes, e)
	return e
}

// open returns the episode under way; where the request was torn, one without words.
func (tr *transcript) open(s *step) *episode.Episode {
	e := tr.current()
	if e == nil {
		e = tr.begin(s)
	}
	capture.SetModel(e, "", tr.model)
	return e
}

// response adds what the model thought, said and called.
func (tr *transcript) response(s *step) {
	e := tr.open(s)
	st := episode.Step{At: s.CreatedAt.Time, Source: episode.SourceAgent, Message: string(s.Content), Reasoning: string(s.Thinking)}
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || s.truncated()
	if len(s.Calls.V) > 0 {
		tr.pending = nil // what nothing came back for stays open
	}
	n := len(e.Steps)
	e.Steps = append(e.Steps, st)
	for i := range s.Calls.V {
		tr.call(e, n, &s.Calls.V[i], s)
	}
}

// finish gives every episode to emit.
func (tr *transcript) finish(emit func(*episode.Episode) error) error {
	for _, e := range tr.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}
