// SPDX-License-Identifier: Apache-2.0

// Package gitlogplay makes git histories of which it is known what became of each line that a coding tool suggested.
//
// [Generate] plays a small team over sixty days: suggestions that are taken, edited, taken in part, replaced or thrown away
// before they are committed; branches that are merged, rebased or squashed; files that are renamed and reformatted; later
// edits, refactorings, fixes and reverts; and much code by people that looks the same. Every line is an object that keeps its
// identity through all of it, so that the truth is known by construction and no diff is asked. [Score] compares.
// [Recordings] measures, instead, what others have recorded of real sessions and their commits, as far as that has a truth.
package gitlogplay

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// Kind is how the team works.
type Kind int

// The kinds of history.
const (
	Plain       Kind = iota // direct commits and merges
	Rebased                 // branches are rebased before they come in
	Squashed                // branches come in as one commit
	Renamed                 // files are renamed and code is moved, before the commit and after
	Reformatted             // formatters run, at the commit and later
)

func (k Kind) String() string {
	return [...]string{"plain", "rebased", "squashed", "renamed", "reformatted"}[k]
}

// Fate is what became of a line.
type Fate uint8

// What may become of a line, in the order of package gitlog.
const (
	Unknown Fate = iota
	Verbatim
	Changed
	Dropped
)

// Options say which history to make.
type Options struct {
	Seed        uint64
	Kind        Kind
	Suggestions int // 60 by default
}

// World is a repository and what is true of it.
type World struct {
	Dir         string
	Now         time.Time
	Suggestions []Suggestion
}

// Suggestion is what a tool suggested, as it would say it.
type Suggestion struct {
	ID, Session   string
	Path          string // on the developer's machine
	Before, After string
	At            time.Time
	Lines         []Line // that it adds
}

// Line is a line that a suggestion adds, and what became of it.
type Line struct {
	Text      string
	Committed Fate
	Merged    Fate
	Kept      [3]Fate // 1, 7 and 30 days after it came into the default branch
	Reverted  bool
	Fixed     bool

	id int
}

// ln is a line of a file. Who changes one makes another with the same id.
type ln struct {
	id     int
	text   string // with one tab for each level
	edited bool
}

// tree is the files of a commit; what is in it is never changed.
type tree map[string][]*ln

func (t tree) with(path string, lines []*ln) tree {
	u := tree{}
	for p, l := range t {
		u[p] = l
	}
	if u[path] = lines; lines == nil {
		delete(u, path)
	}
	return u
}

// op changes a tree. It finds its place by lines, so that it can be done again elsewhere; it may find none.
type op func(tree) tree

// where is the path and place of a line. A revert may bring it back where it was, though it has moved since: then the first
// of the paths counts, so that a seed always gives the same.
func (t tree) where(id int) (string, int) {
	path, at := "", -1
	for p, lines := range t {
		if at >= 0 && p > path {
			continue
		}
		if i := slices.IndexFunc(lines, func(l *ln) bool { return l.id == id }); i >= 0 {
			path, at = p, i
		}
	}
	return path, at
}

func insert(after int, lines ...*ln) op {
	return func(t tree) tree {
		p, i := t.where(after)
		if i < 0 {
			return t
		}
		return t.with(p, slices.Insert(slices.Clone(t[p]), i+1, lines...))
	}
}

func remove(ids ...int) op {
	return func(t tree) tree {
		for _, id := range ids {
			if p, i := t.where(id); i >= 0 {
				t = t.with(p, slices.Delete(slices.Clone(t[p]), i, i+1))
			}
		}
		return t
	}
}

func replace(id int, by *ln) op {
	return func(t tree) tree {
		p, i := t.where(id)
		if i < 0 {
			return t
		}
		lines := slices.Clone(t[p])
		lines[i] = by
		return t.with(p, lines)
	}
}

func rename(from, to string) op {
	return func(t tree) tree {
		if t[from] == nil || t[to] != nil {
			return t
		}
		return t.with(to, t[from]).with(from, nil)
	}
}

func create(path string, lines []*ln) op {
	return func(t tree) tree {
		if t[path] != nil {
			return t
		}
		return t.with(path, lines)
	}
}

// node is a commit.
type node struct {
	mark    int
	sha     string
	tree    tree
	styles  map[string]style
	made    time.Time
	fix     bool
	reverts *node
	onMain  bool
	brought map[int]bool // lines that it is the first on the default branch to have
}

// team plays.
type team struct {
	*rand.Rand
	w      *World
	kind   Kind
	in     io.Writer
	out    *bufio.Reader
	now    time.Time
	ids    int
	marks  int
	main   []*node
	all    []*node
	styles map[string]style
	broken error
}

