// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const (
	watchFiles    = 2000
	watchSessions = 200
)

// measureWatch has "headrace up" follow the histories of a busy developer while nothing changes. Agent, edge and hub are
// one process there, so the figure is of all three.
func measureWatch(ctx context.Context, b *bench) ([]row, error) {
	settle, length := 20*time.Second, 60*time.Second
	if b.quick {
		settle, length = 5*time.Second, 10*time.Second
	}
	home := filepath.Join(b.temp, "watched")
	for i := range watchFiles {
		session := fmt.Sprintf("s%03d", i%watchSessions)
		path := filepath.Join(home, ".claude", "projects", session, fmt.Sprintf("%d.jsonl", i))
		line := fmt.Sprintf(`{"type":"user","uuid":"u%d","parentUuid":null,"sessionId":%q,"message":{"content":"turn the wheel"}}`+"\n", i, session)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(line), 0o600)); err != nil {
			return nil, err
		}
	}
	b.home = home
	c, _, err := b.up(ctx, filepath.Join(b.temp, "watch-state"), "--otlp=", "--agent=none")
	b.home = ""
	if err != nil {
		return nil, err
	}
	defer c.stop()
	select {
	case <-time.After(settle):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	before, err := processorTime(c.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	select {
	case <-time.After(length):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	after, err := processorTime(c.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	return []row{{ID: "watch", Ours: figure(100 * (after - before).Seconds() / time.Since(begin).Seconds()), Unit: "% of a core", N: watchFiles,
		Note: fmt.Sprintf("%d files of %d sessions, idle for %v; agent, edge and hub in one process", watchFiles, watchSessions, length)}}, nil
}

// processorTime is what a process has used, user and system (proc(5): fields 14 and 15 of stat, in hundredths).
func processorTime(pid int) (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond, nil
}
