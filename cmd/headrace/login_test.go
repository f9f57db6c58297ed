// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/login/logintest"
	"github.com/headrace/headrace/internal/sqlstore"
)

// A developer's machine, an edge, a hub and an identity provider, each reached as an enterprise's are.
func TestOneLineEnrolsWhoeverLogsInAndTheEdgeKnowsWhoseTheirWorkIs(t *testing.T) {
	p := logintest.New(t)
	a := newApart(t)
	a.devices = freeAddr(t)
	a.startHub()
	invite, _, _ := strings.Cut(a.run(a.hubDir, "hub", "invite", "alder-bank"), "#")
	a.run(a.edgeDir, "edge", "join", "http://"+a.hubAddr, strings.Fields(invite)[4])
	if err := os.WriteFile(filepath.Join(a.edgeDir, "edge.yaml"), []byte("oidc:\n  issuer: "+p.URL+"\n  client_id: headrace\n  allow: [example.com]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a.startEdge()
	line := strings.Fields(a.run(a.edgeDir, "edge", "invite", "--oidc"))
	if len(line) != 6 || line[0] != "headrace" || line[3] != "https://localhost"+a.devices[strings.LastIndex(a.devices, ":"):] || line[4] != "--login" {
		t.Fatalf("the line is %q", line)
	}
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	var out, told bytes.Buffer
	enrol := a.command(dir, line[1:]...)
	enrol.Stdout, enrol.Stderr = &out, &told
	if err := enrol.Run(); err != nil || !strings.HasPrefix(out.String(), "enrolled as ada@example.com at https://") {
		t.Fatalf("%v: %s\n%s", err, &out, &told)
	}
	for _, want := range []string{"Log in at  " + p.URL + "/device\n", "with code  ", "?user_code=", "log in again by "} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("the developer is not told %q:\n%s", want, &told)
		}
	}
	transcript := filepath.Join(home, ".claude", "projects", "mill", "s.jsonl")
	if err := os.MkdirAll(filepath.Dir(transcript), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(transcript, []byte(`{"type":"user","uuid":"u","parentUuid":null,"sessionId":"s","message":{"content":"turn the wheel"}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	agent := a.command(dir, "agent", "--otlp", "none")
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	db := a.store(sqlstore.RoleEdge)
	a.eventually("the edge has what the developer's tool wrote, under their name", func() bool {
		rows, _, err := db.ListEpisodes(t.Context(), sqlstore.EpisodeFilter{Limit: 10})
		return err == nil && len(rows) == 1 && rows[0].Developer == "ada@example.com"
	})
	if got := a.run(dir, "doctor"); !strings.Contains(got, "enrolled as ada@example.com") || !strings.Contains(got, "log in again: "+strings.Join(line, " ")) {
		t.Errorf("the doctor says\n%s", got)
	}
	a.stop(agent)
	if said := a.run(a.edgeDir, "edge", "revoke", "ada@example.com"); !strings.Contains(said, "1 certificates of ada@example.com ended") {
		t.Errorf("said %q", said)
	}
}

func TestACodeAndALoginAreNotForOneMachine(t *testing.T) {
	for _, args := range [][]string{{"agent", "enrol", "https://edge.example:8402"}, {"agent", "enrol", "https://edge.example:8402", "CODE", "--login", "PIN"},
		{"edge", "invite"}, {"edge", "invite", "ada", "--oidc"}} {
		var errs bytes.Buffer
		if code := run(append([]string{"--dir", t.TempDir()}, args...), strings.NewReader(""), &errs, &errs); code != 2 {
			t.Errorf("%v: exit status %d\n%s", args, code, &errs)
		}
	}
}
