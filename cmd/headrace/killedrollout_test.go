// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sqlstore"
)

// TestARollOutGoesItsWayWhateverIsKilled: hub, edge and the operator's command are killed again and again while a release is widened and
// taken back. Of each number there is one document, which names the one before; an edge never goes back to one it has seen, and what went
// back is gone with the roll-out that says so.
func TestARollOutGoesItsWayWhateverIsKilled(t *testing.T) {
	a := newApart(t)
	for file, text := range map[string]string{
		filepath.Join(a.hubDir, "hub.yaml"):     "name: acme-tools\n",
		filepath.Join(a.edgeDir, "edge.yaml"):   "policy: policy.yaml\nsettle: 0s\n",
		filepath.Join(a.edgeDir, "policy.yaml"): apartPolicy,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stays, goes := a.offers(1, true), a.offers(2, false)
	a.startHub()
	line, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", "alder-bank"), "#")
	a.run(a.edgeDir, strings.Fields(strings.TrimPrefix(line, "headrace "))...)
	steps := []string{"widen", "widen", "back"}
	if testing.Short() {
		steps = []string{"widen", "back"}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	shortly := func(most int) { time.Sleep(time.Duration(rng.IntN(most)) * time.Millisecond) }
	var seen int64
	for _, step := range steps {
		before := len(a.rollouts())
		edge := a.command(a.edgeDir, "edge", "--otlp", "none", "--devices", "none", "--listen", a.edgeAddr)
		if err := edge.Start(); err != nil {
			t.Fatal(err)
		}
		says := a.command(a.hubDir, "hub", "rollout", step)
		if err := says.Start(); err != nil {
			t.Fatal(err)
		}
		shortly(300)
		a.kill(a.hubProcess)
		a.kill(says)
		a.startHub()
		if list := a.rollouts(); len(list) == before {
			a.run(a.hubDir, "hub", "rollout", step)
		}
		shortly(1500)
		a.kill(edge)
		if list := a.rollouts(); len(list) != before+1 {
			t.Fatalf("after %s there are %d roll-outs, and were %d before", step, len(list), before)
		}
		if last := a.sawLast(); last < seen {
			t.Fatalf("the edge has seen %d, and now stands at %d", seen, last)
		} else {
			seen = last
		}
	}
	list := a.rollouts()
	a.startEdge()
	a.eventually("the edge has the last roll-out", func() bool { return a.sawLast() == list[0].Sequence })
	a.kill(a.edgeProcess)
	if list[0].State != release.Back || list[0].Release != goes {
		t.Errorf("the last roll-out is %+v", list[0])
	}
	db := a.edgeDB()
	defer db.Close()
	for id, want := range map[string]bool{stays: false, goes: true} {
		if gone, err := db.IsGone(t.Context(), "acme-tools", id); err != nil || gone != want {
			t.Errorf("%s is gone: %v, %v, want %v", id, gone, err, want)
		}
	}
}

// offers lets the hub, which does not run, release a filter, and perhaps roll it out to all.
func (a *apart) offers(weight float64, all bool) string {
	a.t.Helper()
	h, err := hub.New(a.t.Context(), hub.Config{Dir: filepath.Join(a.hubDir, "hub"), Name: "acme-tools"})
	if err != nil {
		a.t.Fatal(err)
	}
	defer h.Close()
	model, err := (&learn.Filter{Format: "headrace-filter/1", Reward: reward.Immediate().Name, Threshold: 0.5, Weights: []float64{weight}}).MarshalBinary()
	if err != nil {
		a.t.Fatal(err)
	}
	r, err := h.Offer(a.t.Context(), release.Filter, model, gate.Report{Format: "headrace-gate/2", Design: gate.Logged, Verdict: gate.Released, Snapshot: episode.Digest(model),
		Gain: &ope.Interval{Estimate: 0.02, Lower: 0.01, Bound: 0.01, Upper: 0.03, Developers: 100}})
	if err == nil && all {
		_, err = h.Steer(a.t.Context(), "operator", release.Filter, "widen", true)
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return r.ID
}

// rollouts are those of the hub, newest first: of each number one, which names the one before.
func (a *apart) rollouts() (list []release.Rollout) {
	a.t.Helper()
	db, err := sqlstore.Open(a.t.Context(), filepath.Join(a.hubDir, "hub", "hub.db"), sqlstore.RoleHub)
	if err != nil {
		a.t.Fatal(err)
	}
	defer db.Close()
	docs, err := db.Documents(a.t.Context(), sqlstore.DocRollout)
	if err != nil {
		a.t.Fatal(err)
	}
	for i, doc := range docs {
		on := a.opened(doc.Envelope)
		if i+1 < len(docs) && on.Before != docs[i+1].ID || on.Sequence != int64(len(docs)-i) {
			a.t.Fatalf("roll-out %d of %d has number %d, and names %s before it", len(docs)-i, len(docs), on.Sequence, on.Before)
		}
		list = append(list, on)
	}
	return list
}

// opened is a roll-out that the hub signed.
func (a *apart) opened(envelope []byte) release.Rollout {
	a.t.Helper()
	ring, err := keyring.Open(filepath.Join(a.hubDir, "hub", "keys"))
	if err != nil {
		a.t.Fatal(err)
	}
	payload, _, err := bundle.OpenDocument(envelope, bundle.TypeRollout, bundle.NewTrust(bundle.TrustedKey{Key: ring.Public()}))
	if err != nil {
		a.t.Fatal(err)
	}
	on, err := release.DecodeRollout(payload)
	if err != nil {
		a.t.Fatal(err)
	}
	return on
}

func (a *apart) edgeDB() *sqlstore.DB {
	a.t.Helper()
	db, err := sqlstore.Open(a.t.Context(), filepath.Join(a.edgeDir, "edge", "edge.db"), sqlstore.RoleEdge)
	if err != nil {
		a.t.Fatal(err)
	}
	return db
}

// sawLast is the number of the last roll-out that the edge has seen. One that goes back is gone with it.
func (a *apart) sawLast() int64 {
	a.t.Helper()
	db := a.edgeDB()
	defer db.Close()
	rows, err := db.Rollouts(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	last := int64(0)
	for _, row := range rows {
		on := a.opened(row.Envelope)
		last = max(last, on.Sequence)
		if gone, err := db.IsGone(a.t.Context(), row.Hub, on.Release); on.State == release.Back && (err != nil || !gone) {
			a.t.Fatalf("roll-out %d says that %s went back, and it is not gone: %v", on.Sequence, on.Release, err)
		}
	}
	return last
}
