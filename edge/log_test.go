// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/tlog/audit"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/tiles"
	"github.com/headrace/headrace/internal/tlog/witness"
	"github.com/headrace/headrace/internal/web"
)

// hubKey is the key that signs the hub's log.
func (l *loop) hubKey() ed25519.PrivateKey {
	l.t.Helper()
	ring, err := keyring.Open(l.path("hub", "keys"))
	l.ok(err)
	return ring.Signing().(ed25519.PrivateKey)
}

// anotherLog is a log of n entries that a key signs under a name.
func (l *loop) anotherLog(origin string, key ed25519.PrivateKey, n int) *tlog.Log {
	l.t.Helper()
	log := l.anotherLogIn(l.t.TempDir(), origin, key, n)
	l.t.Cleanup(func() { log.Close() })
	return log
}

func (l *loop) anotherLogIn(dir, origin string, key ed25519.PrivateKey, n int) *tlog.Log {
	l.t.Helper()
	log, err := tlog.Open(l.t.Context(), tlog.Config{Dir: dir, Origin: origin, Key: key})
	l.ok(err)
	var g errgroup.Group
	for i := range n {
		g.Go(func() error {
			_, err := log.Append(l.t.Context(), proof.KindBundle, []byte{byte(i)})
			return err
		})
	}
	l.ok(g.Wait())
	return log
}

// lastSeen is the checkpoint that an edge keeps.
func (l *loop) lastSeen(name string) string {
	l.t.Helper()
	b, err := os.ReadFile(filepath.Join(link.LogDir(l.path(name), l.hub.Public()), "checkpoint"))
	l.ok(err)
	return string(b)
}

// contribute brings a new record to the hub.
func (l *loop) contribute(e *edge.Edge, id string) {
	l.t.Helper()
	l.send(e, one(id, "portal"))
	l.turn(e)
}

// paths answers for one of the log's paths otherwise than another handler.
func paths(log http.Handler, path string, other http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, path) {
			other.ServeHTTP(w, r)
			return
		}
		log.ServeHTTP(w, r)
	})
}

// cut answers with half of what another handler answers.
func cut(log http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		log.ServeHTTP(whole, r)
		w.WriteHeader(whole.Code)
		w.Write(whole.Body.Bytes()[:whole.Body.Len()/2])
	})
}

// honest is the hub's own log.
func (l *loop) honest() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.URL.Path = "/log" + r.URL.Path
		l.hub.Handler().ServeHTTP(w, r)
	})
}

// alarms are what the pages show.
func (l *loop) alarms(e *edge.Edge) []web.Alarm {
	l.t.Helper()
	list, err := edge.View{Edge: e}.Alarms(l.t.Context())
	l.ok(err)
	return list
}

