// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

func (l *loop) hubDB() *sqlstore.DB {
	l.t.Helper()
	db, err := sqlstore.Open(context.Background(), l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	l.t.Cleanup(func() { db.Close() })
	return db
}

// rowsOf lists the snapshots that still hold rows of a contributor with these ids.
func (l *loop) snapshotsWith(contributor string, ids map[string]bool) (with []string) {
	l.t.Helper()
	docs, err := l.hubDB().Documents(l.t.Context(), sqlstore.DocSnapshot)
	l.ok(err)
	blobs, err := blob.View(l.path("hub", "blobs"), l.path("hub", "keys", "blobs"))
	l.ok(err)
	for _, doc := range docs {
		var m dataset.Manifest
		l.ok(json.Unmarshal(doc.Envelope, &m))
		for _, f := range m.Files {
			if f.Contributor != contributor {
				continue
			}
			file, err := blobs.Get(l.t.Context(), f.Digest)
			if errors.Is(err, blob.ErrNotFound) {
				continue
			}
			l.ok(err)
			type column struct {
				Record []byte `parquet:"record,json"`
			}
			rows, err := parquet.Read[column](bytes.NewReader(file), int64(len(file)))
			l.ok(err)
			for _, r := range rows {
				ep, err := episode.Decode(r.Record)
				l.ok(err)
				if ids[ep.ID] {
					with = append(with, doc.ID)
					break
				}
			}
		}
	}
	return with
}

// certificate returns the hub's certificate of the only withdrawal.
func (l *loop) certificate(name string) *bundle.Certificate {
	l.t.Helper()
	list, err := edge.View{Edge: l.open[slices.IndexFunc(l.open, func(e *edge.Edge) bool {
		return strings.HasSuffix(filepath.Dir(e.TokenFile()), filepath.Join(name, "keys"))
	})]}.Withdrawals(l.t.Context())
	l.ok(err)
	if len(list) != 1 || list[0].Certificate == nil {
		l.t.Fatalf("want one certified withdrawal, got %+v", list)
	}
	payload, _, err := bundle.OpenDocument(list[0].Certificate, bundle.TypeCertificate, bundle.NewTrust(bundle.TrustedKey{Key: l.hub.Public()}))
	l.ok(err)
	c := new(bundle.Certificate)
	l.ok(bundle.DecodeDocument(payload, c))
	return c
}

func TestWithdrawnSessionLeavesNoTrace(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	_, episodes, late := world(t, sim.Config{Gain: 0.2, Decisions: 400, Developers: 30}, "alder-bank")
	l.send(e, episodes...)
	l.turn(e)
	l.send(e, late...)
	l.turn(e)
	l.turnHub()

	eps, _ := l.count("alder-bank")
	var session string
	ids := map[string]bool{}
	for _, ep := range episodes { // a session of which something left, with amendments
		if session == "" && eps[l.sentID("alder-bank", ep.ID)] > 0 && len(ep.Outcomes) > 0 {
			session = ep.Session
		}
	}
	for _, ep := range episodes {
		if id := l.sentID("alder-bank", ep.ID); ep.Session == session && eps[id] > 0 {
			ids[id] = true
		}
	}
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: session})
	l.ok(err)
	e.Turn(t.Context()) // sends it; there is no certificate yet
	l.turnHub()
	l.turn(e)
	c := l.certificate("alder-bank")
	if c.Records < len(ids) {
		t.Errorf("the certificate speaks of %d records, %d had left", c.Records, len(ids))
	}
	for _, r := range l.atHub("alder-bank") {
		if ids[r.ID] || ids[r.Amends] {
			t.Errorf("record %s (amends %q) is still at the hub", r.ID, r.Amends)
		}
	}
	if with := l.snapshotsWith("alder-bank", ids); len(with) > 0 {
		t.Errorf("snapshots still hold it: %v", with)
	}
	// In files, the ids stand in the withdrawal itself and the registry's list of what must not come back, nowhere else.
	for path, id := range traces(t, l.path("hub", "blobs"), sortedKeys(ids)) {
		if _, _, err := bundle.OpenDocument(plainly(t, path), bundle.TypeWithdrawal, bundle.NewTrust(bundle.TrustedKey{Key: e.Public()})); err != nil {
			t.Errorf("%s stands in %s", id, path)
		}
	}
	// It stays away: what comes later of the session's episodes does not leave.
	before := len(l.atHub("alder-bank"))
	for _, ep := range episodes {
		if ep.Session == session {
			l.send(e, outcome(ep, "committed", "10d"))
		}
	}
	l.turn(e)
	if after := len(l.atHub("alder-bank")); after != before {
		t.Errorf("%d more records of a withdrawn session", after-before)
	}
}

