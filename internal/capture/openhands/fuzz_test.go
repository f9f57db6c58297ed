// SPDX-License-Identifier: Apache-2.0

package openhands

import (
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/internal/capture/capturetest"
)

// FuzzConversation reads a conversation of any state with any first event.
func FuzzConversation(f *testing.F) {
	state := capturetest.Seed(f, state1)
	events, err := filepath.Glob("testdata/mill-conversation/events/*.json")
	if err != nil || len(events) == 0 {
		f.Fatal(err)
	}
	var seeds [][2]string
	for _, name := range events {
		seeds = append(seeds, [2]string{state, capturetest.Seed(f, name)})
	}
	capturetest.FuzzFolder(f, Source{}, [2]string{"base_state.json", "events/event-00000-a.json"}, seeds...)
}

// FuzzEvents reads two events of a conversation without a state.
func FuzzEvents(f *testing.F) {
	events, err := filepath.Glob("testdata/mill-conversation/events/*.json")
	if err != nil || len(events) < 2 {
		f.Fatal(err)
	}
	var seeds [][2]string
	for i := range events[1:] {
		seeds = append(seeds, [2]string{capturetest.Seed(f, events[i]), capturetest.Seed(f, events[i+1])})
	}
	capturetest.FuzzFolder(f, Source{}, [2]string{"events/event-00000-a.json", "events/event-00001-b.json"}, seeds...)
}
