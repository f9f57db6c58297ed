// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const (
	maxFields = 6   // of a record, between the one that names a value and the one that holds it
	maxAside  = 400 // bytes of them
)

// valueField reads the far side of {"name": "DB_PASSWORD", "value": "x"}, of its YAML and of its XML form, of a block
// variable "db_password" { default = "x" }, and of flag("password", default="x"): where the value starts that belongs to
// the name before i. Up to steps fields may stand between.
func valueField(b []byte, i, steps int) (int, bool) {
	limit := min(len(b), i+maxAside)
	opened := false
	for range steps {
		gap := i
		for ; i < limit && bytes.IndexByte([]byte(" \t\r\n,\"'\\{"), b[i]) >= 0; i++ {
			if b[i] == '{' && opened {
				return 0, false
			}
			opened = opened || b[i] == '{'
		}
		e := run(b, i, min(limit, gap+maxGap), isIdent)
		holds := holder(b[i:e])
		if e == i {
			return 0, false
		}
		_, e = quoteAt(b, e)
		e = spaces(b, e, false)
		if c := ch(b, e); c != ':' && c != '=' || ch(b, e+1) == c {
			return 0, false
		}
		if e++; holds {
			return e, true
		}
		i = spaces(b, e, false)
		q, after := quoteAt(b, i)
		if q == 0 {
			if e = run(b, i, limit, isDotted); ch(b, e) == ' ' && ch(b, i-2) == ':' {
				e = lineEnd(b[:limit], e) // a text of YAML
			}
		} else {
			for e = after; e < limit && b[e] != q && b[e] != '\n'; e++ {
			}
		}
		if e == i || e >= limit {
			return 0, false
		}
		i = e
	}
	return 0, false
}

// attributed reports whether the literal that holds b[i] is an attribute that names what its element holds.
func attributed(b []byte, i int) bool {
	for limit := i - 2*maxName; i > 0 && i > limit && class[b[i-1]]&isDotted != 0; i-- {
	}
	if c := ch(b, i-1); c != '"' && c != '\'' {
		return false
	}
	for i--; i > 0 && b[i-1] == '\\'; i-- {
	}
	return i > 0 && (bytes.HasSuffix(b[:i], []byte("name=")) || bytes.HasSuffix(b[:i], []byte("key=")) || bytes.HasSuffix(b[:i], []byte("id=")))
}

// holder reports names of fields that hold what another field names.
func holder(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "value", "default", "defaultvalue", "parametervalue", "val", "with", "content", "secretvalue":
		return true
	}
	return false
}

// nested returns where the value starts of a field of YAML whose own fields say what it is, such as a parameter's type
// and default; the colon of its name is at i.
func nested(b []byte, name, i int) (int, bool) {
	eol := run(b, i+1, i+maxSpace, isBlank)
	if ch(b, eol) == '\r' {
		eol++
	}
	if ch(b, eol) != '\n' {
		return 0, false
	}
	line := name
	for limit := name - maxName; line > 0 && line > limit && b[line-1] != '\n'; line-- {
	}
	own := run(b, line, name, isBlank) - line
	if first := run(b, eol+1, len(b), isBlank); first-eol-1 <= own || at(b, first)&isAlpha == 0 {
		return 0, false
	}
	return valueField(b, eol, maxFields)
}

// answer returns the bytes that answer the name that ends at i in a page or a document: the next cell of a row
// (<td>Password</td><td>x</td>, | Password | x |), or what stands after the end of its element. It is one word.
func answer(b []byte, start, i int) (from, to int, ok bool) {
	colon := ch(b, i) == ':'
	if colon {
		i++
	}
	switch {
	case hasAny(b[min(i, len(b)):], "</"):
		if ch(b, bareName(b, start)-1) != '>' && ch(b, bareName(b, start)-1) != '.' {
			return 0, 0, false
		}
		e := run(b, i+2, i+maxSpace, isIdent)
		tag := b[i+2 : e]
		if ch(b, e) != '>' {
			return 0, 0, false
		}
		if i = e + 1; ch(b, i) == ':' {
			i, colon = i+1, true
		}
		i = blanks(b, i)
		opened := false
		for n := 0; n < 2 && ch(b, i) == '<'; n++ { // <td><code>
			e = run(b, i+1, i+maxSpace, isIdent)
			if !answers(tag, b[i+1:e]) {
				return 0, 0, false
			}
			if e = spaces(b, e, false); ch(b, e) != '>' {
				n := bytes.IndexByte(b[e:min(len(b), e+maxSpace)], '>')
				if n < 0 {
					return 0, 0, false
				}
				e += n
			}
			i, opened, tag = blanks(b, e+1), true, tag[:0]
		}
		if !colon && !opened {
			return 0, 0, false
		}
		to = run(b, i, i+maxCell, notSpace)
		if n := bytes.IndexByte(b[i:to], '<'); n >= 0 {
			to = i + n
		}
		end := blanks(b, to)
		return i, to, to > i && b[i] != '-' && (ch(b, end) == '<' || !opened && (to == len(b) || b[to] == '\n' || b[to] == '\r'))
	case ch(b, spaces(b, i, false)) == '|' || ch(b, i) == '*' || ch(b, i) == '`':
		for ch(b, i) == '*' || ch(b, i) == '`' {
			i++
		}
		if ch(b, spaces(b, i, false)) != '|' {
			return 0, 0, false
		}
		s := bareName(b, start)
		for s > 0 && (b[s-1] == '*' || b[s-1] == '`' || b[s-1] == ' ') {
			s--
		}
		if ch(b, s-1) != '|' || s > 1 && b[s-2] != '\n' {
			return 0, 0, false
		}
		i = spaces(b, spaces(b, i, false)+1, false)
		eol := lineEnd(b[:min(len(b), i+2*maxCell)], i)
		end := eol
		for end > i && (b[end-1] == '|' || b[end-1] <= ' ') {
			end--
		}
		if end == eol || ch(b, spaces(b, end, false)) != '|' || end-i > maxCell || bytes.ContainsAny(b[i:end], "| \t") || eol < len(b) && ruled(b[eol+1:lineEnd(b, eol+1)]) {
			return 0, 0, false
		}
		return i, end, end > i
	}
	return 0, 0, false
}

// answers reports whether what an element holds answers what the one before it names; within the answer, tag is empty.
func answers(tag, next []byte) bool {
	switch string(next) {
	case "td":
		return string(tag) == "td" || string(tag) == "th"
	case "dd":
		return string(tag) == "dt"
	case "value":
		return string(tag) == "name" || string(tag) == "key"
	case "string":
		return string(tag) == "key"
	case "code", "kbd", "samp", "tt":
		return string(tag) != "th" && string(tag) != "td"
	}
	return len(tag) == 0 && (string(next) == "b" || string(next) == "strong" || string(next) == "em" || string(next) == "span" || string(next) == "p")
}
