// SPDX-License-Identifier: Apache-2.0

// Package rules finds the instruction files that a coding tool had in force when an episode began: CLAUDE.md, AGENTS.md,
// steering files and the like. Most histories do not hold them, and without them nobody can learn which of them help.
//
// A [Finder] looks where the tool of an episode looks, in the folder that it worked in and in the person's own: see
// [placesOf]. It takes a file as it was when the episode began: as it lies there where it has not changed since, else as
// the last commit before left it. Of what was changed and never committed nobody knows how it was, so it is left out; so is a
// rule that its own front matter puts in force only now and then. Where a history tells its rules itself, its word stands.
//
// It reads this machine's files and git, and nothing else: it is for the agent.
package rules

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/lax"
)

// What is taken at most: an instruction file is for a model's context, so a larger one is something else.
const (
	maxFiles = 64
	maxSize  = 256 << 10 // bytes
)

// Finder finds instruction files. It remembers what it has asked git; it is for one goroutine.
type Finder struct {
	home   string
	getenv func(string) string

	repos    map[string]*gitlog.Repository // by folder; nil where it is in none
	versions map[string]versions           // by path
	texts    map[string]string             // by commit and path
	asked    time.Time                     // since when all of that is remembered
}

// versions are the commits that changed a file, the newest first.
type versions []gitlog.Version

const (
	remember = time.Minute
	maxTexts = 1000
)

// New makes a finder for the person whose home folder that is.
func New(home string, getenv func(string) string) *Finder { return &Finder{home: home, getenv: getenv} }

// Add adds to an episode the instruction files that were in force when it began, each once.
func (f *Finder) Add(ctx context.Context, e *episode.Episode) {
	p, known := placesOf(e.Tool.Name)
	dir := filepath.Clean(strings.TrimPrefix(e.Repository, "file://"))
	told := slices.ContainsFunc(e.Artifacts, func(a episode.Artifact) bool { return a.Kind == episode.ArtifactRules })
	if !known || e.StartedAt.IsZero() || told || !filepath.IsAbs(dir) || !isDir(dir) {
		return
	}
	if now := time.Now(); now.Sub(f.asked) > remember || len(f.texts) > maxTexts {
		f.repos, f.versions, f.texts, f.asked = map[string]*gitlog.Repository{}, map[string]versions{}, map[string]string{}, now
	}
	repo := f.repo(ctx, dir)
	root := dir
	if repo != nil && within(repo.Dir(), dir) {
		root = repo.Dir()
	}
	t := &taking{f: f, e: e, repo: repo, root: root}
	for up := dir; ; up = filepath.Dir(up) { // the nearest first
		t.takeAll(ctx, up, root, p.first, p.up)
		if up == root {
			break
		}
	}
	t.takeAll(ctx, root, root, false, p.repo)
	for _, name := range skills(e) {
		t.take(ctx, filepath.Join(root, ".claude", "skills", name, "SKILL.md"), root)
	}
	if p.own.file != "" || len(p.own.more) > 0 {
		own := cmp.Or(f.getenv(p.own.variable), filepath.Join(f.home, filepath.FromSlash(p.own.dir)))
		t.takeAll(ctx, own, own, false, append([]string{p.own.file}, p.own.more...))
		for _, name := range skills(e) {
			t.take(ctx, filepath.Join(own, "skills", name, "SKILL.md"), own)
		}
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// within reports whether a path is that folder or below it.
func within(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

func (f *Finder) repo(ctx context.Context, dir string) *gitlog.Repository {
	r, asked := f.repos[dir]
	if !asked {
		r, _ = gitlog.Open(ctx, dir) // of no repository nothing is known but what lies there
		f.repos[dir] = r
	}
	return r
}

// taking is one episode's files.
type taking struct {
	f     *Finder
	e     *episode.Episode
	repo  *gitlog.Repository // nil where it worked in none
	root  string
	taken int
}

// takeAll takes the files that match the patterns below dir, or those of the first pattern that any matches.
func (t *taking) takeAll(ctx context.Context, dir, root string, first bool, patterns []string) {
	for _, pattern := range patterns {
		if pattern == "" {
			continue
		}
		found, _ := filepath.Glob(filepath.Join(escape(dir), filepath.FromSlash(pattern))) // the patterns are ours
		for _, path := range found {
			t.take(ctx, path, root)
		}
		if first && len(found) > 0 {
			return
		}
	}
}

// escape makes a folder's name mean itself in a pattern.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// take takes one file, unless it is none or does not lie below root: a link must not lead elsewhere.
func (t *taking) take(ctx context.Context, path, root string) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return
	}
	if realRoot, err := filepath.EvalSymlinks(root); err != nil || !within(realRoot, real) {
		return
	}
	info, err := os.Stat(real)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxSize || t.taken >= maxFiles {
		return
	}
	text, ok := t.text(ctx, path, real, info)
	if !ok || strings.TrimSpace(text) == "" || !always(text) {
		return
	}
	a := capture.Artifact(episode.ArtifactRules, t.name(path), strings.ToValidUTF8(text, "\uFFFD"))
	if slices.ContainsFunc(t.e.Artifacts, func(o episode.Artifact) bool { return o.Digest == a.Digest }) {
		return
	}
	t.taken++
	t.e.Artifacts = append(t.e.Artifacts, a)
}

// text is the file's as it was when the episode began.
func (t *taking) text(ctx context.Context, path, real string, info os.FileInfo) (string, bool) {
	if !info.ModTime().After(t.e.StartedAt) {
		b, err := os.ReadFile(real)
		return string(b), err == nil
	}
	if t.repo == nil || !within(t.repo.Dir(), real) {
		return "", false
	}
	list, asked := t.f.versions[real]
	if !asked {
		list, _ = t.repo.Versions(ctx, real) // of what git does not know nothing is known
		t.f.versions[real] = list
	}
	i := slices.IndexFunc(list, func(v gitlog.Version) bool { return !v.Made.After(t.e.StartedAt) })
	if i < 0 {
		return "", false
	}
	key := list[i].Commit + " " + real
	text, have := t.f.texts[key]
	if !have {
		b, err := t.repo.Text(ctx, list[i].Commit, real, maxSize)
		if err != nil {
			return "", false
		}
		text = string(b)
		t.f.texts[key] = text
	}
	return text, true
}

// name is how a file is called in the record: from the top of the work folder, or from the home folder.
func (t *taking) name(path string) string {
	if rel, err := filepath.Rel(t.root, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	if rel, err := filepath.Rel(t.f.home, path); err == nil && filepath.IsLocal(rel) {
		return "~/" + filepath.ToSlash(rel)
	}
	return filepath.Base(path)
}

// skills are the names of skills that the episode's agent has called for.
func skills(e *episode.Episode) (names []string) {
	for i := range e.Steps {
		for _, c := range e.Steps[i].ToolCalls {
			if c.Name != "Skill" {
				continue
			}
			var in struct {
				Skill   lax.String `json:"skill"`
				Command lax.String `json:"command"`
			}
			lax.Decode(c.Arguments, &in)
			name := cmp.Or(string(in.Skill), string(in.Command))
			if name != "" && filepath.IsLocal(name) && !strings.ContainsAny(name, `/\`) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
