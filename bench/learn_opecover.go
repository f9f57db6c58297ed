// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// interval is one way to an interval, of the candidate's value or of its difference from the logged policy's.
type interval struct {
	name      string
	estimator ope.Estimator
	bound     ope.Bound
	gain      bool
}

func intervals() (all []interval) {
	for _, e := range []struct {
		name string
		of   ope.Estimator
	}{{"IPS", ope.IPS}, {"SNIPS", ope.SNIPS}, {"DM", ope.DM}, {"DR", ope.DR}, {"SNDR", ope.SNDR}, {"Switch-DR", ope.SwitchDR(3)}, {"gain", ope.DR}} {
		for _, b := range []struct {
			name string
			of   ope.Bound
		}{{"jackknife", ope.Jackknife}, {"central-limit", ope.CentralLimit}, {"bernstein", ope.Bernstein}, {"betting", ope.Betting},
			{"betting-sequence", ope.BettingSequence}, {"asymptotic-sequence", ope.AsymptoticSequence}} {
			all = append(all, interval{e.name + "/" + b.name, e.of, b.of, e.name == "gain"})
		}
	}
	return append(all, interval{theGate, ope.DR, ope.Jackknife, true})
}

// theGate is the interval as a gate report has it: gain by the jackknife, where developers with very many decisions count for less.
const theGate = "gain/gate"

// measureOPECover draws logs whose truth is known, and counts how often each kind of interval holds it.
func measureOPECover(ctx context.Context, b *bench) ([]row, error) {
	n := 10 * b.seeds
	t, err := newTeam(150, 0.6, teamBias)
	if err != nil {
		return nil, err
	}
	old, new := t.truth()
	kinds := intervals()
	covered, widths := make([]int, len(kinds)), make([][]float64, len(kinds))
	var mu sync.Mutex
	err = seeds(ctx, n, func(seed int64) error {
		rows := t.decisions(seed)
		value, difference := t.logs(rows)
		people := dataset.ByDeveloper(rows)
		low, high := reward.Immediate().Range()
		lowers, uppers := make([]float64, len(kinds)), make([]float64, len(kinds))
		for i, k := range kinds {
			l := value
			if k.gain {
				l = difference
			}
			lowers[i], uppers[i] = l.Ratio(k.estimator, people.Of, people.N, min(low, 0), max(high, 0)).Between(k.bound, 0.05)
			if k.name == theGate {
				r := gate.Evaluate(rows, t.model, gate.Options{})
				if r.Gain == nil {
					return fmt.Errorf("seed %d: the gate does not look at the gain: %+v", seed, r.Reasons)
				}
				lowers[i], uppers[i] = r.Gain.Lower, r.Gain.Upper
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for i, k := range kinds {
			truth := new
			if k.gain {
				truth = new - old
			}
			if lowers[i] <= truth && truth <= uppers[i] {
				covered[i]++
			}
			widths[i] = append(widths[i], uppers[i]-lowers[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var rows []row
	for i, k := range kinds {
		base, _, _ := strings.Cut(k.name, "/")
		central := slices.IndexFunc(kinds, func(o interval) bool { return o.name == base+"/central-limit" })
		width, peer := median(widths[i]), median(widths[central])
		note := fmt.Sprintf("of %d logs of 150 developers; median width %.4f, %.2f of the central limit's", n, width, width/peer)
		if k.name == theGate {
			rows = slices.Insert(rows, 0, row{ID: "ope-cover", Ours: figure(float64(covered[i])), Unit: "logs", N: n, Seed: 1, Note: "the gate's interval, true gain " + fmt.Sprintf("%.4f, ", new-old) + note,
				Peer: figure(float64(covered[central])), PeerName: "central limit, developers as the units"},
				row{ID: "ope-cover/width", Ours: figure(width), Unit: "reward a decision", N: n, Seed: 1, Peer: figure(peer), PeerName: "central limit, developers as the units", Note: note})
		}
		rows = append(rows, row{ID: "ope-cover/" + k.name, Ours: figure(float64(covered[i])), Unit: "logs", N: n, Seed: 1, Note: note})
	}
	return rows, nil
}

// seeds calls do for seeds from 1 on, as many at a time as there are cores, until one fails.
func seeds(ctx context.Context, n int, do func(seed int64) error) error {
	next := make(chan int64)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range runtime.NumCPU() {
		wg.Go(func() {
			for seed := range next {
				if err := do(seed); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	for seed := range int64(n) {
		mu.Lock()
		stop := failed != nil || ctx.Err() != nil
		mu.Unlock()
		if stop {
			break
		}
		next <- seed + 1
	}
	close(next)
	wg.Wait()
	if failed == nil {
		failed = ctx.Err()
	}
	return failed
}
