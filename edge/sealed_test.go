// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/keyring"
)

// hubKey is the key to which edges encrypt for the hub.
func (g gap) hubKey() string {
	g.t.Helper()
	ring, err := keyring.Open(g.path("hub", "keys"))
	g.ok(err)
	id, err := ring.Age()
	g.ok(err)
	return id.Recipient().String()
}

// TestRecordsAreEncryptedOnTheirWayAndRestAtTheHubAsEver: whoever carries them sees the signed manifest and no record, and
// receipt, withdrawal and verification are the same.
func TestRecordsAreEncryptedOnTheirWayAndRestAtTheHubAsEver(t *testing.T) {
	g := newGap(t)
	stick := g.path("stick")
	g.pack(one("first", "web"), one("second", "web"))
	x := edge.Exchange{Place: stick, Recipient: g.hubKey()}
	for _, want := range []int{1, 0} { // the second time it is there
		c, err := g.e.Leave(context.Background(), "", x, "")
		g.ok(err)
		if c.Bundles != want {
			t.Fatalf("left %+v, want %d bundles", c, want)
		}
	}
	zstd := []byte{0x28, 0xb5, 0x2f, 0xfd}
	g.ok(filepath.WalkDir(stick, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.HasPrefix(b, zstd) {
			t.Errorf("%s holds records", path)
		}
		return err
	}))
	if r := g.receive(stick); r.Bundles != 1 || len(r.Refused) != 0 {
		t.Fatalf("received %+v", r)
	}
	if r := g.receive(stick); r.Bundles != 0 || len(r.Refused) != 0 {
		t.Fatalf("received twice: %+v", r)
	}
	g.restartHub()
	if r := g.receive(stick); r.Bundles != 0 || len(r.Refused) != 0 {
		t.Fatalf("received after a restart: %+v", r)
	}
	if c := g.back(stick); c.Receipts != 1 {
		t.Fatalf("taken back %+v", c)
	}
	if n := len(g.atHub("alder")); n != 2 {
		t.Fatalf("the hub holds %d records", n)
	}
}

// TestWhatCannotBeOpenedIsRefused: encrypted to somebody else, or other records than those of the bundle it names.
func TestWhatCannotBeOpenedIsRefused(t *testing.T) {
	g := newGap(t)
	ctx := context.Background()
	other, err := age.GenerateX25519Identity()
	g.ok(err)
	g.pack(one("first", "web"))
	wrong := g.path("wrong")
	_, err = g.e.Leave(ctx, "", edge.Exchange{Place: wrong, Recipient: other.Recipient().String()}, "")
	g.ok(err)
	if r := g.receive(wrong); len(r.Refused) != 1 || r.Refused[0].Code != "exchange/wrong-identity" || r.Refused[0].Hint == "" {
		t.Fatalf("received %+v", r)
	}
	if c := g.back(wrong); len(c.Refused) != 1 || c.Refused[0].Code != "exchange/wrong-identity" || strings.Join(g.states(), "") != "packed" {
		t.Fatalf("taken back %+v", c)
	}

	// The envelope of a bundle with other records under its name.
	right, forged := g.path("right"), g.path("forged")
	_, err = g.e.Leave(ctx, "", edge.Exchange{Place: right, Recipient: g.hubKey()}, "")
	g.ok(err)
	p := g.open(right)
	desc, _ := g.bundleIn(p, bundle.TypeReceipt)
	m, _, err := exchange.Manifest(ctx, p, desc)
	g.ok(err)
	layers, err := exchange.Layers(ctx, p, desc, 1<<20)
	g.ok(err)
	to, err := exchange.Recipient(g.hubKey())
	g.ok(err)
	doc, err := exchange.Seal(exchange.Holds(desc, m), layers[0], []byte("other records"), to)
	g.ok(err)
	q, err := exchange.Open(forged, exchange.Access{Make: true})
	g.ok(err)
	_, err = exchange.Put(ctx, q, exchange.Tag(exchange.Bundles, exchange.Holds(desc, m)), doc)
	g.ok(err)
	g.ok(q.Close())
	g.ok(p.Close())
	if r := g.receive(forged); len(r.Refused) != 1 || r.Refused[0].Code != "exchange/other-bundle" {
		t.Fatalf("received %+v", r)
	}
	if r := g.receive(right); r.Bundles != 1 {
		t.Fatalf("received %+v", r)
	}
	_, err = g.e.Leave(ctx, "", edge.Exchange{Place: right, Recipient: "age1mill"}, "")
	wantProblem(t, err, "exchange/bad-recipient")
}
