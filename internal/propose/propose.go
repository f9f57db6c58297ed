// SPDX-License-Identifier: Apache-2.0

// Package propose ranks instruction files, rules and specs by what became of code that was written while they were in force.
//
// Start from [Rank]. Who has a file is nobody's experiment: careful developers may have it, or those with the hard languages. So
// each developer is compared with themselves only, in the same language and with tasks of about the same size, with the file and
// without it; what is left may still mislead. A [Proposal] is therefore something worth a trial, and never a release: the gate
// judges the trial (package gate, design "randomised").
package propose

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"

	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/ope"
)

// minDevelopers is how many must have had a file and not had it before anything is said of it: no figure is of fewer.
const minDevelopers = 10

// Proposal is a file that is worth a trial: with it, where code lasted longer with it, or without.
type Proposal struct {
	ID          string `json:"id"` // follows from contributor, artifact and direction
	Contributor string `json:"contributor"`
	Artifact    string `json:"artifact"` // keyed id: only its edge knows the text
	Kind        string `json:"kind"`
	Without     bool   `json:"without,omitzero"`
	// Difference is the reward of a decision with the file less that without, within developers, languages and sizes.
	Difference ope.Interval `json:"difference"`
	// With and Without are how many decisions were compared.
	DecisionsWith    int `json:"decisions_with"`
	DecisionsWithout int `json:"decisions_without"`
	// Alike are other files that were in force nearly always when this one was, and not otherwise: it cannot be told from them.
	Alike []string `json:"alike,omitempty"`
}

// Score is the reward of a decision: what became of the code, not only what was said at once. ok is false where it has none.
type Score func(d *dataset.Decision) (reward float64, ok bool)

// stratum is what is compared with itself.
type stratum struct {
	developer int
	language  string
	size      int
}

// sums are of the decisions of a stratum, or of those with a file.
type sums struct{ n, reward float64 }

// candidate is a file of a contributor.
type candidate struct{ contributor, artifact string }

// seen is what there is of a candidate.
type seen struct {
	kind   string
	with   map[stratum]sums
	n      int            // decisions with it
	beside map[string]int // decisions with another file, too
	strata []stratum      // keys of with, in the order of the rows: the sum does not hang on a map's order
}

// Rank compares decisions with and without each file, and returns the files whose difference is told from 0 by its two-sided 95 %
// interval, those first that are surest to matter. The same rows in the same order give the same list.
func Rank(rows []dataset.Row, score Score) []Proposal {
	decisions := dataset.Decisions(rows)
	people := dataset.ByDeveloper(decisions)
	all := map[stratum]sums{}
	files := map[candidate]*seen{}
	var order []candidate
	at := 0
	for _, r := range rows {
		for range r.Episode.Decisions {
			d := &decisions[at]
			key := stratum{people.Of[at], language(&r, d), size(d)}
			at++
			reward, ok := score(d)
			if !ok || math.IsNaN(reward) || math.IsInf(reward, 0) {
				continue
			}
			s := all[key]
			all[key] = sums{s.n + 1, s.reward + reward}
			for i, a := range r.Episode.Artifacts {
				if !counts(a.Digest, string(a.Kind)) || slices.ContainsFunc(r.Episode.Artifacts[:i], func(o artifact) bool { return o.Digest == a.Digest }) {
					continue
				}
				c := candidate{r.Contributor, a.Digest}
				f := files[c]
				if f == nil {
					f = &seen{kind: string(a.Kind), with: map[stratum]sums{}, beside: map[string]int{}}
					files[c] = f
					order = append(order, c)
				}
				s, had := f.with[key]
				if !had {
					f.strata = append(f.strata, key)
				}
				f.with[key] = sums{s.n + 1, s.reward + reward}
				f.n++
				for _, o := range r.Episode.Artifacts {
					if o.Digest != a.Digest && counts(o.Digest, string(o.Kind)) {
						f.beside[o.Digest]++
					}
				}
			}
		}
	}
	var out []Proposal
	for _, c := range order {
		if p, ok := files[c].compare(c, all, people.N); ok {
			for other, n := range files[c].beside {
				o := files[candidate{c.contributor, other}]
				if o != nil && 10*n >= 9*max(files[c].n, o.n) {
					p.Alike = append(p.Alike, other)
				}
			}
			slices.Sort(p.Alike)
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b Proposal) int { return cmp.Or(cmp.Compare(b.sure(), a.sure()), cmp.Compare(a.ID, b.ID)) })
	return out
}

// compare is the regression of the reward on having the file, with a constant for each stratum: strata in which all or none had
// it say nothing. The spread is the jackknife's over developers.
func (f *seen) compare(c candidate, all map[stratum]sums, people int) (p Proposal, ok bool) {
	ratio := ope.NewRatio(people)
	developers := map[int]bool{}
	for _, key := range f.strata {
		with, both := f.with[key], all[key]
		if with.n == both.n {
			continue
		}
		share := with.n / both.n
		ratio.Add(key.developer, with.reward-float64(share*both.reward), float64(with.n*(1-share)))
		developers[key.developer] = true
		p.DecisionsWith += int(with.n)
		p.DecisionsWithout += int(both.n - with.n)
	}
	if len(developers) < minDevelopers {
		return p, false
	}
	if p.Difference, ok = ratio.Interval(); !ok || p.Difference.Lower <= 0 && p.Difference.Upper >= 0 {
		return p, false
	}
	p.Difference.N = p.DecisionsWith + p.DecisionsWithout
	p.Contributor, p.Artifact, p.Kind, p.Without = c.contributor, c.artifact, f.kind, p.Difference.Estimate < 0
	p.ID = proposalID(c, p.Without)
	return p, true
}

// sure is how far the interval stays from 0.
func (p *Proposal) sure() float64 { return max(p.Difference.Lower, -p.Difference.Upper) }

func proposalID(c candidate, without bool) string {
	direction := "with"
	if without {
		direction = "without"
	}
	sum := sha256.Sum256([]byte("headrace proposal\x00" + c.contributor + "\x00" + c.artifact + "\x00" + direction))
	return "prop_" + hex.EncodeToString(sum[:12])
}
