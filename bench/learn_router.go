// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"

	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/learn/hashed"
)

const (
	routerModels, routerLanguages, routerNumbers = 4, 20, 6
)

// asked is one row of a router's log: a language and some numbers, which of the models was asked, evenly at random, and the
// reward.
type asked struct {
	language int
	numbers  [routerNumbers]float32
	chosen   int
	reward   float64
}

// routed draws a log. Each model has its languages, and its taste in what is asked; the reward is 1 or 0.
func routed(n int, seed uint64) []asked {
	world := rand.New(rand.NewPCG(banditSeed, 0)) // one world for all logs
	var bias [routerModels][routerLanguages]float64
	var taste [routerModels][routerNumbers]float64
	for m := range routerModels {
		for l := range routerLanguages {
			bias[m][l] = 0.9 * world.NormFloat64()
		}
		for i := range routerNumbers {
			taste[m][i] = 0.6 * world.NormFloat64()
		}
	}
	rng := rand.New(rand.NewPCG(banditSeed, 1+seed))
	rows := make([]asked, n)
	for i := range rows {
		r := &rows[i]
		r.language, r.chosen = rng.IntN(routerLanguages), rng.IntN(routerModels)
		eta := bias[r.chosen][r.language] - 0.5
		for j := range r.numbers {
			r.numbers[j] = float32(math.Round(1000*rng.NormFloat64()) / 1000)
			eta += taste[r.chosen][j] * float64(r.numbers[j])
		}
		if rng.Float64() < 1/(1+math.Exp(-eta)) {
			r.reward = 1
		}
	}
	return rows
}

// routerText is a log in Vowpal Wabbit's text format: a shared line, then one for each model.
func routerText(rows []asked) []byte {
	var out []byte
	for i := range rows {
		r := &rows[i]
		out = fmt.Appendf(out, "shared |s l%d", r.language)
		for j, x := range r.numbers {
			out = fmt.Appendf(out, " f%d:%v", j, x)
		}
		out = append(out, '\n')
		for m := range routerModels {
			if m == r.chosen {
				out = fmt.Appendf(out, "0:%v:%v ", -r.reward, 1.0/routerModels)
			}
			out = fmt.Appendf(out, "|a m%d\n", m)
		}
		out = append(out, '\n')
	}
	return out
}

// routerLog measures what a learner would have earned that learns from logs which it did not write.
func (b *bench) routerLog(ctx context.Context, shuffles int) (row, error) {
	n := 200_000
	if b.quick {
		n = 40_000
	}
	var files []string
	var ours []float64
	for s := range shuffles {
		rows := routed(n, uint64(s))
		earned, err := playLog(rows)
		if err != nil {
			return row{}, err
		}
		ours = append(ours, earned)
		path := filepath.Join(b.temp, fmt.Sprintf("router-%d.vw", s))
		if err := os.WriteFile(path, routerText(rows), 0o600); err != nil {
			return row{}, err
		}
		files = append(files, path)
	}
	peer, err := b.vowpal(ctx, "--cb_explore_adf --squarecb -q sa", files)
	for _, f := range files {
		os.Remove(f)
	}
	r := row{ID: "bandit/router", Ours: figure(mean(ours)), Unit: "reward a decision", PeerName: vowpal, N: shuffles, Seed: banditSeed}
	if err != nil {
		r.Note = "peer not measured: " + err.Error()
		return r, nil
	}
	var earned []float64
	for _, p := range peer {
		earned = append(earned, -p.Loss)
	}
	r.Peer = figure(mean(earned))
	r.Note = fmt.Sprintf("%d rows, %d models, logged evenly at random; ", n, routerModels) + pairedNote(ours, earned)
	return r, nil
}

// playLog returns the progressive reward on a log.
func playLog(rows []asked) (float64, error) {
	l, err := bandit.New(bandit.Options{})
	if err != nil {
		return 0, err
	}
	var progress bandit.Progress
	context := make([]bandit.Feature, 1+routerNumbers)
	for j := range routerNumbers {
		context[1+j].Index = hashed.Hash(0, strconv.Itoa(j))
	}
	var languages [routerLanguages]uint32
	for i := range languages {
		languages[i] = hashed.Hash(hashed.Hash(0, "language"), strconv.Itoa(i))
	}
	actions := make([][]bandit.Feature, routerModels)
	for m := range actions {
		actions[m] = []bandit.Feature{{Index: hashed.Hash(1, strconv.Itoa(m)), Value: 1}}
	}
	var p []float64
	for i := range rows {
		r := &rows[i]
		context[0] = bandit.Feature{Index: languages[r.language], Value: 1}
		for j, x := range r.numbers {
			context[1+j].Value = x
		}
		p = l.Distribution(p[:0], context, actions)
		progress.Add(p[r.chosen], 1.0/routerModels, r.reward)
		l.Learn(context, actions, r.chosen, 1.0/routerModels, r.reward)
	}
	return progress.Mean(), nil
}
