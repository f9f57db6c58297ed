// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/killtest"
)

// TestUploadsThatAreCutAnywhereArriveOnce cuts the connection in the middle of layers, manifests and answers, and ends the hub
// and the edge in between; whatever was approved is at the hub once, with a receipt.
func TestUploadsThatAreCutAnywhereArriveOnce(t *testing.T) {
	l := newLoop(t)
	c, err := killtest.NewLine(1)
	l.ok(err)
	t.Cleanup(func() { c.Close() })
	c.To(strings.TrimPrefix(l.url, "http://"))
	url := l.url
	l.url = "http://" + c.Addr()
	e := l.edge("alder-bank")
	rounds := 60
	if testing.Short() {
		rounds = 15
	}
	failed := 0
	for i := range rounds {
		for k := range 12 { // a payload of some kilobytes
			l.send(e, one(fmt.Sprint(i, "-", k), "portal"))
		}
		c.Cut(1 + i%4)
		if e.Turn(context.Background()) != nil {
			failed++
		}
		switch i % 5 {
		case 1:
			l.restartHub()
		case 3:
			l.close(e)
			e = l.edge("alder-bank")
		}
	}
	c.Cut(0)
	l.url = url
	l.close(e)
	e = l.edge("alder-bank")
	l.turn(e)
	eps, _ := l.count("alder-bank")
	for id, n := range eps {
		if n != 1 {
			t.Errorf("%s is %d times at the hub", id, n)
		}
	}
	if len(eps) != rounds*12 {
		t.Errorf("%d records at the hub, want %d", len(eps), rounds*12)
	}
	l.close(e)
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "")
	l.ok(err)
	for _, b := range rows {
		if b.State != "received" || b.Receipt == nil {
			t.Errorf("bundle %s is %s: %s", b.ID, b.State, b.Note)
		}
	}
	if failed == 0 || c.Cuts() < rounds/2 {
		t.Errorf("only %d of %d turns failed by %d cuts: they hit nothing", failed, rounds, c.Cuts())
	}
	t.Logf("%d cuts, %d of %d turns failed, %d bundles", c.Cuts(), failed, rounds, len(rows))
}
