// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

const other = "other-maker"

// passing is an edge that lets its hub pass on to another, and, where that is asked for, to one behind that.
func passing(t *testing.T, onward ...string) (l *loop, e *edge.Edge, hubs []*loop) {
	t.Helper()
	l = newLoop(t)
	p, err := consent.DecodePolicy([]byte(strings.Replace(policyFile, "    kind: maker\n", "    kind: maker\n    passes_on: ["+strings.Join(onward, ", ")+"]\n", 1)))
	l.ok(err)
	l.conf = func(c *edge.Config) { c.Policy = p }
	e = l.edge("alder-bank")
	for _, name := range onward {
		hubs = append(hubs, newLoopOf(t, name))
	}
	return l, e, hubs
}

// joins has a hub join another, as a contributor to it.
func (l *loop) joins(to *loop) {
	l.t.Helper()
	ans, err := to.hub.Enlist(context.Background(), "from-"+l.name, l.hub.Public(), false)
	l.ok(err)
	l.hub.Connect(link.Hub{Name: to.name, Contributor: "from-" + l.name, URL: to.url, Token: ans.Token, Public: to.hub.Public()})
}

func (l *loop) ids(contributor string) (ids []string) {
	for _, ep := range l.atHub(contributor) {
		ids = append(ids, ep.ID)
	}
	slices.Sort(ids)
	return ids
}

func (l *loop) bundlePage(e *edge.Edge) *web.BundleView {
	l.t.Helper()
	list, err := edge.View{Edge: e}.Bundles(context.Background())
	l.ok(err)
	v, err := edge.View{Edge: e}.Bundle(context.Background(), list[0].ID)
	l.ok(err)
	return v
}

// What a hub passes on comes there as it was given, under the same terms, once; its contributor gets the receipt. A withdrawal goes the
// same way, and no certificate is signed before that of the last hub.
func TestWhatIsPassedOnCarriesTermsReceiptsAndWithdrawals(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	l.joins(b)
	l.send(e, one("1", "portal"), one("2", "portal"), one("3", "ledger"))
	l.turn(e)
	l.turnHub()
	given := l.ids("alder-bank")
	if got := b.ids("from-" + maker); len(given) != 2 || !slices.Equal(got, given) {
		t.Fatalf("passed on were %v of %v", got, given)
	}
	for _, ep := range b.atHub("from-" + maker) {
		if !slices.Equal(ep.Terms.Recipients, []string{maker, other}) || ep.Terms.RetentionDays != 365 {
			t.Errorf("under terms %+v", ep.Terms)
		}
	}
	l.turnHub()
	b.turnHub()
	l.turn(e)
	page := l.bundlePage(e)
	if len(page.Onward) != 1 || page.Onward[0].Recipient != other || page.Onward[0].Records != 2 || page.Onward[0].Signer != bundle.KeyIDOf(b.hub.Public()).Short() {
		t.Errorf("its contributor is told %+v", page.Onward)
	}

	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	_ = e.Turn(t.Context())
	l.turnHub()
	_ = e.Turn(t.Context())
	state := func() string {
		rows, err := l.edgeDB("alder-bank").Withdrawals(t.Context())
		l.ok(err)
		return rows[0].State
	}
	if n := len(l.ids("alder-bank")); n != 1 || state() != "asked" {
		t.Errorf("before the other hub has certified: %d records are left, and the withdrawal is %s", n, state())
	}
	b.turnHub()
	if got := b.ids("from-" + maker); len(got) != 1 {
		t.Errorf("the other hub has %v still", got)
	}
	l.turnHub()
	l.turn(e)
	if state() != "certified" {
		t.Fatalf("the withdrawal is %s", state())
	}
	c := l.certificate("alder-bank")
	if len(c.Onward) != 1 || c.Onward[0].Recipient != other || !slices.ContainsFunc(c.Fates, func(f bundle.Fate) bool {
		return f.Kind == "bundle" && strings.HasPrefix(f.Fate, "at "+other+": erased")
	}) {
		t.Errorf("the certificate says %+v", c)
	}
	// An auditor with nothing but the hub's key is shown both, and no other.
	files, err := filepath.Glob(l.path("alder-bank", "certificates", "*"))
	l.ok(err)
	raw, err := os.ReadFile(files[0])
	l.ok(err)
	var k link.Certificate
	l.ok(json.Unmarshal(raw, &k))
	if _, _, err := k.Check(l.hub.Public()); err != nil {
		t.Error(err)
	}
}

// Records may come through several hubs, each of which the terms name.
func TestWhatIsPassedOnMayBePassedOnAgain(t *testing.T) {
	l, e, hubs := passing(t, other, "third-maker")
	second, third := hubs[0], hubs[1]
	l.joins(second)
	second.joins(third)
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.turnHub()
	second.turnHub()
	if got, given := third.ids("from-"+other), l.ids("alder-bank"); len(given) != 1 || !slices.Equal(got, given) {
		t.Fatalf("the third has %v of %v", got, given)
	}
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	_ = e.Turn(t.Context())
	for range 3 {
		l.turnHub()
		second.turnHub()
		third.turnHub()
	}
	l.turn(e)
	c := l.certificate("alder-bank")
	if n := len(third.ids("from-" + other)); n != 0 || len(c.Onward) != 1 || !slices.ContainsFunc(c.Fates, func(f bundle.Fate) bool { return strings.HasPrefix(f.Fate, "at "+other+": at third-maker: erased") }) {
		t.Errorf("the third has %d records; the certificate says %+v", n, c.Fates)
	}
}

