// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
)

// bundleIn is the one bundle of a place, and the layers of the hub's answer to it of a type.
func (g gap) bundleIn(p exchange.Place, artifactType string) (desc ocispec.Descriptor, layers [][]byte) {
	g.t.Helper()
	tags, err := exchange.Named(context.Background(), p, exchange.Bundles)
	g.ok(err)
	if len(tags) != 1 {
		g.t.Fatalf("bundles %v", tags)
	}
	desc, err = p.Resolve(context.Background(), tags[0])
	g.ok(err)
	found, err := registry.Referrers(context.Background(), p, desc, artifactType)
	g.ok(err)
	if len(found) > 0 {
		layers, err = exchange.Layers(context.Background(), p, found[0], 1<<20)
		g.ok(err)
	}
	return desc, layers
}

func (g gap) open(dir string) exchange.Place {
	g.t.Helper()
	p, err := exchange.Open(dir, exchange.Access{})
	g.ok(err)
	g.t.Cleanup(func() { p.Close() })
	return p
}

// TestAFolderOfAnotherEnterpriseIsRefused by the edge whose it is not, and by a hub that does not know the enterprise.
func TestAFolderOfAnotherEnterpriseIsRefused(t *testing.T) {
	g := newGap(t)
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	g.receive(stick)
	birch := gap{g.loop, g.edge("birch")}
	_, err := birch.e.TakeBack(context.Background(), "", edge.Exchange{Place: stick})
	wantProblem(t, err, "exchange/not-ours")

	// A stranger is told by name, and nothing of it is kept.
	stranger := gap{g.loop, g.edge("cedar", joinedAlready)}
	g.ok(stranger.e.Connect(context.Background(), edge.Hub{Name: maker, URL: g.url, Token: "none", Public: g.hub.Public()}))
	stranger.pack(one("theirs", "web"))
	theirs := g.path("theirs")
	stranger.leave(theirs)
	if r := g.receive(theirs); len(r.Refused) != 1 || r.Refused[0].Code != "intake/unknown-contributor" || r.Bundles != 0 {
		t.Fatalf("a stranger's folder: %+v", r)
	}
	if c := stranger.back(theirs); len(c.Refused) != 1 || c.Refused[0].Code != "exchange/not-known" || strings.Join(stranger.states(), "") != "packed" {
		t.Fatalf("the stranger is told %+v", c)
	}
	if n := len(g.atHub("cedar")); n != 0 {
		t.Fatalf("the hub holds %d of its records", n)
	}

	// Once it is invited, the same folder is taken in.
	_, err = g.hub.Enlist(context.Background(), "cedar", stranger.e.Public(), false)
	g.ok(err)
	if r := g.receive(theirs); r.Bundles != 1 {
		t.Fatalf("after the invite: %+v", r)
	}
	if c := stranger.back(theirs); c.Receipts != 1 {
		t.Fatalf("after the invite: %+v", c)
	}
}

// TestAnAnswerThatIsNotForThisBundleIsRefused: the bundle goes on waiting for its own.
func TestAnAnswerThatIsNotForThisBundleIsRefused(t *testing.T) {
	g := newGap(t)
	ctx := context.Background()
	first, second := g.path("first"), g.path("second")
	g.pack(one("first", "web"))
	g.leave(first)
	g.receive(first)
	p := g.open(first)
	_, receipt := g.bundleIn(p, bundle.TypeReceipt)
	g.ok(p.Close())
	if c := g.back(first); c.Receipts != 1 {
		t.Fatalf("taken back %+v", c)
	}

	g.pack(one("second", "web"))
	g.leave(second)
	p = g.open(second)
	desc, _ := g.bundleIn(p, bundle.TypeReceipt)
	_, err := exchange.Put(ctx, p, "", exchange.Document{Type: bundle.TypeReceipt, Subject: &desc, Layers: receipt})
	g.ok(err)
	g.ok(p.Close())
	_, err = g.e.TakeBack(ctx, "", edge.Exchange{Place: second})
	wantProblem(t, err, "receipt/mismatch")
	if got := strings.Join(g.states(), " "); got != "received packed" && got != "packed received" {
		t.Fatalf("bundles are %s", got)
	}
}

// TestAFolderThatWasNotCopiedWholeChangesNothing: the hub says what is missing, and takes the whole one.
func TestAFolderThatWasNotCopiedWholeChangesNothing(t *testing.T) {
	g := newGap(t)
	stick, half := g.path("stick"), g.path("half")
	g.pack(one("first", "web"), one("second", "web"))
	g.leave(stick)
	g.ok(os.CopyFS(half, os.DirFS(stick)))
	p := g.open(half)
	desc, _ := g.bundleIn(p, bundle.TypeReceipt)
	m, _, err := exchange.Manifest(context.Background(), p, desc)
	g.ok(err)
	g.ok(p.Close())
	g.ok(os.Truncate(filepath.Join(half, "blobs", "sha256", m.Layers[1].Digest.Encoded()), m.Layers[1].Size/2))
	if r := g.receive(half); len(r.Refused) != 1 || r.Refused[0].Code != "exchange/damaged" || r.Bundles != 0 {
		t.Fatalf("half a folder: %+v", r)
	}
	if n := len(g.atHub("alder")); n != 0 {
		t.Fatalf("the hub holds %d records", n)
	}
	if r := g.receive(stick); r.Bundles != 1 || len(r.Refused) != 0 {
		t.Fatalf("the whole: %+v", r)
	}
	if c := g.back(half); len(c.Refused) != 1 || c.Receipts != 0 {
		t.Fatalf("from half a folder: %+v", c)
	}
	if c := g.back(stick); c.Receipts != 1 {
		t.Fatalf("from the whole: %+v", c)
	}
}

