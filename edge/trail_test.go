// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/internal/web"
)

// acts are the actions of a trail, oldest first, each with who did it.
func (l *loop) acts(k *trail.Keeper) (list []string) {
	l.t.Helper()
	rows, err := k.Store.Trail(l.t.Context(), trail.Filter{Limit: 1000})
	l.ok(err)
	slices.Reverse(rows)
	for _, r := range rows {
		list = append(list, r.Who+": "+r.What)
	}
	return list
}

// TestLooksAndDecisionsAreInTheTrail: at the edge and at the hub, each once, and no raw text among them.
func TestLooksAndDecisionsAreInTheTrail(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	seen, first, second := one("1", "payments"), one("2", "payments"), one("3", "payments")
	seen.Instruction = "pay out of the petty cash"
	l.send(e, seen, first, second)
	l.turn(e)
	v := edge.View{Edge: e}
	_, err := v.Episode(t.Context(), "ada", seen.ID)
	l.ok(err)
	waiting, err := l.edgeDB("alder-bank").Batch(t.Context(), maker, sqlstore.OutWaiting, sqlstore.Place{}, 10)
	l.ok(err)
	rule := func(choice web.Choice, digest string) error {
		return v.Rule(t.Context(), "bob", web.Ruling{Batch: maker, Choice: choice, Records: []string{digest}, Seen: l.batchOf(e).Seen})
	}
	l.ok(rule(web.Approve, waiting[0].Digest))
	l.ok(rule(web.Hold, waiting[1].Digest))
	l.ok(rule(web.Refuse, waiting[1].Digest))
	if err := rule(web.Approve, waiting[1].Digest); problemCode(err) != "preview/changed" {
		t.Errorf("what was refused was approved: %v", err)
	}
	l.turn(e)
	_, err = e.Withdraw(t.Context(), "eve", web.Scope{Records: []string{waiting[0].Episode}})
	l.ok(err)
	l.turn(e)
	l.turn(e) // the withdrawal is sent again, and is not noted again
	want := []string{"configuration: policy in force", "ada: see raw", "bob: approve", "bob: hold", "bob: refuse", "eve: withdraw"}
	if got := l.acts(e.Trail()); !slices.Equal(got, want) {
		t.Errorf("the edge noted %q, want %q", got, want)
	}
	if got := l.acts(l.hub.Trail()); !slices.Equal(got, []string{"alder-bank: withdraw"}) {
		t.Errorf("the hub noted %q", got)
	}
	rows, err := e.Trail().Store.Trail(t.Context(), trail.Filter{Limit: 1000})
	l.ok(err)
	if said := fmt.Sprint(rows); strings.Contains(said, seen.Instruction) {
		t.Error("raw text is in the trail")
	}
	for _, k := range []*trail.Keeper{e.Trail(), l.hub.Trail()} {
		l.ok(k.Sign(t.Context()))
		if _, err := k.Verify(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestWhatIsCutOffWhileAnEdgeRestsShows: the signed head lies beside the database, and what was done to that shows after a
// restart, and goes on showing.
func TestWhatIsCutOffWhileAnEdgeRestsShows(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "payments")
	l.send(e, ep)
	l.turn(e)
	for range 3 {
		_, err := edge.View{Edge: e}.Episode(t.Context(), "ada", ep.ID)
		l.ok(err)
	}
	l.close(e)
	if _, err := os.Stat(l.path("alder-bank", trail.HeadFile)); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", l.path("alder-bank", "edge.db"))
	l.ok(err)
	for _, q := range []string{`DELETE FROM edge_trail WHERE seq=4`, `UPDATE edge_trail_head SET seq=3, hash=(SELECT hash FROM edge_trail WHERE seq=3)`} {
		_, err := db.Exec(q)
		l.ok(err)
	}
	l.ok(db.Close())
	e = l.edge("alder-bank")
	_, err = edge.View{Edge: e}.Episode(t.Context(), "bob", ep.ID)
	l.ok(err)
	if err := e.Trail().Sign(t.Context()); problemCode(err) != trail.CodeChanged {
		t.Errorf("sign: %v", err)
	}
	if _, err := e.Trail().Verify(t.Context()); problemCode(err) != trail.CodeChanged {
		t.Errorf("verify: %v", err)
	}
}

func problemCode(err error) string {
	if p, ok := errors.AsType[*episode.Problem](err); ok {
		return p.Code
	}
	return ""
}
