// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"time"
)

// oneCore asks this program to do one task by itself, in a process of its own, on one core.
const oneCore = "one-core"

// task does n of something and times it with its watch; what it prepares is not on its time.
type task func(n int, w *watch) error

// tasks are what can be asked for, by name: what is ours, and the peer that does the same.
func tasks() map[string]task {
	return map[string]task{"policy": decideAll, "policy-cel": decideAllPlainly, "pack": packEpisodes, "pack-records": packRecords, "pack-tar": packTar}
}

// watch adds up the time of what is measured.
type watch struct {
	Wall  float64 `json:"wall"`
	CPU   float64 `json:"cpu"` // of the whole process, collecting garbage included
	Bytes int64   `json:"bytes"`
	Note  string  `json:"note"`
}

// time adds the time that f takes. What was left over from preparing is collected before, on nobody's time.
func (w *watch) time(f func() error) error {
	runtime.GC()
	begin, cpu := time.Now(), ownTime()
	err := f()
	w.Wall, w.CPU = w.Wall+time.Since(begin).Seconds(), w.CPU+ownTime()-cpu
	return err
}

// alone does a task and prints its watch.
func alone(name, count string, stdout, stderr io.Writer) int {
	n, err := strconv.Atoi(count)
	do := tasks()[name]
	if err != nil || do == nil {
		fmt.Fprintf(stderr, "bench: no task %s of %s\n", name, count)
		return 2
	}
	var w watch
	if err := do(n, &w); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	if err := json.NewEncoder(stdout).Encode(w); err != nil {
		return 1
	}
	return 0
}

// alone runs a task in a process of its own that has one core.
func (b *bench) alone(ctx context.Context, name string, n int) (w watch, err error) {
	self, err := os.Executable()
	if err != nil {
		return w, err
	}
	cmd := exec.CommandContext(ctx, self, oneCore, name, strconv.Itoa(n))
	if cmd.Env, err = b.bareEnv(); err != nil {
		return w, err
	}
	cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
	var out bytes.Buffer
	cmd.Stdout = &out
	c, err := start(cmd)
	if err != nil {
		return w, err
	}
	if <-c.done; c.err != nil {
		return w, c.failed(c.err)
	}
	return w, json.Unmarshal(out.Bytes(), &w)
}