// TestWhatTheHubsScanFindsComesBackByFolder, without what it found, and the bundle leaves by no carrier again.
func TestWhatTheHubsScanFindsComesBackByFolder(t *testing.T) {
	g := newGap(t)
	g.ok(g.e.Close())
	g.conf = func(c *edge.Config) { c.Policy, c.Audited, c.Own = leveled(t, "clean"), 1, true }
	g.e = g.edge("alder")
	leak := one("1", "web")
	leak.Suggestions[0].After = "use(PLACE_HOLDER_HERE)\n"
	g.send(g.e, leak)
	g.ok(g.e.Assemble(t.Context()))
	g.ok(g.e.Screen(t.Context()))
	letThrough(t, g.loop, "alder", "PLACE_HOLDER_HERE", "glpat-"+rand.Text())
	stick := g.path("stick")
	g.pack()
	g.leave(stick)
	if r := g.receive(stick); r.Bundles != 0 || r.Answers != 1 || len(g.atHub("alder")) != 0 {
		t.Fatalf("received %+v", r)
	}
	if c := g.back(stick); len(c.Refused) != 1 || c.Refused[0].Code != "intake/incident" {
		t.Fatalf("taken back %+v", c)
	}
	if got := strings.Join(g.states(), " "); got != "refused" {
		t.Fatalf("the bundle is %s", got)
	}
	if c := g.leave(g.path("another")); c.Bundles != 0 {
		t.Fatalf("it is left once more: %+v", c)
	}
}

// TestOfSeveralRefusalsTheLastCounts, and the hub says it once for as long as its reason stays the same.
func TestOfSeveralRefusalsTheLastCounts(t *testing.T) {
	g := newGap(t)
	ctx := context.Background()
	stick := g.path("stick")
	g.pack(one("1", "web"))
	g.leave(stick)
	g.ok(g.hub.Revoke(ctx, "alder"))
	for i := range 3 {
		if r := g.receive(stick); len(r.Refused) != 1 || r.Answers != max(0, 1-i) {
			t.Fatalf("visit %d: %+v", i, r)
		}
		g.pass(2 * time.Hour)
	}
	// Others that it may have said before and after, wherever they come in the list of answers.
	ring, err := keyring.Open(g.path("hub", "keys"))
	g.ok(err)
	p := g.open(stick)
	desc, said := g.bundleIn(p, bundle.TypeRefusal)
	var r bundle.Refusal
	payload, _, err := bundle.OpenDocument(said[0], bundle.TypeRefusal, bundle.NewTrust(bundle.TrustedKey{Key: g.hub.Public()}))
	g.ok(err)
	g.ok(bundle.DecodeDocument(payload, &r))
	for i := range 8 {
		r.Code, r.RefusedAt = fmt.Sprint("test/", i), g.clock().Add(time.Duration(i*5%8)*time.Hour).Format(time.RFC3339)
		doc, err := bundle.SealDocument(bundle.TypeRefusal, r, ring.Signing())
		g.ok(err)
		_, err = exchange.Put(ctx, p, "", exchange.Document{Type: bundle.TypeRefusal, Subject: &desc, Layers: [][]byte{doc}})
		g.ok(err)
	}
	g.ok(p.Close())
	if c := g.back(stick); len(c.Refused) != 1 || c.Refused[0].Code != "test/3" { // 3*5%8 = 7
		t.Fatalf("taken back: %+v", c)
	}
	g.pass(10 * time.Hour)
	if r := g.receive(stick); r.Answers != 1 {
		t.Fatalf("what the hub says now is not what it said last: %+v", r)
	}
	if c := g.back(stick); len(c.Refused) != 1 || c.Refused[0].Code != "exchange/not-known" {
		t.Fatalf("taken back then: %+v", c)
	}
}

// TestAnAlarmStopsEveryCarrier, and what the hub answered before is taken back all the same.
func TestAnAlarmStopsEveryCarrier(t *testing.T) {
	g := newGap(t)
	ctx := context.Background()
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	g.receive(stick)
	alarm := filepath.Join(link.LogDir(g.path("alder"), g.hub.Public()), "evidence-000000000000")
	g.ok(os.MkdirAll(alarm, 0o700))
	g.ok(os.WriteFile(filepath.Join(alarm, "why.txt"), []byte("it forked\n"), 0o600))
	g.pack(one("second", "web"))
	_, err := g.e.Leave(ctx, "", edge.Exchange{Place: stick}, "")
	wantProblem(t, err, "log/alarm")
	_, err = g.e.TakeBack(ctx, "", edge.Exchange{Place: stick})
	wantProblem(t, err, "log/alarm")
	if r := g.receive(stick); r.Bundles != 0 {
		t.Fatalf("the second bundle left: %+v", r)
	}
	g.ok(os.RemoveAll(alarm))
	if c := g.leave(stick); c.Bundles != 1 {
		t.Fatalf("once it is explained: %+v", c)
	}
}

// TestAQuotaHoldsForEveryCarrier: what is beyond waits in the place, unrefused, for another day.
func TestAQuotaHoldsForEveryCarrier(t *testing.T) {
	g := newGap(t)
	g.in = hub.DefaultIntake()
	g.in.Quotas.Bundles = 1
	g.restartHub()
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	g.pack(one("second", "web"))
	g.leave(stick)
	if r := g.receive(stick); r.Bundles != 1 || r.Waiting != 1 || len(r.Refused) != 0 {
		t.Fatalf("on one day: %+v", r)
	}
	g.pass(24 * 60 * 60 * 1e9)
	if r := g.receive(stick); r.Bundles != 1 || r.Waiting != 0 {
		t.Fatalf("on the next: %+v", r)
	}
	if c := g.back(stick); c.Receipts != 2 {
		t.Fatalf("taken back %+v", c)
	}
}
