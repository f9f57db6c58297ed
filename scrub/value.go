// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const (
	maxValue    = 32 << 10 // of a value in quotes
	maxBare     = 512      // of one without
	maxWrap     = 4        // types, constructors and decoders around a literal
	maxLiterals = 16       // of one list or call
	maxGap      = 80       // between two literals
	maxLines    = 64       // of a block
	leastBytes  = 8        // of a list of numbers
)

// value finds where the value ends, judges it, and records it.
func (w *worker) value(j joint, k word) {
	b := w.buf
	i, j, listed := unwrap(b, j)
	q, after := quoteAt(b, i)
	switch {
	case listed:
		w.literals(i, j, k)
	case q != 0:
		start, end, ok := w.quoted(i)
		if !ok {
			j = joint{at: after, equals: true}
			if w.goesOver(after, q, j, k) {
				return
			}
			w.judge(after, bareEnd(b, after, j), j, k, false)
		} else if j.listed && ch(b, spaces(b, end+start-i, false)) == ':' {
			return // the next name
		} else if w.judge(start, end, j, k, true) {
			w.continued(end+start-i, k.kind)
		}
	case j.quoted:
	case !j.equals && (ch(b, i) == '|' || ch(b, i) == '>') || hasAny(b[i:], "<<", "$(cat <<"):
		w.block(i, j, k)
	case hasAny(b[min(i, len(b)):], "%q", "%Q") && bytes.IndexByte([]byte("({["), ch(b, i+2)) >= 0: // of Ruby
		if n := bytes.IndexAny(b[i:min(len(b), i+maxCell)], ")}]\n"); n > 0 && b[i+n] != '\n' {
			w.judge(i+len("%q("), i+n, j, k, true)
		}
	default:
		end := bareEnd(b, i, j)
		if ch(b, end) == ' ' {
			if last := w.passphrase(i, j, k); last < 0 || last > 0 && w.judge(i, last, joint{at: j.at, name: j.name, equals: true}, k, true) {
				return
			}
		}
		w.judge(i, end, j, k, false)
	}
}

// unwrap steps over what may stand between a sign and a literal: types of declarations, prefixes of strings, calls
// and brackets. It returns where the literal or the bare value begins, and whether it is one of a list or a call.
func unwrap(b []byte, j joint) (i int, _ joint, listed bool) {
	i, listed = j.at, j.call
	for range maxWrap {
		if at(b, i)&isIdent == 0 {
			n := bracket(b, i)
			if n == 0 {
				return i, j, listed
			}
			i, listed = spaces(b, i+n, true), listed || b[i] != '$' && b[i] != '@'
			continue
		}
		e := path(b, i)
		next := spaces(b, e, false)
		q, _ := quoteAt(b, next)
		switch c := ch(b, e); {
		case q != 0 && next == e && e-i <= 2: // r"…", $"…", b"…"
			return e, j, listed
		case c == '#' && e-i <= 2 && quotedAt(b, e+1): // r#"…"#
			return e + 1, j, listed
		case c == '(' && !j.cli && !j.prose, c == '{' && !j.cli && (class[b[i]]&isUpper != 0 || quotedAt(b, e+1)):
			j.getter = j.getter || getter(b[i:e])
			i, listed = spaces(b, e+1, true), true
		case next == e || j.prose:
			return i, j, listed
		case ch(b, next) == '=' && ch(b, next+1) != '=' && !j.cli: // var password string = …
			j.equals, j.spaced, i = true, true, spaces(b, next+1, false)
		case string(b[i:e]) == "new" || string(b[i:e]) == "await" || string(b[i:e]) == "const":
			i = next
		case q != 0 && j.equals && class[b[i]]&isUpper != 0 && bytes.IndexByte(b[i:e], '-') > 0: // ConvertTo-SecureString 'x'
			return next, j, listed
		default:
			return i, j, listed
		}
	}
	return i, j, listed
}

// path returns the end of the name at i, with the names before it: a.b.c, A::B, x-y.
func path(b []byte, i int) int {
	limit := i + maxGap
	e := run(b, i, limit, isIdent)
	for at(b, e+1)&isAlpha != 0 && (ch(b, e) == '.' || ch(b, e) == '-') || hasAny(b[min(e, len(b)):], "::", "->") {
		if b[e] == ':' || b[e+1] == '>' {
			e++
		}
		next := run(b, e+1, limit, isIdent)
		if next >= limit || next == e+1 {
			break
		}
		e = next
	}
	return e
}

