// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/spec"
)

// A policy is tried on what the edge has recorded, whether the edge runs or not, and both say the same.
func TestAPolicyIsTriedOnWhatTheEdgeHasRecorded(t *testing.T) {
	dir := t.TempDir()
	e, err := edge.New(t.Context(), edge.Config{Dir: filepath.Join(dir, "edge"), Hubs: []edge.Hub{{Name: "tool-maker", Contributor: "alder"}}, Settle: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	var lines []byte
	for i := range 3 {
		lines, err = episode.Append(lines, &episode.Episode{SchemaVersion: "1.0", ID: episode.NewID("demo", fmt.Sprint(i)), StartedAt: time.Now(), Tool: episode.Tool{Name: "codex", Surface: "agent"},
			Developer: "ada", Session: "s", Repository: "alder/mill", Instruction: "Oil it."})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, '\n')
	}
	if _, err := e.Receive(t.Context(), edge.Principal{Authenticated: true}, lines); err != nil {
		t.Fatal(err)
	}
	if err := e.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	policy, record := file(t, "policy.yaml", spec.StarterPolicy), episode.NewID("demo", "1")
	both := func() string {
		var out, errs bytes.Buffer
		for _, args := range [][]string{{"policy", "test", "--policy", policy}, {"policy", "explain", "--policy", policy, record}} {
			if code := run(append([]string{"--dir", dir}, args...), nil, &out, &errs); code != 0 {
				t.Fatalf("exit %d: %s", code, &errs)
			}
		}
		if code := run([]string{"--dir", dir, "policy", "explain", "--policy", policy, "ep_none"}, nil, &out, &errs); code != 1 || !strings.Contains(errs.String(), "no record") {
			t.Errorf("exit %d: %s", code, &errs)
		}
		return out.String()
	}

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready, served := make(chan struct{}), make(chan error, 1)
	c := controls{"policy": func(ctx context.Context, job string) (string, error) { return policyOf(ctx, e, job) }}
	go func() { served <- c.serve(ctx, e.Dir(), nil, func() { close(ready) }) }()
	<-ready
	running := both()
	stop()
	<-served
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if stopped := both(); stopped != running {
		t.Errorf("while it ran:\n%s\nafter:\n%s", running, stopped)
	}
	for _, want := range []string{"3 records", "everything-as-signal  tool-maker  3", record + ", for tool-maker: leaves at level signal"} {
		if !strings.Contains(running, want) {
			t.Errorf("%q is not in it:\n%s", want, running)
		}
	}
	if strings.Contains(running, "Oil it") {
		t.Error("it shows text")
	}
}
