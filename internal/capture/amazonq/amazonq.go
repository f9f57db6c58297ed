// SPDX-License-Identifier: Apache-2.0

// Package amazonq reads what Amazon Q Developer leaves: the prompt log and the report of activity that it writes to an
// enterprise's bucket in S3, and the conversations that its command line keeps.
//
// [PromptLog] makes an episode of each chat message and of each inline completion that the service logged. The log says
// nothing of what was decided: of completions it holds accepted and rejected ones alike, without a mark. [Activity] reads
// the report's totals by user and day, for comparison only: they make no episodes. Kiro writes the same two files;
// package kiro claims those that lie below KiroLogs. The command line's conversations are package qcli's.
package amazonq

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/qcli"
)

// Name is the tool's name in episodes.
const Name = qcli.AmazonQ

// Source reads Amazon Q Developer's logs and conversations; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source. What is in S3 lies wherever it was copied to.
func (Source) About() capture.About {
	return capture.About{Title: "Amazon Q Developer", Tested: capture.Constructed,
		Places: []capture.Place{"{config}/amazon-q/data.sqlite3", "~/.local/share/amazon-q/data.sqlite3"},
		Yields: capture.Yields{Decision: true, Prompt: true, Code: true, Artifacts: true},
		Note:   "prompt logs from S3 hold no decision: name the folder; activity reports hold totals only and give no episodes"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, path string) bool {
	switch {
	case bytes.HasPrefix(head, []byte(capture.SQLiteHead)):
		return qcli.Owner(string(head), path) == Name
	case IsPromptLog(head), IsActivity(head):
		return !OfKiro(path)
	}
	return qcli.IsDocument(lax.Keys(head))
}

// OfKiro reports whether a log lies where Kiro's are put in the bucket.
func OfKiro(path string) bool {
	return strings.Contains(filepath.ToSlash(path), "/KiroLogs/")
}

// Read implements capture.Source.
func (Source) Read(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	if f.DB != nil {
		return qcli.Database(ctx, f.DB, Name, emit)
	}
	head, r, err := capture.Peek(f.R)
	if err != nil {
		return capture.Counts{}, err
	}
	switch {
	case IsActivity(head):
		return CountActivity(ctx, r)
	case qcli.IsDocument(lax.Keys(head)):
		return qcli.Document(r, Name, emit)
	}
	return PromptLog(r, Name, emit)
}
