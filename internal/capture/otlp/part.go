// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"cmp"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// part is what one event tells of an episode, while a dialect puts it together.
type part struct {
	ev              *event
	c               *capture.Counts
	session, native string
	e               *episode.Episode
	print           string
	marks           []*mark // of e.Steps
	keys            []string
}

func newPart(tool string, ev *event, c *capture.Counts) *part {
	p := &part{ev: ev, c: c, print: ev.print(), e: &episode.Episode{SchemaVersion: episode.SchemaVersion, StartedAt: ev.at, EndedAt: ev.at,
		Tool: episode.Tool{Name: tool, Surface: episode.SurfaceAgent}}}
	if ev.end.After(ev.at) {
		p.e.EndedAt = ev.end
	}
	p.e.Tool.Version = cmp.Or(ev.str("app.version"), text(ev.resource, "service.version"))
	return p
}

// of says what the event belongs to: a prompt by the tool's own id, else a call, else the session as a whole.
func (p *part) of(session, prompt, call string) {
	p.session = session
	switch {
	case prompt != "":
		p.native = prompt
	case call != "":
		p.native = session + "/" + call
	default:
		p.native = session
	}
	p.key("prompt", prompt)
	p.key("call", call)
}

// key adds an id that other sources of the same episode may know it by.
func (p *part) key(kind, id string) {
	if id != "" {
		p.keys = append(p.keys, kind+":"+id)
	}
}

// step adds a step; its mark is what the event tells of it besides.
func (p *part) step(source episode.Source, message string) (*episode.Step, *mark) {
	st := episode.Step{At: p.ev.at, Source: source, Message: message}
	st.Truncated = capture.Clip(&st.Message)
	m := &mark{Event: p.print}
	p.e.Steps, p.marks = append(p.e.Steps, st), append(p.marks, m)
	return &p.e.Steps[len(p.e.Steps)-1], m
}

// said adds what the person asked for.
func (p *part) said(message string) (*episode.Step, *mark) {
	p.c.Prompts++
	return p.step(episode.SourceUser, message)
}

// asked adds what the person asked for, where several events repeat it.
func (p *part) asked(message string) {
	_, m := p.step(episode.SourceUser, message)
	m.Same = "prompt:" + episode.Digest([]byte(message))
}

// called adds a step in which the agent calls a tool.
func (p *part) called(id, name, arguments string) (*episode.Step, *mark) {
	p.c.ToolUses++
	st, m := p.step(episode.SourceAgent, "")
	args, cut := capture.Arguments(jsontext.Value(arguments))
	st.ToolCalls = []episode.ToolCall{{ID: id, Name: name, Arguments: args}}
	st.Truncated = cut
	return st, m
}

// returned adds what came back for the call of a step.
func (p *part) returned(st *episode.Step, id, content string, failed bool) {
	p.c.ToolResults++
	if failed {
		p.c.Errors++
	}
	r := episode.Result{Call: id, Content: content, Error: failed}
	st.Truncated = capture.Clip(&r.Content) || st.Truncated
	st.Observation = &episode.Observation{Results: []episode.Result{r}}
}

// suggest adds a suggestion; the step that made it is found when the episode is put together.
func (p *part) suggest(s episode.Suggestion) {
	s.Step = -1
	if s.ShownAt.IsZero() {
		s.ShownAt = p.ev.at
	}
	s.Truncated = capture.Clip(&s.Before, &s.After) || s.Truncated
	p.e.Suggestions = append(p.e.Suggestions, s)
}

// decide adds what was decided on a suggestion, if that is known, and returns who acted in the step that tells of it.
func (p *part) decide(d episode.Decision) episode.Source {
	if d.Verdict == "" {
		return episode.SourceSystem
	}
	d.At = p.ev.at
	capture.Clip(&d.Reason, &d.Final)
	p.e.Decisions = append(p.e.Decisions, d)
	if d.Verdict == episode.Rejected {
		p.c.Rejections++
		if d.Reason != "" {
			p.c.RejectionsWithReason++
		}
	}
	if d.By == episode.ByPerson {
		return episode.SourceUser
	}
	return episode.SourceSystem
}

// rate adds a judgement of the whole episode.
func (p *part) rate(r episode.Rating) {
	capture.Clip(&r.Comment)
	r.Target = cmp.Or(r.Target, "episode")
	_, m := p.step(episode.SourceSystem, "")
	m.Rating = &rating{r.By, r.Target, r.Scale, r.Value, r.Comment}
	if r.By == "person" {
		p.e.Steps[len(p.e.Steps)-1].Source = episode.SourceUser
	}
}

// outcome adds what became of a suggestion.
func (p *part) outcome(suggestion string, kind episode.OutcomeKind, value float64, window string) {
	p.e.Outcomes = append(p.e.Outcomes, episode.Outcome{Suggestion: suggestion, Kind: kind, Value: min(1, max(0, value)), ObservedAt: p.ev.at, Window: window})
}

// episode is the part when the dialect is done with it.
func (p *part) episode() *episode.Episode {
	if len(p.marks) == 0 {
		p.step(episode.SourceSystem, "")
	}
	p.marks[0].Keys = p.keys
	for i, m := range p.marks {
		m.put(&p.e.Steps[i])
	}
	p.e.ID = episode.NewID(p.e.Tool.Name, cmp.Or(p.native, p.session))
	p.e.Session = p.session
	return p.e
}

// madeUp is an id for a suggestion to which the tool gives none: an event that comes twice makes up the same.
func (p *part) madeUp() string { return madeUpID + p.print }

// madeUpID begins an id that is not the tool's own.
const madeUpID = "ev-"

// between is the time from one moment to a later one in whole milliseconds.
func between(from, to time.Time) int64 {
	if from.IsZero() || !to.After(from) {
		return 0
	}
	return to.Sub(from).Milliseconds()
}
