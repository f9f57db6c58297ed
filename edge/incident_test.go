// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// leveled is a policy that lets everything leave by itself at one level.
func leveled(t *testing.T, level string) *consent.Policy {
	t.Helper()
	more := ""
	if level == "masked" {
		more = "\n    prose: true"
	}
	p, err := consent.DecodePolicy([]byte("version: 1\nrecipients:\n  - {name: loop-maker, kind: maker}\ntext: {repositories: [\"**\"], clean_batches: 1}\nrules:\n  - name: all\n    when: \"true\"\n    level: " + level + more +
		"\n    purposes: [evaluate]\n    recipients: [loop-maker]\n    retention_days: 30\n    approval: auto\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// letThrough makes of what an edge has screened what it would be if the filter had let a value through.
func letThrough(t *testing.T, l *loop, name, placeholder, value string) {
	t.Helper()
	db, err := sql.Open("sqlite", l.path(name, "edge.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := l.edgeDB(name).Approved(t.Context(), maker, 100)
	l.ok(err)
	changed := 0
	for _, r := range rows {
		body := bytes.ReplaceAll(r.Body, []byte(placeholder), []byte(value))
		if bytes.Equal(body, r.Body) {
			continue
		}
		changed++
		_, err := db.Exec(`UPDATE bodies SET body=$1 WHERE episode=$2 AND revision=$3`, body, r.Episode, r.Revision)
		l.ok(err)
		_, err = db.Exec(`UPDATE outbound SET digest=$1 WHERE episode=$2 AND revision=$3`, episode.Digest(body), r.Episode, r.Revision)
		l.ok(err)
	}
	if changed != 1 {
		t.Fatalf("%d of %d records were changed", changed, len(rows))
	}
}

func TestWhatTheFilterLetThroughIsRefusedByTheHubAndHeldHere(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Policy, c.Audited = leveled(t, "clean"), 1 }
	e := l.edge("alder-bank")
	leak, others := one("1", "portal"), []*episode.Episode{one("2", "portal"), one("3", "portal")}
	leak.Suggestions[0].After = "use(PLACE_HOLDER_HERE)\n"
	others[0].Suggestions[0].After, others[1].Suggestions[0].After = "two()\n", "three()\n"
	l.send(e, append(others, leak)...)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	secret := "glpat-" + rand.Text()
	letThrough(t, l, "alder-bank", "PLACE_HOLDER_HERE", secret)
	l.turn(e)

	db := l.edgeDB("alder-bank")
	rows, err := db.Bundles(t.Context(), "refused")
	l.ok(err)
	if len(rows) != 1 {
		t.Fatalf("%d bundles are refused, want 1", len(rows))
	}
	id := rows[0].ID
	nothingAtTheHub := func() {
		t.Helper()
		if found := traces(t, l.path("hub"), []string{secret, secret[6:]}); len(found) > 0 {
			t.Errorf("at the hub:%s", show(found))
		}
		if n := len(l.atHub("alder-bank")); n != 0 {
			t.Errorf("%d records of a refused bundle are at the hub", n)
		}
	}
	nothingAtTheHub()
	states := func() map[string]int {
		n := map[string]int{}
		list, err := everyState(t, db)
		l.ok(err)
		for _, r := range list {
			n[r.State]++
			if r.State == sqlstore.OutRefused && !bytes.Contains(r.Body, []byte(secret)) {
				t.Error("a record stays in which nothing was found")
			}
		}
		return n
	}
	if n := states(); n["refused"] != 1 || n["held"] != 2 {
		t.Errorf("records are %v, want the one refused and the others held", n)
	}
	view, err := edge.View{Edge: e}.Bundle(t.Context(), id)
	l.ok(err)
	want := web.IncidentFinding{Field: "/suggestions/0/after", Kind: "gitlab-token"}
	if inc := view.Incident; inc == nil || inc.RotateBy != "2026-11-05T09:00:00Z" || len(inc.Findings) != 1 || inc.Findings[0].Field != want.Field || inc.Findings[0].Kind != want.Kind {
		t.Errorf("the page shows %+v", view.Incident)
	}
	said, err := e.Incidents(t.Context())
	if err != nil || !strings.Contains(said, "gitlab-token") || strings.Contains(said, secret) {
		t.Errorf("said: %s, %v", said, err)
	}

	// The same bytes are not sent again, nor taken if they are.
	l.turn(e)
	ring, err := keyring.Open(l.path("alder-bank", "keys"))
	l.ok(err)
	ans, err := l.hub.Enlist(t.Context(), "alder-bank", ring.Public(), false)
	l.ok(err)
	m := link.Membership{URL: l.url, Contributor: "alder-bank", Token: ans.Token, Hub: maker, PublicKey: l.hub.Public()}
	for range 2 {
		_, err = edge.PushTo(t.Context(), m.Remote(t.TempDir(), nil), l.path("alder-bank", "bundles", strings.TrimPrefix(id, "sha256:")), ring.Public())
		if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "intake/incident" || p.Hint == "" {
			t.Errorf("pushed again: %v", err)
		}
		nothingAtTheHub()
	}
	envelope, err := m.Remote(t.TempDir(), nil).Incident(t.Context(), id)
	l.ok(err)
	if payload, _, err := bundle.OpenDocument(envelope, bundle.TypeIncident, bundle.NewTrust(bundle.TrustedKey{Key: l.hub.Public()})); err != nil || bytes.Contains(payload, []byte(secret)) {
		t.Errorf("the incident that can be fetched: %s, %v", payload, err)
	}

	// A person looks, and what was not named goes.
	l.ok(e.Connect(t.Context(), edge.Hub{Name: maker, URL: l.url, Token: ans.Token, Public: l.hub.Public()}))
	var held []string
	list, err := everyState(t, db)
	l.ok(err)
	for _, r := range list {
		held = append(held, r.Digest)
	}
	if n, err := db.Decide(context.Background(), sqlstore.Ruling{Who: "steward", Recipient: maker, State: sqlstore.OutApproved, Digests: held, At: l.clock()}); err != nil || n != 2 {
		t.Errorf("%d approved, %v", n, err)
	}
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 2 {
		t.Errorf("%d records came later, want 2", n)
	}
}

// everyState is the outgoing batch, whatever was decided.
func everyState(t *testing.T, db *sqlstore.DB) (list []sqlstore.OutboundRow, err error) {
	for _, state := range []string{sqlstore.OutWaiting, sqlstore.OutHeld, sqlstore.OutApproved, sqlstore.OutRefused} {
		rows, err := db.Batch(t.Context(), maker, state, sqlstore.Place{}, 100)
		if err != nil {
			return nil, err
		}
		list = append(list, rows...)
	}
	return list, nil
}

func TestWhatTheFilterMakesOfTextPassesTheHubsScan(t *testing.T) {
	for _, level := range []string{"signal", "masked", "clean"} {
		t.Run(level, func(t *testing.T) {
			l := newLoop(t)
			l.conf = func(c *edge.Config) { c.Policy, c.Audited = leveled(t, level), 1 }
			e := l.edge("alder-bank")
			_, episodes, _ := world(t, sim.Config{Gain: 0.2, Decisions: 1500, Developers: 60}, "alder-bank")
			l.send(e, episodes...)
			l.turn(e)
			if said, err := e.Incidents(t.Context()); said != "" || err != nil {
				t.Errorf("honest bundles are refused: %s, %v", said, err)
			}
			n := 0
			for _, ep := range l.atHub("alder-bank") {
				if ep.Privacy.Level == episode.Level(level) {
					n++
				}
			}
			if n == 0 {
				t.Error("nothing arrived at this level")
			}
		})
	}
}
