// SPDX-License-Identifier: Apache-2.0

// Package sweagent reads the trajectories of SWE-agent (.traj, one JSON document a run) and its predictions (JSON Lines).
//
// A run is one episode: the issue is the instruction, each step has a thought, an action and an observation, and the patch
// that was submitted is the suggestion. Nobody is there to decide on it: that a run says "submitted" is not a yes, so there
// are no decisions. The edits within a run are not suggested to anybody; the patch holds what they come to.
//
// A demonstration, which holds a history without a trajectory, is counted and gives no episode: it was shown to the agent,
// not made by it.
package sweagent

import (
	"bytes"
	"context"
	"fmt"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "swe-agent"

// Source reads SWE-agent's trajectories and predictions; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "SWE-agent", Tested: capture.Real, Yields: capture.Yields{Prompt: true, Code: true},
		Note: "kept where each run was started: name the folder, trajectories/…; nobody decides in a run"}
}

// What a file of SWE-agent's can be.
const (
	notOurs = iota
	run
	demonstration
	predictions
)

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool { return kindOf(head) != notOurs }

func kindOf(head []byte) int {
	keys := lax.Keys(head)
	has := func(keys map[string]string, names ...string) bool {
		for _, n := range names {
			if _, ok := keys[n]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case has(keys, "trajectory"):
		step, empty := firstOf(head, "trajectory")
		if has(step, "action", "observation", "thought") || empty && has(keys, "history", "info") {
			return run
		}
	case has(keys, "history"):
		message, _ := firstOf(head, "history")
		if has(message, "role", "content", "agent") {
			return demonstration
		}
	case keys["instance_id"] != "" && has(keys, "model_name_or_path", "model_patch"):
		return predictions
	}
	return notOurs
}

// firstOf are the names in the first object of the list that has the name; empty says that the list has none.
func firstOf(head []byte, name string) (keys map[string]string, empty bool) {
	_, rest, _ := bytes.Cut(head, []byte(`"`+name+`"`))
	rest, ok := bytes.CutPrefix(bytes.TrimSpace(rest), []byte(":"))
	if !ok {
		return nil, false
	}
	list, ok := bytes.CutPrefix(bytes.TrimSpace(rest), []byte("["))
	if !ok {
		return nil, false
	}
	list = bytes.TrimSpace(list)
	return lax.Keys(list), bytes.HasPrefix(list, []byte("]"))
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return c, err
	}
	if kindOf(head) == predictions {
		return c, capture.Lines(ctx, r, &c, func(line []byte) (bool, error) {
			var p prediction
			if !lax.Decode(line, &p) || p.Instance == "" {
				return false, nil
			}
			c.Kind("prediction")
			return true, emit(p.episode())
		})
	}
	var t trajectory
	ok, err := capture.Document(r, &c, &t)
	if err != nil {
		return c, err
	}
	if !ok {
		return c, fmt.Errorf("the trajectory is torn: it is not JSON to its end")
	}
	if len(t.Steps.V) == 0 {
		if t.History.OK && len(t.History.V) > 0 && !t.Info.OK {
			c.Kind("demonstration")
		}
		return c, nil
	}
	return c, emit(t.episode(&c))
}
