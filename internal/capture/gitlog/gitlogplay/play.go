// SPDX-License-Identifier: Apache-2.0

package gitlogplay

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

const root = "/home/dev/mill/"

func (t *team) writer() writer { return writer{t.Rand, t.line} }

func (t *team) line(text string) *ln {
	t.ids++
	return &ln{id: t.ids, text: text}
}

// later lets up to so many minutes pass.
func (t *team) later(minutes int) {
	t.now = t.now.Add(time.Duration(1+t.IntN(minutes)) * time.Minute)
}

func (t *team) head() *node { return t.main[len(t.main)-1] }

// play lets the team work until all suggestions are made and most windows are over.
func (t *team) play(suggestions int) {
	tr := tree{}
	w := t.writer()
	for i, ext := range []string{".go", ".go", ".go", ".py", ".py", ".ts", ".ts", ".java"} {
		p := fmt.Sprintf("%s/%s%d%s", [...]string{"core", "lib", "api"}[i%3], nouns[i], i, ext)
		tr[p] = w.file(p, 4+t.IntN(12))
	}
	t.land(t.commit("refs/heads/main", "begin", t.now, tr), nil)
	for len(t.w.Suggestions) < suggestions {
		t.later(12 * 60)
		t.task(suggestions)
		for range t.IntN(3) {
			t.later(8 * 60)
			t.maintain()
		}
	}
	for range 12 {
		t.now = t.now.Add(time.Duration(1+t.IntN(4)) * 24 * time.Hour)
		t.maintain()
	}
}

// land notes that a commit is on the default branch now.
func (t *team) land(n *node, reverts *node) {
	n.onMain, n.reverts, n.brought = true, reverts, map[int]bool{}
	before := map[int]bool{}
	if len(t.main) > 0 {
		for _, lines := range t.head().tree {
			for _, l := range lines {
				before[l.id] = true
			}
		}
	}
	for _, lines := range n.tree {
		for _, l := range lines {
			if !before[l.id] {
				n.brought[l.id] = true
			}
		}
	}
	t.main = append(t.main, n)
}

// direct commits an op on the default branch.
func (t *team) direct(message string, o op) *node {
	n := t.commit("refs/heads/main", message, t.now, o(t.head().tree), t.head())
	t.land(n, nil)
	return n
}

// task is a piece of work: suggestions, a person's own code, and a way into the default branch.
func (t *team) task(suggestions int) {
	base := t.head()
	work := base.tree
	var ops []op
	do := func(o op) { ops, work = append(ops, o), o(work) }
	session := fmt.Sprintf("session-%d", len(t.main))
	if t.kind == Renamed && t.IntN(3) == 0 {
		defer func() {}() // a rename before the commit comes below
	}
	for range 1 + t.IntN(4) {
		if len(t.w.Suggestions) >= suggestions {
			break
		}
		t.later(20)
		t.suggest(work, session, do)
		if t.IntN(3) == 0 {
			t.own(work, do)
		}
	}
	if t.kind == Renamed && t.IntN(2) == 0 {
		p := t.file(work)
		do(rename(p, t.newName(p)))
	}
	if t.kind == Reformatted && t.IntN(2) == 0 {
		t.format(t.file(work))
	}
	t.later(90)
	split := len(ops)
	if len(ops) > 2 && t.IntN(2) == 0 {
		split = 1 + t.IntN(len(ops)-1)
	}
	apply := func(tr tree, list []op) tree {
		for _, o := range list {
			tr = o(tr)
		}
		return tr
	}
	message := fmt.Sprintf("%s the %s", title(t.writer().verb()), t.writer().noun())
	branch := fmt.Sprintf("refs/heads/feature-%d", len(t.all))
	direct := t.kind == Plain && t.IntN(2) == 0
	if direct || t.kind == Renamed || t.kind == Reformatted {
		t.direct(message, func(tr tree) tree { return apply(tr, ops[:split]) })
		if split < len(ops) {
			t.later(300)
			t.direct(message+", second part", func(tr tree) tree { return apply(tr, ops[split:]) })
		}
		return
	}
	first := t.commit(branch, message, t.now, apply(base.tree, ops[:split]), base)
	dates := []time.Time{t.now}
	last := first
	if split < len(ops) {
		t.later(300)
		last = t.commit(branch, message+", second part", t.now, apply(first.tree, ops[split:]), first)
		dates = append(dates, t.now)
	}
	for range t.IntN(3) { // the others go on
		t.later(400)
		t.maintain()
	}
	t.later(600)
	switch t.kind {
	case Squashed:
		t.direct(fmt.Sprintf("%s (#%d)\n\n* %s", message, len(t.all), message), func(tr tree) tree { return apply(tr, ops) })
	case Rebased:
		fmt.Fprintf(t.in, "reset refs/heads/old/%d\nfrom :%d\n\n", last.mark, last.mark)
		for i, part := range [][]op{ops[:split], ops[split:]}[:len(dates)] {
			n := t.commit("refs/heads/main", message, dates[i], apply(t.head().tree, part), t.head())
			t.land(n, nil)
			t.later(2)
		}
	default:
		n := t.commit("refs/heads/main", "Merge branch '"+path.Base(branch)+"'", t.now, apply(t.head().tree, ops), t.head(), last)
		t.land(n, nil)
	}
}

