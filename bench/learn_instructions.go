// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/propose"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/sim"
)

const (
	ruleEffect    = 0.7 // planted, on the logit of lasting
	ruleDecisions = 100_000
	trialTries    = 3 // proposals that a hub has tried one after another
)

// measureInstructions lets enterprises work for four weeks with a file that truly helps, one that hurts and two that do nothing, in
// force by nature where it misleads; ranks the files by what became of code; has the best that are to be had tried, each on half
// of the developers for four weeks more; and releases what the gate lets through. The peer takes the file with which the
// plain mean is best.
func measureInstructions(ctx context.Context, b *bench) ([]row, error) {
	seeds := b.seeds
	if b.quick {
		seeds = 4
	}
	list := make([]instructed, seeds)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for seed := range seeds {
		g.Go(func() (err error) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			list[seed], err = instructOnce(int64(seed))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var helped, hurt, idle, proposed, against, plainHelped, plainHurt float64
	for _, x := range list {
		helped, hurt, idle = helped+x.released[0], hurt+x.released[1], idle+x.released[2]+x.released[3]
		proposed, against = proposed+x.proposed[0], against+x.against[1]
		plainHelped, plainHurt = plainHelped+x.plain[0], plainHurt+x.plain[1]
	}
	n := float64(seeds)
	const peer = "plain means, no trial"
	return []row{
		{ID: "instructions/helps", Ours: figure(100 * helped / n), Unit: "of 100 seeds released", Peer: figure(100 * plainHelped / n), PeerName: peer, N: seeds,
			Note: fmt.Sprintf("proposed in %.0f of %d; effect %.1f on the logit of lasting, %d decisions of 1,400 developers in either span, reward survival", proposed, seeds, ruleEffect, ruleDecisions)},
		{ID: "instructions/hurts", Ours: figure(100 * hurt / n), Unit: "of 100 seeds released", Peer: figure(100 * plainHurt / n), PeerName: peer, N: seeds,
			Note: fmt.Sprintf("proposed to be taken away in %.0f of %d; a file without effect was released in %.0f", against, seeds, idle)},
	}, nil
}

// instructed is what one seed came to, by file: the one that helps, the one that hurts, two that do nothing.
type instructed struct {
	proposed, against, released, plain [4]float64
}

func instructOnce(seed int64) (x instructed, err error) {
	conf := sim.Config{Seed: seed, Gain: 0.2, Decisions: ruleDecisions, Draws: 1, Delays: true, Rules: &sim.Rules{Helps: ruleEffect, Hurts: ruleEffect, Idle: 2}}
	rows, files, err := ruleRows(conf)
	if err != nil {
		return x, err
	}
	index := func(artifact string) int {
		return slices.IndexFunc(files, func(f sim.RuleFile) bool { return f.Artifact().Digest == artifact })
	}
	score := survival(rows)
	x.plain[plainBest(rows, files, propose.Lasting(score))] = 1
	var tries []int
	for _, p := range propose.Rank(rows, propose.Lasting(score)) {
		if k := index(p.Artifact); p.Without {
			x.against[k] = 1
		} else {
			x.proposed[k] = 1
			tries = append(tries, k)
		}
	}
	for i, k := range tries[:min(len(tries), trialTries)] {
		if x.released[k], err = tryRule(conf, i+1, files[k]); err != nil {
			return x, err
		}
	}
	return x, nil
}

// ruleRows are all episodes of a world as a hub would have them long after, of one contributor: an enterprise of its own.
func ruleRows(conf sim.Config) (rows []dataset.Row, files []sim.RuleFile, err error) {
	w, err := sim.New(conf)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range w.Contributors() {
		err := w.Settled(name, time.Time{}, func(e *episode.Episode) error {
			e.Steps, e.Instruction = nil, ""
			rows = append(rows, dataset.Row{Contributor: "one", Episode: e})
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return rows, w.RuleFiles(), nil
}

// survival scores what became of code, fitted on the rows, when all is known.
func survival(rows []dataset.Row) *reward.Scorer {
	decisions := dataset.Decisions(rows)
	last := slices.MaxFunc(decisions, func(a, b dataset.Decision) int { return cmp.Compare(a.Day, b.Day) })
	return reward.Fit(propose.Survival(), decisions, last.Day+60)
}

// plainBest is the file with the largest plain difference of means.
func plainBest(rows []dataset.Row, files []sim.RuleFile, score propose.Score) (best int) {
	decisions := dataset.Decisions(rows)
	var sum, n [4][2]float64
	for i, r := range rows { // a decision each
		reward, ok := score(&decisions[i])
		if !ok {
			continue
		}
		for k := range files {
			with := 0
			if slices.ContainsFunc(r.Episode.Artifacts, func(a episode.Artifact) bool { return a.Name == files[k].Name }) {
				with = 1
			}
			sum[k][with] += reward
			n[k][with]++
		}
	}
	better := func(k int) float64 { return sum[k][1]/n[k][1] - sum[k][0]/n[k][0] }
	for k := range files {
		if better(k) > better(best) {
			best = k
		}
	}
	return best
}

// tryRule tries a file on half of the developers in a later span, with the others as they are by nature for nobody, and says
// whether it is released.
func tryRule(conf sim.Config, period int, file sim.RuleFile) (released float64, err error) {
	trial := instruct.Trial{Release: "rel_" + strconv.Itoa(period) + "0000000", Share: 0.5}
	key := []byte("bench " + strconv.FormatInt(conf.Seed, 10))
	conf.Period = period
	with := *conf.Rules
	with.InForce = func(p sim.Place, f *sim.RuleFile) bool {
		return f.Name == file.Name && trial.Arm(key, p.Developer) == instruct.With
	}
	conf.Rules = &with
	rows, _, err := ruleRows(conf)
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		e := r.Episode
		for i := range e.Decisions {
			e.Decisions[i].DecisionID, e.Decisions[i].Actions = "", nil // the tool here is one that words reach, and asks nobody
		}
		e.Tool.Name = "claude-code"
		trial.Mark(key, e, e.Developer)
	}
	decisions, scorer := dataset.Decisions(rows), survival(rows)
	arm := func(d *dataset.Decision) (treated, in bool) {
		return d.Chosen == instruct.With, d.Release == trial.Release
	}
	if gate.Trial(decisions, arm, nil, gate.Options{Reward: scorer, AsOf: scorer.Report.Day}).Verdict == gate.Released {
		return 1, nil
	}
	return 0, nil
}
