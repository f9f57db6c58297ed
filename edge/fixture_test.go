// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog"
)

const maker = "loop-maker"

// policyFile lets most leave by itself, keeps payments for a person, and records nothing of the skunkworks.
const policyFile = `version: 1
recipients:
  - name: loop-maker
    kind: maker
rules:
  - name: not-even-recorded
    when: repository.contains("skunkworks")
    level: off
  - name: stays-here
    when: repository.contains("ledger")
    level: none
  - name: a-person-looks
    when: repository.contains("payments")
    level: signal
    purposes: [evaluate, reward]
    recipients: [loop-maker]
    retention_days: 365
    approval: steward
  - name: the-rest-as-signal
    when: "true"
    level: signal
    purposes: [evaluate, reward]
    recipients: [loop-maker]
    retention_days: 365
    approval: auto
releases:
  - {kind: filter, hub: loop-maker, channel: canary, approver: auto}
`

// loop is a hub and edges, on real stores in one temporary folder, that talk over HTTP on the loopback address.
type loop struct {
	t    testing.TB
	name string // of the hub
	dir  string
	now  atomic.Int64 // of the clock that all share
	hub  *hub.Hub
	url  string
	down atomic.Bool
	log  atomic.Pointer[http.Handler] // what answers for the hub's log; nil: the hub
	conf func(*edge.Config)           // changes an edge before it opens

	witnesses []tlog.Witness // of the hub\'s log
	in        hub.Intake     // of the hub when it opens next
	signing   keyring.Signing

	open []*edge.Edge
	keys map[string]ed25519.PublicKey // of edges, by name
}

func newLoop(t testing.TB) *loop { t.Helper(); return newLoopSigning(t, keyring.Signing{}) }

// newLoopOf is newLoop with a hub of another name.
func newLoopOf(t testing.TB, name string) *loop {
	t.Helper()
	return newLoopWith(t, &loop{t: t, name: name, dir: t.TempDir()})
}

// newLoopSigning is newLoop where the hub's signing key is elsewhere.
func newLoopSigning(t testing.TB, signing keyring.Signing) *loop {
	t.Helper()
	return newLoopWith(t, &loop{t: t, name: maker, dir: t.TempDir(), signing: signing})
}

func newLoopWith(t testing.TB, l *loop) *loop {
	t.Helper()
	l.now.Store(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixNano())
	l.openHub()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.down.Load() {
			panic(http.ErrAbortHandler) // the connection ends, as with a host that is gone
		}
		if log := l.log.Load(); log != nil && strings.HasPrefix(r.URL.Path, "/log/") {
			http.StripPrefix("/log", *log).ServeHTTP(w, r)
			return
		}
		l.hub.Handler().ServeHTTP(w, r)
	}))
	l.url = srv.URL
	t.Cleanup(func() {
		srv.Close()
		for _, e := range l.open {
			e.Close()
		}
		l.hub.Close()
	})
	return l
}

func (l *loop) clock() time.Time        { return time.Unix(0, l.now.Load()).UTC() }
func (l *loop) pass(d time.Duration)    { l.now.Add(int64(d)) }
func (l *loop) path(p ...string) string { return filepath.Join(append([]string{l.dir}, p...)...) }

func (l *loop) openHub() {
	l.t.Helper()
	h, err := hub.New(context.Background(), hub.Config{Dir: l.path("hub"), Name: l.name, Now: l.clock, Witnesses: l.witnesses, Intake: l.in, Signing: l.signing})
	l.ok(err)
	l.hub = h
}

// restartHub closes the hub and opens it again on the same folder.
func (l *loop) restartHub() {
	l.t.Helper()
	l.ok(l.hub.Close())
	l.openHub()
}

// joining says how an edge comes to be known to the hub, where it is not simply told.
type joining string

const joinedAlready joining = "by an invite"

// edge opens an edge that the hub knows, or opens it again.
func (l *loop) edge(name string, how ...joining) *edge.Edge {
	l.t.Helper()
	policy, err := consent.DecodePolicy([]byte(policyFile))
	l.ok(err)
	c := edge.Config{Dir: l.path(name), Hubs: []edge.Hub{{Name: maker, Contributor: name, Channel: "early"}}, Policy: policy, Now: l.clock}
	if l.conf != nil {
		l.conf(&c)
	}
	e, err := edge.New(context.Background(), c)
	l.ok(err)
	l.open = append(l.open, e)
	if l.keys == nil {
		l.keys = map[string]ed25519.PublicKey{}
	}
	l.keys[name] = e.Public()
	if slices.Contains(how, joinedAlready) {
		return e
	}
	ans, err := l.hub.Enlist(context.Background(), name, e.Public(), false)
	l.ok(err)
	l.ok(e.Connect(context.Background(), edge.Hub{Name: c.Hubs[0].Name, URL: l.url, Token: ans.Token, Public: l.hub.Public()}))
	return e
}

// close ends an edge as a restart does.
func (l *loop) close(e *edge.Edge) {
	l.t.Helper()
	l.open = slices.DeleteFunc(l.open, func(o *edge.Edge) bool { return o == e })
	l.ok(e.Close())
}

func (l *loop) ok(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *loop) turn(e *edge.Edge) { l.t.Helper(); l.ok(e.Turn(context.Background())) }
func (l *loop) turnHub()          { l.t.Helper(); l.ok(l.hub.Turn(context.Background())) }

// send hands episodes to an edge, as an authenticated service.
func (l *loop) send(e *edge.Edge, list ...*episode.Episode) {
	l.t.Helper()
	ans, err := e.Receive(context.Background(), edge.Principal{Authenticated: true}, lines(l.t, list...))
	l.ok(err)
	if ans.Accepted != len(list) {
		l.t.Fatalf("%d of %d accepted: %+v", ans.Accepted, len(list), ans.SetAside)
	}
}

