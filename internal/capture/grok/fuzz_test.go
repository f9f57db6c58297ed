// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"testing"

	"github.com/headrace/headrace/internal/capture/capturetest"
)

// FuzzAnswers reads a session with any log of the answers to its permission requests.
func FuzzAnswers(f *testing.F) {
	updates := capturetest.Seed(f, "testdata/mill/updates.jsonl")
	capturetest.FuzzFolder(f, Source{}, [2]string{"updates.jsonl", "events.jsonl"}, [2]string{updates, capturetest.Seed(f, "testdata/mill/events.jsonl")},
		[2]string{updates, `{"type":"permission_resolved","decision":7,"wait_ms":"-1"}` + "\n" + `{"type":"permission_requested","tool_name":["Shell"]}`})
}

// FuzzRewound reads a session with any list of the points that it was taken back to.
func FuzzRewound(f *testing.F) {
	updates := capturetest.Seed(f, "testdata/mill/updates.jsonl")
	capturetest.FuzzFolder(f, Source{}, [2]string{"updates.jsonl", "rewind_points.jsonl"}, [2]string{updates, capturetest.Seed(f, "testdata/mill/rewind_points.jsonl")},
		[2]string{updates, "{}\n[]\n"})
}

// FuzzFeedback reads a session with any ratings.
func FuzzFeedback(f *testing.F) {
	updates := capturetest.Seed(f, "testdata/mill/updates.jsonl")
	capturetest.FuzzFolder(f, Source{}, [2]string{"updates.jsonl", "feedback.jsonl"}, [2]string{updates, capturetest.Seed(f, "testdata/mill/feedback.jsonl")},
		[2]string{updates, `{"kind":"stars","value":"NaN"}`})
}
