// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/ope"
)

const obpName = "Open Bandit Pipeline 0.5.7"

// measureOPESame values each policy of the Open Bandit Data from the other's log, and the Thompson policy from both logs
// together, by each estimator that both have, and says by how much ours and the peer's differ at most.
func measureOPESame(ctx context.Context, b *bench) ([]row, error) {
	var logs []*opeLog
	var names []string
	for _, campaign := range []string{"men", "women"} {
		n := items(campaign)
		random, err := b.obd("random", campaign)
		if err != nil {
			return nil, err
		}
		bts, err := b.obd("bts", campaign)
		if err != nil {
			return nil, err
		}
		both := newOpeLog(slices.Concat(random, bts), frequencies(bts, n), n)
		fromBTS := frequencies(bts, n)
		for i, x := range slices.Concat(random, bts) {
			if i >= len(random) {
				both.Logger[i] = 1
			}
			// What the random policy does is known; of the other, its frequencies stand in for what is not logged.
			both.Average = append(both.Average, 0.5/float64(n)+0.5*fromBTS[x.slot][x.item])
		}
		logs = append(logs, newOpeLog(random, frequencies(bts, n), n), newOpeLog(bts, uniform(n), n), both)
		names = append(names, campaign+"-thompson-from-random", campaign+"-random-from-thompson", campaign+"-thompson-from-both")
	}
	theirs, peerErr := b.obp(ctx, logs)
	var rows []row
	for i, l := range logs {
		mine := values(l)
		r := row{ID: "ope-same/" + names[i], Unit: "largest difference", N: len(l.Reward), PeerName: obpName}
		var list []string
		off := 0.0
		for _, name := range slices.Sorted(maps.Keys(mine)) {
			text := fmt.Sprintf("%s %.6f", name, mine[name])
			if peerErr == nil {
				other, ok := theirs[i][name]
				if !ok {
					return rows, fmt.Errorf("%s: the peer has no %s", names[i], name)
				}
				off = max(off, math.Abs(mine[name]-other))
			}
			list = append(list, text)
		}
		if r.Note = strings.Join(list, ", "); peerErr != nil {
			r.Note += "; peer not measured: " + peerErr.Error()
		} else {
			r.Ours, r.Peer = figure(off), figure(0)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// values are ours, under the names that the peer's come by.
func values(l *opeLog) map[string]float64 {
	o := l.ours()
	if l.Average == nil {
		of := map[string]ope.Estimator{"IPS": ope.IPS, "SNIPS": ope.SNIPS, "DM": ope.DM, "DR": ope.DR, "SNDR": ope.SNDR, "Switch-DR": ope.SwitchDR(l.Switch)}
		out := map[string]float64{}
		for name, e := range of {
			out[name] = o.Value(e)
		}
		return out
	}
	out := map[string]float64{"weighted IPS": o.Value(ope.Weighted(ope.IPS, l.Logger)), "weighted DR": o.Value(ope.Weighted(ope.DR, l.Logger))}
	o.Propensity = l.Average
	out["balanced IPS"], out["balanced DR"] = o.Value(ope.IPS), o.Value(ope.DR)
	return out
}

// obp asks the peer.
func (b *bench) obp(ctx context.Context, logs []*opeLog) (values []map[string]float64, err error) {
	// The package names versions of others that no longer install, and no Python above 3.10; the files that are used run.
	python, err := b.environment(ctx, "peers/.venv", "requirements-obp.txt", "--no-deps", "--ignore-requires-python", "obp==0.5.7")
	if err != nil {
		return nil, err
	}
	in, err := json.Marshal(logs)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, filepath.Join(b.root, "bench", "peers", "obp_estimators.py"))
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, last(errs.String(), 300))
	}
	return values, json.Unmarshal(out.Bytes(), &values)
}