// A bundle of which records were taken back before it was passed on is passed on without them, and it is shown still whose the rest is.
func TestWhatWasTakenBackIsNotPassedOn(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	l.send(e, one("1", "portal"), one("2", "portal"))
	l.turn(e)
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	_ = e.Turn(t.Context())
	l.turnHub()
	l.turn(e)
	l.joins(b)
	l.turnHub()
	if got, left := b.ids("from-"+maker), l.ids("alder-bank"); len(left) != 1 || !slices.Equal(got, left) {
		t.Errorf("passed on were %v of %v", got, left)
	}
	if c := l.certificate("alder-bank"); len(c.Onward) != 0 {
		t.Errorf("nothing was passed on, and the certificate says %+v", c.Onward)
	}
}

// A passage that was cut off is found out about: what arrived is not sent twice, and what did not is sent.
func TestAPassageThatWasCutOffIsMadeOnce(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	l.joins(b)
	l.send(e, one("1", "portal"))
	l.turn(e)
	b.down.Store(true)
	if err := l.hub.Turn(t.Context()); err == nil || !strings.Contains(err.Error(), "pass on to "+other) {
		t.Errorf("while it is away: %v", err)
	}
	b.down.Store(false)
	l.turnHub()
	if n := len(b.ids("from-" + maker)); n != 1 {
		t.Fatalf("%d records were passed on", n)
	}
	db := l.hubDB()
	list, err := db.Passages(t.Context(), other, sqlstore.PassageReceived)
	l.ok(err)
	l.ok(db.SetPassage(t.Context(), list[0], sqlstore.PassageSending, "")) // as if the answer had been lost
	l.turnHub()
	once := func(when string) {
		t.Helper()
		if n, m := len(b.ids("from-"+maker)), len(l.passages(sqlstore.PassageReceived)); n != 1 || m != 1 {
			t.Errorf("%s: %d records are there, of %d passages", when, n, m)
		}
	}
	once("the answer was lost")

	// The other hub died between taking the bundle in and showing its manifest; its log has grown since.
	l.ok(db.SetPassage(t.Context(), list[0], sqlstore.PassageSending, ""))
	there, err := sql.Open("sqlite", b.path("hub", "hub.db"))
	l.ok(err)
	defer there.Close()
	if r, err := there.ExecContext(t.Context(), `DELETE FROM manifests WHERE digest=$1`, list[0].Bundle); err != nil {
		t.Fatal(err)
	} else if n, _ := r.RowsAffected(); n != 1 {
		t.Fatalf("%d manifests were hidden", n)
	}
	b.turnHub()
	l.turnHub()
	once("the other hub died")
}

// A hub that has enough for today gets the rest tomorrow, and loses nothing.
func TestAHubIsPassedOnNoMoreThanItTakes(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	b.in.Quotas = hub.Quotas{Bundles: 1}
	b.restartHub()
	l.joins(b)
	for _, id := range []string{"1", "2"} {
		l.send(e, one(id, "portal"))
		l.turn(e)
	}
	if err := l.hub.Turn(t.Context()); err == nil {
		t.Error("nothing is said of what waits")
	}
	if n, m := len(b.ids("from-"+maker)), len(l.passages(sqlstore.PassageSending)); n != 1 || m != 1 {
		t.Errorf("%d records were passed on, %d bundles wait", n, m)
	}
	l.pass(24 * time.Hour)
	b.pass(24 * time.Hour)
	l.turnHub()
	if got, given := b.ids("from-"+maker), l.ids("alder-bank"); len(given) != 2 || !slices.Equal(got, given) {
		t.Errorf("passed on were %v of %v", got, given)
	}
}

func (l *loop) passages(state string) []sqlstore.PassageRow {
	l.t.Helper()
	list, err := l.hubDB().Passages(context.Background(), other, state)
	l.ok(err)
	return list
}

