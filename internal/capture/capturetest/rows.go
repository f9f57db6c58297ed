// SPDX-License-Identifier: Apache-2.0

package capturetest

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lite"
)

// Row is a suggestion and what was decided on it, as tables of tests have them; no verdict where nothing was.
type Row struct {
	ID            string
	Kind          episode.SuggestionKind
	Path          string
	Before, After string
	Verdict       episode.Verdict
	By            episode.By
	Reason, Final string
	DwellMS       int64
}

func row(s *episode.Suggestion, d episode.Decision) Row {
	return Row{s.ID, s.Kind, s.Path, s.Before, s.After, d.Verdict, d.By, d.Reason, d.Final, s.DwellMS}
}

// Suggested lists all suggestions of the episodes, each with the last decision on it.
func Suggested(all []*episode.Episode) (rows []Row) {
	for _, e := range all {
		for i := range e.Suggestions {
			var last episode.Decision
			for _, d := range e.Decisions {
				if d.Suggestion == e.Suggestions[i].ID {
					last = d
				}
			}
			rows = append(rows, row(&e.Suggestions[i], last))
		}
	}
	return rows
}

// Decided lists all decisions of the episodes, each with the suggestion that it is on.
func Decided(all []*episode.Episode) (rows []Row) {
	for _, e := range all {
		for _, d := range e.Decisions {
			for i := range e.Suggestions {
				if e.Suggestions[i].ID == d.Suggestion {
					rows = append(rows, row(&e.Suggestions[i], d))
				}
			}
		}
	}
	return rows
}

// Same fails the test where the rows are not those that the test wants. A wanted row without an id or a dwell time says
// nothing of it.
func Same(t testing.TB, want, got []Row) {
	t.Helper()
	compared := append([]Row(nil), got...)
	for i := range min(len(want), len(got)) {
		if want[i].ID == "" {
			compared[i].ID = ""
		}
		if want[i].DwellMS == 0 {
			compared[i].DwellMS = 0
		}
	}
	if d := cmp.Diff(want, compared); d != "" {
		t.Error(d)
	}
}

// TakesOnly fails the test unless s recognises n files below root as its own, and each by its path from there begins with
// one of these: of a folder of many tools' files, its own alone.
func TakesOnly(t testing.TB, s capture.Source, root string, n int, own ...string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if !s.Detect(head(t, path), path) {
			return nil
		}
		n--
		if !slices.ContainsFunc(own, func(p string) bool { return strings.HasPrefix(filepath.ToSlash(rel), p) }) {
			t.Errorf("%s is taken", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n != 0 {
		t.Errorf("%d files of its own are not recognised (below 0: too many are)", n)
	}
}

// head is what Detect gets to see of a file.
func head(t testing.TB, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, _, err := capture.Peek(f)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte(capture.SQLiteHead)) {
		return b
	}
	db, tables, err := lite.Open(context.Background(), path)
	if err != nil {
		return b // not one that can be read
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return []byte(capture.SQLiteHead + "\n" + tables)
}

// ReadAs reads content by s, whether s recognises it or not, as a file that is named so.
func ReadAs(t testing.TB, s capture.Source, path string, content []byte) (all []*episode.Episode, rep capture.Report) {
	t.Helper()
	rep, err := capture.ReadFrom(context.Background(), []capture.Source{s}, s.Name(), capture.File{Path: path, R: bytes.NewReader(content)},
		func(e *episode.Episode) error { all = append(all, e); return nil })
	if err != nil {
		t.Fatal(err)
	}
	Check(t, s, all)
	return all, rep
}

// File is a file's content.
func File(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
