// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
)

const credFolds = 5

// measureCredData scans whole real files, and counts of which true values anything, and everything, was replaced. Each peer
// scans the same files.
func measureCredData(ctx context.Context, b *bench) ([]row, error) {
	all, lost, err := b.credFiles()
	if err != nil {
		return nil, err
	}
	var files []credFile
	for _, f := range all {
		if slices.ContainsFunc(f.labels, func(l credLabel) bool { return l.gt == "T" }) {
			files = append(files, f)
		}
	}
	if b.quick {
		files = some(files, 60)
	}
	docs := documents(files)
	ours, err := b.scrubbed(ctx, docs)
	if err != nil {
		return nil, err
	}
	mine := recallOf(files, ours)
	note := fmt.Sprintf("%d files with %d true values in them, %.1f MB; touched: any byte of the value is replaced", len(files), int(mine.touched.n), megabytes(docs))
	if lost > 0 {
		note += fmt.Sprintf("; %d labels are not where they say, left out", lost)
	}
	n := int(mine.touched.n)
	base := row{ID: "creddata", Ours: figure(mine.touched.value()), Unit: "recall", N: n, Note: note}
	whole := row{ID: "creddata/whole", Ours: figure(mine.whole.value()), Unit: "recall", N: n, Note: "every byte of the value is replaced"}
	uuid := row{ID: "creddata/without-uuid", Ours: figure(mine.noUUID.value()), Unit: "recall", N: int(mine.noUUID.n)}
	found, err := b.peerScan(ctx, gitleaks, docs)
	rows := []row{beside(base, gitleaks, func(s *scanned) float64 { return recallOf(files, s).touched.value() }, found, err),
		beside(whole, gitleaks, func(s *scanned) float64 { return recallOf(files, s).whole.value() }, found, err),
		beside(uuid, gitleaks, func(s *scanned) float64 { return recallOf(files, s).noUUID.value() }, found, err)}
	worst, sum := 1.0, 0.0
	for k := range credFolds {
		s := mine.folds[k]
		worst, sum = min(worst, s.value()), sum+s.value()
		rows = append(rows, row{ID: fmt.Sprintf("creddata/fold-%d", k+1), Ours: figure(s.value()), Unit: "recall", N: int(s.n), Note: "the repositories of this fold; nothing here was trained on the others"})
	}
	rows = append(rows, row{ID: "creddata/fold-worst", Ours: figure(worst), Unit: "recall", N: credFolds},
		row{ID: "creddata/fold-mean", Ours: figure(sum / credFolds), Unit: "recall", N: credFolds})
	for _, peer := range []string{credSweeper, detectSecrets} {
		r := base
		r.ID = "creddata/" + peer
		found, err := b.peerScan(ctx, peer, docs)
		if err == nil {
			r.Note = fmt.Sprintf("the same files; whole %.3f beside the peer's %.3f; the peer took %.0f s of processor time", mine.whole.value(), recallOf(files, found).whole.value(), found.cpu)
		}
		rows = append(rows, beside(r, peer, func(s *scanned) float64 { return recallOf(files, s).touched.value() }, found, err))
	}
	// The redaction processor takes about 30 seconds for a megabyte: it gets a part.
	part := some(files, 40)
	if b.quick {
		part = some(files, 3)
	}
	docs = documents(part)
	if ours, err = b.scrubbed(ctx, docs); err != nil {
		return rows, err
	}
	mine = recallOf(part, ours)
	r := row{ID: "creddata/otel-redaction", Ours: figure(mine.touched.value()), Unit: "recall", N: int(mine.touched.n)}
	found, err = b.peerScan(ctx, redaction, docs)
	if err == nil {
		r.Note = fmt.Sprintf("%d of the files, %.2f MB, each the body of a log record; the peer took %.0f s of processor time", len(part), megabytes(docs), found.cpu)
	}
	return append(rows, beside(r, redaction, func(s *scanned) float64 { return recallOf(part, s).touched.value() }, found, err)), nil
}

// some are at most n of files, evenly spread.
func some[T any](files []T, n int) []T {
	if len(files) <= n {
		return files
	}
	var part []T
	for i := range n {
		part = append(part, files[i*len(files)/n])
	}
	return part
}

func documents(files []credFile) []document {
	docs := make([]document, len(files))
	for i, f := range files {
		docs[i] = f.document
	}
	return docs
}

func megabytes(docs []document) float64 {
	n := 0
	for _, d := range docs {
		n += len(d.Text)
	}
	return float64(n) / 1e6
}

// recall counts the true values of which something, and all, is replaced.
type recall struct {
	touched, whole, noUUID share
	folds                  [credFolds]share
}

