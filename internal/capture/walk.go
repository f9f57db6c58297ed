// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Candidate is a file that may be a history.
type Candidate struct {
	Path string
	// Named says that the caller named the file itself, not a folder that it is in.
	Named bool
}

// Walk returns the files at paths and, for a folder, those below it whose names end as histories do, in the order of
// their names, each once. It follows no links below a folder, so it never leaves it, and passes over .git and
// node_modules. What it may not read is a Problem each; it goes on.
func Walk(paths ...string) (files []Candidate, problems []error) {
	seen := map[string]bool{}
	add := func(path string, named bool) {
		if key := filepath.Clean(path); !seen[key] {
			seen[key] = true
			files = append(files, Candidate{path, named})
		}
	}
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			problems = append(problems, unreadable(root, err))
			continue
		}
		if !info.IsDir() {
			add(root, true)
			continue
		}
		if resolved, err := filepath.EvalSymlinks(root); err == nil && resolved != filepath.Clean(root) {
			root = resolved // the folder named may itself be a link
		}
		walkFn := func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				problems = append(problems, unreadable(path, err))
				if d != nil && d.IsDir() {
					return fs.SkipDir
				}
			case d.IsDir() && path != root && (d.Name() == ".git" || d.Name() == "node_modules"):
				return fs.SkipDir
			case d.Type().IsRegular() && historyName(path):
				add(path, false)
			}
			return nil
		}
		if err := filepath.WalkDir(root, walkFn); err != nil {
			problems = append(problems, unreadable(root, err))
		}
	}
	return files, problems
}

// historyName reports whether a file's name ends as a history's may. A compressed file beside its plain form is passed
// over: Codex leaves both for a moment.
func historyName(path string) bool {
	for _, packed := range [...]string{".zst", ".gz"} {
		if plain, ok := strings.CutSuffix(path, packed); ok {
			if _, err := os.Lstat(plain); err == nil {
				return false
			}
			path = plain
		}
	}
	switch filepath.Ext(path) {
	case ".jsonl", ".ndjson", ".json", ".md", ".db", ".vscdb", ".traj", ".csv":
		return true
	}
	return false
}