// bracket returns the length of what opens a list, a call or a string at i, where a literal follows; else 0.
func bracket(b []byte, i int) int {
	n := 1
	switch c := ch(b, i); {
	case hasAny(b[min(i, len(b)):], "[]byte(", "[]byte{", "[]rune("):
		return len("[]byte(")
	case c == '(':
		return 1
	case c == '<' && ch(b, i+1) == '<' && quotedAt(b, i+2): // a binary of Erlang
		return 2
	case c == '$' || c == '@': // of C# and Objective-C
		if q, _ := quoteAt(b, i+1); q == 0 {
			return 0
		}
		return 1
	case c != '[' && c != '{':
		return 0
	}
	next := spaces(b, i+n, true)
	if e := run(b, next, next+4, isDigit); e > next && ch(b, e) == ':' { // {0: "x"}
		n, next = e+1-i, spaces(b, e+1, false)
	}
	if q, _ := quoteAt(b, next); q == 0 && at(b, next)&isDigit == 0 {
		return 0
	}
	return n
}

// quotedAt reports whether a literal begins at i.
func quotedAt(b []byte, i int) bool {
	q, _ := quoteAt(b, i)
	return q != 0
}

// getter reports functions whose first argument names a value and is none.
func getter(name []byte) bool {
	n := string(lower(name[bytes.LastIndexAny(name, ".:>")+1:]))
	switch n {
	case "env", "getenv", "lookup", "lookupenv", "param", "query", "header", "t", "gettext", "config", "input", "prompt",
		"require", "import", "fetch", "load", "read", "readline", "find", "field", "ref", "var", "property", "must":
		return true
	}
	return len(n) >= 3 && (n[:3] == "get" || n[:3] == "has" || n[:3] == "set")
}

// literals judges the literals of a list or a call that goes on at i: each is a value of its own.
func (w *worker) literals(i int, j joint, k word) {
	b := w.buf
	if i < w.judgedEnd && k.strength <= w.judgedKind {
		return // another word has seen to them
	}
	if at(b, i)&isDigit != 0 {
		w.numbers(i, k)
		return
	}
	defer func() { w.judgedEnd, w.judgedKind = i, k.strength }()
	for n, limit := 0, i+maxGap; n < maxLiterals && i < limit && i < len(b); {
		switch b[i] {
		case ')', ']', '}', ';':
			return
		case '"', '\'', '`', '\\':
			q, after := quoteAt(b, i)
			if q == 0 {
				i = after
				continue
			}
			start, end, ok := w.quoted(i)
			if !ok {
				return
			}
			if hasAny(b[start:], "-----") {
				return // PEM, which has its own form
			}
			if n > 0 || !j.getter || shapeOf(b[start:end]).opaque(leastRun) {
				w.judge(start, end, j, k, true)
			}
			n, i = n+1, end+start-i
			limit = i + maxGap
		default:
			i++
		}
	}
}

// numbers records a list of bytes: {0x12, 0x34, …}, [18, 52, …].
func (w *worker) numbers(i int, k word) {
	b := w.buf
	n, end := 0, i
	defer func() { w.judgedEnd, w.judgedKind = end, k.strength }()
	for e := i; at(b, e)&isDigit != 0; n++ {
		end = run(b, e, e+6, isIdent)
		e = spaces(b, end, true)
		if ch(b, e) != ',' {
			n++
			break
		}
		e = spaces(b, e+1, true)
	}
	if n >= leastBytes && k.strength != medium {
		w.add(i, end, k.kind)
		w.valueEnd = max(w.valueEnd, end)
	}
}

