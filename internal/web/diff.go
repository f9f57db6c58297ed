// SPDX-License-Identifier: Apache-2.0

package web

import "strings"

const (
	maxCells    = 1 << 20 // of the comparison table; a larger change is shown as all removed, all added
	contextSize = 3       // unchanged lines kept around a change
	maxLines    = 600     // lines of one diff on a page
)

// diffLine is one line of a diff: Op is "+", "-", " " or "…" for lines left out.
type diffLine struct {
	Op   string
	Text string
}

// diff compares two texts line by line, by their longest common subsequence, and keeps what changed with a little
// around it.
func diff(before, after string) []diffLine {
	a, b := lines(before), lines(after)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var all []diffLine
	for _, l := range a[:start] {
		all = append(all, diffLine{" ", l})
	}
	all = append(all, middle(a[start:len(a)-end], b[start:len(b)-end])...)
	for _, l := range a[len(a)-end:] {
		all = append(all, diffLine{" ", l})
	}
	return fold(all)
}

// inserted shows a completion: what stands before the cursor stays, and what was suggested comes after it.
func inserted(before, after string) (all []diffLine) {
	for _, l := range lines(before) {
		all = append(all, diffLine{" ", l})
	}
	for _, l := range lines(after) {
		all = append(all, diffLine{"+", l})
	}
	return fold(all)
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

func middle(a, b []string) (out []diffLine) {
	i, j := 0, 0
	if w := len(b) + 1; (len(a)+1)*w <= maxCells {
		common := make([]int32, (len(a)+1)*w) // common[i*w+j]: of a[i:] and b[j:]
		for i := len(a) - 1; i >= 0; i-- {
			for j := len(b) - 1; j >= 0; j-- {
				if a[i] == b[j] {
					common[i*w+j] = common[(i+1)*w+j+1] + 1
				} else {
					common[i*w+j] = max(common[(i+1)*w+j], common[i*w+j+1])
				}
			}
		}
		for i < len(a) && j < len(b) {
			switch {
			case a[i] == b[j]:
				out = append(out, diffLine{" ", a[i]})
				i, j = i+1, j+1
			case common[(i+1)*w+j] >= common[i*w+j+1]:
				out = append(out, diffLine{"-", a[i]})
				i++
			default:
				out = append(out, diffLine{"+", b[j]})
				j++
			}
		}
	}
	for ; i < len(a); i++ {
		out = append(out, diffLine{"-", a[i]})
	}
	for ; j < len(b); j++ {
		out = append(out, diffLine{"+", b[j]})
	}
	return out
}

// fold leaves out unchanged lines that are far from any change, and everything beyond maxLines.
func fold(all []diffLine) (out []diffLine) {
	near := make([]bool, len(all))
	for i, l := range all {
		if l.Op != " " {
			for k := max(0, i-contextSize); k <= min(len(all)-1, i+contextSize); k++ {
				near[k] = true
			}
		}
	}
	for i := 0; i < len(all); {
		if len(out) == maxLines {
			return append(out, left(len(all)-i, "more line"))
		}
		if near[i] {
			out = append(out, all[i])
			i++
			continue
		}
		from := i
		for i < len(all) && !near[i] {
			i++
		}
		out = append(out, left(i-from, "unchanged line"))
	}
	return out
}

func left(n int, what string) diffLine { return diffLine{"…", count(n, what+"s")} }

// patched reads a unified diff for showing: what it cannot tell stays as it is.
func patched(text string) (out []diffLine) {
	for _, l := range lines(text) {
		if len(out) == maxLines {
			return append(out, diffLine{"…", "and more"})
		}
		switch {
		case strings.HasPrefix(l, "--- "), strings.HasPrefix(l, "diff "), strings.HasPrefix(l, "index "), strings.HasPrefix(l, "new file "), strings.HasPrefix(l, "deleted file "):
		case strings.HasPrefix(l, "+++ "):
			out = append(out, diffLine{"…", strings.TrimPrefix(strings.TrimPrefix(l, "+++ "), "b/")})
		case strings.HasPrefix(l, "@@"):
			if len(out) > 0 && out[len(out)-1].Op != "…" {
				out = append(out, diffLine{"…", "unchanged lines"})
			}
		case l == "", l[0] == ' ':
			out = append(out, diffLine{" ", strings.TrimPrefix(l, " ")})
		case l[0] == '+' || l[0] == '-':
			out = append(out, diffLine{l[:1], l[1:]})
		default:
			out = append(out, diffLine{"…", l})
		}
	}
	return out
}
