// SPDX-License-Identifier: Apache-2.0

// Package amp reads the threads that Sourcegraph's Amp keeps below ~/.local/share/amp/threads, a JSON document each.
//
// [Source] reads a thread as a whole and files its messages under the prompts that they answer. The thread names the
// client that made it, and so whether there was anyone to ask: in "CLI Execute Mode" there was not, and what was carried
// out is accepted by rule. Otherwise a call that was carried out is accepted by unknown, as permissions may have let it
// through. A rejection is a person's where it has the words that Amp writes for one; a rule of the permissions leaves the
// same status with other words.
//
// A message that a person edited replaces what followed it, so that no abandoned branch is left in a thread.
package amp

import (
	"context"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "amp"

// Source reads Amp threads; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Amp", Places: []capture.Place{"~/.local/share/amp/threads"}, Tested: capture.Real,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true, Outcome: true}, Note: "rejections and undone edits on constructed input"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	keys := lax.Keys(head)
	for _, name := range [...]string{"v", "created", "messages"} {
		if _, ok := keys[name]; !ok {
			return false
		}
	}
	return strings.HasPrefix(keys["id"], "T-")
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var t document
	ok, err := capture.Document(f.R, &c, &t)
	if err != nil || !ok {
		return c, err
	}
	c.Kind("thread")
	th := thread{c: &c, emit: emit, doc: &t}
	for i := range t.Messages.V {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		if err := th.message(&t.Messages.V[i]); err != nil {
			return c, err
		}
	}
	return c, th.flush()
}
