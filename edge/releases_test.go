// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/internal/trusttest"
)

// offer lets the hub release a filter; those of different weights are different.
func (l *loop) offer(weight float64) string {
	l.t.Helper()
	filter := learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{weight}}
	model, err := filter.MarshalBinary()
	l.ok(err)
	r, err := l.hub.Offer(l.t.Context(), release.Filter, model, gate.Report{Format: "headrace-gate/2", Design: gate.Logged, Verdict: gate.Released, Snapshot: fmt.Sprintf("sha256:of-%g", weight),
		Gain: &ope.Interval{Estimate: 0.02, Lower: 0.01, Bound: 0.01, Upper: 0.03, Developers: 100}})
	l.ok(err)
	return r.ID
}

// decides is the release by which an edge decides for a developer.
func decides(e *edge.Edge, developer string) string {
	return e.Decide(edge.Principal{Name: developer}, edge.DecideRequest{}).Release
}

// reached is a developer whom a roll-out reaches at a stage and not at the one before.
func reached(id string, stage int) string {
	at := func(name string, stage int) bool {
		r := release.Rollout{Release: id, State: release.Rolling, Stage: stage}
		return r.Reaches(release.Canary, name)
	}
	for i := 0; ; i++ {
		if name := fmt.Sprintf("dev-%d", i); at(name, stage) && !at(name, stage-1) {
			return name
		}
	}
}

func (l *loop) steer(what string) {
	l.t.Helper()
	_, err := l.hub.Steer(context.Background(), "operator", release.Filter, what, false)
	l.ok(err)
}

// under lets edges be opened with another policy.
func (l *loop) under(change ...string) {
	l.t.Helper()
	p, err := consent.DecodePolicy([]byte(strings.NewReplacer(change...).Replace(policyFile)))
	l.ok(err)
	l.conf = func(c *edge.Config) { c.Policy = p }
}

const rule = "  - {kind: filter, hub: loop-maker, channel: canary, approver: auto}\n"

func TestReleaseReachesMoreWithEachStageAndNobodyOnceItHasGoneBack(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	first := l.offer(1)
	l.turn(e)
	one, two := reached(first, 1), reached(first, 2)
	if decides(e, one) != first || decides(e, two) != "" {
		t.Fatalf("at the first stage %q decides for one, %q for another", decides(e, one), decides(e, two))
	}
	l.steer("widen")
	l.turn(e)
	if decides(e, one) != first || decides(e, two) != first {
		t.Error("at the second stage both have it")
	}
	l.toAll()
	second := l.offer(2)
	l.turn(e)
	if got := reached(second, 1); decides(e, got) != second || decides(e, reached(second, 2)) != first {
		t.Errorf("the next release: %q decides for whom it has reached, %q for others", decides(e, got), decides(e, reached(second, 2)))
	}
	third := l.offer(3) // waits for the second to end
	l.turn(e)
	if decides(e, reached(second, 1)) != second || decides(e, reached(third, 1)) == third {
		t.Error("a third release does not wait for the second to end")
	}
	l.steer("back")
	l.turn(e)
	if got := decides(e, reached(second, 1)); got != first {
		t.Errorf("after the second went back %q decides", got)
	}
	l.close(e)
	l.restartHub()
	e = l.edge("alder-bank")
	l.down.Store(true)
	if got := decides(e, reached(second, 1)); got != first {
		t.Errorf("after a restart, with the hub down, %q decides", got)
	}
	l.down.Store(false)
	l.turnHub() // the third begins
	l.turn(e)
	if _, err := l.hub.Steer(t.Context(), "operator", release.Filter, "back", false); err != nil {
		t.Fatal(err)
	}
	l.turn(e)
	for range 3 {
		l.turnHub()
		l.turn(e)
	}
	if got := decides(e, reached(third, 1)); got != first {
		t.Errorf("after all went back %q decides: none comes back by itself", got)
	}
}

func TestWithoutARuleNothingIsTaken(t *testing.T) {
	l := newLoop(t)
	l.under("releases:\n", "", rule, "")
	e := l.edge("alder-bank")
	id := l.offer(1)
	l.toAll()
	l.turn(e)
	if rows, err := l.edgeDB("alder-bank").PulledReleases(t.Context(), ""); decides(e, "ada") != "" || err != nil || len(rows) != 0 {
		t.Errorf("%q decides, %d fetched, %v", decides(e, "ada"), len(rows), err)
	}
	// With a rule it is taken, and with the rule taken away it decides no more.
	_, err := e.ProposePolicy(t.Context(), policyFile, "take them")
	l.ok(err)
	_, err = e.ApprovePolicy(t.Context(), 2)
	l.ok(err)
	l.turn(e)
	if got := decides(e, "ada"); got != id {
		t.Errorf("with a rule %q decides", got)
	}
	_, err = e.ProposePolicy(t.Context(), strings.NewReplacer("releases:\n", "", rule, "").Replace(policyFile), "no more")
	l.ok(err)
	l.turn(e)
	if got := decides(e, "ada"); got != "" {
		t.Errorf("without the rule %q decides", got)
	}
}

