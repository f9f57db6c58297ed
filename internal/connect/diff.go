// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"fmt"
	"slices"
	"strings"
)

// context is how many unchanged lines are shown around a change.
const context = 3

// Diff is the change as a unified diff.
func (c *Change) Diff() string {
	old, new := c.Path, c.Path
	if c.Create {
		old = "/dev/null"
	}
	if c.Remove {
		new = "/dev/null"
	}
	a, b := lines(c.Before), lines(c.After)
	if c.Remove {
		b = nil
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", old, new)
	for _, h := range hunks(script(a, b)) {
		var body strings.Builder
		nOld, nNew := 0, 0
		for _, op := range h.ops {
			body.WriteByte(op.sign)
			body.WriteString(strings.TrimSuffix(op.line, "\n"))
			body.WriteByte('\n')
			if !strings.HasSuffix(op.line, "\n") {
				body.WriteString("\\ No newline at end of file\n")
			}
			if op.sign != '+' {
				nOld++
			}
			if op.sign != '-' {
				nNew++
			}
		}
		fmt.Fprintf(&out, "@@ -%s +%s @@\n%s", span(h.old, nOld), span(h.new, nNew), body.String())
	}
	return out.String()
}

// span is a range of lines as a diff has it: a range without lines names the one before it.
func span(from, n int) string {
	if n == 0 {
		from--
	}
	return fmt.Sprintf("%d,%d", from, n)
}

func lines(b []byte) []string { return slices.Collect(strings.Lines(string(b))) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

type op struct {
	sign byte // ' ', '-' or '+'
	line string
}

type hunk struct {
	old, new int // the first line, from 1
	ops      []op
}

// script is the shortest way from a to b, by lines: what both begin and end with, and the longest common part between.
func script(a, b []string) (ops []op) {
	head := 0
	for head < min(len(a), len(b)) && a[head] == b[head] {
		ops = append(ops, op{' ', a[head]})
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	ops = append(ops, middle(x, y)...)
	for _, l := range a[len(a)-tail:] {
		ops = append(ops, op{' ', l})
	}
	return ops
}

// middle takes quadratic room, so of very much text all is replaced.
func middle(x, y []string) (ops []op) {
	n, m := len(x), len(y)
	if n*m > 4<<20 {
		n, m = 0, 0
	}
	common := make([][]int, n+1) // the length of the longest common part of what is left
	for i := range common {
		common[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < n && j < m {
		switch {
		case x[i] == y[j]:
			ops = append(ops, op{' ', x[i]})
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			ops = append(ops, op{'-', x[i]})
			i++
		default:
			ops = append(ops, op{'+', y[j]})
			j++
		}
	}
	for ; i < len(x); i++ {
		ops = append(ops, op{'-', x[i]})
	}
	for ; j < len(y); j++ {
		ops = append(ops, op{'+', y[j]})
	}
	return ops
}

// hunks leaves out what is unchanged, but for the context.
func hunks(ops []op) (all []hunk) {
	old, new, quiet := 1, 1, context+1 // quiet counts the unchanged lines since the last change
	for i, o := range ops {
		near := false
		for _, n := range ops[i:min(len(ops), i+context+1)] {
			near = near || n.sign != ' '
		}
		if quiet++; o.sign != ' ' {
			quiet = 0
		}
		if near || quiet <= context {
			if len(all) == 0 || !open(all, old, new) {
				all = append(all, hunk{old: old, new: new})
			}
			h := &all[len(all)-1]
			h.ops = append(h.ops, o)
		}
		old += btoi(o.sign != '+')
		new += btoi(o.sign != '-')
	}
	return all
}

// open reports whether the last hunk goes on at these lines.
func open(all []hunk, old, new int) bool {
	h := all[len(all)-1]
	o, n := h.old, h.new
	for _, x := range h.ops {
		o += btoi(x.sign != '+')
		n += btoi(x.sign != '-')
	}
	return o == old && n == new
}
