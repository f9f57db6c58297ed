// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"unicode/utf8"
)

const (
	maxGaps   = 3       // lines of a table, one after the other, that are no rows
	maxFolds  = 2 << 10 // bytes of the lines that a cell goes on over
	rulesOnly = "|-+:= \t\r"
)

// rows judges the cells of the rows that go on at i, and returns where they end. A table goes on after a few lines that
// are blank, a comment or a word, and after rows with other numbers of cells, as long as what comes looks like a row.
func (w *worker) rows(c *tableColumns, i int) int {
	b, last, row, gaps := w.buf, i, 0, 0
	for i < len(b) {
		end := lineEnd(b, i)
		line := b[i:end]
		if c.dumped && string(bytes.TrimRight(line, "\r")) == `\.` {
			last = end
			break
		}
		if c.sep == '|' && ruled(line) {
			i = end + 1
			continue
		}
		indent, n, sound := run(line, 0, len(line), isBlank), 0, true
		end, whole := c.row(b, i, func(k, s, e int) bool {
			n++
			if other := k >= c.n || c.sorts[k] == otherColumn; other && bytes.ContainsAny(b[s:e], "(){}") || !c.spaced && c.sep != '|' && c.sep != ' ' && ch(b, s) == ' ' {
				sound = false
			}
			return true
		})
		switch {
		case indent < c.indent && (c.sep == ',' || c.sep == ';'):
		case whole && n == c.n && (gaps == 0 || sound) || c.dumped && n > 1, c.seen && n > 1 && sound && indent <= c.indent:
			c.seen, gaps = true, 0
			row = w.rowAt(row, i)
			c.row(b, i, func(k, s, e int) bool {
				if k < c.n && c.likely(b[s:e], k) {
					w.cellOf(s, e, c.sorts[k])
				}
				return true
			})
			i = end + 1
			last = i
			continue
		case gaps < maxGaps && c.sep != ' ' && (gap(line) || c.sep == '|' && ch(line, indent) == '|'):
			gaps++
			i = end + 1
			continue
		}
		break
	}
	if i = min(last, len(b)); c.seen {
		if row = w.rowAt(row, i); row > 0 {
			w.lasts(c, row, i, false)
		}
	}
	return i
}

// likely reports whether the cell v may be what its column holds: nothing but blanks tells a column of aligned ones from a
// text, so a secret is one word there, and one with a digit where no capitals or rules say what the first line is.
func (c *tableColumns) likely(v []byte, k int) bool {
	if c.sep != ' ' || !(columnSorts(1) << c.sorts[k]).secret() {
		return true
	}
	f := shapeOf(v)
	return f.spaces == 0 && (f.digits > 0 || !c.doubtful)
}

// gap reports lines that may stand between the rows of a table: none, a comment, one word.
func gap(line []byte) bool {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || hasAny(line, "#", "//", "--", "...", "…") {
		return true
	}
	return run(line, 0, len(line), isDotted) == len(line) && !bytes.Equal(line, bytes.ToUpper(line))
}

// row visits the cells of the row that begins at i, without their quotes and the blanks around them, until visit says
// no. It returns where the row ends, and reports whether it came to the end.
func (c *tableColumns) row(b []byte, i int, visit func(n, start, end int) bool) (int, bool) {
	eol := lineEnd(b, i)
	end := rowEnd(b, i, eol)
	switch c.sep {
	case ' ':
		return eol, c.alignedRow(b, i, end, visit)
	case '|':
		if i = run(b, i, end, isBlank); i < end && b[i] == '|' {
			i++
		}
		if end > i && b[end-1] == '|' {
			end--
		}
	}
	for n := 0; n < maxColumns && i <= end; n++ {
		s, e := i, 0
		if q := ch(b, i); c.sep != '|' && !c.dumped && (q == '"' || q == '\'') && i < end {
			if e = closing(b, i+1, end, q); e == end && q == '"' { // it goes on over lines, or is no quote
				if far := closing(b, end, min(len(b), end+maxFolds), q); far < len(b) && b[far] == q && (far+1 == len(b) || b[far+1] == c.sep || b[far+1] <= '\r') {
					e, eol = far, lineEnd(b, far)
					end = rowEnd(b, far, eol)
				}
			}
			s, i = i+1, min(e+1, end)
			if i < end && b[i] != c.sep {
				return eol, false
			}
		} else {
			for i < end && b[i] != c.sep {
				i++
			}
			e = i
		}
		if c.sep == '|' {
			s, e = trimBlank(b, s, e)
		}
		if !visit(n, s, e) {
			return eol, false
		}
		if i >= end {
			return eol, true
		}
		for i++; c.repeated && i < end && b[i] == c.sep; i++ {
		}
	}
	return eol, false
}

// rowEnd returns where the last cell of a row ends whose line is b[i:eol]: blanks after it are none, but tabs are.
func rowEnd(b []byte, i, eol int) int {
	for eol > i && b[eol-1] <= ' ' && b[eol-1] != '\t' {
		eol--
	}
	return eol
}

// closing returns where the quote stands in b[i:end] that closes a cell, end for nowhere. Two of them stand for one.
func closing(b []byte, i, end int, q byte) int {
	for ; i < end; i++ {
		if b[i] == q {
			if ch(b, i+1) != q {
				return i
			}
			i++
		}
	}
	return end
}

