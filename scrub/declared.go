// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const maxType = 64 // bytes of a type between a name and its sign

// declared returns where the literal starts that a declaration gives the name before i, whose type stands between: As
// String = "x", &'static str = "x", varchar(20) = 'x', PIC X(8) VALUE 'x', EQU 'x'.
func declared(b []byte, i int) (int, bool) {
	limit := min(len(b), i+maxType)
	for e := i; e < limit; e++ {
		switch c := b[e]; {
		case c == '=':
			if p := ch(b, e-1); p == '=' || p == '!' || p == '<' || p == '>' && ch(b, e-2) == '-' || ch(b, e+1) == '=' || ch(b, e+1) == '>' {
				return 0, false
			}
			return literalAt(b, e+1)
		case c == '\'' || c == '"':
			if p := ch(b, e-1); c == '\'' && (p == '&' || p == '<') { // a lifetime
				continue
			}
			word := wordBefore(b, e)
			switch string(word.b[:word.n]) {
			case "value", "equ", "db":
				return e, true
			}
			return 0, false
		case c == ',' && bytes.IndexByte(b[i:e], '<') < 0 && bytes.IndexByte(b[i:e], '[') < 0 && bytes.IndexByte(b[i:e], '(') < 0:
			return 0, false
		case class[c]&(isIdent|isBlank) == 0 && bytes.IndexByte([]byte("&<>[]().,:*?"), c) < 0:
			return 0, false
		}
	}
	return 0, false
}

// literalAt returns the place of the literal at i, after blanks and the letters before its quote.
func literalAt(b []byte, i int) (int, bool) {
	i = spaces(b, i, true)
	e := run(b, i, i+maxWord, isIdent)
	for ch(b, e) == ':' || ch(b, e) == '(' || ch(b, e) == '{' || ch(b, e) == '#' {
		e = run(b, e+1, e+maxWord, isIdent)
	}
	q, _ := quoteAt(b, e)
	return i, q != 0
}

// typeWord reports words that stand for the type of a name right after it.
func typeWord(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "as", "varchar", "nvarchar", "varchar2", "nvarchar2", "char", "nchar", "character", "text", "string", "str", "pic", "picture", "equ", "db", "constant":
		return true
	}
	return false
}

// member returns where the literal starts that follows the name before i in a structure of a language: s:7:"x" of PHP's
// serialize, {password, <<"x">>} of Erlang, password{"x"} of C++.
func member(b []byte, start, i int, quoted bool) (int, bool) {
	switch c := ch(b, i); {
	case quoted && hasAny(b[min(i, len(b)):], ";s:"):
		d := run(b, i+len(";s:"), i+maxWord, isDigit)
		if q, _ := quoteAt(b, d+1); ch(b, d) == ':' && q != 0 {
			return d + 1, true
		}
	case quoted:
	case c == ',':
		s := bareName(b, start)
		if ch(b, s-1) == ':' {
			s--
		}
		at := spaces(b, i+1, true)
		if hasAny(b[min(at, len(b)):], "<<") {
			at += len("<<")
		}
		if q, _ := quoteAt(b, at); q != 0 && (ch(b, s-1) == '{' || bytes.HasSuffix(b[:s], []byte("-define("))) {
			return at, true
		}
	case c == '{':
		at := spaces(b, i+1, true)
		if q, _ := quoteAt(b, at); q != 0 {
			return at, true
		}
	}
	return 0, false
}

// inElement returns where the text of an element starts whose name ends before i, over its attributes.
func inElement(b []byte, start, i int) (int, bool) {
	if s := bareName(b, start); ch(b, s-1) != '<' && !(ch(b, s-1) == ':' && ch(b, bareName(b, s-2)-1) == '<') || at(b, i)&isAlpha == 0 {
		return 0, false
	}
	e := i
	for limit := min(len(b), i+maxAside); e < limit && b[e] != '>' && b[e] != '<'; e++ {
	}
	if ch(b, e) != '>' || b[e-1] == '/' || bytes.IndexByte(b[i:e], '=') < 0 {
		return 0, false
	}
	return e + 1, true
}

// innermost returns where the text starts that an element holds whose own begins at i: <value>x, <![CDATA[x.
func innermost(b []byte, i int) int {
	at := blanks(b, i)
	if rest := b[min(at, len(b)):]; hasAny(rest, "<![CDATA[") {
		return at + len("<![CDATA[")
	} else if hasAny(rest, "<value>") {
		return at + len("<value>")
	} else if hasAny(rest, "<string>") {
		return at + len("<string>")
	}
	return i
}

// parallel judges the literal of the name from start to end, where several names are assigned at once: user, password =
// "a", "b". It reports whether they are.
func (w *worker) parallel(start, end int, k word) bool {
	b := w.buf
	nameByte := func(c byte) bool { return class[c]&isDotted != 0 && c != '-' || c == '$' || c == '@' }
	n, i := 0, start
	for limit := start - maxName; i > 0 && i > limit && nameByte(b[i-1]); i-- {
	}
	for ; n < maxCall && (ch(b, i-1) == ' ' && ch(b, i-2) == ',' || ch(b, i-1) == ','); n++ {
		for i--; i > 0 && (b[i-1] == ' ' || b[i-1] == ',') && start-i < maxType*maxCall; i-- {
		}
		e := i
		for i > 0 && e-i < maxName && nameByte(b[i-1]) {
			i--
		}
		if i == e {
			return false
		}
	}
	i = end
	for rest := 0; rest < maxCall && ch(b, i) == ','; rest++ {
		if i = spaces(b, i+1, false); !nameByte(ch(b, i)) {
			return false
		}
		for limit := i + maxName; i < limit && nameByte(ch(b, i)); i++ {
		}
		n |= 1 << 8 // of several
	}
	if n == 0 {
		return false
	}
	if ch(b, i) == ')' {
		i++
	}
	if i = spaces(b, i, false); ch(b, i) == ':' {
		i++
	}
	if ch(b, i) != '=' || ch(b, i+1) == '=' {
		return false
	}
	if i = spaces(b, i+1, false); ch(b, i) == '(' || ch(b, i) == '[' {
		i = spaces(b, i+1, false)
	}
	for n &= 0xff; ; n-- {
		s, e, after := field(b, i)
		if after == e || e < s { // no literal
			comma := bytes.IndexAny(b[i:min(len(b), i+maxGap)], ",\n;")
			if n == 0 || comma < 0 || b[i+comma] != ',' {
				return false
			}
			after = i + comma
		} else if n == 0 {
			w.judge(s, e, joint{equals: true, spaced: true}, k, true)
			return true
		}
		if i = spaces(b, after, false); ch(b, i) != ',' {
			return false
		}
		i = spaces(b, i+1, false)
	}
}

// yamlTag returns where the value starts after i, over a tag or the name that YAML gives it: !vault x, &pw x.
func yamlTag(b []byte, i int) int {
	at := spaces(b, i, false)
	if c := ch(b, at); c != '!' && c != '&' || at == i {
		return i
	}
	name := at + 1
	for ch(b, name) == '!' { // !!str
		name++
	}
	e := run(b, name, name+maxName, isDotted)
	switch string(b[name:e]) {
	case "", "Ref", "Sub", "GetAtt", "Join", "Select", "Split", "If", "ImportValue", "FindInMap": // of CloudFormation, which fetch it
		return i
	}
	if ch(b, e) == ' ' {
		return e
	}
	return i
}