func lines(t testing.TB, list ...*episode.Episode) []byte {
	t.Helper()
	var b []byte
	for _, ep := range list {
		var err error
		if b, err = episode.Append(b, ep); err != nil {
			t.Fatal(err)
		}
		b = append(b, '\n')
	}
	return b
}

// world is the episodes of one simulated enterprise, and what became known of them later.
func world(t testing.TB, c sim.Config, name string) (w *sim.World, episodes, late []*episode.Episode) {
	t.Helper()
	w, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	keep := func(list *[]*episode.Episode) func(*episode.Episode) error {
		return func(ep *episode.Episode) error { *list = append(*list, ep.Clone()); return nil }
	}
	if err := w.Episodes(name, keep(&episodes)); err != nil {
		t.Fatal(err)
	}
	if err := w.Late(name, keep(&late)); err != nil {
		t.Fatal(err)
	}
	return w, episodes, late
}

// one is an episode with a single decided suggestion.
func one(id, repository string) *episode.Episode {
	at := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	shown := true
	return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("demo", id), StartedAt: at, EndedAt: at.Add(time.Minute),
		Tool: episode.Tool{Name: "demo", Surface: episode.SurfaceCompletion}, Model: episode.Model{Provider: "demo", Name: "demo-complete-1"},
		Developer: "ada@alder.example", Session: "s-" + id, Repository: "alder/" + repository, Languages: []string{"go"},
		Suggestions: []episode.Suggestion{{ID: "s1", Step: -1, Kind: episode.KindCompletion, Language: "go", Before: "a", After: "b", Features: map[string]any{"language": "go"}}},
		Decisions: []episode.Decision{{Suggestion: "s1", Verdict: episode.Accepted, By: episode.ByPerson, At: at, Shown: &shown, Chosen: "show",
			Actions: []episode.Action{{ID: "show", Propensity: 0.9}, {ID: "hide", Propensity: 0.1}}}},
		Origin: &episode.Origin{Provider: "demo", ContractClass: "business", License: "proprietary"}}
}

// outcome is a later fact about ep: the same id, whose it is, and what became known.
func outcome(ep *episode.Episode, kind episode.OutcomeKind, window string) *episode.Episode {
	return &episode.Episode{SchemaVersion: ep.SchemaVersion, ID: ep.ID, StartedAt: ep.StartedAt, Tool: ep.Tool, Model: ep.Model, Developer: ep.Developer,
		Session: ep.Session, Repository: ep.Repository, Origin: ep.Origin,
		Outcomes: []episode.Outcome{{Suggestion: "s1", Kind: kind, Value: 1, ObservedAt: ep.StartedAt.Add(48 * time.Hour), Window: window}}}
}

// sentID is an episode's id as the hub knows it.
func (l *loop) sentID(edgeName, id string) string {
	l.t.Helper()
	return l.sentIDIn(l.path(edgeName), id)
}

func (l *loop) sentIDIn(dir, id string) string {
	l.t.Helper()
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	l.ok(err)
	lower, err := consent.NewLowerer(maker, ring.Derive)
	l.ok(err)
	return lower.EpisodeID(id)
}

// atHub returns every record that the hub holds of a contributor, as it arrived, in the order of admission.
func (l *loop) atHub(contributor string) (records []*episode.Episode) {
	l.t.Helper()
	ctx := context.Background()
	db, err := sqlstore.Open(ctx, l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	defer db.Close()
	blobs, err := blob.View(l.path("hub", "blobs"), l.path("hub", "keys", "blobs"))
	l.ok(err)
	rows, err := db.Admitted(ctx)
	l.ok(err)
	for _, a := range rows {
		if a.Contributor != contributor {
			continue
		}
		packed, err := blobs.Get(ctx, a.Shard)
		l.ok(err)
		for line := range bytes.Lines(unpack(l.t, packed)) {
			ep, err := episode.Decode(line)
			l.ok(err)
			records = append(records, ep)
		}
	}
	return records
}

// count counts the records at the hub by the episode they are about.
func (l *loop) count(contributor string) (episodes, amendments map[string]int) {
	l.t.Helper()
	episodes, amendments = map[string]int{}, map[string]int{}
	for _, ep := range l.atHub(contributor) {
		if ep.Amends != "" {
			amendments[ep.Amends]++
		} else {
			episodes[ep.ID]++
		}
	}
	return episodes, amendments
}

func unpack(t testing.TB, b []byte) []byte {
	t.Helper()
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	raw, err := z.DecodeAll(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// edgeDB opens an edge's database beside the edge.
func (l *loop) edgeDB(name string) *sqlstore.DB {
	l.t.Helper()
	db, err := sqlstore.Open(context.Background(), l.path(name, "edge.db"), sqlstore.RoleEdge)
	l.ok(err)
	l.t.Cleanup(func() { db.Close() })
	return db
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func show(found map[string]string) string {
	var b bytes.Buffer
	for _, p := range sortedKeys(found) {
		fmt.Fprintf(&b, "\n  %q in %s", found[p], p)
	}
	return b.String()
}

// randomText is text that no index can compress.
func randomText(n int) string {
	b := make([]byte, (n+1)/2)
	rand.Read(b)
	return hex.EncodeToString(b)[:n]
}

// postgres makes a database for this test on the server that $HEADRACE_TEST_POSTGRES names; without one the test runs
// on SQLite.
func postgres(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("HEADRACE_TEST_POSTGRES")
	if dsn == "" {
		return ""
	}
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := "headrace_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
