// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/headrace/headrace/internal/learn/boost"
)

const boostColumns, boostSeed = 30, 6

// measureBoost grows 100 trees of 31 leaves on a made set, and has the peer do so with the same settings; both are judged
// on as many fresh examples.
func measureBoost(ctx context.Context, b *bench) ([]row, error) {
	n := 1_000_000
	if b.quick {
		n = 100_000
	}
	train, test := boostExamples(n, boostSeed), boostExamples(n, boostSeed+1)
	start, before := time.Now(), usedHere()
	m, rep, err := boost.Fit(ctx, train, boost.Options{Trees: 100, Leaves: 31, Rate: 0.1, MinLeaf: 20, Bins: 255})
	if err != nil {
		return nil, err
	}
	took, busy := time.Since(start), usedHere()-before
	p, yes := make([]float64, n), make([]bool, n)
	for i := range p {
		p[i], yes[i] = m.Row(test, i), test.Label[i] == 1
	}
	file, err := m.MarshalBinary()
	if err != nil {
		return nil, err
	}
	rows := []row{
		{ID: "boost", Ours: figure(took.Seconds()), Unit: "s", PeerName: scikit, N: n, Seed: boostSeed,
			Note: fmt.Sprintf("%d columns, %d trees, %d leaves; on %d cores, %.1f s of processor time; binning included; a file of %d KB",
				boostColumns, rep.Trees, rep.Leaves, runtime.GOMAXPROCS(0), busy.Seconds(), len(file)>>10)},
		{ID: "boost/auc", Ours: figure(aucOf(p, yes)), Unit: "AUC on fresh examples", PeerName: scikit, N: n, Seed: boostSeed + 1,
			Note: fmt.Sprintf("knowing the truth %.4f", aucOf(boostTruth(test), yes))},
	}
	his, err := b.scikitBoost(ctx, train, test)
	if err != nil {
		rows[0].Note += "; peer not measured: " + err.Error()
		return rows, nil
	}
	rows[0].Peer, rows[1].Peer = figure(his.Seconds), figure(his.AUC)
	rows[0].Note += fmt.Sprintf("; the peer's processor time %.1f s", his.Busy)
	return rows, nil
}

// boostExamples are normal numbers; a line, a product, a step and a wave of them tell the label, one column in ten has gaps,
// and most columns say nothing.
func boostExamples(n int, seed uint64) *boost.Examples {
	rng := rand.New(rand.NewPCG(seed, seed))
	e := &boost.Examples{Label: make([]float64, n)}
	for j := range boostColumns {
		e.Columns = append(e.Columns, boost.Column{Name: fmt.Sprintf("c%02d", j), Number: make([]float64, n)})
	}
	for i := range n {
		for j := range e.Columns {
			if e.Columns[j].Number[i] = rng.NormFloat64(); j%10 == 9 && rng.IntN(5) == 0 {
				e.Columns[j].Number[i] = math.NaN()
			}
		}
	}
	for i, p := range boostTruth(e) {
		if rng.Float64() < p {
			e.Label[i] = 1
		}
	}
	return e
}

func boostTruth(e *boost.Examples) []float64 {
	p := make([]float64, len(e.Label))
	at := func(j, i int) float64 { return e.Columns[j].Number[i] }
	for i := range p {
		eta := 0.8*at(0, i) - 0.5*at(1, i) + at(2, i)*at(3, i) + math.Sin(2*at(4, i)) - 0.5
		if at(5, i) > 0.5 {
			eta += 1.2
		}
		if math.IsNaN(at(9, i)) {
			eta--
		}
		p[i] = 1 / (1 + math.Exp(-eta))
	}
	return p
}

// scikitLearned is what the peer says of itself: the seconds that learning took, of the clock and of its processors.
type scikitLearned struct{ Seconds, Busy, AUC float64 }

// scikitBoost has the peer learn from the first examples, and judges it on the second.
func (b *bench) scikitBoost(ctx context.Context, sets ...*boost.Examples) (said scikitLearned, err error) {
	python, err := b.python(ctx)
	if err != nil {
		return said, err
	}
	path := filepath.Join(b.temp, "boost.f64")
	defer os.Remove(path)
	if err := writeColumns(path, sets); err != nil {
		return said, err
	}
	out, err := exec.CommandContext(ctx, python, filepath.Join(b.root, "bench", "peers", "scikit.py"), "boost", path,
		strconv.Itoa(len(sets[0].Label)), strconv.Itoa(boostColumns)).Output()
	if err != nil {
		return said, errors.Join(err, peerSaid(err))
	}
	return said, json.Unmarshal(out, &said)
}

func writeColumns(path string, sets []*boost.Examples) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	for _, e := range sets {
		for _, c := range e.Columns {
			if err := binary.Write(w, binary.LittleEndian, c.Number); err != nil {
				return err
			}
		}
		if err := binary.Write(w, binary.LittleEndian, e.Label); err != nil {
			return err
		}
	}
	return w.Flush()
}
