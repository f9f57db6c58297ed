// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/headrace/headrace/internal/learn/bandit"
)

// banditDriver makes this program one that learns from a file of Vowpal Wabbit's text, on as many cores as it is told.
const banditDriver = "learn-vw-text"

// measureBanditSpeed learns the same file as Vowpal Wabbit's own driver: both read the text, predict, and learn.
func measureBanditSpeed(ctx context.Context, b *bench) ([]row, error) {
	n, rounds := 200_000, 5
	if b.quick {
		n, rounds = 50_000, 3
	}
	path := filepath.Join(b.temp, "router.vw")
	if err := os.WriteFile(path, routerText(routed(n, 0)), 0o600); err != nil {
		return nil, err
	}
	defer os.Remove(path)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	var one, two, peer, cpu, peerCPU []float64 // examples a second; microseconds of processor time an example
	var loss, peerLoss float64
	var peerErr error
	for range rounds { // in turns
		for cores, all := range []*[]float64{1: &one, 2: &two} {
			if all == nil {
				continue
			}
			out, err := exec.CommandContext(ctx, self, banditDriver, path, strconv.Itoa(cores)).Output()
			if err != nil {
				return nil, err
			}
			var p played
			if err := json.Unmarshal(out, &p); err != nil {
				return nil, err
			}
			*all, loss = append(*all, float64(p.Examples)/p.Seconds), p.Loss
			if cores == 1 {
				cpu = append(cpu, 1e6*p.CPU/float64(p.Examples))
			}
		}
		if peerErr == nil {
			var p []played
			if p, peerErr = b.vowpal(ctx, "--cb_explore_adf --squarecb -q sa", []string{path}); peerErr == nil {
				peer, peerLoss = append(peer, float64(p[0].Examples)/p[0].Seconds), p[0].Loss
				peerCPU = append(peerCPU, 1e6*p[0].CPU/float64(p[0].Examples))
			}
		}
	}
	r := row{ID: "bandit-speed", Ours: figure(slices.Max(two)), Unit: "examples/s", PeerName: vowpal + ", its own file driver", N: n, Seed: banditSeed}
	r.Note = fmt.Sprintf("%d decisions among %d models as text, read, predicted and learned by SquareCB, best of %d rounds in turns; text is read on one core and learned on the other; progressive reward %.4f", n, routerModels, rounds, -loss)
	single := row{ID: "bandit-speed/one-core", Ours: figure(slices.Max(one)), Unit: r.Unit, PeerName: r.PeerName, N: n, Seed: banditSeed, Note: "the same with one core for us"}
	if peerErr != nil {
		r.Note += "; peer not measured: " + peerErr.Error()
		return []row{r, single}, nil
	}
	best := slices.Max(peer)
	r.Peer, single.Peer = figure(best), figure(best)
	r.Note += fmt.Sprintf(", the peer's %.4f; ours/peer %.2f", -peerLoss, *r.Ours/best)
	single.Note += fmt.Sprintf("; ours/peer %.2f; processor time an example %.2f µs, the peer's %.2f µs (least of the rounds)", *single.Ours/best, slices.Min(cpu), slices.Min(peerCPU))
	return []row{r, single}, nil
}

// driveBandit learns from a file and writes what came of it.
func driveBandit(path, cores string, out, errs io.Writer) int {
	n, err := strconv.Atoi(cores)
	var p played
	if err == nil {
		runtime.GOMAXPROCS(n)
		p, err = learnText(path, n > 1)
	}
	if err == nil {
		err = json.NewEncoder(out).Encode(p)
	}
	if err != nil {
		fmt.Fprintln(errs, err)
		return 1
	}
	return 0
}

// learnText reads a file, and says before it learns from each example how likely it would have done the same.
func learnText(path string, apart bool) (p played, err error) {
	begin, cpu := time.Now(), usedHere()
	text, err := os.ReadFile(path)
	if err != nil {
		return p, err
	}
	l, err := bandit.New(bandit.Options{})
	if err != nil {
		return p, err
	}
	var progress bandit.Progress
	var dist []float64
	learn := func(ex *vwExample) {
		dist = l.Distribution(dist[:0], ex.context, ex.actions)
		if ex.chosen >= 0 {
			progress.Add(dist[ex.chosen], ex.prob, -ex.cost)
			l.Learn(ex.context, ex.actions, ex.chosen, ex.prob, -ex.cost)
		}
	}
	if apart {
		err = readApart(text, learn)
	} else {
		r := vwReader{rest: text}
		for {
			ex, ok, e := r.next()
			if err = e; !ok {
				break
			}
			learn(ex)
		}
	}
	return played{Loss: -progress.Mean(), Examples: progress.N, Seconds: time.Since(begin).Seconds(), CPU: (usedHere() - cpu).Seconds()}, err
}

// readApart reads some hundreds of examples ahead of what is made of them.
func readApart(text []byte, use func(*vwExample)) error {
	const batch = 256
	type read struct {
		readers [batch]vwReader // each keeps the example that it read last
		n       int
	}
	free, full := make(chan *read, 4), make(chan *read, 4)
	for range cap(free) {
		free <- new(read)
	}
	var failed error
	go func() {
		defer close(full)
		rest, line := text, 0
		for more := true; more; {
			b := <-free
			for b.n = 0; b.n < batch; b.n++ {
				r := &b.readers[b.n]
				r.rest, r.line = rest, line
				var ok bool
				if _, ok, failed = r.next(); !ok {
					more = false
					break
				}
				rest, line = r.rest, r.line
			}
			full <- b
		}
	}()
	for b := range full {
		for i := range b.n {
			use(&b.readers[i].ex)
		}
		free <- b
	}
	return failed
}

// usedHere is the processor time that this process has used.
func usedHere() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
