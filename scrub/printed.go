// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

// logged are the keywords of lines that servers write about accounts, and of files that list them beside a hash.
func logged() []rule {
	var rs []rule
	add := func(detect func(*worker, *rule, int, int), keywords ...string) {
		for _, k := range keywords {
			rs = append(rs, rule{keyword: k, detect: detect})
		}
	}
	add((*worker).requested, " [00/")
	add((*worker).hashed, ":$apr0$", ":$0y$", ":$0a$", ":$0b$", ":$0$", ":$y$", ":{sha}", ":{ssha}", ":{sha000}", ":{ssha000}", ":{crypt}")
	add((*worker).loggedBefore, " : tty=", ") cmd (")
	add((*worker).loggedAfter, "(to root) ", "publickey for ", "gssapi-with-mic for ", "keyboard-interactive/pam for ")
	return rs
}

// requested looks at the account in a line of an access log: 10.1.2.3 - jdoe [10/Oct/2024:13:55:36 +0000].
func (w *worker) requested(_ *rule, i, end int) {
	b := w.buf
	if run(b, end, end+3, isAlpha) != end+3 || ch(b, end+3) != '/' {
		return
	}
	line, _ := lineAround(b, i, proseReach)
	user := i
	for user > line && b[user-1] != ' ' {
		user--
	}
	if fields := bytes.Fields(b[line:user]); len(fields) < 2 || handleEndAt(b, user) != i && bytes.IndexByte(b[user:i], '\\') < 0 {
		return
	}
	w.holder(user)
}

// hashed looks at a line of a file of passwords: an account stands before the hash.
func (w *worker) hashed(_ *rule, start, _ int) {
	line, _ := lineAround(w.buf, start, maxName)
	if e := handleEndAt(w.buf, line); e == start && (line == 0 || w.buf[line-1] == '\n') {
		w.holder(line)
	}
}

// loggedBefore looks at the account before what a log says of it: sudo: jdoe : TTY=pts/0, CRON[1]: (jdoe) CMD.
func (w *worker) loggedBefore(_ *rule, i, _ int) {
	b := w.buf
	s := i
	for s > 0 && i-s < maxName && bytes.IndexByte([]byte(" (\n\t"), b[s-1]) < 0 {
		s--
	}
	if s < i && handleEndAt(b, s) == i {
		w.holder(s)
	}
}

// loggedAfter looks at the account after words of a log: Accepted publickey for jdoe from 10.1.2.3.
func (w *worker) loggedAfter(_ *rule, _, end int) { w.holder(end) }

// domainUser looks at an account of a Windows domain, FJORD\jdoe, at the name of the domain. It returns the end of what it
// recorded, or start.
func (w *worker) domainUser(start, end int) int {
	b := w.buf
	if end-start < 2 || end-start > 15 || at(b, start-1)&isIdent != 0 || bytes.IndexByte([]byte("\\/{}.$@<-"), ch(b, start-1)) >= 0 && start > 0 {
		return start
	}
	for _, c := range b[start:end] {
		if class[c]&(isUpper|isDigit) == 0 {
			return start
		}
	}
	i := end
	for i < end+4 && ch(b, i) == '\\' {
		i++
	}
	e := i
	for e < len(b) && e < i+40 && (class[b[e]]&isIdent != 0 || b[e] == '.' || b[e] == '-') {
		e++
	}
	for e > i && (b[e-1] == '.' || b[e-1] == '-') {
		e--
	}
	v := b[i:e]
	if len(v) < 3 || class[v[0]]&isAlpha == 0 || bytes.IndexByte([]byte("\\({[=*+?/"), ch(b, e)) >= 0 && e < len(b) || system(v) || string(lower(v)) == "username" || w.ownAt(b, i, e) || notADomain(b[start:end]) {
		return start
	}
	f := shapeOf(v)
	listed := w.initialed(v) || w.nameLike(v)
	switch {
	case f.under > 0 && !listed, f.firstUpper && !listed, f.upper > 1:
		return start
	case i == end+1 && !listed && !plainLine(b, start) && (bytes.IndexByte([]byte("abcdefnrstuvwxDSWB"), v[0]) >= 0 || bytes.IndexByte(b[max(0, start-maxName):start], '{') >= 0): // an escape of a literal; TeX
		return start
	case w.names.Of(v)&names.Word != 0 && w.names.Of(v)&names.Given == 0:
		return start
	}
	w.add(i, e, "user")
	return e
}

// plainLine reports whether the line around i has none of the signs of a literal or of an expression, in which a backslash
// would be an escape.
func plainLine(b []byte, i int) bool {
	line, eol := lineAround(b, i, lineReach)
	return !bytes.ContainsAny(b[line:eol], "\"'`{}()[]=;%|^$*+?<>") && bytes.Count(b[line:eol], []byte{'\\'}) <= 3
}

// notADomain reports words before a backslash that stand for any domain, or for what is no domain.
func notADomain(v []byte) bool {
	switch string(v) {
	case "DOMAIN", "MYDOMAIN", "HKLM", "HKCU", "HKCR", "HKU", "HKEY", "SOFTWARE", "SYSTEM", "AUTHORITY", "SERVICE", "BUILTIN", "APPPOOL", "PATH", "UTF", "SRC", "BIN", "TEMP":
		return true
	}
	return false
}

// processes looks at the accounts in what ps, top and lsof print, below their column in b[line:eol], the names of columns.
func (w *worker) processes(line, eol int) bool {
	b := w.buf
	user, pid := -1, -1
	fields(b, line, eol, func(n, s, e int) {
		switch string(b[s:e]) {
		case "USER", "UID", "RUSER", "EUSER":
			user = max(user, n)
		case "PID":
			pid = n
		}
	})
	if user < 0 || pid < 0 {
		return false
	}
	end := eol + 1
	for end < len(b) {
		next := lineEnd(b, end)
		at, process := 0, false
		fields(b, end, next, func(n, s, e int) {
			if n == user {
				at = s
			}
			process = process || n == pid && run(b, s, e, isDigit) == e
		})
		if !process {
			break
		}
		if at > 0 {
			w.holder(at)
		}
		end = next + 1
	}
	w.headEnd, w.tableEnd = eol, min(end, len(b))
	return true
}

// fields visits the first words of b[i:end], as blanks tell them apart.
func fields(b []byte, i, end int, visit func(n, start, end int)) {
	for n := 0; n < maxArguments; n++ {
		i = run(b, i, end, isBlank)
		e := i
		for e < end && b[e] > ' ' {
			e++
		}
		if e == i {
			return
		}
		visit(n, i, e)
		i = e
	}
}
