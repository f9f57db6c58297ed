// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

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
