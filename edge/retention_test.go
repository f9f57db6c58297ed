// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

func TestRawTextExpiresAndALaterOutcomeTravelsAlone(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "portal")
	l.send(e, ep)
	l.turn(e)
	l.pass(5 * 24 * time.Hour)
	l.turn(e)
	rows, err := l.edgeDB("alder-bank").EpisodesByID(t.Context(), []string{ep.ID})
	l.ok(err)
	if r := rows[ep.ID]; r.Sealed != nil {
		t.Fatalf("five days later raw text still rests: %d bytes", len(r.Sealed))
	}
	for range 2 { // the same fact twice is one amendment
		l.send(e, outcome(ep, episode.OutcomeReverted, "30d"))
		l.turn(e)
	}
	records := l.atHub("alder-bank")
	if len(records) != 2 || records[1].Amends != records[0].ID || len(records[1].Outcomes) != 1 || len(records[1].Suggestions) != 0 {
		t.Fatalf("want the episode and one amendment with one outcome, got %d records: %+v", len(records), records)
	}
}

// A steward may take longer than raw text rests. What waits is already filtered: it must not be lost to a later fact.
func TestOutcomeAfterExpiryKeepsWhatWaits(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "payments-core")
	l.send(e, ep)
	l.turn(e)
	l.pass(5 * 24 * time.Hour)
	l.turn(e)
	l.send(e, outcome(ep, episode.OutcomeReverted, "30d"))
	l.turn(e)
	_, err := e.ApproveAll(context.Background(), "steward")
	l.ok(err)
	l.turn(e)
	decisions, outcomes := 0, 0
	for _, r := range l.atHub("alder-bank") {
		decisions += len(r.Decisions)
		outcomes += len(r.Outcomes)
	}
	if decisions != 1 || outcomes != 1 {
		t.Errorf("%d decisions and %d outcomes reached the hub, want 1 and 1", decisions, outcomes)
	}
}

func TestLaterFactsDoNotProlongTheRestOfRawText(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "portal")
	ep.Suggestions[0].Before = "the raw text"
	l.send(e, ep)
	l.turn(e)
	for i, window := range []string{"1d", "3d", "7d"} {
		l.pass(2 * 24 * time.Hour)
		l.send(e, outcome(ep, episode.OutcomeKept, window))
		l.turn(e)
		if r := row(l, "alder-bank", ep.ID); i == 2 && r.Suggestions > 0 && r.Sealed != nil {
			t.Errorf("6 days after it came in, raw text of an edge that keeps it 3 days is still sealed under day %d", r.VaultDay)
		}
	}
}

func row(l *loop, name, id string) sqlstore.EpisodeRow {
	l.t.Helper()
	rows, err := l.edgeDB(name).EpisodesByID(context.Background(), []string{id})
	l.ok(err)
	return rows[id]
}

// Whatever else is stuck, raw text goes when its time is over.
func TestRawTextExpiresEvenWhenTheRestIsStuck(t *testing.T) {
	for _, stuck := range []string{"push", "pack"} {
		t.Run(stuck, func(t *testing.T) {
			l := newLoop(t)
			if stuck == "push" {
				l.down.Store(true)
			} else {
				l.conf = func(c *edge.Config) { c.Canaries = []string{"9.8.7654"} }
			}
			e := l.edge("alder-bank")
			ep := one("1", "portal")
			ep.Tool.Version = "9.8.7654"
			l.send(e, ep)
			e.Turn(t.Context())
			l.pass(5 * 24 * time.Hour)
			e.Turn(t.Context())
			if r := row(l, "alder-bank", ep.ID); r.ID == "" || r.Sealed != nil {
				t.Errorf("raw text outlived its retention because %s was stuck", stuck)
			}
		})
	}
}
