// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sim"
	"github.com/headrace/headrace/internal/sqlstore"
)

const twoHubsPolicy = `version: 1
recipients:
  - {name: acme-tools, kind: maker}
  - {name: own-models, kind: own}
rules:
  - {name: the-maker, when: "true", level: signal, purposes: [evaluate], recipients: [acme-tools], retention_days: 30, approval: auto}
  - {name: the-house, when: "true", level: signal, purposes: [evaluate, reward], recipients: [own-models], retention_days: 300, approval: auto}
`

// fails runs a command that must fail, and returns what it said.
func (a *apart) fails(dir string, args ...string) string {
	a.t.Helper()
	var errs bytes.Buffer
	cmd := a.command(dir, args...)
	cmd.Stderr = &errs
	if err := cmd.Run(); err == nil {
		a.t.Errorf("headrace %v: done, and should not be", args)
	}
	return errs.String()
}

// invited is what a person types to join the hub: the line that its invite printed, without the program's name.
func (a *apart) invited(contributor string) []string {
	a.t.Helper()
	line, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", contributor), "#")
	return strings.Fields(strings.TrimPrefix(line, "headrace "))
}

// hubNamed is a further hub, with a folder and a process of its own, that answers.
func (a *apart) hubNamed(name string) *apart {
	a.t.Helper()
	other := newApart(a.t)
	other.edgeDir, other.edgeAddr = a.edgeDir, a.edgeAddr
	if err := os.WriteFile(filepath.Join(other.hubDir, "hub.yaml"), []byte("name: "+name+"\n"), 0o600); err != nil {
		a.t.Fatal(err)
	}
	other.startHub()
	return other
}

