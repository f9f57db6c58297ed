// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"oras.land/oras-go/v2/content"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/web"
)

// alarm puts up an alarm of the hub's log, and returns what takes it down.
func (g gap) alarm() (explained func()) {
	g.t.Helper()
	dir := filepath.Join(link.LogDir(g.path("alder"), g.hub.Public()), "evidence-000000000000")
	g.ok(os.MkdirAll(dir, 0o700))
	g.ok(os.WriteFile(filepath.Join(dir, "why.txt"), []byte("it forked\n"), 0o600))
	return func() { g.t.Helper(); g.ok(os.RemoveAll(dir)) }
}

// TestTakingBackIsNeverHeldUp: neither by an alarm of the log nor by a bundle that cannot be left.
func TestTakingBackIsNeverHeldUp(t *testing.T) {
	g := newGap(t)
	ctx := context.Background()
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	g.receive(stick)
	g.back(stick)
	withdraw := func(session string) {
		t.Helper()
		_, err := g.e.Withdraw(ctx, "steward", web.Scope{Session: session})
		g.ok(err)
	}
	explained := g.alarm()
	withdraw("s-first")
	c, err := g.e.Leave(ctx, "", edge.Exchange{Place: stick}, "")
	wantProblem(t, err, "log/alarm")
	if c.Withdrawals != 1 || c.Bundles != 0 {
		t.Fatalf("under an alarm: %+v", c)
	}
	explained()

	g.pack(one("second", "web"))
	g.leave(stick)
	g.receive(stick)
	g.back(stick)
	withdraw("s-second")
	c, err = g.e.Leave(ctx, "", edge.Exchange{Place: stick}, g.path("no", "bundle"))
	if err == nil || c.Withdrawals != 1 {
		t.Fatalf("beside a bundle that cannot be left: %+v, %v", c, err)
	}
}

// TestAPlaceThatWasLostIsAnsweredOnceMore: by a hub that runs and remembers what it answered there.
func TestAPlaceThatWasLostIsAnsweredOnceMore(t *testing.T) {
	g := newGap(t)
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	g.receive(stick)
	if r := g.receive(stick); r.Answers != 0 {
		t.Fatalf("answered twice: %+v", r)
	}
	g.ok(os.RemoveAll(stick))
	g.leave(stick)
	if r := g.receive(stick); r.Answers != 1 {
		t.Fatalf("the new stick: %+v", r)
	}
	if c := g.back(stick); c.Receipts != 1 {
		t.Fatalf("taken back: %+v", c)
	}
}

// TestWhatOthersWroteInAPlaceIsNoAnswer: a document about the log that cannot be read, or a tag that names something else, is
// written anew.
func TestWhatOthersWroteInAPlaceIsNoAnswer(t *testing.T) {
	g := newGap(t)
	ctx := context.Background()
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	g.receive(stick)
	g.back(stick)
	_, err := g.e.Withdraw(ctx, "steward", web.Scope{Session: "s-first"})
	g.ok(err)
	if c := g.leave(stick); c.Withdrawals != 1 {
		t.Fatalf("left %+v", c)
	}
	p := g.open(stick)
	tags, err := exchange.Named(ctx, p, exchange.Withdrawals)
	g.ok(err)
	for _, tag := range append(tags, exchange.TagSeen, exchange.TagLog) {
		_, err := exchange.Put(ctx, p, tag, exchange.Document{Type: bundle.TypeWithdrawal, Layers: [][]byte{[]byte("of others")}})
		g.ok(err)
		desc, err := p.Resolve(ctx, tag)
		g.ok(err)
		if tag == exchange.TagLog {
			m, _, err := exchange.Manifest(ctx, p, desc)
			g.ok(err)
			g.ok(os.Truncate(filepath.Join(stick, "blobs", "sha256", m.Layers[0].Digest.Encoded()), 1))
		}
	}
	g.ok(p.Close())
	c, err := g.e.Leave(ctx, "", edge.Exchange{Place: stick}, "")
	if c.Withdrawals != 1 {
		t.Fatalf("left once more: %+v, %v", c, err)
	}
	if r := g.receive(stick); r.Withdrawals != 1 {
		t.Fatalf("received %+v", r)
	}
	if c := g.back(stick); c.Certificates != 1 {
		t.Fatalf("taken back %+v", c)
	}
}

