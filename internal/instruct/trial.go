// SPDX-License-Identifier: Apache-2.0

package instruct

import (
	"math"
	"strconv"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/draw"
	"github.com/headrace/headrace/internal/lever"
)

// The actions of a policy that tries instructions.
const (
	With    = "with"
	Without = "without"
)

// Trial is a release of instructions that is given to a part of the developers.
type Trial struct {
	Release string
	// Share of developers who get it, in (0, 1).
	Share float64
	// From and Until bound what counts: episodes that began then. A zero Until is still going on.
	From, Until time.Time
}

// Arm says who gets it: drawn by hash under a key of the edge's, so it stays the same for as long as the trial lasts and cannot be
// chosen. The developer is named as the edge knows them.
func (t *Trial) Arm(key []byte, developer string) string {
	if draw.Fraction(key, "trial", t.Release, developer) < t.Share {
		return With
	}
	return Without
}

// Mark writes the arm of an episode's developer into its decisions, as a decision of Headrace's own policy, and reports whether
// it did. It says what the developer was to get, whether or not they read it: only that was drawn.
//
// Left as they are: decisions that another policy of ours has made, since each has one propensity; episodes of tools that words
// do not reach, where nothing was tried; and those that began outside of the trial.
func (t *Trial) Mark(key []byte, e *episode.Episode, developer string) bool {
	tool, _ := lever.Named(e.Tool.Name)
	if developer == "" || tool.Event == "" || e.StartedAt.Before(t.From) || !t.Until.IsZero() && !e.StartedAt.Before(t.Until) {
		return false
	}
	share := math.Round(t.Share*1e6) / 1e6
	arm, marked := t.Arm(key, developer), false
	for i := range e.Decisions {
		d := &e.Decisions[i]
		if len(d.Actions) > 0 || d.DecisionID != "" {
			continue
		}
		d.DecisionID = "d_" + episode.NewID("trial", t.Release+"\x00"+e.ID+"\x00"+strconv.Itoa(i))[len("ep_"):]
		d.Release, d.Chosen = t.Release, arm
		d.Actions = []episode.Action{{ID: With, Propensity: share}, {ID: Without, Propensity: math.Round((1-share)*1e6) / 1e6}}
		marked = true
	}
	return marked
}
