// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/capturetest"
)

// Each package's testdata are small histories of its tool, made by us; an .sql file there becomes a database.
func TestTheTableSaysWhatTheReadersYield(t *testing.T) {
	for _, s := range All() {
		t.Run(s.Name(), func(t *testing.T) {
			about := s.About()
			if about.Title == "" || about.Tested != capture.Real && about.Tested != capture.Constructed {
				t.Errorf("about %+v", about)
			}
			var got capture.Yields
			dir := filepath.Join("..", path.Base(reflect.TypeOf(s).PkgPath()), "testdata")
			files := 0
			err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() && d.Name() == "fuzz" {
					return fs.SkipDir
				}
				if d.IsDir() {
					return nil
				}
				if filepath.Ext(file) == ".sql" {
					script, err := os.ReadFile(file)
					if err != nil {
						return err
					}
					file = capturetest.Database(t, string(script))
				}
				all, _ := capturetest.Read(t, s, file)
				for _, e := range all {
					got = got.Or(capture.YieldsOf(e))
				}
				files++
				return nil
			})
			if err != nil || files == 0 {
				t.Fatalf("%d histories in %s: %v", files, dir, err)
			}
			if s.Name() == "entire" {
				got.Outcome = true // the commit, which only a repository tells: TestReadOfARepositoryReadsItsNotesAndCheckpoints
			}
			if got != about.Yields {
				t.Errorf("its histories yield %+v, and it says %+v", got, about.Yields)
			}
		})
	}
}

func TestTheDocumentedTableIsTheOneOfThePackages(t *testing.T) {
	b, err := os.ReadFile("../../../docs/tools.md")
	if err != nil || string(b) != Table() {
		t.Errorf("docs/tools.md is not what the packages say (%v): go run ./cmd/headrace read --tools > docs/tools.md", err)
	}
}

func TestNoToolTakesAnothersHistory(t *testing.T) {
	all := All()
	for _, s := range all {
		dir := filepath.Join("..", path.Base(reflect.TypeOf(s).PkgPath()), "testdata")
		files, _ := capture.Walk(dir)
		for _, f := range files {
			if strings.Contains(f.Path, "fuzz") {
				continue
			}
			b, err := os.ReadFile(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(all, func(o capture.Source) bool { return o.Detect(b[:min(len(b), 256<<10)], f.Path) })
			if i < 0 || all[i].Name() != s.Name() {
				t.Errorf("%s is not recognised as %s's", f.Path, s.Name())
			}
		}
	}
}
