// SPDX-License-Identifier: Apache-2.0

// Package native reads episodes that are episodes already: JSON Lines written by Headrace itself or by a tool's maker
// with one of the SDKs. They pass through as they are, unknown fields and all.
package native

import (
	"context"
	"errors"
	"io"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// Source reads episode JSON Lines; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return "headrace" }

// About implements capture.Source. The files lie where whoever wrote them put them.
func (Source) About() capture.About {
	return capture.About{Title: "Headrace's own record", Tested: capture.Constructed,
		Yields: capture.Yields{Decision: true, Modification: true, Prompt: true, Code: true, Artifacts: true, Outcome: true}}
}

// Detect implements capture.Source: the first objects have a schema version and an id.
func (Source) Detect(head []byte, _ string) bool {
	for _, keys := range capture.Heads(head) {
		if keys["schema_version"] != "" && keys["id"] != "" {
			return true
		}
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (c capture.Counts, err error) {
	r := episode.NewReader(f.R)
	for {
		e, err := r.Next()
		if err == io.EOF {
			return c, nil
		}
		if bad := (*episode.LineError)(nil); errors.As(err, &bad) {
			c.Lines++
			c.Unparsable++
			continue
		}
		if err != nil {
			return c, err
		}
		c.Lines++
		if e.Instruction != "" {
			c.Prompts++
		}
		if err := emit(e); err != nil {
			return c, err
		}
	}
}