// What says of an episode that it is of another session moves nothing out of a withdrawal's reach.
func TestLaterFactsMoveNoEpisodeToAnotherSession(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "portal")
	l.send(e, ep)
	l.turn(e)
	moved := outcome(ep, episode.OutcomeKept, "10d")
	moved.Session = "another"
	l.send(e, moved)
	l.turn(e)
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: ep.Session})
	l.ok(err)
	e.Turn(t.Context())
	l.turnHub()
	l.turn(e)
	if left := l.atHub("alder-bank"); len(left) > 0 {
		t.Errorf("%d records of the session are still at the hub", len(left))
	}
}

func TestWithdrawalsOfTwoContributorsEraseEverySnapshot(t *testing.T) {
	l := newLoop(t)
	a, b := l.edge("alder-bank"), l.edge("birch-telecom")
	first, second := one("b1", "portal"), one("b2", "portal")
	l.send(a, one("a1", "portal"))
	l.send(b, first)
	l.turn(a)
	l.turn(b)
	l.turnHub()       // snapshot 1 holds a1, b1
	l.send(b, second) // so that b's file of snapshot 1 is in no later one
	l.turn(b)
	withdraw := func(e *edge.Edge, session string) {
		_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: session})
		l.ok(err)
		e.Turn(t.Context())
		l.turnHub()
		l.turn(e)
	}
	withdraw(a, "s-a1") // snapshot 1 is incomplete from here on
	withdraw(b, first.Session)
	if with := l.snapshotsWith("birch-telecom", map[string]bool{l.sentID("birch-telecom", first.ID): true}); len(with) > 0 {
		t.Errorf("%d snapshots still hold what was withdrawn, after the certificate", len(with))
	}
}

// Bundles and withdrawals may arrive in any order: a retried push must not bring back what is certified as gone.
func TestBundleThatArrivesAfterItsWithdrawalBringsNothingBack(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	old, young := one("1", "portal"), one("2", "portal")
	young.Session = old.Session
	l.send(e, old)
	l.turn(e)
	l.turnHub()
	l.send(e, young)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	l.ok(e.Pack(t.Context()))
	l.down.Store(true)
	if err := e.Contribute(t.Context()); err == nil { // how much of it arrived, the edge cannot know
		t.Fatal("a hub that is down took a bundle")
	}
	l.down.Store(false)
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: old.Session})
	l.ok(err)
	e.FetchCertificates(t.Context()) // sends the withdrawal before the bundle
	l.turnHub()
	l.turn(e)
	l.turnHub()
	for _, r := range l.atHub("alder-bank") {
		t.Errorf("%s is at the hub although its withdrawal is certified", r.ID)
	}
}

func TestEverythingMayBeWithdrawn(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.turnHub()
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	e.Turn(t.Context())
	for range 3 {
		l.turnHub()
		l.turn(e)
		l.pass(time.Hour)
	}
	l.certificate("alder-bank")
	docs, err := l.hubDB().Documents(t.Context(), sqlstore.DocSnapshot)
	l.ok(err)
	var m dataset.Manifest
	l.ok(json.Unmarshal(docs[0].Envelope, &m))
	if n := m.Counts["alder-bank"]; len(docs) != 2 || m.Rows != 0 || n.In != 0 {
		t.Errorf("%d snapshots, the newest of %d rows from %d records, set aside %v; want 2, 0 and 0", len(docs), m.Rows, n.In, n.SetAside)
	}
	l.send(e, one("2", "portal"))
	l.turn(e)
	l.turnHub()
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Errorf("%d records after all was withdrawn and one sent anew", n)
	}
}

// To wait for the hub's certificate is no failure: a turn with nothing else amiss says nothing.
func TestWaitingForACertificateIsNoError(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.send(e, one("1", "portal"))
	l.turn(e)
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	l.turn(e)
}

// stopping is a context that ends after it was asked a number of times.
type stopping struct {
	context.Context
	mu   sync.Mutex
	left int
	done chan struct{}
}

