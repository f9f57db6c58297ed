// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// demoDecisions and demoGain are what "up --demo" makes and plants by default.
const (
	demoDecisions = 40_000
	demoGain      = 0.2
)

// demo is one turn of "up --demo --once --json" in its own process, and the state it left.
type demo struct {
	seed      int64
	decisions int
	gain      float64
	dir       string
	seconds   float64
	cpu       float64
	peak      float64 // bytes
	result    demoResult
}

// demoResult is what we read of the command's result.
type demoResult struct {
	Stages []struct {
		Name    string  `json:"name"`
		Count   int64   `json:"count"`
		Seconds float64 `json:"seconds"`
	} `json:"stages"`
	Gain *struct {
		Estimate, Lower, Upper float64
		True                   *float64
	} `json:"gain"`
	Release *struct{ ID string } `json:"release"`
	Gate    *struct {
		Verdict  string `json:"verdict"`
		Model    string `json:"model"`
		Snapshot string `json:"snapshot"`
		Reasons  []struct{ Code string }
	} `json:"gate"`
}

// args are the command's flags that choose this demo's world.
func (d *demo) args(more ...string) []string {
	return append([]string{"--demo", "--seed", strconv.FormatInt(d.seed, 10), "--decisions", strconv.Itoa(d.decisions), "--gain", fmt.Sprint(d.gain)}, more...)
}

// state is the folder of the hub and the edges of this demo.
func (d *demo) state() string {
	found, err := filepath.Glob(filepath.Join(d.dir, "demo", "*"))
	if err != nil || len(found) == 0 {
		return d.dir
	}
	return found[0]
}

func (d *demo) remove() { os.RemoveAll(d.dir) }

// demo takes one turn.
func (b *bench) demo(ctx context.Context, seed int64, decisions int, gain float64) (*demo, error) {
	d := &demo{seed: seed, decisions: decisions, gain: gain}
	var err error
	if d.dir, err = os.MkdirTemp(b.temp, "demo-"); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, b.bin, append([]string{"up", "--dir", d.dir}, d.args("--once", "--json")...)...)
	if cmd.Env, err = b.bareEnv(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	begin := time.Now()
	c, err := start(cmd)
	if err != nil {
		return nil, err
	}
	<-c.done
	d.seconds = time.Since(begin).Seconds()
	if c.err != nil {
		return nil, c.failed(c.err)
	}
	if use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		d.peak = float64(use.Maxrss) * 1024
	}
	d.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if err := json.Unmarshal(out.Bytes(), &d.result); err != nil {
		return nil, fmt.Errorf("the demo's result: %w", err)
	}
	return d, nil
}

// measureTurn takes one demo turn and says what share of the work each stage had.
func measureTurn(ctx context.Context, b *bench) ([]row, error) {
	decisions := 100_000
	if b.quick {
		decisions = 10_000
	}
	d, err := b.demo(ctx, 1, decisions, demoGain)
	if err != nil {
		return nil, err
	}
	defer d.remove()
	verdict := "none"
	if d.result.Gate != nil {
		verdict = d.result.Gate.Verdict
	}
	rows := []row{{ID: "turn", Ours: figure(d.seconds), Unit: "s", N: decisions, Seed: d.seed,
		Note: fmt.Sprintf("start to end of the process; %.1f s of processor time, %.0f MB at most; gate: %s", d.cpu, d.peak/1e6, verdict)}}
	var sum float64
	for _, s := range d.result.Stages {
		sum += s.Seconds
	}
	for _, s := range d.result.Stages {
		rows = append(rows, row{ID: "turn/" + s.Name, Ours: figure(s.Seconds / sum), Unit: "share", N: int(s.Count), Seed: d.seed,
			Note: fmt.Sprintf("%.2f s over three edges that work at the same time, of %.1f s in stages", s.Seconds, sum)})
	}
	return rows, nil
}
