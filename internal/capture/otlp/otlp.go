// SPDX-License-Identifier: Apache-2.0

// Package otlp maps what coding tools send by OpenTelemetry to episodes. It serves nothing: [Decode] checks the body of
// a request, [Episodes] maps logs and [Traces] spans, [Merge] adds a later batch to an episode, [Keys] are the ids by
// which an episode from here and one from elsewhere are known as the same. [Metrics] gives totals, never episodes. What a
// tool wrote to a file instead goes through a [Stream].
//
// Each tool has a file of its own that implements dialect; a new tool is that file and one line in dialects.
//
// The events of one prompt come in any order, in many batches, and some come twice. So each event becomes steps, marked
// with what the event told beside them (its place in the session, what it cost, its ids); everything that depends on
// several events (order, usage, model, which step made a suggestion) is worked out anew from the steps after each merge.
// Merging is therefore the same in any order, and again is the same as once.
//
// Where a tool names the prompt, an episode is what came of that prompt. Where it names none, each tool call is an episode
// of its own until a source that knows the prompt joins it by the call's id: a guess would tie the wrong prompts together.
//
// Who decided is in the telemetry, as it often is not in the history. It says "by person" only where the event itself
// shows that a person sat there: a script that runs the tool repeats a person's values. Developer is never set from what
// the events claim; identity comes from the connection.
package otlp

import (
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// dialect is how one tool speaks OpenTelemetry.
type dialect interface {
	// tool is the tool's name in episodes and totals.
	tool() string
	// speaks reports whether an event, a span or a metric is this tool's, by its names and where it is from.
	speaks(ev *event) bool
	// tell adds what an event or a span tells to p, after saying by p.of what it belongs to. It returns false where that
	// is nothing of a prompt.
	tell(ev *event, p *part) bool
	// measure names what the points of a metric count, from their attributes; empty for what is none of our totals.
	measure(metric string, ev *event) string
}

// dialects lists the tools; an event is the first one's that claims it. Plain GenAI is last: others speak it too.
func dialects() []dialect {
	return []dialect{claude{}, codex{}, gemini{}, cursor{}, copilot{}, cline{}, kiro{}, grok{}, genAI{}}
}

func dialectOf(list []dialect, ev *event) dialect {
	for _, d := range list {
		if d.speaks(ev) {
			return d
		}
	}
	return nil
}

// Episodes maps the log events of the tools we know, one episode or part of one per prompt, in the order in which they
// first appear. Other logs are passed over. In the counts, lines are the events and unparsable those that name nothing
// that they belong to.
func Episodes(logs plog.Logs) ([]*episode.Episode, capture.Counts) {
	g := newGathering(dialects())
	g.logs(logs)
	return g.episodes()
}

// Traces maps the spans of the tools we know, and the events on them, as [Episodes] maps logs.
func Traces(traces ptrace.Traces) ([]*episode.Episode, capture.Counts) {
	g := newGathering(dialects())
	g.traces(traces)
	return g.episodes()
}

// gathering files what events tell under the episodes they are of.
type gathering struct {
	dialects []dialect
	c        capture.Counts
	order    []string
	parts    map[string][]*episode.Episode
	took     func(e *episode.Episode) // called with each part, where it is set
}

func newGathering(list []dialect) *gathering {
	return &gathering{dialects: list, parts: map[string][]*episode.Episode{}}
}

func (g *gathering) logs(logs plog.Logs) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, lr := range sl.LogRecords().All() {
				g.add(logEvent(rl.Resource().Attributes(), sl.Scope(), lr))
			}
		}
	}
}

func (g *gathering) traces(traces ptrace.Traces) {
	for _, rs := range traces.ResourceSpans().All() {
		for _, ss := range rs.ScopeSpans().All() {
			for _, s := range ss.Spans().All() {
				span := spanEvent(rs.Resource().Attributes(), ss.Scope(), s)
				g.add(span)
				for _, e := range s.Events().All() {
					g.add(eventOn(span, e))
				}
			}
		}
	}
}

func (g *gathering) add(ev *event) {
	d := dialectOf(g.dialects, ev)
	if d == nil {
		return
	}
	g.c.Lines++
	p := newPart(d.tool(), ev, &g.c)
	told := d.tell(ev, p)
	g.c.Kind(ev.short())
	switch {
	case p.session == "" && p.native == "":
		g.c.Unparsable++
		return
	case !told:
		return
	}
	e := p.episode()
	if g.parts[e.ID] == nil {
		g.order = append(g.order, e.ID)
	}
	g.parts[e.ID] = append(g.parts[e.ID], e)
	if g.took != nil {
		g.took(e)
	}
}

func (g *gathering) episodes() ([]*episode.Episode, capture.Counts) {
	list := make([]*episode.Episode, 0, len(g.order))
	for _, id := range g.order {
		e := combine(g.parts[id])
		g.c.Add(e)
		list = append(list, e)
	}
	return list, g.c
}
