// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
)

// indifferent is a model to which all actions are worth the same: with all of its choices left to chance, the uniform policy.
type indifferent struct{}

func (indifferent) Values(into []float64, _ map[string]any, actions []episode.Action) []float64 {
	return append(into, make([]float64, len(actions))...)
}

func (indifferent) MarshalBinary() ([]byte, error) { return nil, nil }

// measureGateRefuses judges by logs that nothing can be concluded from, and counts those that are refused for the right
// reason before the gain is looked at.
func measureGateRefuses(ctx context.Context, b *bench) (rows []row, err error) {
	judged := func(name, code string, decisions []dataset.Decision, m learn.Model, o gate.Options) {
		r := gate.Evaluate(decisions, m, o)
		refused, said := 0.0, []string{}
		for _, x := range r.Reasons {
			said = append(said, x.Message)
			if x.Code == code && r.Gain == nil {
				refused = 1
			}
		}
		rows = append(rows, row{ID: "gate-refuses/" + name, Ours: figure(refused), Unit: "refused", N: len(decisions), Note: strings.Join(said, "; ")})
	}
	for _, campaign := range []string{"women", "men"} {
		log, err := b.obd("bts", campaign)
		if err != nil {
			return rows, err
		}
		judged("obd-"+campaign, "weight", impressions(log, items(campaign)), indifferent{}, gate.Options{Explore: 1})
	}
	decisions, err := b.corpusDecisions(ctx)
	if err != nil {
		return rows, err
	}
	judged("corpus", "developers", decisions, learned(ctx, decisions), gate.Options{})
	if decisions, err = b.coderecDecisions(); err != nil {
		return rows, err
	}
	judged("coderec", "developers", decisions, learned(ctx, decisions), gate.Options{})
	for i := range decisions { // as if Copilot had shown whatever it had
		decisions[i].Logged, decisions[i].PropensityShow = true, 1
	}
	judged("coderec-all-shown", "developers", decisions, learned(ctx, decisions), gate.Options{})
	return rows, nil
}

// learned is a filter from all there is, or nil.
func learned(ctx context.Context, decisions []dataset.Decision) learn.Model {
	f, _, err := learn.Fit(ctx, decisions, learn.Options{Kind: learn.Logistic})
	if err != nil {
		return nil
	}
	return f
}

// impressions makes decisions of a log. It names the probability of what was shown only: the others share the rest. Whoever
// has the same features stands for one person.
func impressions(log []impression, items int) (list []dataset.Decision) {
	for i, x := range log {
		d := dataset.Decision{Contributor: "obd", Developer: x.user + strconv.Itoa(i%500), Chosen: strconv.Itoa(x.item), Shown: true, Verdict: episode.Ignored, By: episode.ByUnknown}
		for k := range items {
			p := (1 - x.propensity) / float64(items-1)
			if k == x.item {
				p = x.propensity
			}
			d.Actions = append(d.Actions, episode.Action{ID: strconv.Itoa(k), Propensity: p})
		}
		if x.reward > 0 {
			d.Verdict, d.By = episode.Accepted, episode.ByPerson
		}
		list = append(list, d)
	}
	return list
}

// corpusDecisions reads the shared recordings with headrace read.
func (b *bench) corpusDecisions(ctx context.Context) ([]dataset.Decision, error) {
	path, err := b.shared("corpus")
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, b.bin, "--dir", b.temp, "read", path).Output()
	if err != nil {
		return nil, fmt.Errorf("headrace read: %w", err)
	}
	var rows []dataset.Row
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		e := new(episode.Episode)
		if err := json.Unmarshal(lines.Bytes(), e); err != nil {
			return nil, err
		}
		rows = append(rows, dataset.Row{Contributor: "corpus", Episode: e})
	}
	return dataset.Decisions(rows), lines.Err()
}

// coderecDecisions reads the decisions of the CodeRec study.
func (b *bench) coderecDecisions() (list []dataset.Decision, err error) {
	path, err := b.shared("learn-data/coderec/decisions.tsv")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	all, err := r.ReadAll()
	if err != nil || len(all) == 0 {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, line := range all[1:] {
		d := dataset.Decision{Contributor: "coderec", Developer: line[0], Shown: true, Verdict: episode.Rejected, By: episode.ByPerson, Features: map[string]any{}}
		for i := 6; i < 22; i++ {
			if v, err := strconv.ParseFloat(line[i], 64); err == nil {
				d.Features[all[0][i]] = v
			}
		}
		if line[5] == "1" {
			d.Verdict = episode.Accepted
		}
		list = append(list, d)
	}
	return list, nil
}
