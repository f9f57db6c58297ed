// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
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

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
)

const scikit = "scikit-learn 1.9.1"

// measureCoderec leaves out one of 21 programmers at a time, learns from the others whether a suggestion is taken, and
// predicts that one's: ours and the peer's two learners from the same features in the same folds.
func measureCoderec(ctx context.Context, b *bench) ([]row, error) {
	rows, err := b.coderec()
	if err != nil {
		return nil, err
	}
	ours, kinds := make([]float64, len(rows)), map[learn.Kind]int{}
	for _, user := range coderecUsers(rows) {
		var train []dataset.Decision
		for _, d := range rows {
			if d.Developer != user {
				train = append(train, d)
			}
		}
		f, rep, err := learn.Fit(ctx, train, learn.Options{})
		if err != nil {
			return nil, err
		}
		kinds[rep.Kind]++
		for i, d := range rows {
			if d.Developer == user {
				_, ours[i] = f.Decide(d.Features)
			}
		}
	}
	taken := make([]bool, len(rows))
	for i, d := range rows {
		taken[i] = d.Verdict == episode.Accepted
	}
	r := row{ID: "coderec/auc", Ours: figure(aucOf(ours, taken)), Unit: "AUC, one user left out, pooled", PeerName: scikit, N: len(rows),
		Note: fmt.Sprintf("log-loss %.3f; of %d fits %d were of trees", logLoss(ours, taken), kinds[learn.Logistic]+kinds[learn.Trees], kinds[learn.Trees])}
	out := []row{r, rewardRow("coderec/reward", ours, rows)}
	peers, err := b.coderecPeers(ctx, rows)
	if err != nil {
		out[0].Note += "; peer not measured: " + err.Error()
		return out, nil
	}
	best := ""
	for _, name := range []string{"logistic regression", "histogram boosting"} {
		a := aucOf(peers[name], taken)
		out[0].Note += fmt.Sprintf("; the peer's %s: AUC %.4f, log-loss %.3f", name, a, logLoss(peers[name], taken))
		if best == "" || a > *out[0].Peer {
			best, out[0].Peer = name, figure(a)
		}
	}
	out[0].PeerName += ", " + best
	his := rewardRow("", peers[best], rows)
	out[1].Peer, out[1].PeerName = his.Ours, out[0].PeerName
	return out, nil
}

// coderec reads the decisions with what was known before each: numbers, and two characters. Missing is missing.
func (b *bench) coderec() ([]dataset.Decision, error) {
	path, err := b.shared("learn-data/coderec/decisions.tsv")
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	at := map[string]int{}
	for i, name := range strings.Split(lines[0], "\t") {
		at[name] = i
	}
	var rows []dataset.Decision
	for n, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		if len(cells) != len(at) {
			return nil, fmt.Errorf("line %d of %s has %d cells", n+2, path, len(cells))
		}
		d := dataset.Decision{Contributor: "coderec", Developer: cells[at["user"]], Shown: true, Features: map[string]any{},
			Verdict: episode.Rejected, By: episode.ByPerson}
		if cells[at["accepted"]] == "1" {
			d.Verdict = episode.Accepted
		}
		number := func(name string) float64 {
			v, err := strconv.ParseFloat(cells[at[name]], 64)
			if err != nil {
				return math.NaN()
			}
			return v
		}
		for _, name := range []string{"compCharLen", "confidence", "documentLength", "meanAlternativeLogProb", "meanLogProb", "numLines", "numTokens",
			"promptCharLen", "promptEndPos", "quantile", "promptComputeTimeMs", "timeSinceIssuedMs", "since_last_decision_s", "prev_accepted",
			"user_prior_shown", "last_line_len"} {
			d.Features[name] = number(name)
		}
		shown := number("user_prior_shown")
		d.Features["user_rate"] = (number("user_prior_accepted") + 1) / (shown + 3)
		d.Features["position"] = number("promptEndPos") / max(1, number("documentLength"))
		d.Features["certainty"] = number("meanLogProb") - number("meanAlternativeLogProb")
		d.Features["token_length"] = number("compCharLen") / max(1, number("numTokens"))
		for name, v := range d.Features {
			if math.IsNaN(v.(float64)) {
				delete(d.Features, name)
			}
		}
		d.Features["last_char"], d.Features["first_char"] = cells[at["last_char"]], cells[at["prompt_sug_first_char"]]
		rows = append(rows, d)
	}
	return rows, nil
}