func (s *stopping) ask() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left--; s.left == 0 {
		close(s.done)
	}
	return s.left <= 0
}

func (s *stopping) Done() <-chan struct{} { s.ask(); return s.done }

func (s *stopping) Err() error {
	if s.ask() {
		return context.Canceled
	}
	return nil
}

// A hub may stop between any two steps, and a withdrawal may come as often as it likes, of ids that nobody knows, in
// another's name: what is erased is exactly what its contributor took back, and one certificate says so.
func TestWithdrawalSurvivesRestartsAndNonsense(t *testing.T) {
	l := newLoop(t)
	a, b := l.edge("alder-bank"), l.edge("birch-telecom")
	list := three()
	l.send(a, list...)
	l.send(b, one("b1", "portal"))
	l.turn(a)
	l.turn(b)
	l.turnHub()
	theirs := l.sentID("birch-telecom", one("b1", "portal").ID)
	for name, w := range map[string]bundle.Withdrawal{
		"in another's name":       {Contributor: "birch-telecom", Recipient: maker, IDs: []string{theirs}},
		"of another hub":          {Contributor: "alder-bank", Recipient: "else", IDs: []string{theirs}},
		"of nothing":              {Contributor: "alder-bank", Recipient: maker},
		"in another's repository": {Contributor: "birch-telecom", Recipient: maker, IDs: []string{theirs}},
	} {
		repo := "alder-bank"
		if name == "in another's repository" {
			repo = "birch-telecom"
		}
		if err := a.SendDocument(t.Context(), repo, w); err == nil {
			t.Errorf("a withdrawal %s is taken", name)
		}
	}
	l.ok(a.SendDocument(t.Context(), "alder-bank", bundle.Withdrawal{Contributor: "alder-bank", Recipient: maker, IDs: []string{"ep_unknown", theirs}}))
	_, err := a.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	a.FetchCertificates(t.Context())
	l.restartHub()
	a.FetchCertificates(t.Context()) // twice
	stops := 0
	for after := 1; ; after += 1 + after/3 { // each turn comes a little further than the one before
		err := l.hub.Turn(&stopping{Context: t.Context(), left: after, done: make(chan struct{})})
		l.restartHub()
		if err == nil {
			break
		}
		stops++
	}
	if stops < 10 {
		t.Errorf("the hub was stopped %d times only", stops)
	}
	l.turnHub()
	l.turn(a)
	if got := l.left(list); got != "23" {
		t.Errorf("%q are left, want 2 and 3", got)
	}
	if eps, _ := l.count("birch-telecom"); eps[theirs] != 1 {
		t.Error("one contributor erased what is another's")
	}
	docs, err := l.hubDB().Documents(t.Context(), sqlstore.DocCertificate)
	l.ok(err)
	if len(docs) != 2 {
		t.Errorf("%d certificates of two withdrawals", len(docs))
	}
	if c := l.certificate("alder-bank"); c.Records != 1 {
		t.Errorf("the certificate speaks of %d records, want 1", c.Records)
	}
}

// Two withdrawals, one after the other, reach the same snapshot: the second certificate, too, names what was made of it
// outside, and who has it.
func TestCertificateNamesWhoHasWhatIsBeyondReach(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	list := three()
	l.send(e, list...)
	l.turn(e)
	l.turnHub()
	docs, err := l.hubDB().Documents(t.Context(), sqlstore.DocSnapshot)
	l.ok(err)
	if _, err := l.hub.Export(t.Context(), docs[0].ID, "trl-kto", " ", io.Discard); err == nil {
		t.Error("a file goes to nobody knows whom")
	}
	rep, err := l.hub.Export(t.Context(), docs[0].ID, "trl-kto", "training team", io.Discard)
	l.ok(err)
	for _, session := range []string{"s-1", "s-2"} {
		_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: session})
		l.ok(err)
		e.Turn(t.Context())
		l.turnHub()
		l.turn(e)
		l.pass(time.Minute)
	}
	shown, err := edge.View{Edge: e}.Withdrawals(t.Context())
	l.ok(err)
	for _, w := range shown {
		if !slices.Contains(w.Fates, web.Fate{Artifact: rep.Digest, Kind: "export", Fate: "beyond reach at training team"}) {
			t.Errorf("%s: the certificate says %+v", w.Scope, w.Fates)
		}
	}
	if len(shown) != 2 {
		t.Errorf("%d certificates", len(shown))
	}
}
