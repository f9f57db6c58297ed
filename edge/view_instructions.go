// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"path/filepath"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/patch"
	"github.com/headrace/headrace/internal/sqlstore"
)

// Instruction is a release of instructions as a person sees it.
type Instruction struct {
	ID    string  `json:"id"`
	Hub   string  `json:"hub"`
	State string  `json:"state"` // offered, declined, trying, passed, kept, dropped, stopped
	Title string  `json:"title"`
	Why   string  `json:"why"`
	Share float64 `json:"share,omitzero"` // of developers who get it while it is tried
	// By is who decided last, Note why.
	By        string    `json:"by,omitzero"`
	Note      string    `json:"note,omitzero"`
	OfferedAt time.Time `json:"offered_at"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`
	KeptAt    time.Time `json:"kept_at,omitzero"`
	// Told is what its hub says of it: why it proposes it, where the trial stands, and the signed report that judged it.
	Told instruct.Told `json:"told,omitzero"`

	// What follows is there where one is looked at.

	// Words is the diff of what a model is told at the start of a session, against what all developers have now; empty where it
	// can be made in files only.
	Words string `json:"words,omitzero"`
	// Files are the diffs of files, by repository that the edge follows.
	Files []InstructionFile `json:"files,omitempty"`
	// Seen is the digest of what was looked at: whoever says yes gives it back.
	Seen string `json:"seen,omitzero"`
	// Problem says why it cannot be tried.
	Problem string `json:"problem,omitzero"`
}

// InstructionFile is what a release changes in a repository.
type InstructionFile struct {
	Repository string `json:"repository"`
	Diff       string `json:"diff,omitzero"`
	Problem    string `json:"problem,omitzero"` // why there is no diff
}

// Instructions are all releases of instructions, the newest first.
func (e *Edge) Instructions(ctx context.Context) ([]Instruction, error) {
	rows, err := e.db.Instructions(ctx)
	var all []Instruction
	for _, r := range rows {
		all = append(all, e.shown(r))
	}
	return all, err
}

// shown is a release without what it changes.
func (e *Edge) shown(r sqlstore.InstructionsRow) Instruction {
	i := Instruction{ID: r.ID, Hub: r.Hub, State: r.State, Share: r.Share, By: r.By, Note: r.Note, OfferedAt: r.OfferedAt, From: r.From, Until: r.Until, KeptAt: r.KeptAt}
	c, err := e.openContent(r)
	if err != nil {
		i.Problem = err.Error()
		return i
	}
	i.Title, i.Why, i.Told = c.Payload.Title, c.Payload.Why, c.Told
	return i
}

// Instruction is one release of instructions, with what it changes against what is there now.
func (e *Edge) Instruction(ctx context.Context, id string) (Instruction, error) {
	r, err := e.instructionsRow(ctx, id)
	if err != nil {
		return Instruction{}, err
	}
	i := e.shown(r)
	c, err := e.resolved(ctx, r)
	if err != nil {
		i.Problem = err.Error()
		if hint := episode.HintOf(err); hint != "" {
			i.Problem += ": " + hint
		}
		return i, ctx.Err()
	}
	i.Seen = seenOf(c.Resolved)
	if now := e.Words(""); c.Resolved.Words != "" {
		after := now + c.Resolved.Words
		if r.State == sqlstore.InstructionsKept { // it is in there already
			now, after = "", c.Resolved.Words
		} else if now != "" {
			after = now + "\n" + c.Resolved.Words
		}
		i.Words = patch.Unified("words to the model", "words to the model", []byte(now), []byte(after))
	}
	for _, repo := range e.cfg.Repositories {
		f := InstructionFile{Repository: cmp.Or(gitlog.Name(repo), filepath.Base(repo))}
		if f.Diff, err = e.patchOf(ctx, c.Resolved, repo); err != nil {
			f.Problem = err.Error()
		}
		if f.Diff != "" || f.Problem != "" {
			i.Files = append(i.Files, f)
		}
	}
	return i, ctx.Err()
}