// aligned reads the table whose columns stand below their names, b[line:eol], or below the rules under those.
func (w *worker) aligned(line, eol int) bool {
	b := w.buf
	if w.processes(line, eol) {
		return true
	}
	c := tableColumns{sep: ' ', indent: run(b, line, eol, isBlank) - line}
	i := eol + 1
	under := b[i:lineEnd(b, i)]
	rules := len(under) <= maxHeader && ruled(under) && bytes.IndexByte(under, ' ') > 0
	if rules {
		c.columnsAt(under, 1)
		i = lineEnd(b, i) + 1
	} else if bytes.Contains(bytes.TrimSpace(b[line:eol]), []byte("  ")) {
		c.columnsAt(b[line:eol], 2)
	}
	if c.n < 2 {
		return false
	}
	account, capitals := false, true
	ok := c.alignedRow(b, line, rowEnd(b, line, eol), func(i, s, e int) bool {
		if !columnName(b[s:e]) || bytes.Count(b[s:e], []byte{' '}) > 1 || stopword(b[s:e]) && columnSortOf(b[s:e]) == otherColumn {
			return false
		}
		c.sorts[i] = columnSortOf(b[s:e])
		account = account || c.accounts(i, b[s:e])
		capitals = capitals && upperAt(b, s)
		return true
	})
	if !ok || !c.settle() || !c.apart(account) {
		return false
	}
	c.doubtful = !rules && !capitals
	return w.tabled(&c, eol, i)
}

// columnsAt notes where columns begin: after as many blanks as gap, or more.
func (c *tableColumns) columnsAt(line []byte, gap int) {
	blanks, n := gap, 0
	for i, x := range line {
		if !utf8.RuneStart(x) {
			continue
		}
		if class[x]&isBlank != 0 || x == '\r' {
			blanks++
		} else {
			if blanks >= gap && c.n < maxColumns {
				c.at[c.n] = uint16(n)
				c.n++
			}
			blanks = 0
		}
		n++
		if i > maxHeader {
			return
		}
	}
}

// alignedRow visits the cells of the row b[i:end] as they stand below the names of columns, or, where one is wider than
// its column, as two blanks tell them apart.
func (c *tableColumns) alignedRow(b []byte, i, end int, visit func(n, start, end int) bool) bool {
	if end-i > maxHeader {
		return false
	}
	var from [maxColumns + 1]int
	k, n := 0, 0
	for p := i; p < end && k < c.n; p++ {
		if !utf8.RuneStart(b[p]) {
			continue
		}
		if n == int(c.at[k]) {
			if k > 0 && class[b[p-1]]&isBlank == 0 {
				return c.splitRow(b, i, end, visit)
			}
			from[k] = p
			k++
		}
		n++
	}
	if k < 2 {
		return false
	}
	for from[k] = end; k < c.n; k++ {
		from[k+1] = end
	}
	from[0] = i
	for k := range c.n {
		if s, e := trimBlank(b, from[k], from[k+1]); !visit(k, s, e) {
			return false
		}
	}
	return true
}

// splitRow visits the cells of the row b[i:end] that two blanks tell apart, if there are as many as columns.
func (c *tableColumns) splitRow(b []byte, i, end int, visit func(n, start, end int) bool) bool {
	var cells [maxColumns]span
	n := 0
	for i = run(b, i, end, isBlank); i < end; i = run(b, i, end, isBlank) {
		s := i
		for i < end && !(class[b[i]]&isBlank != 0 && at(b, i+1)&isBlank != 0) {
			i++
		}
		if n == c.n {
			return false
		}
		cells[n] = span{start: s, end: i}
		n++
	}
	if n != c.n {
		return false
	}
	for k, s := range cells[:n] {
		if !visit(k, s.start, s.end) {
			return false
		}
	}
	return true
}

// lastingTable is a table that is not over where its window is cut: the next window goes on with a row of it.
type lastingTable struct {
	columns tableColumns
	values  bool // in an insertion into a database
	row     int  // where the row begins that the next window starts with, 0 for no table
}

// rowAt returns i, where a row begins, unless a window cannot be cut as late; else the row before it.
func (w *worker) rowAt(row, i int) int {
	if i <= len(w.buf)-lookahead {
		return i
	}
	return row
}

// lasts remembers a table that ends at end, where the window may be cut in it.
func (w *worker) lasts(c *tableColumns, row, end int, values bool) {
	if row > 0 && end > len(w.buf)-2*lookahead {
		w.lasting = lastingTable{*c, values, row}
	}
}

// resume goes on at i with a table that the window before was cut in.
func (w *worker) resume(t *lastingTable, i int) {
	switch {
	case t.row == 0:
	case t.values:
		w.tuples(&t.columns, i)
	default:
		w.rows(&t.columns, i)
	}
}

// ruled reports a line of a drawn table that is nothing but a rule: |---|:--:|, +----+.
func ruled(v []byte) bool {
	return bytes.IndexByte(v, '-') >= 0 && len(bytes.Trim(v, rulesOnly)) == 0
}

// cell judges the cell of a table.
func (w *worker) cell(s, e int, k word) {
	b := w.buf
	for s < e && (b[s] == '`' || b[s] == '*') && b[e-1] == b[s] && e-s > 1 {
		s, e = s+1, e-1
	}
	if v := b[s:e]; len(v) > maxBare || stopword(v) || credentialWord(v) && bytes.Equal(v, bytes.ToUpper(v)) || bytes.IndexByte(v, '(') >= 0 || placeholder(v) {
		return
	}
	w.judge(s, e, joint{equals: true}, k, true)
}