func recallOf(files []credFile, s *scanned) (r recall) {
	for i, f := range files {
		found := s.union(i)
		h := fnv.New32a()
		h.Write([]byte(f.repo))
		for _, l := range f.labels {
			if l.gt != "T" {
				continue
			}
			touched := s.dropped[i] || found.touched(l.span)
			r.touched.count(touched)
			r.folds[h.Sum32()%credFolds].count(touched)
			r.whole.count(s.dropped[i] || found.whole(l.span))
			if l.kind != "UUID" {
				r.noUUID.count(touched)
			}
		}
	}
	return r
}

// measureKept says what is replaced though nothing is to hide: bytes of real files in profile strict; and in profile
// balanced lines that look like secrets and are none, with the true values that are still found.
func measureKept(ctx context.Context, b *bench) ([]row, error) {
	files, _, err := b.credFiles()
	if err != nil {
		return nil, err
	}
	if b.quick {
		files = some(files, 200)
	}
	docs := documents(files)
	strict, err := b.scrubbed(ctx, docs)
	if err != nil {
		return nil, err
	}
	keeps := func(s *scanned) float64 {
		var outside, replaced float64
		for i, f := range files {
			var labels []finding
			for _, l := range f.labels {
				if l.gt == "T" {
					labels = append(labels, finding{Start: l.span[0], End: l.span[1]})
				}
			}
			secret, found := join(labels), s.union(i)
			outside += float64(len(f.Text) - secret.size())
			if s.dropped[i] {
				replaced += float64(len(f.Text) - secret.size())
				continue
			}
			replaced += float64(found.size())
			for _, at := range secret {
				replaced -= float64(found.within(at))
			}
		}
		return 1 - replaced/outside
	}
	found, err := b.peerScan(ctx, gitleaks, docs)
	rows := []row{beside(row{ID: "kept", Ours: figure(keeps(strict)), Unit: "of bytes outside labels", N: len(files),
		Note: fmt.Sprintf("profile strict, %d files, %.1f MB", len(files), megabytes(docs))}, gitleaks, keeps, found, err)}
	balanced, err := b.scrubbed(ctx, docs, "--profile", "balanced")
	if err != nil {
		return rows, err
	}
	mine, look := recallOf(files, balanced), lookAlikes(files, balanced)
	alike := row{ID: "kept/balanced-lookalikes", Ours: figure(look.value()), Unit: "touched", N: int(look.n), Note: "lines and values labelled as false or placeholder; what is found of a true value in the same line does not count"}
	rec := row{ID: "kept/balanced-recall", Ours: figure(mine.touched.value()), Unit: "recall", N: int(mine.touched.n), Note: fmt.Sprintf("whole %.3f", mine.whole.value())}
	if found == nil {
		found = newScanned(0)
	}
	rows = append(rows, beside(alike, gitleaks, func(s *scanned) float64 { l := lookAlikes(files, s); return l.value() }, found, err),
		beside(rec, gitleaks, func(s *scanned) float64 { return recallOf(files, s).touched.value() }, found, err))
	hard, err := b.samples("hard-negatives")
	if err != nil {
		return rows, err
	}
	if b.quick {
		hard = some(hard, 500)
	}
	texts := textsOf(hard)
	touched := func(s *scanned) float64 {
		var all share
		for i := range texts {
			all.count(s.dropped[i] || len(s.found[i]) > 0)
		}
		return all.value()
	}
	if balanced, err = b.scrubbed(ctx, texts, "--profile", "balanced"); err != nil {
		return rows, err
	}
	r := row{ID: "kept/balanced-hard-negatives", Ours: figure(touched(balanced)), Unit: "touched", N: len(texts)}
	found, err = b.peerScan(ctx, gitleaks, texts)
	return append(rows, beside(r, gitleaks, touched, found, err)), nil
}

// lookAlikes counts the labels of what only looks like a secret that something was replaced in.
func lookAlikes(files []credFile, s *scanned) (all share) {
	for i, f := range files {
		var others []finding // what was found of no true value
		for _, x := range s.found[i] {
			if !slices.ContainsFunc(f.labels, func(l credLabel) bool { return l.gt == "T" && x.Start < l.span[1] && x.End > l.span[0] }) {
				others = append(others, x)
			}
		}
		found := join(others)
		for _, l := range f.labels {
			if l.gt != "T" {
				all.count(s.dropped[i] || found.touched(l.span))
			}
		}
	}
	return all
}

// textsOf are samples as documents.
func textsOf(all []sample) []document {
	docs := make([]document, len(all))
	for i := range all {
		docs[i] = document{Text: all[i].Text}
	}
	return docs
}
