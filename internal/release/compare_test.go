// SPDX-License-Identifier: Apache-2.0

package release_test

import (
	"math"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
)

// table values actions by name; it knows no others.
type table map[string]float64

func (t table) Values(into []float64, _ map[string]any, actions []episode.Action) []float64 {
	for _, a := range actions {
		v, ok := t[a.ID]
		if !ok {
			v = math.NaN()
		}
		into = append(into, v)
	}
	return into
}

func TestOnlyDecisionsCountInWhichBothWouldHaveHadASay(t *testing.T) {
	among := func(ids ...string) (list []episode.Action) {
		for _, id := range ids {
			list = append(list, episode.Action{ID: id})
		}
		return list
	}
	c := release.Comparison{New: table{"small": 0.3, "large": 0.1}, Old: table{"large": 0.2, "huge": 0.4}}
	for _, of := range []struct {
		actions []episode.Action
		want    bool
	}{{among("large", "small"), true}, {among("small"), false}, {among("huge"), false}, {among("other"), false}, {nil, false}} {
		if s, ok := c.See(nil, of.actions, "large"); ok != of.want {
			t.Errorf("%v counts: %v, want %v: %+v", of.actions, ok, of.want, s)
		}
	}
	s, _ := c.See(nil, among("large", "small"), "large") // new would take small, old large
	if !s.Differ || math.Abs(s.Gain-0.2) > 1e-12 || s.Expected != 0.1 {
		t.Errorf("%+v, want a gain of 0.2 and 0.1 expected of what was chosen", s)
	}
	c.Old = nil // nobody decided: a tool does the first
	if s, ok := c.See(nil, among("small", "large"), "small"); !ok || s.Differ {
		t.Errorf("the new one does what a tool does: %+v, %v", s, ok)
	}
}
