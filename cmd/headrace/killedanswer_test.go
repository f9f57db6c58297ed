// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
)

// withoutReferrers is a registry without the API for referrers, as many are: who answers there writes an index of the answers under a
// tag, after the answer. It calls die before it takes such an index, while that says so.
func withoutReferrers(t *testing.T, die func() bool) (url string) {
	t.Helper()
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"), filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"), sqlstore.RoleHub)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	reg, err := registry.New(registry.Config{Blobs: blobs, Index: db.RegistryIndex(), Authorize: func(*http.Request, string, bool) error { return nil },
		Admit: func(context.Context, registry.Manifest) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.Contains(r.URL.Path, "/referrers/"):
			http.NotFound(w, r)
		case r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/sha256-") && die():
			panic(http.ErrAbortHandler)
		default:
			reg.ServeHTTP(unaware{w}, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// unaware does not say that it knows what a manifest refers to.
type unaware struct{ http.ResponseWriter }

func (u unaware) WriteHeader(code int) {
	u.Header().Del("OCI-Subject")
	u.ResponseWriter.WriteHeader(code)
}

// TestAHubThatDiesBetweenAnAnswerAndItsIndexAnswersAnew: the receipt lies in the registry by then, and nobody finds it.
func TestAHubThatDiesBetweenAnAnswerAndItsIndexAnswersAnew(t *testing.T) {
	a := newApart(t)
	const us = "alder-bank"
	for file, text := range map[string]string{
		filepath.Join(a.hubDir, "hub.yaml"):     "name: acme-tools\n",
		filepath.Join(a.edgeDir, "edge.yaml"):   "policy: policy.yaml\nsettle: 0s\n",
		filepath.Join(a.edgeDir, "policy.yaml"): apartPolicy,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.startHub()
	line, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", us), "#")
	a.run(a.edgeDir, strings.Fields(strings.TrimPrefix(line, "headrace "))...)
	a.stop(a.hubProcess)
	a.startEdge()
	world, err := sim.New(sim.Config{Seed: 6, Decisions: 20, Developers: 5, Draws: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	a.post(func(emit func(*episode.Episode) error) error { return world.Episodes(us, emit) })
	db := a.store(sqlstore.RoleEdge)
	a.eventually("all is packed", func() bool {
		packed, err := db.Bundles(t.Context(), "packed")
		n := 0
		for _, b := range packed {
			n += b.Records
		}
		return err == nil && n > 0 && n >= distinct(world, us)
	})

	var deaths atomic.Int32
	doomed := a.command(a.hubDir, "hub", "receive")
	begun, gone := make(chan struct{}), make(chan struct{})
	place := withoutReferrers(t, func() bool {
		if deaths.Add(1) > 1 {
			return false
		}
		<-begun
		doomed.Process.Kill()
		<-gone
		return true
	}) + "/alder/headrace"
	left := said[edge.Carried](t, a.run(a.edgeDir, "push", "--to", place))
	doomed.Args = append(doomed.Args, place)
	if err := doomed.Start(); err != nil {
		t.Fatal(err)
	}
	close(begun)
	err = doomed.Wait()
	close(gone)
	if err == nil || deaths.Load() != 1 {
		t.Fatalf("the hub did not die on its way from an answer to the index: %v", err)
	}
	if back := said[edge.Carried](t, a.run(a.edgeDir, "edge", "receive", place)); back.Receipts != 0 {
		t.Fatalf("a receipt was found without an index: %+v", back)
	}
	received := said[hub.Received](t, a.run(a.hubDir, "hub", "receive", place))
	back := said[edge.Carried](t, a.run(a.edgeDir, "edge", "receive", place))
	if left.Bundles == 0 || received.Bundles != 0 || received.Answers < left.Bundles || back.Receipts != left.Bundles || len(received.Refused)+len(back.Refused) > 0 {
		t.Errorf("left %+v, received %+v, back %+v", left, received, back)
	}
}