func TestAReleaseIsHeldAndWaitsForAPerson(t *testing.T) {
	l := newLoop(t)
	l.under("channel: canary, approver: auto", "channel: canary, hold: 24h, approver: person")
	e := l.edge("alder-bank")
	id := l.offer(1)
	l.toAll()
	l.turn(e)
	waits := func(word string) {
		t.Helper()
		list, err := e.Releases(t.Context())
		l.ok(err)
		if len(list) != 1 || !strings.Contains(list[0].State, word) || decides(e, "ada") != "" {
			t.Errorf("%q decides, %+v, want %q", decides(e, "ada"), list, word)
		}
	}
	waits("held until")
	l.pass(25 * time.Hour)
	l.turn(e)
	waits("a person must approve")
	if w, err := e.WouldChoose(t.Context(), id); err != nil || len(w.Choices) > 0 {
		t.Errorf("of nobody's decisions it would choose %+v, %v", w, err)
	}
	l.ok(e.ApproveRelease(t.Context(), "ada", id[:9]))
	if got := decides(e, "ada"); got != id {
		t.Errorf("approved, and %q decides", got)
	}
	if err := e.ApproveRelease(t.Context(), "bob", id); problemCode(err) != "release/decided" {
		t.Errorf("approved twice: %v", err)
	}
}

func TestARuleMayNameTheKey(t *testing.T) {
	l := newLoop(t)
	short := bundle.KeyIDOf(l.hub.Public()).Short()
	for key, want := range map[string]bool{short: true, "0123456789ab": false} {
		l.under("channel: canary,", "channel: canary, key: \""+key+"\",")
		name := "alder-" + key
		e := l.edge(name)
		id := ""
		if list, err := l.hub.Rollouts(t.Context(), release.Filter); err == nil && len(list) > 0 {
			id = list[0].Release
		} else {
			id = l.offer(1)
			l.toAll()
		}
		l.turn(e)
		if got := decides(e, "ada") == id; got != want {
			t.Errorf("key %s: it decides: %v, want %v", key, got, want)
		}
	}
}

func TestPinAndStopHoldAtOnceWhateverTheHubSays(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	first := l.offer(1)
	l.toAll()
	l.turn(e)
	second := l.offer(2)
	l.turn(e)
	l.down.Store(true)
	l.ok(e.PinRelease(t.Context(), "ada", second))
	if got := decides(e, "anybody"); got != second {
		t.Errorf("pinned to the second, and %q decides", got)
	}
	l.close(e)
	l.down.Store(false)
	e = l.edge("alder-bank")
	l.steer("back") // the hub takes it back: the person's word holds
	l.turn(e)
	if got := decides(e, "anybody"); got != second {
		t.Errorf("pinned, restarted, and %q decides", got)
	}
	l.ok(e.Unpin(t.Context(), "ada"))
	if got := decides(e, "anybody"); got != first {
		t.Errorf("not pinned any more, and %q decides", got)
	}
	if ids, err := e.StopReleases(t.Context(), "ada", false); err != nil || len(ids) != 1 || ids[0] != first || decides(e, "anybody") != "" {
		t.Errorf("stopped %v, %v, and %q decides", ids, err, decides(e, "anybody"))
	}
	third := l.offer(3)
	l.toAll()
	l.turn(e)
	if got := decides(e, "anybody"); got != third {
		t.Errorf("a later release: %q decides", got)
	}
	if _, err := e.StopReleases(t.Context(), "ada", true); err != nil || decides(e, "anybody") != "" {
		t.Errorf("all stopped, %v, and %q decides", err, decides(e, "anybody"))
	}
	l.close(e)
	e = l.edge("alder-bank")
	l.offer(4)
	l.toAll()
	l.turn(e)
	if got := decides(e, "anybody"); got != "" {
		t.Errorf("all stopped, restarted, and %q decides", got)
	}
	l.ok(e.Unpin(t.Context(), "ada"))
	if got := decides(e, "anybody"); got == "" || got == third {
		t.Errorf("not stopped any more, and %q decides", got)
	}
	rows, err := l.edgeDB("alder-bank").Trail(t.Context(), trail.Filter{Limit: 100})
	l.ok(err)
	noted := map[string]bool{}
	for _, r := range rows {
		noted[r.What] = true
	}
	for _, what := range []string{"pin release", "unpin releases", "stop all releases", "release back", "release in force"} {
		if !noted[what] {
			t.Errorf("the trail does not tell of %q", what)
		}
	}
}