func coderecUsers(rows []dataset.Decision) []string {
	var users []string
	for _, d := range rows {
		if !slices.Contains(users, d.Developer) {
			users = append(users, d.Developer)
		}
	}
	return users
}

// coderecPeers has the peer predict in the same folds.
func (b *bench) coderecPeers(ctx context.Context, rows []dataset.Decision) (map[string][]float64, error) {
	python, err := b.python(ctx)
	if err != nil {
		return nil, err
	}
	type example struct {
		User     string         `json:"user"`
		Features map[string]any `json:"features"`
		Taken    bool           `json:"taken"`
	}
	var in bytes.Buffer
	for _, d := range rows {
		if err := json.NewEncoder(&in).Encode(example{d.Developer, d.Features, d.Verdict == episode.Accepted}); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, python, filepath.Join(b.root, "bench", "peers", "scikit.py"), "coderec")
	cmd.Stdin, cmd.Env = &in, append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1") // small sets: more threads wait for each other
	out, err := cmd.Output()
	if err != nil {
		return nil, errors.Join(err, peerSaid(err))
	}
	var p map[string][]float64
	if err := json.Unmarshal(out, &p); err != nil {
		return nil, err
	}
	for name, v := range p {
		if len(v) != len(rows) {
			return nil, fmt.Errorf("%s predicted %d of %d", name, len(v), len(rows))
		}
	}
	return p, nil
}

// peerSaid is the end of what a program that failed wrote.
func peerSaid(err error) error {
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return errors.New(last(string(e.Stderr), 300))
	}
	return nil
}

// rewardRow is the reward per request of showing what is taken with a probability above a quarter: +0.75, −0.25, 0.
func rewardRow(id string, p []float64, rows []dataset.Decision) row {
	type user struct{ n, all, chosen, shown, taken, kept float64 }
	var users []user
	numbers := map[string]int{}
	for i, d := range rows {
		k, ok := numbers[d.Developer]
		if !ok {
			k = len(users)
			numbers[d.Developer], users = k, append(users, user{})
		}
		u, r := &users[k], -0.25
		if d.Verdict == episode.Accepted {
			r = 0.75
			u.taken++
		}
		u.n, u.all = u.n+1, u.all+r
		if p[i] > 0.25 {
			u.chosen += r
			u.shown++
			if r > 0 {
				u.kept++
			}
		}
	}
	sum := func(some []user) (s user) {
		for _, u := range some {
			s = user{s.n + u.n, s.all + u.all, s.chosen + u.chosen, s.shown + u.shown, s.taken + u.taken, s.kept + u.kept}
		}
		return s
	}
	const draws, seed = 2000, 1
	rng := rand.New(rand.NewPCG(seed, seed))
	gains, values := make([]float64, draws), make([]float64, draws)
	some := make([]user, len(users))
	for k := range gains {
		for i := range some {
			some[i] = users[rng.IntN(len(users))]
		}
		s := sum(some)
		gains[k], values[k] = (s.chosen-s.all)/s.n, s.chosen/s.n
	}
	slices.Sort(gains)
	slices.Sort(values)
	s := sum(users)
	return row{ID: id, Ours: figure(s.chosen / s.n), Unit: "reward per request", N: len(rows), Seed: seed,
		Note: fmt.Sprintf("95 %% over users %.3f … %.3f; showing all %.3f; gain %.3f (%.3f … %.3f); shows %.0f %% and keeps %.0f %% of the accepts",
			values[draws/40], values[draws-1-draws/40], s.all/s.n, (s.chosen-s.all)/s.n, gains[draws/40], gains[draws-1-draws/40], 100*s.shown/s.n, 100*s.kept/s.taken)}
}

// aucOf is the chance that a taken one has the higher prediction than one that was not; half of it where they are equal.
func aucOf(p []float64, taken []bool) float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	var ranks, yes float64
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && p[order[j]] == p[order[i]] {
			j++
		}
		for _, k := range order[i:j] {
			if taken[k] {
				ranks, yes = ranks+float64(i+j+1)/2, yes+1
			}
		}
		i = j
	}
	return (ranks - yes*(yes+1)/2) / (yes * (float64(len(p)) - yes))
}

func logLoss(p []float64, taken []bool) float64 {
	sum := 0.0
	for i, q := range p {
		if !taken[i] {
			q = 1 - q
		}
		sum -= math.Log(max(q, 1e-15))
	}
	return sum / float64(len(p))
}
