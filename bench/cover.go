// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// judged is what one seed's gate said, beside the truth and beside what the central limit would have said.
type judged struct {
	looked                   bool // the gate had enough to look at the gain
	estimate, lower, upper   float64
	truth                    float64
	released                 bool
	independent, byDeveloper float64 // widths
}

func (j *judged) covers() bool { return j.looked && j.lower <= j.truth && j.truth <= j.upper }

// measureCover turns the demo with many seeds, two at a time, and counts how often the gate's interval holds the true
// gain (cover) and how often a gain as large as the demo's is released (power).
func measureCover(ctx context.Context, b *bench) ([]row, error) {
	all := make([]judged, b.seeds)
	var g errgroup.Group
	g.SetLimit(2)
	var mu sync.Mutex // guards failed and done
	var failed []error
	done := 0
	for i := range all {
		g.Go(func() error {
			j, err := b.judge(ctx, int64(i+1))
			mu.Lock()
			defer mu.Unlock()
			if done++; done%10 == 0 {
				fmt.Fprintf(b.log, "  %d of %d seeds\n", done, b.seeds)
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("seed %d: %w", i+1, err))
				return ctx.Err()
			}
			all[i] = *j
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if len(failed) > 0 {
		return nil, errors.Join(failed...)
	}
	var covered, looked, released, above int
	var width, independent, byDeveloper, off, truth []float64
	for i := range all {
		j := &all[i]
		if j.released {
			released++
		}
		if !j.looked {
			continue
		}
		looked++
		if j.covers() {
			covered++
		}
		if j.lower > 0 {
			above++
		}
		width, independent, byDeveloper = append(width, j.upper-j.lower), append(independent, j.independent), append(byDeveloper, j.byDeveloper)
		off, truth = append(off, j.estimate-j.truth), append(truth, j.truth)
	}
	made := func(id string, ours float64, unit, note string) row {
		return row{ID: id, Ours: figure(ours), Unit: unit, N: b.seeds, Seed: 1, Note: note}
	}
	seeds := fmt.Sprintf("of %d seeds from 1 on, %d decisions each", b.seeds, demoDecisions)
	w := made("cover/width", median(width), "reward a decision", fmt.Sprintf("median over %d seeds; ours/peer %.2f; with developers as the independent units the central limit gives %.4f, ours/that %.2f",
		looked, median(width)/median(independent), median(byDeveloper), median(width)/median(byDeveloper)))
	w.Peer, w.PeerName = figure(median(independent)), "central limit on the same terms, decisions taken as independent: 2·1.96·s/√n"
	return []row{
		made("cover", float64(covered), "seeds", fmt.Sprintf("%s; the gate looked at the gain in %d; median of estimate − truth %+.4f, median truth %+.4f", seeds, looked, median(off), median(truth))),
		w,
		made("power/released", float64(released), "seeds", seeds),
		made("power/lower", float64(above), "seeds", seeds+"; two-sided 95 % lower end above 0"),
	}, nil
}

// judge takes one demo turn and reads what its gate judged by.
func (b *bench) judge(ctx context.Context, seed int64) (*judged, error) {
	d, err := b.demo(ctx, seed, demoDecisions, demoGain)
	if err != nil {
		return nil, err
	}
	defer d.remove()
	g := d.result.Gate
	if g == nil {
		return nil, errors.New("no gate report")
	}
	j := &judged{released: g.Verdict == string(gate.Released)}
	gain := d.result.Gain
	if gain == nil {
		return j, nil
	}
	if gain.True == nil {
		return nil, errors.New("a gain without its truth")
	}
	j.looked, j.estimate, j.lower, j.upper, j.truth = true, gain.Estimate, gain.Lower, gain.Upper, *gain.True
	again, err := j.centralLimit(ctx, filepath.Join(d.state(), "hub"), g.Snapshot, g.Model)
	if err != nil {
		return nil, err
	}
	if math.Abs(again-j.estimate) > 1e-9 {
		return nil, fmt.Errorf("from the same decisions we get %v, the gate %v: the widths would not be of the same thing", again, j.estimate)
	}
	return j, nil
}

// centralLimit opens the hub's snapshot and model, takes the held-out decisions as the hub does, and sets the widths of
// the intervals that the central limit gives for the mean of the same doubly robust terms. It returns that mean.
func (j *judged) centralLimit(ctx context.Context, dir, snapshot, model string) (float64, error) {
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), filepath.Join(dir, "keys"))
	if err != nil {
		return 0, err
	}
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	if err != nil {
		return 0, err
	}
	b, err := blobs.Get(ctx, model)
	if err != nil {
		return 0, err
	}
	f := new(learn.Filter)
	if err := f.UnmarshalBinary(b); err != nil {
		return 0, err
	}
	s, err := dataset.Open(ctx, blobs, snapshot)
	if err != nil {
		return 0, err
	}
	held := gate.HeldOut(ring.Derive("split"))
	var rows []dataset.Row
	for r, err := range s.Rows(ctx) {
		if err != nil {
			return 0, err
		}
		if held(r.Contributor, r.Episode.Developer) {
			rows = append(rows, r)
		}
	}
	decisions := dataset.Decisions(rows)
	clusters, spec := dataset.ByDeveloper(decisions), reward.Immediate()
	type sum struct{ terms, n float64 }
	people := make([]sum, clusters.N)
	var terms []float64
	var total float64
	for i := range decisions {
		x := &decisions[i]
		got, ok := spec.Of(x)
		if !ok || !x.Logged || x.Shown && x.PropensityShow == 0 {
			continue
		}
		show, accept := f.Decide(x.Features)
		to := 0.0
		if show {
			to = 1
		}
		t := ope.Shift(x.Shown, got, spec.Expected(accept), x.PropensityShow, x.PropensityShow, to)
		terms, total = append(terms, t), total+t
		p := &people[clusters.Of[i]]
		p.terms, p.n = p.terms+t, p.n+1
	}
	n := float64(len(terms))
	if n < 2 {
		return 0, errors.New("no decisions were held out")
	}
	mean := total / n
	var squares, between float64
	for _, t := range terms {
		squares += (t - mean) * (t - mean)
	}
	for _, p := range people {
		between += (p.terms - mean*p.n) * (p.terms - mean*p.n)
	}
	j.independent = 2 * 1.96 * math.Sqrt(squares/(n-1)/n)
	j.byDeveloper = 2 * 1.96 * math.Sqrt(between) / n
	return mean, nil
}
