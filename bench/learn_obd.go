// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"

	"github.com/headrace/headrace/internal/ope"
)

// impression is one line of the Open Bandit Data: which item was shown in which of three slots, how likely that was, and
// whether it was clicked.
type impression struct {
	item, slot int
	user       string
	reward     float64
	propensity float64
}

// obd reads a log of the Open Bandit Data (Saito et al. 2020, arXiv 2008.07146): "random" or "bts", "men" or "women".
func (b *bench) obd(policy, campaign string) (list []impression, err error) {
	path, err := b.shared("learn-data/obd/" + policy + "_" + campaign + ".csv")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.ReuseRecord = true
	r.FieldsPerRecord = -1
	if _, err := r.Read(); err != nil {
		return nil, err
	}
	for {
		row, err := r.Read()
		if row == nil {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		x := impression{user: row[6]}
		var errs [4]error
		x.item, errs[0] = strconv.Atoi(row[2])
		x.slot, errs[1] = strconv.Atoi(row[3])
		x.reward, errs[2] = strconv.ParseFloat(row[4], 64)
		x.propensity, errs[3] = strconv.ParseFloat(row[5], 64)
		for _, err := range errs {
			if err != nil {
				return nil, fmt.Errorf("%s, line %d: %w", path, len(list)+2, err)
			}
		}
		x.slot--
		list = append(list, x)
	}
}

func items(campaign string) int {
	if campaign == "men" {
		return 34
	}
	return 46
}

// frequencies are how often each item is shown in each slot: what the Thompson sampling policy of the log does on average.
func frequencies(log []impression, items int) [][]float64 {
	of, n := make([][]float64, 3), [3]float64{}
	for s := range of {
		of[s] = make([]float64, items)
	}
	for _, x := range log {
		of[x.slot][x.item]++
		n[x.slot]++
	}
	for s := range of {
		for i := range of[s] {
			of[s][i] /= n[s]
		}
	}
	return of
}

// uniform shows each item as often as the next.
func uniform(items int) [][]float64 {
	of := make([][]float64, 3)
	for s := range of {
		of[s] = make([]float64, items)
		for i := range of[s] {
			of[s][i] = 1 / float64(items)
		}
	}
	return of
}

// clicks is a model of the reward by user and item: the share that was clicked, drawn towards that of all.
func clicks(log []impression, items int) (users map[string]int, model [][]float64) {
	const prior = 50
	users = map[string]int{}
	all := 0.0
	for _, x := range log {
		if _, ok := users[x.user]; !ok {
			users[x.user] = len(users)
		}
		all += x.reward / float64(len(log))
	}
	shown := make([][]float64, len(users))
	for u := range users {
		_ = u
		model = append(model, make([]float64, items))
	}
	for u := range shown {
		shown[u] = make([]float64, items)
	}
	for _, x := range log {
		u := users[x.user]
		shown[u][x.item]++
		model[u][x.item] += x.reward
	}
	for u := range model {
		for i := range model[u] {
			model[u][i] = (model[u][i] + prior*all) / (shown[u][i] + prior)
		}
	}
	return users, model
}

// opeLog is what the peer is handed: a log, a policy to judge, and a model of the reward.
type opeLog struct {
	Reward     []float64   `json:"reward"`
	Action     []int       `json:"action"`
	Position   []int       `json:"position"`
	Context    []int       `json:"context"`
	Propensity []float64   `json:"propensity"`
	Logger     []int       `json:"logger"`
	Average    []float64   `json:"average,omitempty"`
	Policy     [][]float64 `json:"policy"` // by position and action
	Model      [][]float64 `json:"model"`  // by context and action
	Switch     float64     `json:"switch"`
}

func newOpeLog(log []impression, policy [][]float64, items int) *opeLog {
	l := &opeLog{Policy: policy, Switch: 10}
	users, model := clicks(log, items)
	l.Model = model
	for _, x := range log {
		l.Reward, l.Action, l.Position = append(l.Reward, x.reward), append(l.Action, x.item), append(l.Position, x.slot)
		l.Context, l.Propensity, l.Logger = append(l.Context, users[x.user]), append(l.Propensity, x.propensity), append(l.Logger, 0)
	}
	return l
}

// ours is the same log as package ope takes it.
func (l *opeLog) ours() *ope.Log {
	o := &ope.Log{Reward: l.Reward, Propensity: l.Propensity}
	for i, a := range l.Action {
		policy, model, direct := l.Policy[l.Position[i]], l.Model[l.Context[i]], 0.0
		for k := range policy {
			direct += policy[k] * model[k]
		}
		o.Policy, o.Model, o.Direct = append(o.Policy, policy[a]), append(o.Model, model[a]), append(o.Direct, direct)
	}
	return o
}
