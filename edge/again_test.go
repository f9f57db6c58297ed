// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
)

// TestABundleThatComesWhileItsBytesWereToGoIsKept: a sweep decided that layers of a push that was cut must go, and died
// before it deleted them. Then the push goes on.
func TestABundleThatComesWhileItsBytesWereToGoIsKept(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	l.down.Store(true)
	l.send(e, one("1", "portal"))
	_ = e.Turn(t.Context()) // packed, and the hub is away
	packed, err := l.edgeDB("alder-bank").Bundles(t.Context(), "packed")
	l.ok(err)
	if len(packed) != 1 {
		t.Fatalf("%d bundles are packed", len(packed))
	}
	digest := strings.TrimPrefix(packed[0].ID, "sha256:")
	raw, err := os.ReadFile(l.path("alder-bank", "bundles", digest, "blobs", "sha256", digest))
	l.ok(err)
	var m ocispec.Manifest
	l.ok(json.Unmarshal(raw, &m))
	db, err := sql.Open("sqlite", l.path("hub", "hub.db"))
	l.ok(err)
	defer db.Close()
	for _, layer := range m.Layers {
		_, err = db.Exec(`INSERT INTO doomed (digest) VALUES ($1)`, layer.Digest.String())
		l.ok(err)
	}

	l.down.Store(false)
	l.turn(e)
	l.turnHub()
	if n := len(l.atHub("alder-bank")); n != 1 {
		t.Errorf("%d records are at the hub, want 1", n)
	}
	hub, err := sqlstore.Open(t.Context(), l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	defer hub.Close()
	if left, err := hub.Doomed(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%v are still to go, %v", left, err)
	}
}

// TestNothingIsKeptOfABundleThatIsForSomebodyElse: the hub says so, and it is so at once.
func TestNothingIsKeptOfABundleThatIsForSomebodyElse(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(strings.ReplaceAll(policyFile, maker, "other-maker")))
		l.ok(err)
		c.Policy, c.Hubs[0].Name = p, "other-maker"
	}
	e := l.edge("alder-bank")
	l.send(e, one("1", "portal"))
	_ = e.Turn(t.Context()) // packed, and not sent: this is not that hub's log
	packed, err := filepath.Glob(l.path("alder-bank", "bundles", "*"))
	l.ok(err)
	if len(packed) != 1 {
		t.Fatalf("%d bundles are packed", len(packed))
	}
	ans, err := l.hub.Enlist(t.Context(), "alder-bank", e.Public(), false)
	l.ok(err)
	m := link.Membership{URL: l.url, Contributor: "alder-bank", Token: ans.Token, Hub: maker, PublicKey: l.hub.Public()}
	_, err = edge.PushTo(t.Context(), m.Remote(t.TempDir(), nil), packed[0], e.Public())
	if err == nil || !strings.Contains(err.Error(), "intake/wrong-recipient") {
		t.Fatalf("got %v, want intake/wrong-recipient", err)
	}
	sent, err := filepath.Glob(filepath.Join(packed[0], "blobs", "sha256", "*"))
	l.ok(err)
	kept := 0
	for _, path := range sent {
		if _, err := os.Stat(l.path("hub", "blobs", "sha256", filepath.Base(path))); err == nil {
			kept++
		}
	}
	// The config, "{}", says nothing.
	if len(sent) != 4 || kept > 1 {
		t.Errorf("%d of %d blobs of the bundle are at the hub", kept, len(sent))
	}
}

// TestWhatAHubRefusedDoesNotLeaveWithTheNextFact: of a record in which the hub found something nothing more leaves, and what
// came with it goes only once a person has looked, whatever else is told of their episodes.
func TestWhatAHubRefusedDoesNotLeaveWithTheNextFact(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Policy, c.Audited = leveled(t, "clean"), 1 }
	e := l.edge("alder-bank")
	leak, beside := one("1", "portal"), one("2", "portal")
	leak.Suggestions[0].After, beside.Suggestions[0].After = "use(PLACE_HOLDER_HERE)\n", "two()\n"
	l.send(e, leak, beside)
	l.ok(e.Assemble(t.Context()))
	l.ok(e.Screen(t.Context()))
	letThrough(t, l, "alder-bank", "PLACE_HOLDER_HERE", "glpat-"+rand.Text())
	l.turn(e)
	db := l.edgeDB("alder-bank")
	states := func(ep *episode.Episode) (list []string) {
		t.Helper()
		rows, err := db.OutboundOf(t.Context(), ep.ID)
		l.ok(err)
		for _, r := range rows {
			list = append(list, r.State)
		}
		return list
	}

	l.send(e, outcome(leak, episode.OutcomeReverted, "24h"), outcome(beside, episode.OutcomeReverted, "24h"))
	l.turn(e)
	changed := beside.Clone()
	changed.Suggestions[0].After = "three()\n"
	l.send(e, changed)
	l.turn(e)
	if n := len(l.atHub("alder-bank")); n != 0 {
		t.Fatalf("%d records left by themselves", n)
	}
	if got := states(leak); len(got) != 1 || got[0] != sqlstore.OutRefused {
		t.Errorf("what the hub named is %v", got)
	}
	if got := states(beside); len(got) != 1 || got[0] != sqlstore.OutHeld {
		t.Errorf("what came with it is %v", got)
	}

	rows, err := db.OutboundOf(t.Context(), beside.ID)
	l.ok(err)
	_, err = db.Decide(t.Context(), sqlstore.Ruling{Who: "steward", Recipient: maker, State: sqlstore.OutApproved, Digests: []string{rows[0].Digest}, At: l.clock()})
	l.ok(err)
	l.turn(e)
	l.send(e, outcome(beside, episode.OutcomeReverted, "30d"), outcome(leak, episode.OutcomeReverted, "30d"))
	l.turn(e)
	if episodes, amendments := l.count("alder-bank"); len(episodes) != 1 || len(amendments) != 1 {
		t.Errorf("once a person has looked, %v and %v left", episodes, amendments)
	}
}
