// SPDX-License-Identifier: Apache-2.0

// Package gitlog tells from git what became of suggestions: which of their lines were committed, came into the default
// branch, stayed there, were reverted, or were part of what a fix had to repair.
//
// [Scan] reads commits with the git program. A [Printer] turns their text, and that of suggestions, into fingerprints
// under the edge's join key: numbers for words, in order, from which no text can be read back. [Follow] works on
// fingerprints alone. It is a pure function of the commits and the suggestions, so that what was found out can be found out
// again, and a clone, a mirror and a developer's machine may each tell of some of the commits. [NewReports] joins with them,
// in the same way, what code forges and test runs say of commits.
//
// A line is followed as the words it is made of. White space, line breaks, quotes, commas and parentheses are no words, so
// a formatter changes nothing. Runs of words are matched by tiling (Wise 1993, "String similarity via greedy string
// tiling and running Karp-Rabin matching"), which finds them again after a rebase, a squash, a rename or a move.
package gitlog

import "time"

// Commit is a commit as git tells it: what it changed against its first parent.
type Commit struct {
	ID      string    `json:"id"`
	Parents []string  `json:"parents,omitempty"`
	Written time.Time `json:"written"`   // the author's date, which a rebase keeps
	Made    time.Time `json:"committed"` // the committer's
	Message string    `json:"message,omitempty"`
	// Sessions are ids of coding tools' sessions that the commit itself names: by an Entire checkpoint, by a git-ai note.
	Sessions []string `json:"sessions,omitempty"`
	Files    []File   `json:"files,omitempty"`
}

// File is what a commit did to a file. Old is empty for a new file, New for a deleted one.
type File struct {
	Old   string `json:"old,omitempty"`
	New   string `json:"new,omitempty"`
	Hunks []Hunk `json:"hunks,omitempty"`
}

// Hunk replaces Removed lines from line Old on (numbered from 1, as before the commit) by the lines Added, the first of
// which is line New after it. Where it removes none, Old is the line after which they are added.
type Hunk struct {
	Old     int      `json:"o"`
	Removed int      `json:"r,omitempty"`
	New     int      `json:"n"`
	Added   []string `json:"a,omitempty"`
}