// A hub takes nothing from another that was not given to be passed on, or of which that is not shown.
func TestNobodyPassesOnWithoutShowingThatTheyMay(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	l.send(e, one("1", "portal"))
	l.turn(e)
	var lines [][]byte
	for _, ep := range l.atHub("alder-bank") {
		line, err := episode.AppendCanonical(nil, ep)
		l.ok(err)
		lines = append(lines, line)
	}
	ans, err := b.hub.Enlist(t.Context(), "from-"+maker, l.hub.Public(), false)
	l.ok(err)
	ring, err := keyring.Open(l.path("hub", "keys"))
	l.ok(err)
	to := link.New(link.Hub{Name: other, Contributor: "from-" + maker, URL: b.url, Token: ans.Token, Public: b.hub.Public()}, link.Config{Dir: t.TempDir(), Ring: ring, Now: l.clock})
	dir := l.path("passed")
	_, _, err = bundle.Pack(dir, lines, bundle.Options{Signer: ring.Signing(), Contributor: to.Contributor, Recipient: other})
	l.ok(err)
	if _, err := edge.PushTo(t.Context(), to, dir, ring.Public()); err == nil || !strings.Contains(err.Error(), "it is not shown that they may be passed on") {
		t.Errorf("without a passage: %v", err)
	}
	forged, err := bundle.SealDocument(bundle.TypePassage, bundle.Passage{As: to.Contributor, Recipient: other, RecipientKey: b.hub.Public()}, ring.Signing())
	l.ok(err)
	packed, err := bundle.Verify(dir, bundle.NewTrust(bundle.TrustedKey{Key: ring.Public()}))
	l.ok(err)
	l.ok(to.PushPassage(t.Context(), packed.Digest, forged))
	if _, err := edge.PushTo(t.Context(), to, dir, ring.Public()); err == nil {
		t.Error("with a passage that shows nothing it is taken in")
	}
	if n := len(b.ids("from-" + maker)); n != 0 {
		t.Errorf("%d records came in", n)
	}

	// What its terms do not let pass stays, whoever has joined whom.
	l2 := newLoop(t)
	e2 := l2.edge("birch-telecom")
	l2.joins(b)
	l2.send(e2, one("1", "portal"))
	l2.turn(e2)
	l2.turnHub()
	if n := len(b.ids("from-" + maker)); n != 0 {
		t.Errorf("%d records were passed on against their terms", n)
	}
}

// A certificate does not wait for ever for a hub that does not answer: it says then what is beyond reach.
func TestACertificateWaitsAWeekForThoseBehind(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	l.joins(b)
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.turnHub()
	b.down.Store(true)
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: "s-1"})
	l.ok(err)
	_ = e.Turn(t.Context())
	_ = l.hub.Turn(t.Context())
	l.pass(6 * 24 * time.Hour)
	_ = l.hub.Turn(t.Context())
	_ = e.Turn(t.Context())
	if rows, err := l.edgeDB("alder-bank").Withdrawals(t.Context()); err != nil || rows[0].State != "asked" {
		t.Errorf("after six days: %+v, %v", rows[0].State, err)
	}
	l.pass(2 * 24 * time.Hour)
	_ = l.hub.Turn(t.Context())
	_ = e.Turn(t.Context())
	c := l.certificate("alder-bank")
	if !slices.ContainsFunc(c.Fates, func(f bundle.Fate) bool { return f.Kind == "passage" && f.Fate == "beyond reach at "+other }) {
		t.Errorf("it says %+v", c.Fates)
	}
}

// Records are kept no longer where they were passed on to than where they were given.
func TestRetentionCountsFromTheFirstHub(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.turnHub()
	l.pass(300 * 24 * time.Hour)
	b.pass(300 * 24 * time.Hour)
	l.joins(b)
	l.turnHub()
	if n := len(b.ids("from-" + maker)); n != 1 {
		t.Fatalf("%d records were passed on", n)
	}
	b.pass(66 * 24 * time.Hour)
	b.turnHub()
	if n := len(b.ids("from-" + maker)); n != 0 {
		t.Errorf("after the time to keep them %d records are there", n)
	}
}

// What is passed on of a bundle of which the edge knows nothing any more is known of all the same.
func TestAPassageOfWhatIsForgottenIsKept(t *testing.T) {
	l, e, hubs := passing(t, other)
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.exec("alder-bank", `DELETE FROM bundles`)
	l.joins(hubs[0])
	l.turnHub()
	l.turn(e)
	list, err := l.edgeDB("alder-bank").Onward(t.Context(), "")
	l.ok(err)
	if len(list) != 1 || list[0].Recipient != other || list[0].Records != 1 {
		t.Errorf("%+v", list)
	}
}

// Who passes on to somebody whom the terms do not name is told of, and another key under a name that is known is not believed.
func TestAnEdgeBelievesNoPassageThatItDidNotAllow(t *testing.T) {
	l, e, hubs := passing(t, other)
	b := hubs[0]
	l.joins(b)
	l.send(e, one("1", "portal"))
	l.turn(e)
	l.turnHub()
	stranger := newLoopOf(t, other) // of the same name
	l.ok(l.edgeDB("alder-bank").SaveOnward(t.Context(), sqlstore.OnwardRow{Passed: "sha256:x", Bundle: "sha256:y", Hub: maker, Recipient: other, RecipientKey: stranger.hub.Public(), Document: []byte("{}"), ToldAt: l.clock()}))
	if err := e.Turn(t.Context()); !errors.Is(err, &episode.Problem{Code: "passage/other-key"}) {
		t.Errorf("%v", err)
	}
	if page := l.bundlePage(e); len(page.Onward) != 0 {
		t.Errorf("it is shown: %+v", page.Onward)
	}
}