// TestAHubWhoseLogBreaksItsPromiseIsSentNothing: whatever a log does that it must not, the edge sends nothing, keeps the
// last good checkpoint, and goes on where it was once the log is what it was.
func TestAHubWhoseLogBreaksItsPromiseIsSentNothing(t *testing.T) {
	l := newLoop(t)
	e, other := l.edge("alder-bank"), l.edge("birch-telecom")
	l.contribute(e, "1")
	early := t.TempDir() // the log with one entry: a backup that is put back
	l.ok(os.CopyFS(early, os.DirFS(l.path("hub", "log"))))
	l.contribute(e, "2")
	l.turn(e)
	kept := l.lastSeen("alder-bank")
	l.contribute(other, "3") // the log has grown since
	stranger, err := keyring.Open(t.TempDir())
	l.ok(err)
	honest, forked := l.honest(), l.anotherLog(maker, l.hubKey(), 40)
	at := len(l.atHub("alder-bank"))
	for _, c := range []struct {
		what  string
		log   http.Handler
		code  string
		shown bool // there is something to keep: two things that the log's key signed
	}{
		{"forks, and is longer", forked, "log/fork", true},
		{"forks, of the same length", l.anotherLog(maker, l.hubKey(), 2), "log/fork", true},
		{"rolls back", http.FileServer(http.Dir(early)), "log/rollback", true},
		{"has another key", l.anotherLog(maker, stranger.Signing().(ed25519.PrivateKey), 7), "log/checkpoint", false},
		{"has another name", l.anotherLog("somebody-else", l.hubKey(), 7), "log/checkpoint", false},
		{"shows cut tiles", paths(honest, "/tile/", cut(honest)), "log/proof", false},
		{"shows tiles of another log", paths(l.anotherLog(maker, l.hubKey(), 3), "/checkpoint", honest), "log/proof", false},
		{"says it is larger than it is", paths(honest, "/checkpoint", forked), "log/read", false},
		{"shows no checkpoint", paths(honest, "/checkpoint", http.NotFoundHandler()), "log/read", false},
	} {
		l.log.Store(&c.log)
		l.send(e, one(c.what, "portal"))
		for range 2 { // evidence is kept once
			err := e.Turn(t.Context())
			if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != c.code || p.Hint == "" {
				t.Errorf("%s: got %v, want %s with a hint", c.what, err, c.code)
			}
		}
		if l.lastSeen("alder-bank") != kept {
			t.Errorf("%s: the last good checkpoint is gone", c.what)
		}
		if n := len(l.atHub("alder-bank")); n != at {
			t.Errorf("%s: %d records were sent all the same", c.what, n-at)
		}
		alarms := l.alarms(e)
		if want := map[bool]int{true: 1}[c.shown]; len(alarms) != want {
			t.Errorf("%s: %d alarms, want %d", c.what, len(alarms), want)
		}
		for _, a := range alarms {
			if b, err := os.ReadFile(filepath.Join(a.Dir, "kept")); err != nil || string(b) != kept {
				t.Errorf("%s: kept as evidence: %q, %v", c.what, b, err)
			}
			if b, err := os.ReadFile(filepath.Join(a.Dir, "shown")); err != nil || len(b) == 0 || string(b) == kept {
				t.Errorf("%s: shown as evidence: %q, %v", c.what, b, err)
			}
			l.ok(os.RemoveAll(a.Dir))
		}
		l.ok(os.RemoveAll(filepath.Join(link.LogDir(l.path("alder-bank"), l.hub.Public()), "unproven")))
	}
	l.log.Store(nil)
	l.turn(e)
	if eps, _ := l.count("alder-bank"); len(eps) != 11 || len(l.alarms(e)) != 0 {
		t.Errorf("%d records at the hub once its log was as it was, want 11; %d alarms", len(eps), len(l.alarms(e)))
	}
	if l.lastSeen("alder-bank") == kept {
		t.Error("the log was not followed on")
	}
}

