// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const (
	maxHeader  = 512 // bytes of the names of columns
	maxColumns = 32
	maxCell    = 256 // bytes of a cell, and of a name of a table
)

// tableColumns are those of a table whose names say that they hold passwords.
type tableColumns struct {
	n      int // of all
	sep    byte
	word   word // of the name that was found
	secret [maxColumns]bool
}

// column looks at the name from start to end: of a column, in the first line of a file of commas or of a drawn table, or
// in an insertion into a database. It reports whether it was one, and records what stands below it.
func (w *worker) column(start, end int, k word) bool {
	b := w.buf
	if start < w.tableEnd {
		return start < w.headEnd
	}
	if q, after := quoteAt(b, end); q != 0 {
		end = after
	} else if ch(b, end) == ']' {
		end++
	}
	next := spaces(b, end, false)
	switch c := ch(b, next); c {
	case ',', ')':
		if w.inserted(start, k) {
			return true
		}
		if c == ')' {
			return false
		}
	case ';', '|', '\t', '\n', '\r', 0:
	default:
		if next == end || at(b, end) != isBlank || b[end] != '\t' {
			return false
		}
	}
	line := start
	for limit := start - maxHeader; line > 0 && line > limit && b[line-1] != '\n'; line-- {
	}
	if line > 0 && b[line-1] != '\n' {
		return false
	}
	eol := lineEnd(b[:min(len(b), line+maxHeader+1)], end)
	if eol-line > maxHeader || eol >= len(b) {
		return false
	}
	for _, sep := range [...]byte{'|', ',', ';', '\t'} {
		if bytes.IndexByte(b[line:eol], sep) >= 0 {
			return w.table(line, eol, sep, k)
		}
	}
	return false
}

// table reads the table whose first line is b[line:eol], and the cells of its rows.
func (w *worker) table(line, eol int, sep byte, k word) bool {
	b, c, account := w.buf, tableColumns{sep: sep, word: k}, false
	passwords := false
	ok := c.row(b, line, eol, func(i, s, e int) bool {
		name := bytes.Trim(b[s:e], "*`_ ")
		if len(name) == 0 || len(name) > maxName || at(name, 0)&isAlpha == 0 || run(name, 0, len(name), isDotted|isBlank) < len(name) || sep != '|' && b[s] == ' ' {
			return false
		}
		c.secret[i] = secretColumn(name)
		passwords = passwords || c.secret[i]
		account = account || accountColumn(name)
		c.n++
		return true
	})
	if !ok || !passwords || c.n < 2 || sep != '|' && !account {
		return false
	}
	i := eol + 1
	if sep == '|' {
		if end := lineEnd(b, i); !ruled(b[i:end]) {
			return false
		}
	}
	end := w.rows(&c, i)
	if end <= i {
		return false
	}
	w.headEnd, w.tableEnd = eol, end
	return true
}

