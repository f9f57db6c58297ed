// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/entire"
	"github.com/headrace/headrace/internal/capture/gitlog"
)

// readings is what came of the files that were read.
type readings struct {
	reports  []capture.Report
	problems []error
	sum      capture.Counts
	read     int // files that are a tool's history
	passed   int // files that are none
}

// add notes what came of a file. It returns an error that is none of the file's: what was read could not be written, or
// reading was stopped.
func (r *readings) add(rep capture.Report, named bool, err error) error {
	p, isProblem := errors.AsType[*episode.Problem](err)
	switch {
	case err != nil && !isProblem:
		return err
	case isProblem && p.Code == "capture/not-a-history" && !named:
		if r.passed++; filepath.Ext(rep.Path) != ".jsonl" {
			return nil // any folder holds other files; one named as JSON Lines is in the report all the same
		}
	case isProblem:
		r.problems = append(r.problems, p)
	}
	r.reports = append(r.reports, rep)
	if rep.Tool != capture.Unknown {
		r.read++
		r.sum.Lines += rep.Lines
		r.sum.Unparsable += rep.Unparsable
		r.sum.Episodes += rep.Episodes
	}
	return nil
}

// repository reads what tools keep in the git repository that dir is, where it is one: notes of git-ai, checkpoints of Entire.
func (r *readings) repository(ctx context.Context, dir string, sources []capture.Source, emit func(*episode.Episode) error) error {
	if !isRepository(dir) {
		return nil
	}
	repo, err := gitlog.Open(ctx, dir)
	if err != nil {
		r.problems = append(r.problems, err)
		return ctx.Err()
	}
	var stop error
	err = repo.Kept(ctx, func(k *gitlog.Kept, content io.Reader) error {
		rep, err := capture.ReadFrom(ctx, sources, "", capture.File{Path: dir + ":" + k.Name, R: content}, func(ep *episode.Episode) error {
			if ep.Tool.Name == entire.Name && ep.Links == nil && k.Commit != "" {
				ep.Links = &episode.Links{Commit: k.Commit}
			}
			return emit(ep)
		})
		stop = r.add(rep, false, err)
		return stop
	})
	if err != nil && stop == nil && ctx.Err() == nil {
		r.problems = append(r.problems, &episode.Problem{Code: "capture/unreadable", Message: "cannot read all that tools keep in " + dir, Err: err,
			Hint: "see that git fsck finds nothing wrong there; what was read before it is kept"})
		return nil
	}
	return err
}

// isRepository reports whether dir is the root of a clone or a bare repository.
func isRepository(dir string) bool {
	is := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	return is(".git") || is("HEAD") && is("objects") && is("refs")
}