// TestAnAlarmStopsSendingUntilAPersonTakesItAway: a log that forked and looks as it was again, and one that showed a
// checkpoint it never explained. The turn sends nothing, and neither does headrace push.
func TestAnAlarmStopsSendingUntilAPersonTakesItAway(t *testing.T) {
	for what, c := range map[string]struct {
		log         func(l *loop, forked http.Handler) http.Handler
		first, then string
	}{
		"a fork":          {func(_ *loop, forked http.Handler) http.Handler { return forked }, "log/fork", "log/alarm"},
		"tiles not shown": {func(l *loop, forked http.Handler) http.Handler { return paths(l.honest(), "/checkpoint", forked) }, "log/read", "log/rollback"},
		"no tiles of it": {func(_ *loop, forked http.Handler) http.Handler {
			return paths(forked, "/tile/", http.NotFoundHandler())
		}, "log/read", "log/rollback"},
		"cut tiles of both": {func(_ *loop, forked http.Handler) http.Handler { return paths(forked, "/tile/", cut(forked)) }, "log/proof", "log/rollback"},
	} {
		t.Run(what, func(t *testing.T) {
			l := newLoop(t)
			e := l.edge("alder-bank")
			l.contribute(e, "1")
			l.turn(e)
			show := c.log(l, l.anotherLog(maker, l.hubKey(), 40))
			l.log.Store(&show)
			l.send(e, one("2", "portal"))
			for _, want := range []string{c.first, c.then, "log/alarm"} {
				err := e.Turn(t.Context())
				if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != want || p.Hint == "" {
					t.Errorf("got %v, want %s with a hint", err, want)
				}
				l.log.Store(nil) // it looks as it was
			}
			rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "packed")
			l.ok(err)
			m := link.Membership{URL: l.url, Contributor: "alder-bank", Hub: maker, PublicKey: l.hub.Public()}
			_, err = edge.PushTo(t.Context(), m.Remote(l.path("alder-bank"), nil), l.path("alder-bank", "bundles", strings.TrimPrefix(rows[0].ID, "sha256:")), e.Public())
			if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "log/alarm" {
				t.Errorf("push: got %v, want log/alarm", err)
			}
			if n := len(l.atHub("alder-bank")); n != 1 {
				t.Errorf("%d records at the hub, want the first", n)
			}
			alarms := l.alarms(e)
			if len(alarms) != 1 {
				t.Fatalf("%d alarms, want 1", len(alarms))
			}
			l.ok(os.RemoveAll(alarms[0].Dir))
			l.turn(e)
			if n := len(l.atHub("alder-bank")); n != 2 {
				t.Errorf("%d records at the hub once it was explained, want 2", n)
			}
		})
	}
}

// TestAReceiptOfAForkedLogIsRefused: the hub shows the edge one log and answers its bundle with a receipt of another.
func TestAReceiptOfAForkedLogIsRefused(t *testing.T) {
	l := newLoop(t)
	e, other := l.edge("alder-bank"), l.edge("birch-telecom")
	l.contribute(other, "1")
	l.turn(e)
	kept := l.lastSeen("alder-bank")
	first := t.TempDir()
	l.ok(os.CopyFS(first, os.DirFS(l.path("hub", "log"))))
	l.ok(l.hub.Close())
	l.ok(os.RemoveAll(l.path("hub", "log")))
	l.anotherLogIn(l.path("hub", "log"), maker, l.hubKey(), 4).Close()
	l.openHub()
	show := paths(l.honest(), "/checkpoint", http.FileServer(http.Dir(first))) // but the tiles are of the other
	l.log.Store(&show)
	// A bundle that carries no checkpoint, so that the hub has nothing to compare: the edge alone finds out.
	dir := link.LogDir(l.path("alder-bank"), l.hub.Public())
	l.ok(os.Rename(dir, dir+".away"))
	l.send(e, one("2", "portal"))
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	l.ok(e.Pack(t.Context()))
	l.ok(os.Rename(dir+".away", dir))
	err := e.Turn(t.Context())
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "log/fork" {
		t.Errorf("got %v, want log/fork", err)
	}
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "packed")
	l.ok(err)
	if len(rows) != 1 || rows[0].Receipt != nil || rows[0].Note == "" {
		t.Errorf("the receipt was taken: %+v", rows)
	}
	if l.lastSeen("alder-bank") != kept || len(l.alarms(e)) != 1 {
		t.Errorf("the last good checkpoint is gone, or there is no alarm")
	}
}

// TestABundleThatSawAnotherLogIsNotTakenIn: the hub, too, notices that the two sides do not see one log.
func TestABundleThatSawAnotherLogIsNotTakenIn(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.contribute(e, "1")
	l.turn(e)
	l.ok(l.hub.Close())
	first := t.TempDir()
	l.ok(os.CopyFS(first, os.DirFS(l.path("hub", "log"))))
	l.ok(os.RemoveAll(l.path("hub", "log")))
	l.anotherLogIn(l.path("hub", "log"), maker, l.hubKey(), 4).Close()
	l.openHub()
	show := http.FileServer(http.Dir(first)) // the edge is shown the old one
	l.log.Store(&show)
	l.send(e, one("2", "portal"))
	if err := e.Turn(t.Context()); err == nil || !strings.Contains(err.Error(), "our log does not continue") {
		t.Errorf("got %v", err)
	}
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Errorf("%d records at the hub, want 1", n)
	}
}

