// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A developer's machine, an edge and a hub, each a process of its own, as an enterprise has them.
func TestAMachineIsEnrolledWithOneLineAndItsHistoriesArriveAtTheEdge(t *testing.T) {
	a := newApart(t)
	a.devices = freeAddr(t)
	a.startHub()
	invite, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", "alder-bank"), "#")
	a.run(a.edgeDir, "edge", "join", "http://"+a.hubAddr, strings.Fields(invite)[4])
	a.startEdge()
	line := strings.Fields(a.run(a.edgeDir, "edge", "invite", "ada"))
	if len(line) != 5 || line[0] != "headrace" || line[3] != "https://localhost"+a.devices[strings.LastIndex(a.devices, ":"):] {
		t.Fatalf("the invite is %q", line)
	}
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	if got := a.run(dir, line[1:]...); !strings.HasPrefix(got, "enrolled as ada at https://") {
		t.Errorf("said %q", got)
	}
	transcript := filepath.Join(home, ".claude", "projects", "mill", "s.jsonl")
	if err := os.MkdirAll(filepath.Dir(transcript), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(transcript, []byte(`{"type":"user","uuid":"u","parentUuid":null,"sessionId":"s","message":{"content":"turn the wheel"}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := a.command(dir, "agent", "--otlp", freeAddr(t))
	log := &lockedBuffer{}
	agent.Stderr = log
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	a.eventually("the agent has delivered", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "agent", "sent"))
		return err == nil && strings.TrimSpace(string(b)) == "1"
	})
	if got := a.run(dir, "doctor"); !strings.Contains(got, "ada") || !strings.Contains(got, "Claude Code") {
		t.Errorf("the doctor says\n%s", got)
	}
	a.stop(agent)
	if said := a.run(a.edgeDir, "edge", "revoke", "ada"); !strings.Contains(said, "1 certificates of ada ended") {
		t.Errorf("said %q", said)
	}
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("the agent said:\n%s", log)
	}
}
