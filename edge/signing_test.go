// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/keyring/keyringtest"
	"github.com/headrace/headrace/internal/web"
)

// eventually repeats what leaves a signing key alone for a while after it failed.
func (l *loop) eventually(what string, do func(context.Context) error) {
	l.t.Helper()
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		l.pass(2 * time.Minute) // as long as a hub may ask to be left alone
		if err = do(l.t.Context()); err == nil {
			return
		}
	}
	l.t.Fatalf("%s: %v", what, err)
}

func unsigned(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, keyring.ErrUnsigned) || episode.HintOf(err) == "" {
		t.Fatalf("%s: %v, want that nothing was signed, and what to do", what, err)
	}
}

func TestWhatASigningKeyDoesNotSignWaitsAndIsNeverDoneTwice(t *testing.T) {
	away := func(v *keyringtest.Vault) { v.Away = true }
	back := func(v *keyringtest.Vault) { v.Away, v.Other = false, false }
	hubs, signing := keyringtest.New(t)
	l := newLoopSigning(t, signing)
	edges, own := keyringtest.New(t)
	l.conf = func(c *edge.Config) { c.Signing = own }
	e := l.edge("alder-bank")
	l.send(e, one("1", "portal"))

	// The edge's key is away, or another: nothing is packed, and nothing is left of the try.
	for _, wrong := range []func(*keyringtest.Vault){away, func(v *keyringtest.Vault) { v.Other = true }} {
		edges.Set(wrong)
		unsigned(t, "pack", e.Turn(t.Context()))
		edges.Set(back)
		left, err := os.ReadDir(l.path("alder-bank", "bundles"))
		l.ok(err)
		if rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), ""); err != nil || len(rows)+len(left) > 0 {
			t.Fatalf("%d bundles and %d folders without a signature, %v", len(rows), len(left), err)
		}
	}

	// The hub's is away: the bundle is there, and waits.
	hubs.Set(away)
	l.eventually("pack", func(ctx context.Context) error {
		if err := e.Turn(ctx); errors.Is(err, keyring.ErrUnsigned) {
			return err
		}
		return nil
	})
	rows, err := l.edgeDB("alder-bank").Bundles(t.Context(), "packed")
	l.ok(err)
	if len(rows) != 1 || !strings.Contains(rows[0].Note, "cannot sign") || len(l.atHub("alder-bank")) > 0 {
		t.Fatalf("packed: %+v; %d records at the hub", rows, len(l.atHub("alder-bank")))
	}
	hubs.Set(back)
	l.eventually("admit", e.Turn)
	if eps, _ := l.count("alder-bank"); len(eps) != 1 {
		t.Fatalf("%d episodes at the hub", len(eps))
	}
	cp, err := os.ReadFile(l.path("hub", "log", "checkpoint"))
	l.ok(err)
	if lines := bytes.Split(cp, []byte("\n")); string(lines[1]) != "1" {
		t.Errorf("the log holds %s entries of one bundle", lines[1])
	}

	// A withdrawal.
	edges.Set(away)
	_, err = e.Withdraw(t.Context(), "steward", web.Scope{All: true, Confirm: "alder-bank"})
	unsigned(t, "withdraw", err)
	if list, err := (edge.View{Edge: e}).Withdrawals(t.Context()); err != nil || len(list) != 1 || list[0].State != "not signed yet" {
		t.Fatalf("what was asked while the key was away: %+v, %v", list, err)
	}
	edges.Set(back)
	l.eventually("sign and send it", e.Turn)
	hubs.Set(away)
	unsigned(t, "certify", l.hub.Turn(t.Context()))
	if n := len(l.atHub("alder-bank")); n > 0 {
		t.Errorf("%d records are not erased while nothing can be certified", n)
	}
	hubs.Set(back)
	l.eventually("certify", l.hub.Turn)
	l.eventually("fetch", e.Turn)
	if c := l.certificate("alder-bank"); c.Records != 1 {
		t.Errorf("certified: %+v", c)
	}
	for _, name := range []string{"hub", "alder-bank"} {
		if _, err := os.Stat(l.path(name, "keys", "signing.key")); err == nil {
			t.Errorf("%s made a signing key of its own", name)
		}
	}
}

// What must be gone goes while the hub can sign nothing: what its contributor takes back, and what ends by its terms. Both are certified
// once the key is back, also where the push of the withdrawal was never answered.
func TestErasureWaitsForNoSignature(t *testing.T) {
	hubs, signing := keyringtest.New(t)
	l := newLoopSigning(t, signing)
	e := l.edge("alder-bank")
	list := three()
	l.send(e, list...)
	l.turn(e)
	l.turnHub()
	hubs.Set(func(v *keyringtest.Vault) { v.Away = true })
	_, err := e.Withdraw(t.Context(), "steward", web.Scope{Session: list[0].Session})
	l.ok(err)
	if err := e.FetchCertificates(t.Context()); err == nil {
		t.Error("a hub that cannot sign answers for a withdrawal")
	}
	unsigned(t, "a turn with a withdrawal", l.hub.Turn(t.Context()))
	if got := l.left(list); got != "23" {
		t.Errorf("%q are left, want 2 and 3", got)
	}
	l.pass(366 * day)
	unsigned(t, "a turn after all has expired", l.hub.Turn(t.Context()))
	if got := l.left(list); got != "" {
		t.Errorf("%q are left although their terms are over", got)
	}
	hubs.Set(func(v *keyringtest.Vault) { v.Away = false })
	l.eventually("certify", l.hub.Turn)
	l.turn(e)
	shown, err := edge.View{Edge: e}.Withdrawals(t.Context())
	l.ok(err)
	certified := map[string]bool{}
	for _, w := range shown {
		certified[w.Who] = w.State == "done"
	}
	if len(shown) != 2 || !certified["steward"] || !certified["its terms"] {
		t.Errorf("the page shows %+v", shown)
	}
}
