// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/instruct"
)

// A hub that lost all that it had, its key, too, begins to number anew. Who knows it by its new key hears it.
func TestAHubThatWasSetUpAnewUnderItsNameIsHeard(t *testing.T) {
	l := newLoop(t)
	l.under(rule, rule+"  - {kind: instructions, hub: loop-maker, approver: person}\n")
	e := l.edge("alder-bank")
	offers := func(n int, of string) {
		t.Helper()
		for i := range n {
			p, err := instruct.New(fmt.Sprint(of, " ", i), "It helped.", instruct.Change{Artifact: "ar_" + strings.Repeat("0", 24)}).Marshal()
			l.ok(err)
			_, err = l.hub.OfferInstructions(t.Context(), "alder-bank", p)
			l.ok(err)
		}
	}
	first := l.offer(1)
	l.toAll()
	offers(3, "before")
	l.turn(e)
	if got := decides(e, "anybody"); got != first {
		t.Fatalf("%q decides, want %q", got, first)
	}
	l.ok(l.hub.Close())
	l.ok(os.Rename(l.path("hub"), l.path("hub-before")))
	l.openHub()
	l.close(e)
	e = l.edge("alder-bank")
	second := l.offer(2)
	offers(1, "anew")
	l.turn(e)
	l.toAll()
	l.turn(e)
	if got := decides(e, "anybody"); got != second {
		t.Errorf("%q decides, want %q of the hub that was set up anew", got, second)
	}
	list, err := e.Instructions(t.Context())
	if l.ok(err); len(list) != 4 {
		t.Errorf("offered are %+v", list)
	}
}
