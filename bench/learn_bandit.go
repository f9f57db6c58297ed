// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/learn/hashed"
)

const (
	vowpal     = "Vowpal Wabbit 9.11.9"
	banditSeed = 6
)

// cbified are the multiclass sets that are played as bandits: the label is asked for, and only whether it was right is told.
func cbified() []string {
	return []string{"LetterRecognition", "Satellite", "Shuttle", "Vowel", "DNA", "Vehicle"}
}

// measureBandit plays the same shuffles as Vowpal Wabbit, and counts what each earned on the way.
func measureBandit(ctx context.Context, b *bench) ([]row, error) {
	shuffles, most := 20, math.MaxInt
	if b.quick {
		shuffles, most = 5, 6500
	}
	var rows []row
	for _, name := range cbified() {
		set, err := b.multiclass(name)
		if err != nil {
			return rows, err
		}
		if len(set.rows) > most {
			continue
		}
		r, err := b.cbify(ctx, name, set, shuffles)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", name, err)
		}
		rows = append(rows, r)
	}
	r, err := b.routerLog(ctx, shuffles)
	return append(rows, r), err
}

// labelledSet is a multiclass set, each number standardised.
type labelledSet struct {
	rows    [][]float32
	labels  []int // from 0
	classes int
}

// multiclass reads a set of the shared data: a header, then a label and numbers in each line.
func (b *bench) multiclass(name string) (set labelledSet, err error) {
	path, err := b.shared("learn-data/mlbench/" + name + ".tsv")
	if err != nil {
		return set, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return set, err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")[1:]
	var names []string
	for _, line := range lines {
		label, rest, _ := strings.Cut(line, "\t")
		var xs []float32
		for f := range strings.SplitSeq(rest, "\t") {
			x, err := strconv.ParseFloat(f, 32)
			if err != nil {
				return set, err
			}
			xs = append(xs, float32(x))
		}
		k := slices.Index(names, label)
		if k < 0 {
			k, names = len(names), append(names, label)
		}
		set.rows, set.labels = append(set.rows, xs), append(set.labels, k)
	}
	set.classes = len(names)
	for c := range set.rows[0] {
		var sum, squares float64
		for _, r := range set.rows {
			sum += float64(r[c])
		}
		mean := sum / float64(len(set.rows))
		for _, r := range set.rows {
			squares += (float64(r[c]) - mean) * (float64(r[c]) - mean)
		}
		scale := math.Sqrt(squares / float64(len(set.rows)))
		for _, r := range set.rows {
			if r[c] = float32(float64(r[c]) - mean); scale > 0 {
				r[c] = float32(float64(r[c]) / scale)
			}
		}
	}
	return set, nil
}

// cbify plays one set, shuffled that many times.
func (b *bench) cbify(ctx context.Context, name string, set labelledSet, shuffles int) (row, error) {
	var files []string
	var ours []float64
	for s := range shuffles {
		order := rand.New(rand.NewPCG(banditSeed, uint64(s))).Perm(len(set.rows))
		wrong, err := playMulticlass(set, order, uint64(s))
		if err != nil {
			return row{}, err
		}
		ours = append(ours, wrong)
		path := filepath.Join(b.temp, fmt.Sprintf("%s-%d.vw", name, s))
		if err := os.WriteFile(path, set.vw(order), 0o600); err != nil {
			return row{}, err
		}
		files = append(files, path)
	}
	peer, err := b.vowpal(ctx, fmt.Sprintf("--cbify %d --cb_explore_adf --squarecb", set.classes), files)
	for _, f := range files {
		os.Remove(f)
	}
	r := row{ID: "bandit/" + name, Ours: figure(1 - mean(ours)), Unit: "reward a decision", PeerName: vowpal, N: shuffles, Seed: banditSeed}
	if err != nil {
		r.Note = "peer not measured: " + err.Error()
		return r, nil
	}
	var earned []float64
	for _, p := range peer {
		earned = append(earned, p.Loss)
	}
	r.Peer = figure(1 - mean(earned))
	r.Note = fmt.Sprintf("%d rows, %d labels; ", len(set.rows), set.classes) + pairedNote(earned, ours)
	return r, nil
}

// pairedNote says how much more the second list is than the first, in standard errors of the difference.
func pairedNote(ours, peer []float64) string {
	d := make([]float64, len(ours))
	for i := range ours {
		d[i] = ours[i] - peer[i]
	}
	m, squares := mean(d), 0.0
	for _, x := range d {
		squares += (x - m) * (x - m)
	}
	se := math.Sqrt(squares / float64(len(d)-1) / float64(len(d)))
	return fmt.Sprintf("SquareCB, progressive, mean of %d shuffles; ours − peer %+.4f, %+.1f standard errors of the paired difference", len(d), m, m/se)
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}

// playMulticlass returns the share of wrong answers on the way. As in the peer, each label is an action with features of its
// own: a copy of all numbers.
func playMulticlass(set labelledSet, order []int, seed uint64) (float64, error) {
	l, err := bandit.New(bandit.Options{})
	if err != nil {
		return 0, err
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	actions := make([][]bandit.Feature, set.classes)
	for k := range actions {
		label := hashed.Hash(0, strconv.Itoa(k))
		actions[k] = append(actions[k], bandit.Feature{Index: label, Value: 1})
		for j := range set.rows[0] {
			actions[k] = append(actions[k], bandit.Feature{Index: hashed.Hash(label, strconv.Itoa(j))})
		}
	}
	wrong := 0
	var p []float64
	for _, i := range order {
		for j, x := range set.rows[i] {
			for k := range actions {
				actions[k][1+j].Value = x
			}
		}
		p = l.Distribution(p[:0], nil, actions)
		chosen := bandit.Draw(p, rng.Float64())
		cost := 0.0
		if chosen != set.labels[i] {
			cost = 1
			wrong++
		}
		l.Learn(nil, actions, chosen, p[chosen], -cost)
	}
	return float64(wrong) / float64(len(order)), nil
}

// vw is a set in Vowpal Wabbit's text format.
func (s labelledSet) vw(order []int) []byte {
	var out bytes.Buffer
	for _, i := range order {
		fmt.Fprintf(&out, "%d |", s.labels[i]+1)
		for j, x := range s.rows[i] {
			if x != 0 {
				fmt.Fprintf(&out, " f%d:%v", j, x)
			}
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// played is what Vowpal Wabbit said of one file.
type played struct {
	Loss     float64 `json:"loss"`
	Examples int     `json:"examples"`
	Seconds  float64 `json:"seconds"`
	CPU      float64 `json:"cpu"` // seconds of processor time in that
}

// vowpal runs Vowpal Wabbit's own driver over files, each in a new workspace.
func (b *bench) vowpal(ctx context.Context, args string, files []string) ([]played, error) {
	python, err := b.python(ctx)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, append([]string{filepath.Join(b.root, "bench", "peers", "vowpal.py"), args}, files...)...)
	if cmd.Env, err = b.bareEnv(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	c, err := start(cmd)
	if err != nil {
		return nil, err
	}
	if <-c.done; c.err != nil {
		return nil, c.failed(c.err)
	}
	var all []played
	lines := bufio.NewScanner(&out)
	for lines.Scan() {
		var p played
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) != len(files) {
		return nil, errors.Join(lines.Err(), fmt.Errorf("%d answers for %d files", len(all), len(files)))
	}
	return all, nil
}
