// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLaterCells bounds the table that two states of a file are compared in: so many changed lines, multiplied.
const maxLaterCells = 1 << 20

// Later compares two whole states of a file, to find what has become of a text that stood in the first: what an agent's
// edit left, say, once the agent looks at the file again. It says nothing of who changed it.
//
// Where lines were changed is found by a longest common subsequence. That is a guess where lines repeat, so it is not asked
// more than it can tell: a text that is still there is unchanged wherever it stands, and a change that reaches across the
// border of a text tells nothing of it.
type Later struct {
	before, after string
	at, now       []int // where the lines of either begin; one more for the end
	hunks         []changed
	lost          bool // too much has changed to say what
}

// changed is lines of the one state in the place of lines of the other: from, up to and without to.
type changed struct{ from, to, nowFrom, nowTo int }

// NewLater compares the states.
func NewLater(before, after string) *Later {
	l := &Later{before: before, after: after, at: beginnings(before), now: beginnings(after)}
	n, m := len(l.at)-1, len(l.now)-1
	head := 0
	for head < n && head < m && l.line(head) == l.lineNow(head) {
		head++
	}
	for n > head && m > head && l.line(n-1) == l.lineNow(m-1) {
		n, m = n-1, m-1
	}
	l.compare(head, n, m)
	return l
}

func (l *Later) line(i int) string    { return l.before[l.at[i]:l.at[i+1]] }
func (l *Later) lineNow(i int) string { return l.after[l.now[i]:l.now[i+1]] }

// compare finds the hunks among the lines from head up to n and m.
func (l *Later) compare(head, n, m int) {
	rows, cols := n-head, m-head
	if rows == 0 || cols == 0 {
		if rows+cols > 0 {
			l.hunks = []changed{{head, n, head, m}}
		}
		return
	}
	if l.lost = rows > maxLaterCells/cols; l.lost {
		return
	}
	number := map[string]int32{}
	numbers := func(k int, line func(int) string) []int32 {
		out := make([]int32, k)
		for i := range out {
			s := line(head + i)
			if _, known := number[s]; !known {
				number[s] = int32(len(number))
			}
			out[i] = number[s]
		}
		return out
	}
	x, y := numbers(rows, l.line), numbers(cols, l.lineNow)
	width := cols + 1
	best := make([]int32, (rows+1)*width) // the longest of what is left, from each pair of places on
	for i := rows - 1; i >= 0; i-- {
		for j := cols - 1; j >= 0; j-- {
			if at := i*width + j; x[i] == y[j] {
				best[at] = best[at+width+1] + 1
			} else {
				best[at] = max(best[at+width], best[at+1])
			}
		}
	}
	for i, j := 0, 0; i < rows || j < cols; {
		if i < rows && j < cols && x[i] == y[j] {
			i, j = i+1, j+1
			continue
		}
		h := changed{from: head + i, nowFrom: head + j}
		for i < rows || j < cols {
			switch at := i*width + j; {
			case i < rows && j < cols && x[i] == y[j]:
			case j == cols || i < rows && best[at+width] >= best[at+1]:
				i++
				continue
			default:
				j++
				continue
			}
			break
		}
		h.to, h.nowTo = head+i, head+j
		l.hunks = append(l.hunks, h)
	}
}

// Of returns where what has become of before[start:end] stands in the later state: the same text, another, or none, where
// from is to. It reports false where that cannot be told.
func (l *Later) Of(start, end int) (from, to int, ok bool) {
	if start < 0 || start >= end || end > len(l.before) {
		return 0, 0, false
	}
	text := l.before[start:end]
	still := strings.Index(l.after, text)
	if still >= 0 && strings.LastIndex(l.after, text) == still {
		return still, still + len(text), true
	}
	if from, to, ok = l.mapped(start, end); ok && still >= 0 {
		ok = l.after[from:to] == text // it is there several times: this may be another
	}
	return from, to, ok
}

// mapped is Of by the hunks alone.
func (l *Later) mapped(start, end int) (from, to int, ok bool) {
	if l.lost {
		return 0, 0, false
	}
	a, b := lineAt(l.at, start), lineAt(l.at, end-1)+1 // the lines that the text is on
	shift, grown := 0, 0                               // of what is before, and of what is within
	for _, h := range l.hunks {
		switch more := (h.nowTo - h.nowFrom) - (h.to - h.from); {
		case h.to <= a: // before it; what is added just before it is not of it
			shift += more
		case h.from >= b:
		case h.from >= a && h.to <= b:
			grown += more
		case h.nowFrom == h.nowTo: // taken away, and some of what is around it
			shift -= max(0, a-h.from)
			grown -= min(b, h.to) - max(a, h.from)
		default:
			return 0, 0, false
		}
	}
	from, to = l.now[a+shift], l.now[b+shift+grown]
	head, tail := l.before[l.at[a]:start], l.before[end:l.at[b]] // what else is on its first and last line
	if from == to {
		return from, to, head+tail == ""
	}
	lines := l.after[from:to]
	if len(lines) < len(head)+len(tail) || !strings.HasPrefix(lines, head) || !strings.HasSuffix(lines, tail) {
		return 0, 0, false
	}
	return from + len(head), to - len(tail), true
}

// beginnings are the places at which the lines of a text begin, and its end.
func beginnings(text string) []int {
	var out []int
	for i := 0; i < len(text); {
		out = append(out, i)
		n := strings.IndexByte(text[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
	}
	return append(out, len(text))
}

// lineAt is the line that the byte at i is on.
func lineAt(begins []int, i int) int {
	low, high := 0, len(begins)-1
	for low+1 < high {
		if mid := (low + high) / 2; begins[mid] <= i {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// Apart is how far two texts are apart, as a share of the longer: the words that would have to be replaced, added or taken
// away. What a formatter may change counts for nothing: white space, quotes, commas, semicolons and parentheses are no
// words. Where the texts differ in so much that it would take long to say, it is 1.
func Apart(a, b string) float64 {
	x, y := words(a), words(b)
	longer := max(len(x), len(y))
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	switch {
	case longer == 0:
		return 0
	case len(x) == 0 || len(y) == 0:
		return float64(len(x)+len(y)) / float64(longer)
	case len(x) > 4*maxLaterCells/len(y):
		return 1
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i, w := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j, v := range y {
			cost := 1
			if w == v {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return float64(row[len(y)]) / float64(longer)
}

// SameWords reports whether two texts are apart by nothing but what a formatter may change.
func SameWords(a, b string) bool { return a == b || slices.Equal(words(a), words(b)) }

// words are the names and numbers of a text, and its other signs one by one.
func words(text string) (out []string) {
	name := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '$' || c >= utf8.RuneSelf
	}
	for i := 0; i < len(text); {
		c := text[i]
		end := i + 1
		switch {
		case name(c):
			for end < len(text) && name(text[end]) {
				end++
			}
		case c <= ' ' || strings.IndexByte("'\"`,;()", c) >= 0:
			i = end
			continue
		}
		out = append(out, text[i:end])
		i = end
	}
	return out
}
