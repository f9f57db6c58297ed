// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/reward"
)

// kindOfRanker is not a kind of release: what ranks decides nothing, and a tool or trainer evaluates its file by itself.
const kindOfRanker = "rank"

// rank writes a ranker, and says how good it is on the developers who are held out.
func (c *learnCmd) rank(e *env, spec reward.Spec) error {
	in, rows, err := readRows(e, c.Recipient, episode.PurposeReward, func(bool) bool { return true })
	if err != nil {
		return err
	}
	var sides [2][]dataset.Decision // learned from, and held out
	for _, d := range dataset.Decisions(rows) {
		k := 0
		if in.held(d.Contributor, d.Developer) {
			k = 1
		}
		sides[k] = append(sides[k], d)
	}
	scorer := reward.Fit(spec, sides[0], dataset.UnixDay(time.Now().Unix())-1)
	learning, alone := learn.Comparisons(sides[0], scorer)
	held, _ := learn.Comparisons(sides[1], scorer)
	model, rep, err := learn.FitRanker(e.ctx, learning, held)
	rep.Alone = alone
	fmt.Fprintf(e.err, "learn: %d comparisons of %d developers, by %s; %d decisions that there is nothing to compare with; refused by terms or rights: %d; unreadable lines: %d\n",
		rep.Used, rep.Developers, scorer.Report.Spec, rep.Alone, in.refused, in.broken)
	if err := errors.Join(saveReport(c.Report, rep), err); err != nil {
		return err
	}
	longer := "longer"
	if rep.Longer < 0.5 {
		longer = "shorter"
	}
	if h := rep.HeldOut; h.Right == nil || h.Length == nil || h.Gain == nil {
		fmt.Fprintf(e.err, "  %d developers are held out: too few to say how good it is\n", h.Developers)
	} else {
		fmt.Fprintf(e.err, "  of %d comparisons by %d developers who are held out it is right in %s; to prefer the %s is in %s; it is better by %s\n",
			h.Pairs, h.Developers, percent(h.Right), longer, percent(h.Length), percent(h.Gain))
	}
	b, err := model.MarshalBinary()
	if err != nil {
		return err
	}
	if _, err := e.out.Write(b); err != nil {
		return err
	}
	return in.strict(c.Strict, "learn")
}

// percent writes a share with its two-sided interval of 95 %.
func percent(v *ope.Interval) string {
	return fmt.Sprintf("%.1f %% (%.1f to %.1f)", 100*v.Estimate, 100*v.Lower, 100*v.Upper)
}