// rows judges the cells of the rows that go on at i, and returns where they end.
func (w *worker) rows(c *tableColumns, i int) int {
	b, from, row := w.buf, i, 0
	for i < len(b) {
		end := lineEnd(b, i)
		if c.sep == '|' && ruled(b[i:end]) {
			i = end + 1
			continue
		}
		n := 0
		same := c.row(b, i, end, func(int, int, int) bool { n++; return true })
		if !same || n != c.n {
			break
		}
		row = w.rowAt(row, i)
		c.row(b, i, end, func(k, s, e int) bool {
			if c.secret[k] {
				w.cell(s, e, c.word)
			}
			return true
		})
		i = end + 1
	}
	if row = w.rowAt(row, i); i > from {
		w.lasts(c, row, i, false)
	}
	return i
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

// row visits the cells of a row, without their quotes and the blanks around them, until visit says no. It reports
// whether it came to the end.
func (c *tableColumns) row(b []byte, i, end int, visit func(n, start, end int) bool) bool {
	for end > i && b[end-1] <= ' ' && b[end-1] != '\t' {
		end--
	}
	if c.sep == '|' {
		if i = run(b, i, end, isBlank); i < end && b[i] == '|' {
			i++
		}
		if end > i && b[end-1] == '|' {
			end--
		}
	}
	for n := 0; n < maxColumns && i <= end; n++ {
		s, e := i, 0
		if c.sep != '|' && (ch(b, i) == '"' || ch(b, i) == '\'') && i < end {
			for e = i + 1; e < end && (b[e] != b[i] || ch(b, e+1) == b[i]); e++ {
				if b[e] == b[i] {
					e++
				}
			}
			s, i = i+1, min(e+1, end)
			if i < end && b[i] != c.sep {
				return false
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
			return false
		}
		if i >= end {
			return true
		}
		i++
	}
	return false
}

// ruled reports a line of a drawn table that is nothing but a rule: |---|:--:|, +----+.
func ruled(v []byte) bool {
	return bytes.IndexByte(v, '-') >= 0 && len(bytes.Trim(v, "|-+: \t\r")) == 0
}

// cell judges the cell of a table.
func (w *worker) cell(s, e int, k word) {
	b := w.buf
	for s < e && (b[s] == '`' || b[s] == '*') && b[e-1] == b[s] && e-s > 1 {
		s, e = s+1, e-1
	}
	if v := b[s:e]; len(v) > maxCell || stopword(v) || credentialWord(v) && bytes.Equal(v, bytes.ToUpper(v)) || bytes.IndexByte(v, '(') >= 0 || placeholder(v) {
		return
	}
	w.judge(s, e, joint{equals: true}, k, true)
}

// secretColumn reports names of columns that hold passwords or secrets.
func secretColumn(name []byte) bool {
	l := lower(name)
	for _, word := range [...]string{"password", "passwd", "pwd", "passphrase", "passwort", "passcode", "secret"} {
		if n := bytes.Index(l, []byte(word)); n >= 0 {
			return !innocent(name[n+len(word):])
		}
	}
	return bytes.HasSuffix(l, []byte("pass"))
}

// accountColumn reports names of columns that say whose the others are.
func accountColumn(name []byte) bool {
	l := lower(name)
	for _, word := range [...]string{"user", "name", "login", "mail", "id", "account", "host", "url", "server"} {
		if bytes.Contains(l, []byte(word)) {
			return true
		}
	}
	return false
}

// inserted reads INSERT INTO table (name, password) VALUES ('a', 'b'), …, where a name of a column begins at i.
func (w *worker) inserted(i int, k word) bool {
	b := w.buf
	if bytes.LastIndexByte(b[max(0, i-maxHeader):i], '(') < 0 {
		return false
	}
	open := i
	for limit := max(0, i-maxHeader); open >= limit && (open >= len(b) || b[open] != '('); open-- {
		if c := b[open]; class[c]&isDotted == 0 && c > ' ' && c < 0x80 && bytes.IndexByte([]byte("`\"'[],"), c) < 0 {
			return false
		}
	}
	if ch(b, open) != '(' {
		return false
	}
	head := b[max(0, open-maxCell):open]
	head = bytes.TrimRight(head, " \t\r\n")
	table := len(head)
	for table > 0 && (class[head[table-1]]&isDotted != 0 || bytes.IndexByte([]byte("`\"[]"), head[table-1]) >= 0) {
		table--
	}
	head = bytes.TrimRight(head[:table], " \t\r\n")
	if len(head) < len("into") || !bytes.EqualFold(head[len(head)-len("into"):], []byte("into")) {
		return false
	}
	c := tableColumns{sep: ',', word: k}
	for i = open + 1; i < len(b) && i < open+maxHeader && c.n < maxColumns; i++ {
		e := i
		for e < len(b) && b[e] != ',' && b[e] != ')' {
			if class[b[e]]&isDotted == 0 && b[e] > ' ' && bytes.IndexByte([]byte("`\"'[]"), b[e]) < 0 {
				return false
			}
			e++
		}
		c.secret[c.n] = secretColumn(bytes.Trim(b[i:min(e, len(b))], "`\"'[] \t\r\n"))
		c.n, i = c.n+1, e
		if ch(b, e) == ')' {
			break
		}
	}
	i = blanks(b, i+1)
	if len(b) < i+len("values") || !bytes.EqualFold(b[i:i+len("values")], []byte("values")) {
		return false
	}
	w.headEnd = i
	w.tableEnd = w.tuples(&c, blanks(b, i+len("values")))
	return true
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
			if n < c.n && n < maxColumns && c.secret[n] {
				w.cell(i+1, e, c.word)
			}
			i = e
		}
	}
	return i
}
