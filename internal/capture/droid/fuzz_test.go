// SPDX-License-Identifier: Apache-2.0

package droid

import (
	"testing"

	"github.com/headrace/headrace/internal/capture/capturetest"
)

// FuzzSettings reads a session with any settings beside it.
func FuzzSettings(f *testing.F) {
	session := capturetest.Seed(f, "testdata/gate.jsonl")
	capturetest.FuzzFolder(f, Source{}, [2]string{"gate.jsonl", "gate.settings.json"}, [2]string{session, capturetest.Seed(f, "testdata/gate.settings.json")},
		[2]string{session, `{"model":{},"autonomyMode":7,"tokenUsage":"much"}`})
}