func (t *team) file(tr tree) string {
	list := paths(tr)
	return list[t.IntN(len(list))]
}

func (t *team) newName(p string) string {
	return fmt.Sprintf("%s/%s%d%s", [...]string{"core", "lib", "pkg", "api/v2"}[t.IntN(4)], t.writer().noun(), t.IntN(1000), path.Ext(p))
}

// ends are the places of a file after which a function may stand.
func ends(lines []*ln) (at []int) {
	for i, l := range lines {
		if l.text == "" {
			at = append(at, i)
		}
	}
	return at
}

// own is a person's own code.
func (t *team) own(work tree, do func(op)) {
	p := t.file(work)
	if at := ends(work[p]); len(at) > 0 {
		do(insert(work[p][at[t.IntN(len(at))]].id, t.writer().function(p)...))
	}
}

// suggest makes a suggestion, and does to it what people do.
func (t *team) suggest(work tree, session string, do func(op)) {
	w := t.writer()
	s := Suggestion{ID: fmt.Sprintf("toolu_%03d", len(t.w.Suggestions)), Session: session, At: t.now}
	var fresh []*ln // that it adds
	var apply op
	p := t.file(work)
	at := ends(work[p])
	switch kind := t.IntN(10); {
	case kind == 0 || len(at) == 0: // a new file
		p = t.newName(p)
		fresh = w.file(p, 1+t.IntN(3))
		s.After = t.styles[p].render(p, fresh)
		apply = create(p, fresh)
	case kind < 6: // a function
		anchor := work[p][at[t.IntN(len(at))]]
		fresh = w.function(p)
		s.Before, s.After = "\n", "\n"+t.styles[p].render(p, fresh)
		apply = insert(anchor.id, fresh...)
	default: // some lines are replaced, or some put between
		from := t.IntN(len(work[p]))
		to := min(len(work[p]), from+1+t.IntN(6))
		old := work[p][from:to]
		var now []*ln
		for _, l := range old {
			switch k := t.IntN(3); {
			case l.text == "" || k == 0:
				now = append(now, l)
			case k == 1:
				e := w.edited(l)
				if e == l {
					now = append(now, l)
					continue
				}
				n := t.line(e.text)
				now, fresh = append(now, n), append(fresh, n)
			default:
				w.statement(path.Ext(p), w.noun(), w.noun(), func(f string, a ...any) {
					n := t.line(fmt.Sprintf(f, a...))
					now, fresh = append(now, n), append(fresh, n)
				})
			}
		}
		s.Before, s.After = t.styles[p].render(p, old), t.styles[p].render(p, now)
		first, gone := old[0].id, []int{}
		for _, l := range old {
			gone = append(gone, l.id)
		}
		apply = func(tr tree) tree {
			q, i := tr.where(first)
			if i < 0 {
				return tr
			}
			tr = tr.with(q, slices.Insert(slices.Clone(tr[q]), i, now...))
			for _, id := range gone { // the old ones: behind the new
				q, i := tr.where(id)
				for k := len(tr[q]) - 1; k >= 0 && i >= 0; k-- {
					if tr[q][k].id == id && (k != i || !slices.ContainsFunc(now, func(n *ln) bool { return n.id == id })) {
						tr = tr.with(q, slices.Delete(slices.Clone(tr[q]), k, k+1))
						break
					}
				}
			}
			return tr
		}
	}
	s.Path = root + p
	for _, l := range fresh {
		if strings.TrimSpace(l.text) != "" {
			s.Lines = append(s.Lines, Line{Text: l.text, id: l.id})
		}
	}
	if len(s.Lines) == 0 {
		return
	}
	t.w.Suggestions = append(t.w.Suggestions, s)
	if t.IntN(8) == 0 {
		return // thrown away; perhaps a person writes something of the kind
	}
	do(apply)
	t.review(work, fresh, do)
}

// review is what a person does to what was suggested before it is committed.
func (t *team) review(work tree, fresh []*ln, do func(op)) {
	w := t.writer()
	switch t.IntN(4) {
	case 0: // edited here and there
		for _, l := range fresh {
			if t.IntN(5) == 0 {
				if e := w.edited(l); e != l {
					do(replace(l.id, e))
				}
			}
		}
	case 1: // some of it is not wanted
		for _, l := range fresh {
			if t.IntN(6) == 0 {
				do(remove(l.id))
			}
		}
	}
}
