// SPDX-License-Identifier: Apache-2.0

// Package openhands reads the conversations of OpenHands, and the trajectories that its version 0 exported.
//
// A conversation of version 1 is a folder: base_state.json, and one file for each event. Read of the state is the
// history and opens the events; Read of an event gives nothing, unless it is the first and there is no state. Version 0
// is one file: a list of events, or a feedback record with such a list and a person's thumb. Both are filed by
// [conversation], which knows no version.
//
// A rejection names its source, a person or a hook. Whether somebody was asked before what was done is known from the
// confirmation policy and from the state that waits for the answer.
package openhands

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "openhands"

const (
	maxEvents = 50_000                  // of one conversation
	maxBytes  = capture.MaxDocument     // of all its files
	maxEvent  = capture.MaxDocument / 4 // of one of them
)

// Source reads OpenHands conversations and trajectories; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "OpenHands", Places: []capture.Place{"~/.openhands/conversations"}, Tested: capture.Constructed,
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true, Outcome: true},
		Note:   "rejections with reason and source; version 0 as exported trajectory or feedback record"}
}

// What a file of OpenHands' can be.
const (
	notOurs = iota
	state
	event1
	list0
	feedback0
)

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool { return kindOf(head) != notOurs }

func kindOf(head []byte) int {
	head = bytes.TrimSpace(head)
	if list, ok := bytes.CutPrefix(head, []byte("[")); ok {
		if isEvent0(lax.Keys(bytes.TrimSpace(list))) {
			return list0
		}
		return notOurs
	}
	keys := lax.Keys(head)
	has := func(names ...string) bool {
		for _, n := range names {
			if _, ok := keys[n]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case has("polarity", "permissions", "trajectory"), has("polarity", "feedback", "trajectory"):
		return feedback0
	case keys["kind"] != "" && keys["id"] != "" && has("timestamp", "source") && isEvent1(keys["kind"]):
		return event1
	case has("agent", "workspace", "execution_status"), has("agent", "workspace", "confirmation_policy"):
		return state
	}
	return notOurs
}

func isEvent0(keys map[string]string) bool {
	_, id := keys["id"]
	_, ts := keys["timestamp"]
	_, args := keys["args"]
	_, extras := keys["extras"]
	src := keys["source"] == "user" || keys["source"] == "agent" || keys["source"] == "environment"
	return id && ts && src && (keys["action"] != "" && args || keys["observation"] != "" && extras)
}

func isEvent1(kind string) bool {
	switch kind {
	case "SystemPromptEvent", "MessageEvent", "ActionEvent", "ObservationEvent", "UserRejectObservation", "AgentErrorEvent", "PauseEvent", "InterruptEvent",
		"Condensation", "CondensationRequest", "CondensationSummaryEvent", "ConversationStateUpdateEvent", "ConversationErrorEvent", "HookExecutionEvent",
		"TokenEvent", "StreamingDeltaEvent", "LLMCompletionLogEvent", "ACPToolCallEvent", "ServerErrorEvent":
		return true
	}
	return false
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	h := newConversation(&c)
	switch kindOf(head) {
	case state:
		var s base
		if ok, err := capture.Document(r, &c, &s); !ok || err != nil {
			return c, torn(err)
		}
		if err := h.folder(ctx, f, 0, &s); err != nil {
			return c, err
		}
	case event1:
		if first(f) {
			if err := h.folder(ctx, f, 1, &base{}); err != nil {
				return c, err
			}
			break
		}
		alone := f.Path == "" || f.Path == "-" // events on standard input, one a line
		if err := capture.Lines(ctx, r, &c, func(line []byte) (bool, error) {
			var ev eventV1
			ok := lax.Decode(line, &ev)
			if ok && alone {
				h.v1(&ev)
			}
			return ok, nil
		}); err != nil {
			return c, err
		}
	case list0:
		events, ok, err := capture.DocumentList[eventV0](r, &c)
		if !ok || err != nil {
			return c, torn(err)
		}
		h.feedback(&feedback{Trajectory: lax.List[eventV0]{V: events, OK: true}})
	case feedback0:
		var d feedback
		if ok, err := capture.Document(r, &c, &d); !ok || err != nil {
			return c, torn(err)
		}
		h.feedback(&d)
	default:
		return c, fmt.Errorf("it is neither a conversation nor a trajectory")
	}
	return c, h.finish(emit)
}

func torn(err error) error {
	if err == nil {
		err = fmt.Errorf("the conversation is torn: it is not JSON to its end")
	}
	return err
}

// first says that a file is the first event of a conversation without a state.
func first(f capture.File) bool {
	name := filepath.Base(f.Path)
	if !strings.HasPrefix(name, "event-0000") {
		return false
	}
	root, err := f.Root(1)
	if err != nil || root == nil {
		return false
	}
	defer root.Close()
	if _, err := root.Lstat("base_state.json"); err == nil {
		return false
	}
	all := names(root)
	return len(all) > 0 && all[0] == name
}

// names are the events of a conversation's folder, in their order.
func names(root *os.Root) []string {
	dir, err := root.Open("events")
	if err != nil {
		return nil
	}
	defer dir.Close()
	entries, _ := dir.ReadDir(maxEvents) // what could be read of it
	type numbered struct {
		n    int
		name string
	}
	var all []numbered
	for _, d := range entries {
		rest, ok := strings.CutPrefix(d.Name(), "event-")
		number, _, _ := strings.Cut(strings.TrimSuffix(rest, ".json"), "-")
		if n, err := strconv.Atoi(number); ok && err == nil && d.Type().IsRegular() && strings.HasSuffix(rest, ".json") {
			all = append(all, numbered{n, d.Name()})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Or(a.n-b.n, strings.Compare(a.name, b.name)) })
	list := make([]string, len(all))
	for i := range all {
		list[i] = all[i].name
	}
	return list
}

// folder reads the events of the conversation whose folder is up levels above the file.
func (h *conversation) folder(ctx context.Context, f capture.File, up int, s *base) error {
	root, err := f.Root(up)
	if err != nil || root == nil {
		return err
	}
	defer root.Close()
	h.start(s)
	left := int64(maxBytes)
	for _, name := range names(root) {
		if err := ctx.Err(); err != nil {
			return err
		}
		file, err := root.Open("events/" + name)
		if err != nil {
			h.c.Unparsable++
			continue
		}
		b, err := io.ReadAll(io.LimitReader(file, maxEvent+1))
		file.Close()
		var ev eventV1
		if left -= int64(len(b)); left < 0 {
			return fmt.Errorf("its events are more than %d MiB", maxBytes>>20)
		}
		h.c.Lines++
		if err != nil || len(b) > maxEvent || !lax.Decode(b, &ev) {
			h.c.Unparsable++
			continue
		}
		h.v1(&ev)
	}
	return nil
}