// TestABundleThatWasDamagedOnTheWayIsLeftAnew under the tag that it has.
func TestABundleThatWasDamagedOnTheWayIsLeftAnew(t *testing.T) {
	g := newGap(t)
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	p := g.open(stick)
	desc, _ := g.bundleIn(p, bundle.TypeReceipt)
	m, _, err := exchange.Manifest(context.Background(), p, desc)
	g.ok(err)
	g.ok(p.Close())
	file := filepath.Join(stick, "blobs", "sha256", m.Layers[1].Digest.Encoded())
	b, err := os.ReadFile(file)
	g.ok(err)
	b[len(b)/2] ^= 1
	g.ok(os.WriteFile(file, b, 0o600))
	if r := g.receive(stick); len(r.Refused) != 1 || r.Refused[0].Code != "exchange/damaged" {
		t.Fatalf("received %+v", r)
	}
	g.leave(stick)
	if r := g.receive(stick); r.Bundles != 1 {
		t.Fatalf("received once more: %+v", r)
	}
}

// TestWhatOthersAnsweredHidesNoReceipt: nobody but the hub signs one.
func TestWhatOthersAnsweredHidesNoReceipt(t *testing.T) {
	g := newGap(t)
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	g.receive(stick)
	p := g.open(stick)
	desc, receipt := g.bundleIn(p, bundle.TypeReceipt)
	for _, text := range []string{"a", "b", "c", "d", "e"} { // some of them come first
		_, err := exchange.Put(context.Background(), p, "", exchange.Document{Type: bundle.TypeReceipt, Subject: &desc, Layers: [][]byte{[]byte(text), receipt[1], receipt[2]}})
		g.ok(err)
	}
	g.ok(p.Close())
	if c := g.back(stick); c.Receipts != 1 {
		t.Fatalf("taken back: %+v", c)
	}
}

// TestAManifestThatIsNotTheEnvelopesIsRefused before anything of it is fetched: who copies an envelope spends no quota of its signer.
func TestAManifestThatIsNotTheEnvelopesIsRefused(t *testing.T) {
	g := newGap(t)
	ctx := context.Background()
	stick := g.path("stick")
	g.pack(one("first", "web"))
	g.leave(stick)
	p := g.open(stick)
	desc, _ := g.bundleIn(p, bundle.TypeReceipt)
	m, _, err := exchange.Manifest(ctx, p, desc)
	g.ok(err)
	m.Config = m.Layers[1]
	raw, err := json.Marshal(m)
	g.ok(err)
	forged := content.NewDescriptorFromBytes(m.MediaType, raw)
	g.ok(p.Push(ctx, forged, bytes.NewReader(raw)))
	g.ok(p.Tag(ctx, forged, "b-forged"))
	g.ok(p.Close())
	if r := g.receive(stick); r.Bundles != 1 || len(r.Refused) != 1 || r.Refused[0].Code != "exchange/bad-manifest" {
		t.Fatalf("received %+v", r)
	}
}

// TestWhatExpiredOnTheWayIsPackedAnew without the records whose terms ran out: the hub's refusal says that it never had them.
func TestWhatExpiredOnTheWayIsPackedAnew(t *testing.T) {
	g := newGap(t)
	g.ok(g.e.Close())
	rule := "  - name: soon\n    when: repository.endsWith(\"portal\")\n    level: signal\n    purposes: [evaluate]\n    recipients: [loop-maker]\n    retention_days: 365\n    expires: 2026-11-05\n    approval: auto\n"
	g.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(strings.Replace(policyFile, "rules:\n", "rules:\n"+rule, 1)))
		g.ok(err)
		c.Policy, c.Own = p, true
	}
	g.e = g.edge("alder")
	stick, lasts := g.path("stick"), one("2", "core")
	g.pack(one("1", "portal"), lasts)
	g.leave(stick)
	g.pass(4 * day)
	if r := g.receive(stick); len(r.Refused) != 1 || r.Refused[0].Code != bundle.CodeExpired {
		t.Fatalf("received %+v", r)
	}
	if c := g.back(stick); len(c.Refused) != 1 {
		t.Fatalf("taken back %+v", c)
	}
	g.pack()
	g.leave(stick)
	if r := g.receive(stick); r.Bundles != 1 {
		t.Fatalf("received anew %+v", r)
	}
	if eps := g.atHub("alder"); len(eps) != 1 {
		t.Fatalf("the hub has %v", eps)
	}
}