// TestAllThatTheHubMakesIsInItsLogOnceAndHidden: bundles, snapshots, releases, statements, withdrawals and certificates,
// and no digest of any.
func TestAllThatTheHubMakesIsInItsLogOnceAndHidden(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	ep := one("1", "portal")
	l.contribute(e, "1")
	l.turnHub()
	l.turn(e)
	l.restartHub()
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: ep.Session})
	l.ok(err)
	e.Turn(t.Context())
	l.turnHub()
	l.turn(e)
	want := map[string]int{proof.KindBundle: 1, proof.KindSnapshot: 2, proof.KindStatement: 1, proof.KindWithdrawal: 1, proof.KindCertificate: 1}
	known, err := proof.Of(maker, l.hub.Public())
	l.ok(err)
	signed, err := tiles.At(l.url)(t.Context(), "checkpoint")
	l.ok(err)
	now, err := known.Open(signed)
	l.ok(err)
	got := map[string]int{}
	digests := regexp.MustCompile(`sha256:[0-9a-f]{8}`)
	l.ok(audit.Verify(t.Context(), tiles.At(l.url), proof.Checkpoint{}, now, func(_ uint64, b []byte) {
		for kind := range want {
			if bytes.HasPrefix(b, proof.Entry(kind, nil)) {
				got[kind]++
			}
		}
		if digests.Match(b) {
			t.Errorf("an entry tells a digest: %q", b)
		}
	}))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// What the edge keeps of its receipt opens its entry to whom it shows it, and carries on from what it had seen.
	files, err := filepath.Glob(l.path("alder-bank", "receipts", "*.json"))
	l.ok(err)
	if len(files) != 1 {
		t.Fatalf("%d receipts are kept, want 1", len(files))
	}
	b, err := os.ReadFile(files[0])
	l.ok(err)
	var r link.Receipt
	l.ok(json.Unmarshal(b, &r))
	var p proof.Inclusion
	l.ok(json.Unmarshal(r.Proof, &p))
	id := "sha256:" + strings.TrimSuffix(filepath.Base(files[0]), ".json")
	if _, err := p.Verify(known, proof.KindBundle, id); err != nil {
		t.Error(err)
	}
}

// TestThePageSaysWhoVouchesForTheLog: a witness counts at the edge that accepts it, and at no other.
func TestThePageSaysWhoVouchesForTheLog(t *testing.T) {
	l := newLoop(t)
	vkey, err := proof.VerifierKey(maker, l.hub.Public())
	l.ok(err)
	w, err := witness.New(witness.Config{Dir: t.TempDir(), Name: "witness.example/w1", Key: ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), Logs: []string{vkey}})
	l.ok(err)
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	l.witnesses = []tlog.Witness{{Key: w.VerifierKey(), URL: srv.URL}}
	l.restartHub()
	trusts := l.edge("birch-telecom")
	l.conf = func(c *edge.Config) { c.Hubs[0].Witnesses = []string{w.VerifierKey()} }
	accepts := l.edge("alder-bank")
	for e, want := range map[*edge.Edge][]string{accepts: {"witness.example/w1"}, trusts: nil} {
		l.contribute(e, "1")
		list, err := edge.View{Edge: e}.Bundles(t.Context())
		l.ok(err)
		if len(list) != 1 || list[0].Receipt == nil || !slices.Equal(list[0].Receipt.Witnesses, want) {
			t.Errorf("%+v: want a receipt witnessed by %q", list, want)
		}
	}
	stages, err := hub.View{Hub: l.hub}.HubStages(t.Context())
	l.ok(err)
	if i := slices.IndexFunc(stages, func(s web.Stage) bool { return s.Name == "intake" }); i < 0 || stages[i].Note != "" {
		t.Errorf("the hub says of its log: %+v", stages)
	}
}
