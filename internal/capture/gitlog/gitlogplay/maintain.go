// SPDX-License-Identifier: Apache-2.0

package gitlogplay

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// maintain is what happens to code later.
func (t *team) maintain() {
	w := t.writer()
	tr := t.head().tree
	p := t.file(tr)
	lines := tr[p]
	if len(lines) < 4 {
		return
	}
	from := t.IntN(len(lines) - 3)
	some := lines[from:min(len(lines), from+1+t.IntN(8))]
	var ops []op
	edit := func(share int) {
		for _, l := range some {
			if t.IntN(share) == 0 {
				if e := w.edited(l); e != l {
					ops = append(ops, replace(l.id, e))
				}
			}
		}
	}
	message, done := w.verb()+" "+w.noun(), false
	switch k := t.IntN(12); {
	case k < 3:
		edit(2)
	case k == 3:
		for _, l := range some {
			ops = append(ops, remove(l.id))
		}
	case k == 4 || k == 5:
		message = [...]string{"fix: " + w.noun() + " is wrong", "Fix crash in " + w.noun(), "handle empty " + w.noun() + "s\n\nFixes #12"}[t.IntN(3)]
		if edit(2); t.IntN(2) == 0 {
			ops = append(ops, remove(some[0].id))
		}
	case k == 6:
		t.revert()
		done = true
	case k == 7 && t.kind == Renamed:
		message = "rename"
		ops = append(ops, rename(p, t.newName(p)))
		edit(4)
	case k == 8 && t.kind == Renamed:
		message = "move"
		ops = append(ops, t.move(tr, p))
	case (k == 7 || k == 8 || k == 9) && t.kind == Reformatted:
		message = "format " + p
		t.format(p)
	default:
		if at := ends(lines); len(at) > 0 {
			ops = append(ops, insert(lines[at[t.IntN(len(at))]].id, w.function(p)...))
		}
	}
	if done || len(ops) == 0 && !strings.HasPrefix(message, "format") {
		return
	}
	n := t.direct(message, func(tr tree) tree {
		for _, o := range ops {
			tr = o(tr)
		}
		return tr
	})
	lower := strings.ToLower(message)
	n.fix = strings.HasPrefix(lower, "fix") || strings.Contains(lower, "fixes #")
}

// move takes a part of a file to the end of another.
func (t *team) move(tr tree, p string) op {
	q := t.file(tr)
	at := ends(tr[p])
	if q == p || path.Ext(p) != path.Ext(q) || len(at) < 2 {
		return func(tr tree) tree { return tr }
	}
	k := t.IntN(len(at) - 1)
	part := slices.Clone(tr[p][at[k]+1 : at[k+1]+1])
	return func(tr tree) tree {
		for _, l := range part {
			tr = remove(l.id)(tr)
		}
		return tr.with(q, append(slices.Clone(tr[q]), part...))
	}
}

// format lets a formatter run over a file.
func (t *team) format(p string) {
	t.styles[p] = style{indent: [...]string{"\t", "    ", "  "}[t.IntN(3)], quote: [...]byte{0, '\''}[t.IntN(2)], wrap: [...]int{0, 60, 90}[t.IntN(3)]}
}

// revert takes back one of the last commits: what it brought goes, what it took comes back.
func (t *team) revert() {
	back := 1 + t.IntN(4)
	if len(t.main) <= back {
		return
	}
	target, before := t.main[len(t.main)-back], t.main[len(t.main)-back-1]
	if back > 1 && len(t.main) > 1 { // only where nobody has worked on it since
		touched := map[string]bool{}
		for p, lines := range t.head().tree {
			if !slices.Equal(lines, target.tree[p]) {
				touched[p] = true
			}
		}
		for p := range touched {
			if !slices.Equal(target.tree[p], before.tree[p]) {
				return
			}
		}
	}
	tr := t.head().tree
	for _, p := range append(paths(target.tree), paths(before.tree)...) {
		if !slices.Equal(target.tree[p], before.tree[p]) {
			tr = tr.with(p, before.tree[p])
		}
	}
	message := fmt.Sprintf("Revert \"%s\"\n\nThis reverts commit %s.", "work", target.sha)
	if t.IntN(3) == 0 {
		message = "Revert the last change of the " + t.writer().noun()
	}
	n := t.commit("refs/heads/main", message, t.now, tr, t.head())
	t.land(n, target)
}