// Whoever has the hub's store, or stands before it, may show something else in the place of the last roll-out.
func TestAnEdgeIsShownNoOldForgedOrOtherHubsRollout(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	id := l.offer(1)
	db, err := sqlstore.Open(t.Context(), l.path("hub", "hub.db"), sqlstore.RoleHub)
	l.ok(err)
	defer db.Close()
	index, tag := db.RegistryIndex(), link.RolloutTag(release.Filter)
	l.toAll()
	l.turn(e)
	newest, err := index.Manifest(t.Context(), "releases", tag)
	l.ok(err)
	steps, err := l.hub.Rollouts(t.Context(), release.Filter)
	l.ok(err)
	other := newLoopOf(t, "other-hub")
	forged, err := trusttest.RolloutForger{Hub: l.hubKey(), Other: other.hubKey(), Steps: steps, Foreign: other.offer(5), Now: l.clock(), Seed: 1}.Forged()
	l.ok(err)
	for _, f := range forged {
		l.ok(index.PutManifest(t.Context(), l.artifact(db, bundle.TypeRollout, f.Layers...), tag))
		if err := e.Turn(t.Context()); err == nil || !slices.Contains(strings.Fields(f.Reasons), problemCode(err)) {
			t.Errorf("%s: %v, want %s", f.Name, err, f.Reasons)
		}
		if got := decides(e, "ada"); got != id {
			t.Errorf("%s: %q decides, want %q as before", f.Name, got, id)
		}
	}
	l.ok(index.PutManifest(t.Context(), newest, tag))
	l.turn(e)
	if len(forged) < 30 {
		t.Errorf("only %d ways to forge", len(forged))
	}
}

// episodeDigest is the digest of a roll-out's signed document.
func episodeDigest(t *testing.T, l *loop, on release.Rollout) string {
	t.Helper()
	b, err := bundle.SealDocument(bundle.TypeRollout, on, l.hubKey())
	if err != nil {
		t.Fatal(err)
	}
	return episode.Digest(b)
}

// artifact puts layers beside the hub's own releases.
func (l *loop) artifact(db *sqlstore.DB, kind string, layers ...[]byte) registry.Manifest {
	l.t.Helper()
	blobs, err := blob.Open(l.path("hub", "blobs"), l.path("hub", "keys", "blobs"))
	l.ok(err)
	put := func(b []byte) string {
		d, err := blobs.PutBytes(l.t.Context(), b)
		l.ok(err)
		l.ok(db.RegistryIndex().LinkBlob(l.t.Context(), "releases", d))
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d}`, kind, d, len(b))
	}
	var list []string
	for _, b := range layers {
		list = append(list, put(b))
	}
	const media = "application/vnd.oci.image.manifest.v1+json"
	raw := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"artifactType":%q,"config":%s,"layers":[%s]}`, media, kind, put([]byte("{}")), strings.Join(list, ","))
	d, err := blobs.PutBytes(l.t.Context(), raw)
	l.ok(err)
	return registry.Manifest{Repo: "releases", Digest: d, MediaType: media, ArtifactType: kind, Size: int64(len(raw))}
}

func TestPagesTellHowAReleaseIsRolledOutAndPinAndStopIt(t *testing.T) {
	l := newLoop(t)
	e := l.edge("alder-bank")
	id := l.offer(1)
	l.turn(e)
	l.steer("widen")
	l.turn(e)
	v := edge.View{Edge: e}
	rel, err := v.Release(t.Context(), id)
	l.ok(err)
	if rel.State != "active" || !rel.InUse || len(rel.Steps) != 2 || rel.Steps[1].Share != 0.05 || !strings.Contains(rel.Rule, "canary") {
		t.Errorf("%+v", rel)
	}
	l.ok(v.Pin(t.Context(), "ada", id))
	l.ok(v.Stop(t.Context(), "bob", true))
	if st, err := v.Standing(t.Context()); err != nil || !st.Stopped || st.By != "bob" || decides(e, "ada") != "" {
		t.Errorf("%+v, %v", st, err)
	}
	l.ok(v.Stop(t.Context(), "bob", false))
	l.steer("back")
	l.turn(e)
	at, err := hub.View{Hub: l.hub}.Release(t.Context(), id)
	l.ok(err)
	if rel, err = v.Release(t.Context(), id); err != nil || rel.State != "rolled back" || rel.RolledBack == nil || rel.InUse || at.RolledBack == nil || at.RolledBack.By != "the hub" {
		t.Errorf("%+v, %v; at the hub %+v", rel, err, at)
	}
}
