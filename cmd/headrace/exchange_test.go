// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
)

// said decodes what a command printed.
func said[T any](t *testing.T, out string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return v
}

// TestTwoProcessesThatNoWireConnectsTakeTheTurnByFolder: the edge runs, the hub is another machine's, and a folder goes to and fro
// with a bundle, its receipt, a withdrawal and its certificate.
func TestTwoProcessesThatNoWireConnectsTakeTheTurnByFolder(t *testing.T) {
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

	world, err := sim.New(sim.Config{Seed: 5, Decisions: 60, Developers: 12, Draws: 1 << 10})
	if err != nil {
		t.Fatal(err)
	}
	sent := a.post(func(emit func(*episode.Episode) error) error { return world.Episodes(us, emit) })
	db := a.store(sqlstore.RoleEdge)
	a.eventually("all is packed", func() bool {
		packed, err := db.Bundles(t.Context(), "packed")
		n := 0
		for _, b := range packed {
			n += b.Records
		}
		return err == nil && n > 0 && n >= distinct(world, us)
	})

	stick := filepath.Join(t.TempDir(), "stick")
	visit := func() (edge.Carried, hub.Received, edge.Carried) {
		t.Helper()
		left := said[edge.Carried](t, a.run(a.edgeDir, "push", "--to", stick))
		received := said[hub.Received](t, a.run(a.hubDir, "hub", "receive", stick))
		return left, received, said[edge.Carried](t, a.run(a.edgeDir, "edge", "receive", stick))
	}
	left, received, back := visit()
	if left.Bundles == 0 || received.Bundles != left.Bundles || back.Receipts != left.Bundles || len(received.Refused)+len(back.Refused) > 0 {
		t.Fatalf("of %d episodes: left %+v, received %+v, back %+v", sent, left, received, back)
	}
	receipts, err := filepath.Glob(filepath.Join(a.edgeDir, "edge", "receipts", "*.json"))
	if err != nil || len(receipts) != back.Receipts {
		t.Fatalf("receipts %v, %v", receipts, err)
	}
	// An auditor who has the hub's log and the receipt.
	a.run(a.edgeDir, "log", "verify", filepath.Join(a.hubDir, "hub", "log"), "--receipt", receipts[0])

	a.run(a.edgeDir, "withdraw", "--all", "--confirm", us)
	left, received, back = visit()
	if left.Withdrawals != 1 || received.Withdrawals != 1 || back.Certificates != 1 {
		t.Fatalf("withdrawal: left %+v, received %+v, back %+v", left, received, back)
	}
	certificates, err := filepath.Glob(filepath.Join(a.edgeDir, "edge", "certificates", "*.json"))
	if err != nil || len(certificates) != 1 {
		t.Fatalf("certificates %v, %v", certificates, err)
	}
	if says := a.run(a.edgeDir, "withdraw", "--check", certificates[0]); !strings.Contains(says, `"erased; key destroyed"`) {
		t.Errorf("the certificate says %s", says)
	}
	if left, received, back = visit(); left.Bundles+left.Withdrawals+received.Bundles+received.Withdrawals+back.Receipts+back.Certificates > 0 {
		t.Errorf("a visit more: left %+v, received %+v, back %+v", left, received, back)
	}
}
