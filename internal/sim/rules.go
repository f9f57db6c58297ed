// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"math"

	"github.com/headrace/headrace/episode"
)

// Rules plants instruction files among the episodes: each stands among the artifacts of the episodes that it was in force
// in, and changes nothing but whether what was taken lasts (kept, merged, not reverted).
//
// Who has which file by nature is confounded on purpose: the good one is in force more often where code lasts less (the
// hard languages), the bad one where it lasts more, and some developers' code lasts longer than others'. So a plain
// comparison misleads; one within developers and languages, or a trial, does not.
type Rules struct {
	// Helps and Hurts are how much one file raises, and another lowers, the chance that code lasts, in logits; both are
	// positive. About 0.6 turns 70 % kept into 81 %, which is about what there is.
	Helps, Hurts float64
	// Idle is how many files without any effect there are besides, at most 6.
	Idle int
	// InForce says whether a file is in force somewhere, instead of by nature: that is a trial. It must answer the same
	// each time, and is called from whichever goroutine reads episodes.
	InForce func(Place, *RuleFile) bool
}

// Place is where and when a file may be in force. Developer is the address that episodes bear before they leave.
type Place struct {
	Contributor, Developer, Repository string
	Day                                int // of the period, from 0
}

// RuleFile is a planted instruction file, with the truth about it.
type RuleFile struct {
	Name, Text string
	Effect     float64 // on the logit of lasting
}

// Artifact is the file as episodes have it.
func (f *RuleFile) Artifact() episode.Artifact {
	return episode.Artifact{Digest: episode.Digest([]byte(f.Text)), Kind: episode.ArtifactRules, Name: f.Name, MediaType: "text/markdown", Text: f.Text}
}

const (
	maxIdle = 6
	// With files planted, code lasts less to begin with, one developer's longer than another's, and in an easy language
	// longer than in a hard one.
	lastsBase, lastsByPerson, lastsByLanguage = -0.8, 0.6, 0.7
)

// ruleFiles are the planted files: the one that helps, the one that hurts, and the idle ones.
func ruleFiles(r *Rules) []RuleFile {
	files := []RuleFile{
		{Name: "AGENTS.md", Text: "# Before you write\n\nRead the tests of what you change. Change as little as does it, and add a test that fails without it.\n", Effect: r.Helps},
		{Name: "CLAUDE.md", Text: "# How we work\n\nRewrite whole files in the newest style wherever you touch them. Leave tests for later.\n", Effect: -r.Hurts},
	}
	for i := range r.Idle {
		files = append(files, RuleFile{Name: fmt.Sprintf(".cursor/rules/style-%d.mdc", i+1), Text: fmt.Sprintf("# Style, part %d\n\nLines have at most %d characters.\n", i+1, 100+4*i)})
	}
	return files
}

// rules is what a world with planted files keeps.
type rules struct {
	Rules
	files     []RuleFile
	artifacts []episode.Artifact
}

func newRules(r *Rules) (*rules, error) {
	if r == nil {
		return nil, nil
	}
	if !(r.Helps >= 0 && r.Hurts >= 0 && r.Helps+r.Hurts < 20) || r.Idle < 0 || r.Idle > maxIdle {
		return nil, &episode.Problem{Code: "sim/rules", Message: fmt.Sprintf("cannot plant files that help by %v, hurt by %v, and %d idle ones", r.Helps, r.Hurts, r.Idle),
			Hint: fmt.Sprintf("effects are positive logits such as 0.6, and there are at most %d idle files", maxIdle)}
	}
	out := &rules{Rules: *r, files: ruleFiles(r)}
	for i := range out.files {
		out.artifacts = append(out.artifacts, out.files[i].Artifact())
	}
	return out, nil
}

// RuleFiles are the planted instruction files: first the one that helps, then the one that hurts, then the idle ones.
func (w *World) RuleFiles() []RuleFile {
	if w.rules == nil {
		return nil
	}
	return w.rules.files
}

// inForce is the set of files in force at an event, a bit for each.
func (w *World) inForce(c int, d *developer, ev *event, day int) (set uint16) {
	r := w.rules
	place := Place{Contributor: w.enterprises[c].name, Developer: d.email, Repository: w.enterprises[c].name + "/" + repositories[ev.draw.language], Day: day}
	for i := range r.files {
		in := false
		if r.InForce != nil {
			in = r.InForce(place, &r.files[i])
		} else {
			in = w.byNature(d, int(ev.draw.language), i, day)
		}
		if in {
			set |= 1 << i
		}
	}
	return set
}

// byNature draws since when a developer has a file in a repository: some from the start, some from a day on, some never.
func (w *World) byNature(d *developer, language, file, day int) bool {
	share := 0.5 // who ever has it
	switch hard := easy[language] < 0; {
	case file == 0 && hard, file == 1 && !hard:
		share = 0.85
	case file < 2:
		share = 0.25
	}
	h := mix(uint64(w.cfg.Seed) ^ mix(d.key^mix(uint64(language)<<8|uint64(file)+1)))
	who, since := float64(h>>40)/(1<<24), float64(h&0xffffff)/(1<<24)
	return who < share && float64(day+w.cfg.Period*days) >= (1.5*since-0.5)*days
}

// lasts is the chance that what was taken lasts, where p is that without files, developers and languages.
func (r *rules) lasts(p float64, d *developer, ev *event) float64 {
	eta := math.Log(p/(1-p)) + lastsBase + lastsByPerson*d.intercept/interceptSD + lastsByLanguage*easy[ev.draw.language]
	for i := range r.files {
		if ev.files>>i&1 != 0 {
			eta += r.files[i].Effect
		}
	}
	return logistic(eta)
}

// mix is the finaliser of SplitMix64: a bijection whose every output bit hangs on every input bit.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
