// SPDX-License-Identifier: Apache-2.0

// Package tools lists the coding tools whose histories Headrace reads, and finds those of this machine.
//
// To add a tool, write a package beside this one that implements capture.Source, add a line to [All], and a line to
// [Find] for where the tool keeps its files. Nothing registers itself.
package tools

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/aider"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/codex"
	"github.com/headrace/headrace/internal/capture/continuedev"
	"github.com/headrace/headrace/internal/capture/native"
)

// All returns every source, in the order in which they are asked whether a file is theirs.
func All() []capture.Source {
	return []capture.Source{
		native.Source{},
		claudecode.Source{},
		codex.Source{},
		continuedev.Source{},
		aider.Source{},
	}
}

// Named returns the source with that name alone, or nil.
func Named(name string) []capture.Source {
	for _, s := range All() {
		if s.Name() == name {
			return []capture.Source{s}
		}
	}
	return nil
}

// Found is the histories of one tool on this machine.
type Found struct {
	Tool  string
	Files []string
	Bytes int64
}

// Find looks where each tool keeps its histories below home, and returns those that have any. It looks at names and
// sizes only and reads nothing. The variables that move a tool's folder are asked through getenv.
func Find(ctx context.Context, home string, getenv func(string) string) (found []Found, problems []error) {
	at := func(variable, fallback string) string {
		if dir := getenv(variable); dir != "" {
			return dir
		}
		return filepath.Join(home, fallback)
	}
	claude, cdx, cont := at("CLAUDE_CONFIG_DIR", ".claude"), at("CODEX_HOME", ".codex"), filepath.Join(home, ".continue")
	for _, place := range []struct {
		tool string
		dirs []string
	}{
		{claudecode.Name, []string{filepath.Join(claude, "projects")}},
		{codex.Name, []string{filepath.Join(cdx, "sessions"), filepath.Join(cdx, "archived_sessions")}},
		{continuedev.Name, []string{filepath.Join(cont, "dev_data"), filepath.Join(cont, "sessions")}},
	} {
		there := slices.DeleteFunc(place.dirs, func(dir string) bool { _, err := os.Stat(dir); return os.IsNotExist(err) })
		files, bad := capture.Walk(there...)
		problems = append(problems, bad...)
		var paths []string
		for _, f := range files {
			if !strings.HasSuffix(f.Path, ".md") {
				paths = append(paths, f.Path)
			}
		}
		found = add(found, place.tool, paths)
	}
	return add(found, aider.Name, aiderHistories(ctx, home)), problems
}

func add(found []Found, tool string, files []string) []Found {
	f := Found{Tool: tool, Files: files}
	for _, path := range files {
		if info, err := os.Stat(path); err == nil {
			f.Bytes += info.Size()
		}
	}
	if len(files) == 0 {
		return found
	}
	return append(found, f)
}

const (
	aiderHistory = ".aider.chat.history.md"
	maxDepth     = 4     // folders below home
	maxFolders   = 20000 // a home on a slow network disk must not hold up the start
)

// aiderHistories looks in home and in the git repositories up to maxDepth below it. Hidden folders hold none.
func aiderHistories(ctx context.Context, home string) (files []string) {
	home = filepath.Clean(home)
	folders := 0
	walk := func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if d != nil && d.IsDir() {
				return fs.SkipDir // what we may not read holds nothing for us
			}
			return nil
		}
		if !d.IsDir() {
			return nil
		}
		rel, _ := filepath.Rel(home, path)
		name := d.Name()
		if folders++; folders > maxFolders || ctx.Err() != nil {
			return fs.SkipAll
		}
		if path != home && (strings.HasPrefix(name, ".") || name == "node_modules" || strings.Count(rel, string(filepath.Separator)) >= maxDepth) {
			return fs.SkipDir
		}
		if _, err := os.Lstat(filepath.Join(path, ".git")); err != nil && path != home {
			return nil
		}
		history := filepath.Join(path, aiderHistory)
		if info, err := os.Lstat(history); err == nil && info.Mode().IsRegular() {
			files = append(files, history)
		}
		return nil
	}
	_ = filepath.WalkDir(home, walk) // walk returns no error but to skip
	return files
}
