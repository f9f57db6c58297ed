// SPDX-License-Identifier: Apache-2.0

package patch

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
