// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
)

// signs lets a hub that keeps to no rule sign a roll-out, log it and show it.
func (l *loop) signs(on release.Rollout) {
	l.t.Helper()
	envelope, err := bundle.SealDocument(bundle.TypeRollout, on, l.hubKey())
	l.ok(err)
	db, err := sqlstore.Open(context.Background(), l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	defer db.Close()
	l.ok(db.SaveDocument(context.Background(), sqlstore.DocumentRow{Kind: sqlstore.DocRollout, ID: episode.Digest(envelope), Parent: on.Release, Envelope: envelope, LogIndex: -1, Note: string(on.Kind), MadeAt: l.clock()}))
	l.turnHub()
}

// Back is for good, also at an edge that never had the release, or did not see it go: whatever a hub signs later.
func TestWhatWentBackNeverComesAgain(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	first := l.offer(1)
	l.toAll()
	l.turn(e)
	unseen := l.offer(2) // goes back while the edge is away
	l.turn(e)
	l.steer("back")
	never := l.offer(3) // comes and goes back while it is away
	l.steer("back")
	l.turn(e)
	for _, id := range []string{never, unseen} {
		steps, err := l.hub.Rollouts(t.Context(), release.Filter)
		l.ok(err)
		l.pass(time.Minute)
		again, err := release.Start(release.Filter, id, steps[0], episodeDigest(t, l, steps[0]), l.clock()).Widen(release.Stages, episodeDigest(t, l, steps[0]), "again", l.clock())
		l.ok(err)
		again.Sequence, again.Base = steps[0].Sequence+1, first
		l.signs(again)
		if err := e.Turn(t.Context()); id == never && problemCode(err) != "rollout/backwards" || id == unseen && err != nil {
			t.Errorf("%s is rolled out again: %v", id, err)
		}
		if got := decides(e, "ada"); got != first {
			t.Errorf("%s went back and is rolled out again, and %q decides, want %q", id, got, first)
		}
	}
	rows, err := l.edgeDB("alder-bank").Trail(t.Context(), trail.Filter{What: "release back", Limit: 10})
	l.ok(err)
	if len(rows) != 1 || !strings.Contains(rows[0].Subject, never) {
		t.Errorf("the trail tells of %+v, want the one that it saw go back", rows)
	}
}