// Generate makes a history in dir, a folder that is empty.
func Generate(ctx context.Context, dir string, o Options) (*World, error) {
	git := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
		return cmd
	}
	if out, err := git("init", "-q", "-b", "main").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("git init: %w: %s", err, out)
	}
	cmd := git("fast-import", "--quiet", "--date-format=raw")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	start := time.Date(2026, 2, 2, 8, 0, 0, 0, time.UTC)
	t := &team{Rand: rand.New(rand.NewPCG(o.Seed, uint64(o.Kind)+1)), w: &World{Dir: dir}, kind: o.Kind, in: in, out: bufio.NewReader(out), now: start, styles: map[string]style{}}
	t.play(cmp.Or(o.Suggestions, 60))
	in.Close()
	if err := cmd.Wait(); err != nil {
		return nil, fmt.Errorf("git fast-import: %w", err)
	}
	if t.broken != nil {
		return nil, t.broken
	}
	t.w.Now = t.now
	t.judge()
	return t.w, nil
}

// commit makes a commit of a tree. On the default branch it goes on from its head.
func (t *team) commit(ref, message string, written time.Time, tr tree, parents ...*node) *node {
	t.marks++
	n := &node{mark: t.marks, tree: tr, made: t.now, styles: map[string]style{}}
	for p := range tr {
		n.styles[p] = t.styles[p]
	}
	who := t.IntN(4)
	fmt.Fprintf(t.in, "commit %s\nmark :%d\nauthor Mill Dev <dev%d@example.com> %d +0000\ncommitter Mill Dev <dev%d@example.com> %d +0000\ndata %d\n%s\n", ref, n.mark, who, written.Unix(), who, t.now.Unix(), len(message), message)
	for i, p := range parents {
		fmt.Fprintf(t.in, "%s :%d\n", [...]string{"from", "merge"}[min(i, 1)], p.mark)
	}
	fmt.Fprint(t.in, "deleteall\n")
	for _, p := range paths(tr) {
		text := t.styles[p].render(p, tr[p])
		fmt.Fprintf(t.in, "M 100644 inline %s\ndata %d\n%s\n", p, len(text), text)
	}
	fmt.Fprintf(t.in, "get-mark :%d\n", n.mark)
	line, err := t.out.ReadString('\n')
	if err != nil && t.broken == nil {
		t.broken = fmt.Errorf("git fast-import: %w", err)
	}
	n.sha = strings.TrimSpace(line)
	t.all = append(t.all, n)
	return n
}

func paths(t tree) (list []string) {
	for p := range t {
		list = append(list, p)
	}
	slices.Sort(list)
	return list
}

// judge works out what became of each line.
func (t *team) judge() {
	have := func(n *node) map[int]bool { // and whether it was edited
		m := map[int]bool{}
		for _, lines := range n.tree {
			for _, l := range lines {
				m[l.id] = l.edited
			}
		}
		return m
	}
	fate := func(m map[int]bool, id int) Fate {
		switch edited, there := m[id]; {
		case !there:
			return Dropped
		case edited:
			return Changed
		}
		return Verbatim
	}
	var states []map[int]bool // of the default branch
	for _, n := range t.main {
		states = append(states, have(n))
	}
	var others []map[int]bool
	for _, n := range t.all {
		others = append(others, have(n))
	}
	for i := range t.w.Suggestions {
		s := &t.w.Suggestions[i]
		for k := range s.Lines {
			l := &s.Lines[k]
			l.Committed, l.Merged = Dropped, Dropped
			for _, m := range others { // in the order in which they were made
				if f := fate(m, l.id); f != Dropped {
					l.Committed = f
					break
				}
			}
			t.onMain(l, states, fate)
		}
	}
}

// onMain works out what became of a line on the default branch.
func (t *team) onMain(l *Line, states []map[int]bool, fate func(map[int]bool, int) Fate) {
	landed := -1
	for n, m := range states {
		f := fate(m, l.id)
		if landed < 0 {
			if f != Dropped {
				landed, l.Merged = n, f
			}
			continue
		}
		before := fate(states[n-1], l.id)
		if f == before && (f != Changed || sameText(t.main[n-1].tree, t.main[n].tree, l.id)) {
			continue
		}
		l.Fixed = l.Fixed || t.main[n].fix
		if r := t.main[n].reverts; f == Dropped && r != nil && r.brought[l.id] {
			l.Reverted = true
		}
	}
	if landed < 0 {
		return
	}
	for w, days := range [...]int{1, 7, 30} {
		due := t.main[landed].made.Add(time.Duration(days) * 24 * time.Hour)
		if t.now.Before(due) {
			continue
		}
		for n := landed; n < len(t.main) && !t.main[n].made.After(due); n++ {
			l.Kept[w] = fate(states[n], l.id)
		}
	}
}

func sameText(a, b tree, id int) bool {
	p, i := a.where(id)
	q, j := b.where(id)
	return i >= 0 && j >= 0 && a[p][i].text == b[q][j].text
}
