// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
)

const (
	liftSeed = 1
	hashBits = 16
	lastOf   = 200 // bytes of the prompt before the cursor that are looked at
)

// vector is the features that are on, each once, with one weight for all: the text's length does not matter.
type vector []uint32

// textFeatures are the hashed n-grams of a suggestion and of the end of its prompt: words, pairs of words, and three and five
// bytes of the suggestion.
func textFeatures(prompt, suggestion string) vector {
	on := map[uint32]bool{1: true} // the constant
	add := func(where byte, parts ...string) {
		h := fnv.New64a()
		h.Write([]byte{where})
		for _, p := range parts {
			h.Write([]byte(p))
			h.Write([]byte{0})
		}
		on[uint32(h.Sum64()>>(64-hashBits))] = true
	}
	for i, text := range []string{prompt[max(0, len(prompt)-lastOf):], suggestion} {
		where := byte('p' + i)
		before := ""
		for _, w := range words(text) {
			add(where, w)
			add(where, before, w)
			before = w
		}
	}
	for _, n := range []int{3, 5} {
		for i := 0; i+n <= len(suggestion); i++ {
			add('c', suggestion[i:i+n])
		}
	}
	v := make(vector, 0, len(on))
	for f := range on {
		v = append(v, f)
	}
	slices.Sort(v)
	return v
}

// words are the runs of letters and digits, and each other byte that is no space.
func words(text string) (all []string) {
	for i := 0; i < len(text); {
		j := i
		for j < len(text) && (text[j] == '_' || text[j] >= 0x80 || text[j]|0x20 >= 'a' && text[j]|0x20 <= 'z' || text[j] >= '0' && text[j] <= '9') {
			j++
		}
		if j == i {
			j++
		}
		if w := text[i:j]; w != " " && w != "\t" && w != "\r" {
			all = append(all, w)
		}
		i = j
	}
	return all
}

// foretell returns for each choice how likely it was taken, by a logistic regression on the choices of other developers:
// five folds by developer, trained on one form of the text, asked on another.
func foretell(all []choice, train, ask []vector) []float64 {
	scores := make([]float64, len(all))
	for fold := range 5 {
		var of []int
		for i, c := range all {
			if c.User%5 != fold {
				of = append(of, i)
			}
		}
		w := logisticRegression(all, train, of)
		for i, c := range all {
			if c.User%5 == fold {
				scores[i] = w.score(ask[i])
			}
		}
	}
	return scores
}

type weights []float64

func (w weights) score(v vector) (s float64) {
	for _, f := range v {
		s += w[f]
	}
	return s / math.Sqrt(float64(len(v)))
}

// logisticRegression is stochastic gradient descent with AdaGrad and a penalty on squares, always in the same order for the
// same choices.
func logisticRegression(all []choice, x []vector, of []int) weights {
	const rate, penalty, rounds = 0.2, 1e-3, 12
	w, g2 := make(weights, 1<<hashBits), make([]float64, 1<<hashBits)
	rng := rand.New(rand.NewPCG(liftSeed, 0))
	order := slices.Clone(of)
	for range rounds {
		rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			scale := 1 / math.Sqrt(float64(len(x[i])))
			off := 1/(1+math.Exp(-w.score(x[i]))) - all[i].Accepted
			for _, f := range x[i] {
				g := off*scale + penalty*w[f]
				g2[f] += g * g
				w[f] -= rate * g / (math.Sqrt(g2[f]) + 1e-6)
			}
		}
	}
	return w
}

// auc is how often a choice that was taken has the higher score than one that was not. times says how often each developer
// counts; nil is once.
func auc(all []choice, scores []float64, times map[int]float64) float64 {
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(scores[i], scores[j]) })
	var below, right, taken float64
	for i := 0; i < len(order); {
		var no, yes float64
		j := i
		for ; j < len(order) && scores[order[j]] == scores[order[i]]; j++ {
			c, weight := all[order[j]], 1.0
			if times != nil {
				weight = times[c.User]
			}
			if c.Accepted > 0 {
				yes += weight
			} else {
				no += weight
			}
		}
		right += yes * (below + no/2)
		below, taken, i = below+no, taken+yes, j
	}
	return right / (below * taken)
}

// pairedByUser draws the developers again and again, and returns the 2.5th percentile and the median of the difference in AUC.
func pairedByUser(all []choice, before, after []float64, draws int) (low, mid float64) {
	var people []int
	for _, c := range all {
		if !slices.Contains(people, c.User) {
			people = append(people, c.User)
		}
	}
	rng := rand.New(rand.NewPCG(liftSeed, 1))
	var differences []float64
	for range draws {
		times := map[int]float64{}
		for range people {
			times[people[rng.IntN(len(people))]]++
		}
		if d := auc(all, after, times) - auc(all, before, times); !math.IsNaN(d) {
			differences = append(differences, d)
		}
	}
	slices.Sort(differences)
	return differences[len(differences)/40], differences[len(differences)/2]
}