// continued records the literals that a literal which ended at i is joined to: "ab" + "cd", "ab" \ "cd".
func (w *worker) continued(i int, kind string) {
	b := w.buf
	for range maxLines {
		next := blanks(b, i)
		switch c := ch(b, next); {
		case c == '+' || c == '.' || c == '&' || c == '\\' || c == '~':
			next = blanks(b, next+1)
		case hasAny(b[next:], "||", "<>", "++"):
			next = blanks(b, next+2)
		}
		q, _ := quoteAt(b, next)
		if q == 0 || next == i {
			return
		}
		start, end, ok := w.quoted(next)
		if f := shapeOf(b[min(start, end):end]); !ok || f.alnum == 0 || f.spaces > 0 {
			return
		}
		if c := ch(b, spaces(b, end+start-next, false)); next == blanks(b, i) && (c == '=' || c == ':') {
			return // the next name
		}
		w.add(start, end, kind)
		w.valueEnd = max(w.valueEnd, end)
		i = end + start - next
	}
}

// blanks skips white space, of any kind, within bounds.
func blanks(b []byte, i int) int {
	for limit := i + maxSpace; i < limit && i < len(b) && b[i] <= ' '; i++ {
	}
	return i
}

// block judges the lines of a YAML block or of a here-document: those that are indented more than the line of the
// name, or the first.
func (w *worker) block(i int, j joint, k word) {
	b := w.buf
	eol := lineEnd(b, i)
	if b[i] == '<' || b[i] == '$' {
		if start, end := trimBlank(b, eol, lineEnd(b, eol+1)); start < end {
			w.judge(start, end, j, k, true)
		}
		return
	}
	if eol-i > 3 {
		return
	}
	line := i
	for line > 0 && line > i-margin && b[line-1] != '\n' {
		line--
	}
	indent := run(b, line, i, isBlank) - line
	for n := 0; n < maxLines && eol < len(b); n++ {
		start := eol + 1
		eol = lineEnd(b, start)
		first := run(b, start, eol, isBlank)
		if hasAny(b[min(first, len(b)):], "-----") {
			return // PEM, which has its own form
		}
		if first < eol && first-start <= indent {
			return
		}
		w.judge(first, eol, j, k, true)
	}
}

// lineEnd returns where the line that i is in ends.
func lineEnd(b []byte, i int) int {
	if i = min(i, len(b)); i < 0 {
		return 0
	}
	if n := bytes.IndexByte(b[i:min(len(b), i+maxValue)], '\n'); n >= 0 {
		return i + n
	}
	return min(len(b), i+maxValue)
}

// bareEnd returns where a value without quotes ends. Signs that end one in code are part of one in a shell, where no
// space surrounds the "=": there they end it only where it is words so far, or another name follows.
func bareEnd(b []byte, i int, j joint) int {
	end := run(b, i, i+maxBare, isBare)
	for j.equals && !j.spaced && end > i && end < i+maxBare && bytes.IndexByte([]byte("&;|<>(){}[],"), ch(b, end)) >= 0 {
		next := run(b, end+1, i+maxBare, isBare)
		name := run(b, end+1, i+maxBare, isIdent)
		another := ch(b, name) == '=' && at(b, name+1)&isBare != 0 && ch(b, name+1) != '='
		if next == end+1 || another || hasAny(b[end:], "&amp;") || shapeOf(b[i:end]).words() {
			break
		}
		end = next
	}
	return end
}

// quoted returns the inside of the quotes that open at i. They close with the same quote behind the same number of
// backslashes, on the same line unless they are backquotes or three in a row.
func (w *worker) quoted(i int) (start, end int, ok bool) {
	b := w.buf
	q, start := quoteAt(b, i)
	slashes := start - 1 - i
	long := slashes == 0 && ch(b, start) == q && ch(b, start+1) == q
	if long {
		start += 2
	}
	lane := bytes.IndexByte([]byte("\"'`"), q)
	if start < w.unclosed[lane] { // looked from before here already, and found none
		return 0, 0, false
	}
	limit := min(len(b), start+maxValue)
	for e, esc := start, 0; e < limit; e++ {
		switch c := b[e]; {
		case c == '\\':
			esc++
			continue
		case c == '\n' && q != '`' && !long:
			w.unclosed[lane] = e
			return 0, 0, false
		case c == q && slashes == 0 && (esc%2 == 0 || q == '`'):
			if !long || ch(b, e+1) == q && ch(b, e+2) == q {
				return start, e, true
			}
		case c == q && slashes > 0 && esc <= slashes:
			return start, e - esc, true
		}
		esc = 0
	}
	w.unclosed[lane] = limit
	return 0, 0, false
}
