// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"slices"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

const (
	maxHeld  = 64 << 20 // bytes of parts that a Stream holds
	partCost = 1 << 10  // bytes that a part takes besides its texts
)

// Stream maps one tool's telemetry as it is read from a file, of any length, and gives each episode once nothing more of
// it can be held: at [Stream.Flush], and before that where too much would be in memory. An episode of which more comes
// later is given again, as a part with the same id.
type Stream struct {
	g    *gathering
	emit func(*episode.Episode) error
	held int
	most int // that may be held
}

// NewStream makes a Stream of what the tool of that name sent; what others did is passed over. What the events tell is
// counted in Counts, but not the events as lines: the file has lines of its own.
func NewStream(tool string, emit func(*episode.Episode) error) *Stream {
	list := slices.DeleteFunc(dialects(), func(d dialect) bool { return d.tool() != tool })
	s := &Stream{g: newGathering(list), emit: emit, most: maxHeld}
	s.g.took = func(e *episode.Episode) { s.held += weight(e) }
	return s
}

// Logs takes log events.
func (s *Stream) Logs(logs plog.Logs) error {
	s.g.logs(logs)
	return s.relieve()
}

// Traces takes spans.
func (s *Stream) Traces(traces ptrace.Traces) error {
	s.g.traces(traces)
	return s.relieve()
}

// relieve gives the older half of the episodes where too much is held.
func (s *Stream) relieve() error {
	if s.held < s.most {
		return nil
	}
	return s.give((len(s.g.order) + 1) / 2)
}

// Flush gives what is held.
func (s *Stream) Flush() error { return s.give(len(s.g.order)) }

// give emits the first n episodes and lets them go.
func (s *Stream) give(n int) error {
	for _, id := range s.g.order[:n] {
		parts := s.g.parts[id]
		for _, p := range parts {
			s.held -= weight(p)
		}
		delete(s.g.parts, id)
		if err := s.emit(combine(parts)); err != nil {
			return err
		}
	}
	s.g.order = append([]string(nil), s.g.order[n:]...)
	return nil
}

// Counts is what the events told so far.
func (s *Stream) Counts() capture.Counts {
	c := s.g.c
	c.Lines = 0
	return c
}

// weight is about how many bytes a part takes.
func weight(e *episode.Episode) int {
	n := partCost
	for i := range e.Steps {
		st := &e.Steps[i]
		n += len(st.Message) + len(st.Reasoning) + len(st.Unknown)
		for _, c := range st.ToolCalls {
			n += len(c.Arguments)
		}
		for _, r := range results(*st) {
			n += len(r.Content)
		}
	}
	for i := range e.Suggestions {
		n += len(e.Suggestions[i].Before) + len(e.Suggestions[i].After)
	}
	for i := range e.Artifacts {
		n += len(e.Artifacts[i].Text)
	}
	return n
}

// Tells reports whether an episode was made of telemetry here, wherever it was kept since: it is one of events, to be
// merged as such, even where it was read from a file.
func Tells(e *episode.Episode) bool {
	return slices.ContainsFunc(e.Steps, func(st episode.Step) bool { return read(&st).Event != "" })
}
