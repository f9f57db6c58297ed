// SPDX-License-Identifier: Apache-2.0

// Package acp reads the Agent Client Protocol (https://agentclientprotocol.com): what an editor and a coding agent say to
// each other, JSON-RPC 2.0, one message a line. Of all sources it is the one that sees the prompt, the proposed change and
// the person's choice at once, for any agent that speaks it.
//
// [Builder] takes the messages of both directions as they come, live from "headrace acp" or from a recording, and gives an
// episode at the end of each prompt. [Source] reads recordings: bare messages, or each in an envelope with its time and
// direction, as the tools that log them write it. Whose agent it is, it says itself in its answer to initialize ([Tool]);
// poolside's are read by package poolside, by way of this one.
//
// A permission request that is answered says who decided: a person, but where the answer came sooner than a person can
// read the question: editors may answer by a setting. A call that was carried out unasked is accepted by unknown. What a
// loaded session replays is history, and makes no episodes.
//
// Grok keeps updates of this protocol as its own history: package grok reads those.
package acp

import (
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// Name is the source's name, and the tool's where the agent is none that we know.
const Name = "acp"

// Source reads recorded streams; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Agent Client Protocol", Tested: capture.Constructed,
		Places: []capture.Place{"~/.vibe/logs/acp"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true},
		Note:   "live from any agent by headrace acp; episodes bear the agent's own tool name"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	tool, ok := Whose(head)
	return ok && tool != poolside
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	return Read(ctx, f, nil, emit)
}

// Read reads a recorded stream of an agent that was started by command, as far as that is known.
func Read(ctx context.Context, f capture.File, command []string, emit func(*episode.Episode) error) (capture.Counts, error) {
	b := NewBuilder(command)
	senders := map[string]Side{} // who a recording's word for a direction stands for
	give := func(done []*episode.Episode) error {
		for _, e := range done {
			if err := emit(e); err != nil {
				return err
			}
		}
		return nil
	}
	var lines capture.Counts
	err := capture.Lines(ctx, f.R, &lines, func(line []byte) (bool, error) {
		m, about, ok := unwrap(line)
		if !ok {
			return false, nil
		}
		from := m.sender()
		switch word := string(about.direction); {
		case word == "":
		case from == Unknown: // what is said in that direction elsewhere tells
			from = senders[word]
		case len(senders) < 8:
			senders[word] = from
		}
		return true, give(b.add(from, about.at, m))
	})
	if err == nil {
		err = give(b.Close())
	}
	c := b.Counts
	c.Lines, c.Unparsable = lines.Lines, lines.Unparsable
	return c, err
}

// Whose reports whether the head of a file is of a recorded stream, and whose agent's, as far as it says so.
func Whose(head []byte) (tool string, ok bool) {
	for range 64 {
		var line []byte
		line, head = cutLine(head)
		if m, _, is := unwrap(line); is && m.distinct() {
			ok = true
			if name := m.Result.V.Agent.V.Name; name != "" {
				return Tool(string(name)), true
			}
		}
		if len(head) == 0 {
			break
		}
	}
	return "", ok
}
