// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"context"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/capture"
)

// Found is the histories of one tool on this machine.
type Found struct {
	Tool  string
	Files []string
	Bytes int64
}

// Find looks where each tool keeps its histories below home, and returns those that have any, in the order of [All]. It
// looks at names and sizes only and reads nothing. The variables that move a tool's folder are asked through getenv.
func Find(ctx context.Context, home string, getenv func(string) string) (found []Found, problems []error) {
	in := machine{home: filepath.Clean(home), getenv: getenv}
	for _, s := range All() {
		if ctx.Err() != nil {
			break
		}
		f := Found{Tool: s.Name()}
		for _, place := range s.About().Places {
			files, bad := capture.Walk(in.paths(ctx, string(place))...)
			problems = append(problems, bad...)
			for _, c := range files {
				// A folder of the tool's own holds notes and rules too; where the histories are Markdown, the place names them.
				if c.Named || !strings.HasSuffix(c.Path, ".md") || strings.HasPrefix(string(place), "{repo}") {
					f.Files = append(f.Files, c.Path)
				}
			}
		}
		slices.Sort(f.Files)
		f.Files = slices.Compact(f.Files)
		for _, file := range f.Files {
			if info, err := os.Stat(file); err == nil {
				f.Bytes += info.Size()
			}
		}
		if len(f.Files) > 0 {
			found = append(found, f)
		}
	}
	return found, problems
}

// machine is where places are looked for.
type machine struct {
	home   string
	getenv func(string) string
	repos  []string // nil until asked for
}

// paths returns what is there at a place.
func (m *machine) paths(ctx context.Context, place string) (there []string) {
	var bases []string
	base, rest, _ := strings.Cut(place, "/")
	switch {
	case base == "{repo}":
		bases = m.repositories(ctx)
	case base == "{config}":
		bases = []string{m.config()}
	case strings.HasPrefix(base, "$"):
		variable, _, _ := strings.Cut(base[1:], "|")
		if dir := m.getenv(variable); dir != "" {
			_, rest, _ = strings.Cut(rest, "/") // of the fallback "~/.tool/…", the folder that the variable names
			bases = []string{dir}
		} else {
			bases = []string{m.home}
		}
	default:
		bases = []string{m.home}
	}
	for _, b := range bases {
		there = append(there, expand(b, strings.Split(path.Clean(rest), "/"))...)
	}
	return there
}

// config is where applications of this system keep their settings.
func (m *machine) config() string {
	switch {
	case m.getenv("XDG_CONFIG_HOME") != "":
		return m.getenv("XDG_CONFIG_HOME")
	case runtime.GOOS == "darwin":
		return filepath.Join(m.home, "Library", "Application Support")
	case runtime.GOOS == "windows" && m.getenv("APPDATA") != "":
		return m.getenv("APPDATA")
	}
	return filepath.Join(m.home, ".config")
}

// expand returns the paths below dir that the elements match, in the order of their names.
func expand(dir string, elements []string) []string {
	if len(elements) == 0 {
		return []string{dir}
	}
	if !strings.ContainsAny(elements[0], "*?[") {
		next := filepath.Join(dir, elements[0])
		if _, err := os.Lstat(next); err != nil {
			return nil
		}
		return expand(next, elements[1:])
	}
	entries, _ := os.ReadDir(dir) // what may not be read holds nothing for us
	var all []string
	for _, e := range entries {
		if ok, _ := path.Match(elements[0], e.Name()); ok {
			all = append(all, expand(filepath.Join(dir, e.Name()), elements[1:])...)
		}
	}
	return all
}

const (
	maxDepth   = 4     // folders below home
	maxFolders = 20000 // a home on a slow network disk must not hold up the start
)

// repositories returns home and the git repositories up to maxDepth below it. Hidden folders hold none.
func (m *machine) repositories(ctx context.Context) []string {
	if m.repos != nil {
		return m.repos
	}
	m.repos = []string{m.home}
	folders := 0
	walk := func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if d != nil && d.IsDir() {
				return fs.SkipDir // what we may not read holds nothing for us
			}
			return nil
		}
		if !d.IsDir() || path == m.home {
			return nil
		}
		rel, _ := filepath.Rel(m.home, path)
		name := d.Name()
		if folders++; folders > maxFolders || ctx.Err() != nil {
			return fs.SkipAll
		}
		if strings.HasPrefix(name, ".") || name == "node_modules" || strings.Count(rel, string(filepath.Separator)) >= maxDepth {
			return fs.SkipDir
		}
		if _, err := os.Lstat(filepath.Join(path, ".git")); err == nil {
			m.repos = append(m.repos, path)
		}
		return nil
	}
	_ = filepath.WalkDir(m.home, walk) // walk returns no error but to skip
	return m.repos
}
