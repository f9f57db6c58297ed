// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
)

const onwardPolicy = `version: 1
recipients:
  - {name: acme-tools, kind: maker, passes_on: [other-maker]}
rules:
  - {name: all, when: "true", level: signal, purposes: [evaluate, reward], recipients: [acme-tools], retention_days: 30, approval: auto}
`

// An edge and two hubs as processes: what the first hub gets it passes on to the second, through kills, once; a withdrawal ends in a
// certificate of both.
func TestThreeProcessesPassOnAndTakeBack(t *testing.T) {
	a := newApart(t)
	otherDir, otherAddr := t.TempDir(), freeAddr(t)
	for path, text := range map[string]string{
		filepath.Join(a.hubDir, "hub.yaml"): "name: acme-tools\n", filepath.Join(otherDir, "hub.yaml"): "name: other-maker\n",
		filepath.Join(a.edgeDir, "edge.yaml"): "policy: policy.yaml\nsettle: 0s\n", filepath.Join(a.edgeDir, "policy.yaml"): onwardPolicy,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	words := func(invite string) []string { // as the invite prints them: headrace edge join URL CODE
		line, _, _ := strings.Cut(invite, "#")
		return strings.Fields(line)
	}
	other := a.start(otherDir, otherAddr, "hub")
	a.run(a.hubDir, append([]string{"hub", "join"}, words(a.run(otherDir, "hub", "invite", "acme"))[3:]...)...)
	a.startHub()
	a.run(a.edgeDir, words(a.run(a.hubDir, "hub", "invite", "alder-bank"))[1:]...)
	a.startEdge()

	world, err := sim.New(sim.Config{Seed: 5, Decisions: 300, Developers: 40})
	if err != nil {
		t.Fatal(err)
	}
	var session string
	a.post(func(emit func(*episode.Episode) error) error {
		return world.Episodes("alder-bank", func(ep *episode.Episode) error {
			session = ep.Session
			return emit(ep)
		})
	})
	a.kill(a.hubProcess)
	a.startHub()
	a.kill(other)
	a.start(otherDir, otherAddr, "hub")
	edgeDB := a.store(sqlstore.RoleEdge)
	onward := func() (records int) {
		list, err := edgeDB.Onward(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list {
			records += o.Records
		}
		return records
	}
	given := func() (records int) {
		list, err := edgeDB.Bundles(t.Context(), "received")
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			records += b.Records
		}
		return records
	}
	a.eventually("all that was given is passed on", func() bool { return given() > 0 && onward() == given() })
	otherDB, err := sqlstore.Open(t.Context(), filepath.Join(otherDir, "hub", "hub.db"), sqlstore.RoleHub)
	if err != nil {
		t.Fatal(err)
	}
	defer otherDB.Close()
	rows, err := otherDB.Admitted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := 0
	for _, r := range rows {
		there += r.Records
	}
	if there != given() {
		t.Errorf("%d records were given, and %d are there", given(), there)
	}

	id := a.run(a.edgeDir, "withdraw", "--session", session)
	a.eventually("both hubs have certified", func() bool {
		return strings.Contains(a.run(a.edgeDir, "withdraw", "--status"), "at other-maker: erased")
	})
	file := filepath.Join(a.edgeDir, "edge", "certificates", strings.TrimPrefix(id, "sha256:")+".json")
	var c bundle.Certificate
	if err := json.Unmarshal([]byte(a.run(a.edgeDir, "withdraw", "--check", file)), &c); err != nil || len(c.Onward) != 1 || c.Onward[0].Recipient != "other-maker" {
		t.Errorf("an auditor is shown %+v, %v", c, err)
	}
}
