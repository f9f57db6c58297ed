// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const (
	maxHeader  = 4 << 10 // bytes of the names of columns
	maxColumns = 256
	maxCell    = 256 // bytes of a word in a cell, and of a name of a table
)

// tableColumns are those of a table whose names say that they hold secrets, or say something of people.
type tableColumns struct {
	n        int  // of all
	sep      byte // between cells; a blank where columns stand below their names
	spaced   bool // a blank follows sep
	repeated bool // sep stands more than once, to align the next cell
	dumped   bool // by COPY, which quotes nothing
	doubtful bool // nothing but blanks says that it is a table
	seen     bool // a row
	indent   int
	sorts    [maxColumns]columnSort
	at       [maxColumns]uint16 // where columns stand that are aligned, in characters
}

// holds returns the sorts of the columns.
func (c *tableColumns) holds() (s columnSorts) {
	for _, k := range c.sorts[:c.n] {
		s |= 1 << k
	}
	return s
}

// settle decides about the columns that the others speak for, and reports whether there is one to look at.
func (c *tableColumns) settle() bool {
	s := c.holds()
	of := s.personal() || s.has(mailColumn) || s.has(passwordColumn) || s.has(userColumn)
	some := false
	for i, k := range c.sorts[:c.n] {
		if k == nameColumn && !of {
			c.sorts[i] = otherColumn
		}
		some = some || c.sorts[i] != otherColumn && k != mailColumn
	}
	return some
}

// tables is where a scan is in the tables of its text.
type tables struct {
	headEnd  int          // of the names of columns of the last table, and
	tableEnd int          // of the table
	plainEnd int          // of the last line that is no head of a table
	listFrom int          // a place in a list of names, and
	listOpen int          // where the list opens, -1 for nowhere
	lasting  lastingTable // the last table that goes on in the next window
}

// startTables forgets the tables of another text.
func (w *worker) startTables() {
	w.headEnd, w.tableEnd, w.plainEnd, w.listFrom, w.listOpen, w.lasting.row = 0, 0, 0, 0, -1, 0
}

// column looks at the name from start to end: of a column, in the first line of a table, or in a statement that fills
// one of a database. It reports whether it was one, and records what stands below it.
func (w *worker) column(start, end int) bool {
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
		if w.filled(start) {
			return true
		}
		if c == ')' {
			return false
		}
	case ';', '|', '\t', '\n', '\r', 0:
	default:
		if next < end+2 && (next == end || b[end] != '\t') {
			return false
		}
	}
	if start < w.plainEnd {
		return false
	}
	line := start
	for limit := start - maxHeader; line > 0 && line > limit && b[line-1] != '\n'; line-- {
	}
	eol := lineEnd(b, end)
	w.plainEnd = eol
	if line > 0 && b[line-1] != '\n' || eol-line > maxHeader || eol >= len(b) {
		return false
	}
	if bytes.HasPrefix(b[line:eol], []byte("\xef\xbb\xbf")) {
		line += len("\xef\xbb\xbf")
	}
	for _, sep := range [...]byte{'|', ',', ';', '\t'} {
		if bytes.IndexByte(b[line:eol], sep) >= 0 {
			return w.table(line, eol, sep)
		}
	}
	return w.aligned(line, eol)
}

// table reads the table whose first line is b[line:eol], and the cells of its rows.
func (w *worker) table(line, eol int, sep byte) bool {
	b := w.buf
	c := tableColumns{sep: sep, indent: run(b, line, eol, isBlank) - line}
	if ch(b, line) == '#' && sep != '|' {
		line++
	}
	c.repeated = sep == '\t' && bytes.Contains(b[line:eol], []byte("\t\t"))
	words, account := true, false
	_, ok := c.row(b, line, func(i, s, e int) bool {
		name := bytes.Trim(b[s:e], "*`_ ")
		if !columnName(name) && (i > 0 || len(name) > 0) {
			return false
		}
		c.spaced = c.spaced || i > 0 && b[s] == ' '
		words = words && bytes.IndexByte(name, ' ') < 0
		c.sorts[i] = columnSortOf(name)
		account = account || c.accounts(i, name)
		c.n++
		return true
	})
	if c.spaced && sep != '|' && (!words || c.indent > 0) || !ok || c.n < 2 || !c.settle() {
		return false
	}
	i := eol + 1
	if end := lineEnd(b, i); sep != '|' || !ruled(b[i:end]) {
		if !c.apart(account) || sep == '|' && (!words || b[line] == '|') {
			return false
		}
	} else if s := c.holds(); !s.secret() && !s.personal() {
		return false
	}
	return w.tabled(&c, eol, i)
}

// accounts reports whether a column says whose the others are.
func (c *tableColumns) accounts(i int, name []byte) bool {
	switch c.sorts[i] {
	case otherColumn:
		return accountColumn(name)
	case mailColumn, userColumn, personColumn, nameColumn:
		return true
	}
	return false
}

// apart reports whether the names of the columns alone tell a table from a line of code: secrets, and whose they are, or
// two things that people have.
func (c *tableColumns) apart(account bool) bool {
	s := c.holds()
	if s.secret() {
		return account
	}
	n := 0
	for _, k := range c.sorts[:c.n] {
		n += min(int(k), 1)
	}
	return s.personal() && n > 1
}

// tabled reads the rows of a table from i on, whose names of columns end at eol. It reports whether there are any.
func (w *worker) tabled(c *tableColumns, eol, i int) bool {
	end := w.rows(c, i)
	if end <= i {
		return false
	}
	w.headEnd, w.tableEnd = eol, end
	return true
}

// columnName reports what may name a column.
func columnName(name []byte) bool {
	if len(name) == 0 || len(name) > maxName || at(name, 0)&isAlpha == 0 && name[0] < 0x80 || name[len(name)-1] == '.' {
		return false
	}
	if n := bytes.Index(name, []byte(" (")); n > 0 && name[len(name)-1] == ')' { // Phone (home)
		name = name[:n]
	}
	for _, c := range name {
		if class[c]&(isDotted|isBlank) == 0 && c < 0x80 && c != '/' && c != '#' {
			return false
		}
	}
	return true
}

// accountColumn reports names of columns that say whose the others are.
func accountColumn(name []byte) bool {
	l := lower(name)
	for _, word := range [...]string{"user", "name", "login", "mail", "id", "account", "host", "url", "server", "service", "site", "system", "app", "role", "client", "device", "owner"} {
		if bytes.Contains(l, []byte(word)) {
			return true
		}
	}
	return false
}