// TestOneEdgeAndTwoHubsAreThreeProcesses: from two invites to two certificates, and out again of one.
func TestOneEdgeAndTwoHubsAreThreeProcesses(t *testing.T) {
	a := newApart(t)
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(a.edgeDir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("edge.yaml", "settle: 0s\n")
	write("policy.yaml", twoHubsPolicy)
	maker, own := a.hubNamed("acme-tools"), a.hubNamed("own-models")
	a.run(a.edgeDir, maker.invited("alder-bank")...)
	a.run(a.edgeDir, own.invited("the-bank")...)

	// Another hub that calls itself as one of them is refused, and nothing of what was joined changes.
	impostor := a.hubNamed("acme-tools")
	if said := a.fails(a.edgeDir, impostor.invited("alder-bank")...); !strings.Contains(said, `another hub that was joined is called "acme-tools", too`) {
		t.Errorf("another hub of the same name: %s", said)
	}
	impostor.stop(impostor.hubProcess)

	// A file that leaves open which hub is meant, that names one that is not there, or gives both one place.
	for text, want := range map[string]string{
		"channel: early\n":                     "it is not said which hub is meant",
		"hubs: {stranger: {channel: early}}\n": `hubs names "stranger", which was not joined`,
		"decides_from: stranger\n":             `decides_from names "stranger", which was not joined`,
		"hubs: {acme-tools: {exchange: ./x}, own-models: {exchange: ./x}}\n": "acme-tools and own-models have the same exchange",
	} {
		write("edge.yaml", text)
		if said := a.fails(a.edgeDir, "edge"); !strings.Contains(said, want) {
			t.Errorf("%q: %s", text, said)
		}
	}
	write("edge.yaml", "settle: 0s\nhubs: {own-models: {channel: early}}\n")
	shown := a.run(a.edgeDir, "edge", "config")
	for _, want := range []string{"acme-tools:", maker.hubAddr[strings.Index(maker.hubAddr, ":"):], "contributor: alder-bank", "own-models:", own.hubAddr[strings.Index(own.hubAddr, ":"):], "contributor: the-bank"} {
		if !strings.Contains(shown, want) {
			t.Errorf("edge config does not show %q:\n%s", want, shown)
		}
	}

	// The policy comes in force as a version that somebody proposed and approved.
	a.startEdge()
	a.run(a.edgeDir, "policy", "propose", filepath.Join(a.edgeDir, "policy.yaml"))
	a.run(a.edgeDir, "policy", "approve", "2")
	world, err := sim.New(sim.Config{Seed: 5, Decisions: 200, Developers: 20})
	if err != nil {
		t.Fatal(err)
	}
	sent := map[string]bool{}
	a.post(func(emit func(*episode.Episode) error) error {
		return world.Episodes("alder-bank", func(ep *episode.Episode) error {
			if len(sent) == 20 {
				return nil
			}
			sent[ep.ID] = true
			return emit(ep)
		})
	})
	db := a.store(sqlstore.RoleEdge)
	received := func(hub string) (list []sqlstore.BundleRow) {
		rows, err := db.Bundles(t.Context(), "received")
		if err != nil {
			return nil
		}
		return slices.DeleteFunc(rows, func(b sqlstore.BundleRow) bool { return b.Recipient != hub })
	}
	records := func(hub string) (n int) {
		for _, b := range received(hub) {
			n += b.Records
		}
		return n
	}
	a.eventually("both hubs have signed for all", func() bool {
		return records("acme-tools") == len(sent) && records("own-models") == len(sent)
	})

	// Whoever means a hub says which; each log holds its own receipts, and not the other's.
	if said := a.fails(a.edgeDir, "log", "verify"); !strings.Contains(said, "--hub acme-tools, or --hub own-models") {
		t.Errorf("of two hubs none was named: %s", said)
	}
	receipts := func(hub string) (args []string) {
		for _, b := range received(hub) {
			args = append(args, "--receipt", filepath.Join(a.edgeDir, "edge", "receipts", strings.TrimPrefix(b.ID, "sha256:")+".json"))
		}
		return args
	}
	for hub, other := range map[string]string{"acme-tools": "own-models", "own-models": "acme-tools"} {
		out := a.run(a.edgeDir, append([]string{"log", "verify", "--hub", hub}, receipts(hub)...)...)
		if strings.Count(out, "sha256:") != len(received(hub)) || !strings.Contains(out, `"origin":"`+hub+`"`) {
			t.Errorf("log verify --hub %s: %s", hub, out)
		}
		a.fails(a.edgeDir, append([]string{"log", "verify", "--hub", hub}, receipts(other)...)...)
	}

	// A hub that holds something is not left; what is taken back is certified by each; then it is.
	a.stop(a.edgeProcess)
	if said := a.fails(a.edgeDir, "edge", "leave", "acme-tools"); !strings.Contains(said, "acme-tools holds 20 records") {
		t.Errorf("left while it holds records: %s", said)
	}
	a.startEdge()
	a.run(a.edgeDir, "withdraw", "--all", "--confirm", "alder-bank")
	for _, hub := range []*apart{maker, own} {
		hubDB := hub.store(sqlstore.RoleHub)
		a.eventually("each hub has certified that it erased them", func() bool {
			docs, err := hubDB.Documents(t.Context(), sqlstore.DocCertificate)
			return err == nil && len(docs) == 1
		})
	}
	a.stop(a.edgeProcess)
	a.startEdge() // asks at once
	a.eventually("the edge has both certificates", func() bool {
		list, err := db.Withdrawals(t.Context())
		return err == nil && len(list) == 2 && list[0].State == "certified" && list[1].State == "certified" && list[0].Recipient != list[1].Recipient
	})
	a.stop(a.edgeProcess)
	a.run(a.edgeDir, "edge", "leave", "acme-tools")
	if said := a.fails(a.edgeDir, "edge", "leave", "acme-tools"); !strings.Contains(said, `no hub of the name "acme-tools" was joined`) {
		t.Errorf("left twice: %s", said)
	}
	if shown := a.run(a.edgeDir, "edge", "config"); strings.Contains(shown, "acme-tools:") || !strings.Contains(shown, "own-models:") {
		t.Errorf("edge config after leaving:\n%s", shown)
	}
	a.run(a.edgeDir, "log", "verify") // the only one is meant
	a.startEdge()
	a.stop(a.edgeProcess)
}
