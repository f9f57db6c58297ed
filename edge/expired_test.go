// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"testing"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
)

const day = 24 * time.Hour

// The policy lets a hub keep a record for 365 days: then it is gone, with what was made of it, and the contributor has it
// in writing.
func TestExpiredRecordIsErasedAndCertified(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	list := three()
	l.send(e, list[:2]...)
	l.turn(e)
	l.turnHub()
	l.pass(200 * day)
	l.send(e, list[2])
	l.turn(e)
	l.turnHub()
	l.turn(e)
	l.pass(164 * day)
	l.turnHub()
	if got := l.left(list); got != "123" {
		t.Fatalf("%q are left a day before the first expire", got)
	}
	l.pass(day + 2*time.Hour)
	l.turnHub()
	if got := l.left(list); got != "3" {
		t.Errorf("%q are left, want the third, which came later", got)
	}
	ids := map[string]bool{l.sentID("alder-bank", list[0].ID): true, l.sentID("alder-bank", list[1].ID): true}
	if with := l.snapshotsWith("alder-bank", ids); len(with) > 0 {
		t.Errorf("snapshots still hold it: %v", with)
	}
	for range 2 { // fetched once
		l.turn(e)
		l.turnHub()
	}
	c := l.certificate("alder-bank")
	if c.Reason != bundle.ReasonExpired || c.Records != 2 || len(c.Fates) == 0 {
		t.Errorf("certified: %+v", c)
	}
	shown, err := edge.View{Edge: e}.Withdrawals(t.Context())
	l.ok(err)
	if len(shown) != 1 || shown[0].State != "done" || shown[0].Who != "its terms" {
		t.Errorf("the page shows %+v", shown)
	}
	l.pass(366 * day)
	l.turnHub()
	l.turn(e)
	if got := l.left(list); got != "" {
		t.Errorf("%q are left after all expired", got)
	}
}

// An edge takes no certificate of expiry but the hub's own, and a contributor cannot write one for itself.
func TestContributorCannotSignForWhatExpired(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.turnHub()
	w := bundle.Withdrawal{Contributor: "alder-bank", Recipient: maker, IDs: []string{l.sentID("alder-bank", one("1", "portal").ID)}, Reason: bundle.ReasonExpired}
	if err := e.SendDocument(t.Context(), "alder-bank", w); err == nil {
		t.Error("the hub took a contributor's word that something has expired")
	}
}
