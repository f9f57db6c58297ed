// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// measureHook runs the hook program as a tool does, start to exit, while its agent picks up what it leaves and while there
// is none, and beside it an empty program: what starting a process costs on this machine.
func measureHook(ctx context.Context, b *bench) ([]row, error) {
	n := 1000
	if b.quick {
		n = 100
	}
	hook, empty := filepath.Join(b.temp, "headrace-hook"), filepath.Join(b.temp, "empty")
	source := filepath.Join(b.temp, "empty.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		return nil, err
	}
	for out, from := range map[string]string{hook: "./cmd/headrace-hook", empty: source} {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, from)
		cmd.Dir, cmd.Env = b.root, append(os.Environ(), "CGO_ENABLED=0")
		if said, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build: %w: %s", err, said)
		}
	}
	dir := filepath.Join(b.temp, "hooked")
	c, _, err := b.up(ctx, dir, "--otlp=", "--agent=none")
	if err != nil {
		return nil, err
	}
	key := filepath.Join(dir, "agent", "edge.pub")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(key); err == nil {
			break
		}
		if time.Now().After(end) {
			c.stop()
			return nil, c.failed(fmt.Errorf("no %s", key))
		}
	}
	event := []byte(`{"session_id":"s","prompt_id":"p","hook_event_name":"PostToolUse","cwd":"/src/mill","tool_name":"Edit","tool_use_id":"toolu_1","tool_input":{"file_path":"wheel.go","old_string":"` +
		strings.Repeat("still ", 300) + `","new_string":"` + strings.Repeat("turning ", 300) + `"},"tool_response":{"filePath":"wheel.go"}}`)
	hooks := []string{"--dir", dir, "claude-code", "PostToolUse"}
	up, upEmpty, err := b.alternate(ctx, n, event, hook, empty, hooks)
	c.stop()
	if err != nil {
		return nil, err
	}
	down, downEmpty, err := b.alternate(ctx, n, event, hook, empty, hooks)
	if err != nil {
		return nil, err
	}
	made := func(id string, ours, peer []time.Duration, note string) row {
		return row{ID: id, Ours: figure(ms(at(ours, 0.99))), Unit: "ms, p99", Peer: figure(ms(at(peer, 0.99))), PeerName: "an empty Go program", N: n,
			Note: fmt.Sprintf("%s; p50 %.1f ms, peer p50 %.1f ms; start to exit of the process, an event of %d bytes", note, ms(at(ours, 0.5)), ms(at(peer, 0.5)), len(event))}
	}
	return []row{made("hook", up, upEmpty, "agent and edge up"), made("hook/down", down, downEmpty, "agent and edge down, so that the queue fills")}, nil
}

func at(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// alternate runs the hook and the empty program by turns and returns how long each took, sorted.
func (b *bench) alternate(ctx context.Context, n int, event []byte, hook, empty string, args []string) (ours, peer []time.Duration, err error) {
	env, err := b.bareEnv()
	if err != nil {
		return nil, nil, err
	}
	once := func(program string, args ...string) (time.Duration, error) {
		cmd := exec.CommandContext(ctx, program, args...)
		cmd.Env, cmd.Stdin = env, bytes.NewReader(event)
		begin := time.Now()
		err := cmd.Run()
		return time.Since(begin), err
	}
	for range n {
		took, err := once(hook, args...)
		if err != nil {
			return nil, nil, err
		}
		ours = append(ours, took)
		if took, err = once(empty); err != nil {
			return nil, nil, err
		}
		peer = append(peer, took)
		time.Sleep(5 * time.Millisecond) // tools do not run their hooks without a pause
	}
	slices.Sort(ours)
	slices.Sort(peer)
	return ours, peer, nil
}
