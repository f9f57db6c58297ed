// SPDX-License-Identifier: Apache-2.0

// Package poolside reads what poolside's agent, pool, gives away: streams of the Agent Client Protocol recorded from
// "pool acp", by way of package acp, and the output of "pool exec -o json".
//
// How pool keeps its own histories ("trajectories") is nowhere said, so they are not read. [Source] tells a stream by the
// name that the agent gives itself. The output of pool exec is what scripts see of one prompt that nobody watches: an
// event a line (reasoning, thought, assistantMessage, toolCall, toolCallResult, error), without the prompt, ids or times.
// Nobody decides there: what was carried out is accepted by unknown.
package poolside

import (
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/acp"
)

// Name is the tool's name in episodes.
const Name = "poolside"

// Source reads poolside's streams; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "poolside", Tested: capture.Constructed,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true},
		Note:   "recorded streams of pool acp, and pool exec -o json; live by headrace acp"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	if tool, ok := acp.Whose(head); ok {
		return tool == Name
	}
	return printed(head)
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return capture.Counts{}, err
	}
	f.R = r
	if _, ok := acp.Whose(head); ok {
		return acp.Read(ctx, f, []string{"pool"}, func(e *episode.Episode) error {
			e.Tool.Name = Name // whoever reads it as poolside's says so
			return emit(e)
		})
	}
	return readPrinted(ctx, f, emit)
}
