// SPDX-License-Identifier: Apache-2.0

// Package capturetest holds what the tests of every reader need: [Read] one file as a user would, [Check] what holds for
// episodes of any tool, [Fuzz] a reader with hostile bytes. It is for tests only.
package capturetest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// Read reads the file, which s must recognise by itself, and checks what comes of it.
func Read(t testing.TB, s capture.Source, path string) ([]*episode.Episode, capture.Report) {
	t.Helper()
	return read(t, s, "", path)
}

// ReadText is Read of a file with that name and content.
func ReadText(t testing.TB, s capture.Source, name, content string) ([]*episode.Episode, capture.Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(t, s, path)
}

func read(t testing.TB, s capture.Source, tool, path string) (all []*episode.Episode, rep capture.Report) {
	t.Helper()
	rep, err := capture.Read(context.Background(), []capture.Source{s}, tool, path, func(e *episode.Episode) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	Check(t, s, all)
	return all, rep
}

// Check fails the test where an episode breaks what every reader promises: it has an id, a tool and a session's order; it
// can be written and read again; each suggestion is made by a step that is there; each decision is on a suggestion of its
// own, or of an earlier part of the same episode.
func Check(t testing.TB, s capture.Source, all []*episode.Episode) {
	t.Helper()
	suggested := map[string][]string{} // by episode
	for i, e := range all {
		if e.SchemaVersion != episode.SchemaVersion || e.ID == "" || e.Tool.Name == "" {
			t.Fatalf("episode %d has schema version %q, id %q, tool %q", i, e.SchemaVersion, e.ID, e.Tool.Name)
		}
		if !gives(s, e.Tool.Name) {
			t.Fatalf("episode %d is of the tool %q, read by %q", i, e.Tool.Name, s.Name())
		}
		if !e.EndedAt.IsZero() && e.EndedAt.Before(e.StartedAt) {
			t.Fatalf("episode %d ends at %v, before it starts at %v", i, e.EndedAt, e.StartedAt)
		}
		var ids []string // of this part
		for j := range e.Suggestions {
			sg := &e.Suggestions[j]
			if sg.ID == "" || slices.Contains(ids, sg.ID) {
				t.Fatalf("episode %d: the id %q of suggestion %d is empty or taken", i, sg.ID, j)
			}
			if ids = append(ids, sg.ID); sg.Step < -1 || sg.Step >= len(e.Steps) {
				t.Fatalf("episode %d: suggestion %d is of step %d of %d", i, j, sg.Step, len(e.Steps))
			}
		}
		suggested[e.ID] = append(suggested[e.ID], ids...)
		for j := range e.Decisions {
			d := &e.Decisions[j]
			if !slices.Contains(suggested[e.ID], d.Suggestion) || d.Verdict == "" || d.By == "" {
				t.Fatalf("episode %d: decision %d is %s by %q on %q", i, j, d.Verdict, d.By, d.Suggestion)
			}
		}
		line, err := episode.Append(nil, e)
		if err != nil {
			t.Fatalf("episode %d cannot be written: %v", i, err)
		}
		if _, err := episode.Decode(line); err != nil {
			t.Fatalf("episode %d cannot be read again: %v", i, err)
		}
	}
}

// gives reports whether s may give episodes of the tool: its own, but for readers of what carries others'.
func gives(s capture.Source, tool string) bool {
	switch s.Name() {
	case "headrace", "acp":
		return true
	case "copilot-otel":
		return tool == "copilot" // as live telemetry has it
	}
	return tool == s.Name()
}

// Fuzz reads files of any content by s, named as the tool's: it may set them aside, and must break no promise of
// [Check]. The seeds are files below testdata and content.
func Fuzz(f *testing.F, s capture.Source, name string, seeds ...string) {
	files, _ := filepath.Glob("testdata/*" + filepath.Ext(name))
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s.Detect(b, name)
		var all []*episode.Episode
		// An error is an answer too.
		_, _ = capture.ReadFrom(context.Background(), []capture.Source{s}, s.Name(), capture.File{Path: "-", R: strings.NewReader(string(b))},
			func(e *episode.Episode) error { all = append(all, e); return nil })
		Check(t, s, all)
	})
}

// FuzzDatabase reads databases of any bytes by s, as Fuzz does files.
func FuzzDatabase(f *testing.F, s capture.Source, seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "tool.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var all []*episode.Episode
		// An error is an answer too.
		_, _ = capture.Read(context.Background(), []capture.Source{s}, s.Name(), path, func(e *episode.Episode) error { all = append(all, e); return nil })
		Check(t, s, all)
	})
}

// Database makes an SQLite database of a script and returns its path: what is not public, or not text, is kept in
// testdata as SQL.
func Database(t testing.TB, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tool.db")
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()) // a test may be named with a sign that ends a path
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
