// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// statements are the keywords of statements that fill a table of a database. Where a list of columns stands before one,
// it says what the values after it are.
func statements() []rule {
	return []rule{{keyword: "values", detect: (*worker).statement}, {keyword: "from stdin", detect: (*worker).statement}}
}

// statement looks at the list of columns that ends before start.
func (w *worker) statement(_ *rule, start, _ int) {
	i := start
	for limit := start - maxSpace; i > 0 && i > limit && w.buf[i-1] <= ' '; i-- {
	}
	if ch(w.buf, i-1) == ')' && i-1 >= w.tableEnd {
		w.filled(i - 1)
	}
}

// filled reads INSERT INTO table (name, password) VALUES ('a', 'b'), … and COPY table (name, password) FROM stdin with
// the rows that follow, where i is in the list of columns. It reports whether it was one.
func (w *worker) filled(i int) bool {
	b, open := w.buf, w.listOpens(i)
	if open < 0 || open < w.tableEnd && open > 0 {
		return false
	}
	copied, ok := fills(b, open)
	if !ok {
		return false
	}
	c := tableColumns{sep: ',', seen: true}
	for i = open + 1; i < len(b) && i < open+maxHeader && c.n < maxColumns; i++ {
		e := i
		for e < len(b) && b[e] != ',' && b[e] != ')' {
			if !ofList(b[e]) {
				return false
			}
			e++
		}
		c.sorts[c.n] = columnSortOf(bytes.Trim(b[i:min(e, len(b))], "`\"'[] \t\r\n"))
		c.n, i = c.n+1, e
		if ch(b, e) == ')' {
			break
		}
	}
	if i >= len(b) || !c.settle() { // a text that ends within the list has no rows
		return false
	}
	i = blanks(b, i+1)
	if copied {
		return w.copied(&c, i)
	}
	if len(b) < i+len("values") || !bytes.EqualFold(b[i:i+len("values")], []byte("values")) {
		return false
	}
	w.headEnd = i
	w.tableEnd = w.tuples(&c, blanks(b, i+len("values")))
	return true
}

// listOpens returns where the list of names opens that i is in, -1 where it is in none. What was looked at from before i
// is known.
func (w *worker) listOpens(i int) int {
	b := w.buf
	open, floor := i-1, max(0, i-maxHeader)
	for ; open >= floor && b[open] != '('; open-- {
		if !ofList(b[open]) || open == w.listFrom && open > 0 {
			break
		}
	}
	switch {
	case open >= floor && b[open] == '(':
	case open >= floor && open == w.listFrom && open > 0 && ofList(b[open]) && w.listOpen >= floor:
		open = w.listOpen
	default:
		open = -1
	}
	w.listFrom, w.listOpen = i-1, open
	return open
}

// ofList reports bytes of a list of names of columns.
func ofList(c byte) bool {
	return class[c]&isDotted != 0 || c <= ' ' || c >= 0x80 || bytes.IndexByte([]byte("`\"'[],"), c) >= 0
}

// fills reports whether a statement that fills a table stands before the list that opens at i, and whether it is COPY.
func fills(b []byte, i int) (copied, ok bool) {
	head := bytes.TrimRight(b[max(0, i-maxCell):i], " \t\r\n")
	table := len(head)
	for table > 0 && (class[head[table-1]]&isDotted != 0 || head[table-1] >= 0x80 || bytes.IndexByte([]byte("`\"[]"), head[table-1]) >= 0) {
		table--
	}
	head = bytes.TrimRight(head[:table], " \t\r\n")
	word := wordBefore(head, len(head))
	switch string(word.b[:word.n]) {
	case "into", "insert", "overwrite":
		return false, true
	case "copy":
		return true, true
	}
	return false, false
}

// copied reads what follows the columns of COPY, at i, and the rows after it: their cells stand between tabs, or between
// commas where it says so.
func (w *worker) copied(c *tableColumns, i int) bool {
	b := w.buf
	eol := lineEnd(b, i)
	how := lower(b[i:min(eol, i+maxCell)])
	if !hasAny(how, "from stdin") || eol >= len(b) {
		return false
	}
	switch c.sep, c.dumped = '\t', true; {
	case bytes.Contains(how, []byte("csv")), bytes.Contains(how, []byte("','")):
		c.sep, c.dumped = ',', false
	case bytes.Contains(how, []byte("';'")):
		c.sep, c.dumped = ';', false
	case bytes.Contains(how, []byte("'|'")):
		c.sep, c.dumped = '|', false
	}
	return w.tabled(c, eol, eol+1)
}

// tuples judges the rows of values that go on at i, and returns where they end.
func (w *worker) tuples(c *tableColumns, i int) int {
	b, row := w.buf, 0
	for ; ch(b, i) == '('; i = blanks(b, i) {
		row = w.rowAt(row, i)
		if i = w.tuple(c, i+1); ch(b, i) != ')' {
			break
		}
		if i = blanks(b, i+1); ch(b, i) != ',' {
			break
		}
		i++
	}
	w.lasts(c, row, i, true)
	return i
}

// tuple judges the literals of one row of values, which goes on at i, and returns where it ends.
func (w *worker) tuple(c *tableColumns, i int) int {
	b := w.buf
	for n, depth := 0, 0; i < len(b); i++ {
		switch b[i] {
		case '(':
			depth++
		case ')':
			if depth == 0 {
				return i
			}
			depth--
		case ',':
			if depth == 0 {
				n++
			}
		case ';':
			return i
		case '\'', '"':
			e := i + 1
			for e < len(b) && (b[e] != b[i] || ch(b, e+1) == b[i]) {
				if b[e] == b[i] || b[e] == '\\' {
					e++
				}
				e++
			}
			if e >= len(b) {
				return e
			}
			if n < c.n {
				w.cellOf(i+1, e, c.sorts[n])
			}
			i = e
		default:
			if d := run(b, i, i+maxWord, isDigit); d > i && depth == 0 && n < c.n && c.sorts[n] != passwordColumn && at(b, i-1)&isIdent == 0 { // a number
				w.cellOf(i, d, c.sorts[n])
				i = d - 1
			}
		}
	}
	return i
}
