// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/trail"
)

// Who pins a release wants that one or none: where its model fails nothing decides, until a person says what.
func TestAPinnedReleaseWhoseModelFailsDecidesNothingAndStaysPinned(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	first := l.offer(1)
	l.toAll()
	l.turn(e)
	second := l.offer(2)
	l.turn(e)
	l.ok(e.PinRelease(t.Context(), "ada", second))
	e.BreakPinned()
	nothing := func(when string) {
		t.Helper()
		if got := decides(e, "anybody"); got != "" {
			t.Errorf("%s: %q decides", when, got)
		}
		list, err := e.Releases(t.Context())
		l.ok(err)
		for _, r := range list {
			if r.ID == second && !strings.Contains(r.State, "its model failed") {
				t.Errorf("%s: it %s", when, r.State)
			}
		}
	}
	nothing("at once")
	l.turn(e)
	l.turn(e)
	nothing("after a turn")
	l.close(e)
	e = l.edge("alder-bank")
	nothing("after a restart")
	l.turn(e)
	if st, err := (edge.View{Edge: e}).Standing(t.Context()); err != nil || st.Pinned != second || !st.Failed || st.By != "ada" {
		t.Errorf("the pages say %+v, %v", st, err)
	}
	rows, err := l.edgeDB("alder-bank").Trail(t.Context(), trail.Filter{What: "pinned release failed", Limit: 10})
	l.ok(err)
	if len(rows) != 1 || rows[0].Who != "edge" || rows[0].Subject != second {
		t.Errorf("the trail: %+v", rows)
	}
	at, err := hub.View{Hub: l.hub}.Release(t.Context(), second)
	if l.ok(err); at.Returned != 1 {
		t.Errorf("the hub knows of %d who took it back", at.Returned)
	}
	l.ok(e.PinRelease(t.Context(), "bob", second))
	if got := decides(e, "anybody"); got != second {
		t.Errorf("pinned anew, and %q decides", got)
	}
	l.ok(e.Unpin(t.Context(), "ada"))
	if got := decides(e, "anybody"); got != first {
		t.Errorf("not pinned any more, and %q decides", got)
	}
}
