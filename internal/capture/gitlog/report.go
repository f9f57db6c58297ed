// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"strconv"
	"time"
)

// ReportKind is what a report is about.
type ReportKind string

// The kinds of report.
const (
	ReportRequest ReportKind = "request" // a pull request is there, or has new commits
	ReportMerge   ReportKind = "merge"   // it was merged
	ReportReview  ReportKind = "review"  // somebody gave a verdict on it, or took one back
	ReportComment ReportKind = "comment" // somebody wrote something beside lines of a file
	ReportCheck   ReportKind = "check"   // a check of a commit has ended
	ReportPush    ReportKind = "push"    // the default branch has new commits
	ReportTests   ReportKind = "tests"   // tests were run on a commit, and counted
)

// Said is the verdict of a report.
type Said string

// What a review or a check may say.
const (
	Approved  Said = "approved"
	Objected  Said = "objected"  // changes are requested
	Withdrawn Said = "withdrawn" // what the reviewer said before does not stand any more
	Passed    Said = "passed"
	Failed    Said = "failed"
)

// Report is what a code forge or a test run says of commits. It holds kinds, numbers and the names by which these are told
// apart, and no text: what a reviewer wrote is the best of reasons, but it is raw text of a person who may take no part in
// this, quotes code, and would have to go after some days, while a report is of use for two months.
type Report struct {
	Kind ReportKind `json:"kind"`
	// Repositories are the names (see [Name]) by which the commits may be known here: those of the repository, first that by
	// which its requests are numbered, and those of the fork that a request comes from.
	Repositories []string `json:"repositories"`
	Request      int64    `json:"request,omitempty"` // the number of the pull request, 0 for none
	// Commit is the newest commit that it is about, and Base the newest of those before that it is not about, empty where that is
	// not said. The commits between them are found in git: forges list only some of them.
	Commit string `json:"commit,omitempty"`
	Base   string `json:"base,omitempty"`
	// Merge is the commit with which a request came into its branch: a merge, a squash, the last of those that were rebased.
	Merge string `json:"merge,omitempty"`
	Main  bool   `json:"main,omitempty"` // that branch is the default branch
	Said  Said   `json:"said,omitempty"`

	By  string `json:"by,omitempty"`  // who, to tell reviewers apart
	Bot bool   `json:"bot,omitempty"` // it was a program
	Own bool   `json:"own,omitempty"` // it was who made the request

	Path string `json:"path,omitempty"` // of the file that a comment is on, and its lines in Commit
	From int    `json:"from,omitempty"`
	To   int    `json:"to,omitempty"`

	Check string `json:"check,omitempty"` // its name: a later one of the same name takes its place
	Group string `json:"group,omitempty"` // the run that it is a part of
	Whole bool   `json:"whole,omitempty"` // it sums up that run
	Test  bool   `json:"test,omitempty"`  // it runs tests

	Suites []Suite `json:"suites,omitempty"`
	Run    string  `json:"run,omitempty"` // a digest of what the suites were read from
	// At is when, zero where that is not said.
	At time.Time `json:"at,omitzero"`
}

// Suite is how a suite of tests went. Tests is all of them; Failed are those with a failure or an error.
type Suite struct {
	Name    string `json:"name,omitempty"`
	Tests   int    `json:"tests"`
	Failed  int    `json:"failed,omitempty"`
	Skipped int    `json:"skipped,omitempty"`
}

// Notice is a report in fingerprints.
type Notice struct {
	Kind                ReportKind
	Request             uint64 // 0 for none
	Commit, Base, Merge string
	Main                bool
	Said                Said
	By                  uint64
	Bot, Own            bool
	File                uint64
	From, To            int
	Check, Group        uint64
	Whole, Test         bool
	Suites              []Tally
	At                  int64 // seconds since 1970
}

// Tally is a Suite in fingerprints.
type Tally struct {
	Name                   uint64
	Tests, Failed, Skipped int
}

// Notice is a report in fingerprints.
func (p *Printer) Notice(r *Report) Notice {
	n := Notice{Kind: r.Kind, Commit: r.Commit, Base: r.Base, Merge: r.Merge, Main: r.Main, Said: r.Said, By: p.label("person", r.By), Bot: r.Bot, Own: r.Own,
		File: p.name(r.Path), From: r.From, To: r.To, Check: p.label("check", r.Check), Group: p.label("group", r.Group), Whole: r.Whole, Test: r.Test}
	if r.Request != 0 && len(r.Repositories) > 0 {
		n.Request = p.label("request", r.Repositories[0]+"\x00"+strconv.FormatInt(r.Request, 10))
	}
	for _, s := range r.Suites {
		n.Suites = append(n.Suites, Tally{p.label("suite", s.Name), s.Tests, s.Failed, s.Skipped})
	}
	if !r.At.IsZero() {
		n.At = r.At.Unix()
	}
	return n
}

// label is the fingerprint of a name of some kind.
func (p *Printer) label(kind, s string) uint64 {
	if s == "" {
		return 0
	}
	return max(1, p.hash([]byte(kind+"\x00"+s)))
}
