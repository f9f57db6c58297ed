// SPDX-License-Identifier: Apache-2.0

package release

import (
	"math"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/learn"
)

// Chooser values actions, as a [learn.Model] does.
type Chooser interface {
	Values(into []float64, context map[string]any, actions []episode.Action) []float64
}

// Comparison says of decisions what each tells about what is rolled out, beside what that replaces. It is not safe for concurrent use.
type Comparison struct {
	New Chooser
	Old Chooser // nil: the first action is taken, which is what a tool does by itself
	// What both expect of the actions of the last decision.
	new, old []float64
}

// See is what a decision among actions tells; what came of it is for the caller to add. ok is false where one of the two knows none of
// the actions: that one would have had no say, and to count the decision for the other would compare different decisions.
func (c *Comparison) See(context map[string]any, actions []episode.Action, chosen string) (s Seen, ok bool) {
	c.new = c.New.Values(c.new[:0], context, actions)
	isNew, isOld := learn.Greedy(c.new), 0
	if c.Old != nil {
		c.old = c.Old.Values(c.old[:0], context, actions)
		isOld = learn.Greedy(c.old)
	}
	if isNew < 0 || isOld < 0 {
		return s, false
	}
	s.Differ = isNew != isOld
	at := slices.IndexFunc(actions, func(a episode.Action) bool { return a.ID == chosen })
	if at >= 0 && !math.IsNaN(c.new[isOld]) && !math.IsNaN(c.new[at]) {
		s.Gain, s.Expected = c.new[isNew]-c.new[isOld], c.new[at]
	}
	return s, true
}
