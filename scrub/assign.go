// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const (
	maxName  = 48 // bytes of a name after its keyword
	maxSpace = 64 // between name, sign and value
)

// joint is how a name and its value are joined.
type joint struct {
	at     int  // where the value starts
	name   int  // where the keyword in its name does
	spaced bool // with space before the sign: ini, or code
	equals bool // joined by a sign of the family of "="
	cli    bool // --password value
	xml    bool // <password>value
	quoted bool // only a value in quotes counts
	plain  bool // nothing but blanks stands between, and the value is one by its shape
	call   bool // the value is an argument
	listed bool // the name is a literal, and the value the next one
	getter bool // what a call around the value is named for fetches it by a name
	prose  bool // the password is value
	far    bool // words between say what it is for
	said   bool // and a verb joins them
	field  bool // another field names the value
	pass   bool // the name is "pass" and no more, which is a word for much else
	caps   bool // the name is in capitals, as in the environment
}

// assigned looks at a keyword such as "password" and, where a value is joined to the name that the keyword is part of,
// records the value.
func (w *worker) assigned(r *rule, start, end int) {
	b := w.buf
	if end <= w.valueEnd || end <= w.nameEnd && r.word.strength <= w.nameKind || !bounded(b, start, end, r.word.whole) {
		return
	}
	name := run(b, end, end+maxName, isIdent)
	for name < end+maxName && (ch(b, name) == '-' || ch(b, name) == '.') && at(b, name+1)&isAlpha != 0 {
		name = run(b, name+1, end+maxName, isIdent)
	}
	w.nameEnd, w.nameKind = name, r.word.strength
	if (r.word.strength > weak || r.word.kind == "key") && w.column(start, name) {
		return
	}
	if r.word.strength > weak {
		if s, e, ok := answer(b, start, name); ok && !w.inMark(b, start, name) {
			w.cell(s, e, r.word)
			return
		}
	}
	j, ok := join(b, start, name, r.word)
	if r.word.kind == "key" && r.word.strength == weak && keyOf(b, start) {
		r = &rule{keyword: r.keyword, word: word{kind: "key", strength: medium}}
	}
	if r.word.strength == strong && (!ok || j.listed || j.equals && ch(b, bareName(b, start)-1) <= ' ' && ch(b, bareName(b, start)-2) == ',') && w.parallel(start, name, r.word) {
		return
	}
	if i := spaces(b, name, false); (!ok || j.quoted) && i > name && r.word.strength > weak && !j.listed {
		if value, said, far := farther(b, i); far {
			j, ok = joint{at: value, prose: true, far: true, said: said}, true
		} else if w.strict && w.besideInProse(i, start, r.word) {
			j, ok = joint{at: i, prose: true, far: true}, true
		}
	}
	if !ok || innocent(b[end:name]) || w.inMark(b, start, name) {
		return
	}
	if j.quoted && !j.call && w.program != nil && w.program.words && w.commanded(start) {
		j.quoted, j.cli = false, true
	}
	j.pass = string(b[start:name]) == "pass" || string(b[start:name]) == "Pass"
	j.name, j.caps = start, at(b, start)&isUpper != 0 && at(b, end-1)&isUpper != 0
	w.value(j, r.word)
}

// inMark reports whether the name from start to end is a mark of ours: "SECRET_password_…" says nothing of what follows.
func (w *worker) inMark(b []byte, start, end int) bool {
	i := bytes.Index(b[start:end], []byte(anchor))
	if i < 0 {
		return false
	}
	_, e, head, ok := markAt(b, start+i)
	return ok && w.isOwn(b, e, head)
}

// bounded reports whether the keyword b[start:end] is a word of its own in whatever name it is part of.
func bounded(b []byte, start, end int, whole bool) bool {
	if whole && at(b, start-1)&isAlpha != 0 && !(at(b, start-1)&isLower != 0 && at(b, start)&isUpper != 0) {
		return false
	}
	if ch(b, end)|0x20 == 's' {
		end++
	}
	next, last := at(b, end), at(b, end-1)
	return next&isLower == 0 && !(next&isUpper != 0 && last&isUpper != 0 && at(b, end-2)&isUpper != 0)
}

// lastPart returns the last word of a name's tail: "Type" of "_Type" and of "tokenType".
func lastPart(tail []byte) []byte {
	i := len(tail)
	for i > 0 && class[tail[i-1]]&isAlpha != 0 {
		i--
		if class[tail[i]]&isUpper != 0 && i+1 < len(tail) && class[tail[i+1]]&isLower != 0 {
			break
		}
	}
	return tail[i:]
}

// spaces skips blanks, and one line end where lines is set.
func spaces(b []byte, i int, lines bool) int {
	for limit := i + maxSpace; i < limit && i < len(b); i++ {
		switch {
		case b[i] == ' ' || b[i] == '\t':
		case lines && (b[i] == '\n' || b[i] == '\r'):
			lines = b[i] == '\r'
		default:
			return i
		}
	}
	return i
}

// quoteAt skips backslashes and returns the quote after them, 0 where there is none, and the place after it.
func quoteAt(b []byte, i int) (q byte, after int) {
	for n := 0; n < 8 && ch(b, i) == '\\'; n++ {
		i++
	}
	if c := ch(b, i); c == '"' || c == '\'' || c == '`' {
		return c, i + 1
	}
	return 0, i
}

// join reads what stands between a name that ends at i and its value.
func join(b []byte, start, i int, k word) (joint, bool) {
	var j joint
	if ch(b, i) == '}' { // "${password}"
		i++
	}
	q, after := quoteAt(b, i)
	if q != 0 {
		i = after
	}
	if ch(b, i) == ']' || q != 0 && ch(b, i) == ')' {
		i++
	}
	for q == 0 && hasAny(b[i:], "**") { // **Password**: of Markdown
		i += 2
	}
	for n := 0; q == 0 && n < 2 && ch(b, i) == '[' && k.strength == strong; n++ { // char password[32]
		e := run(b, i+1, i+maxName, isIdent)
		if ch(b, e) != ']' {
			break
		}
		i = e + 1
	}
	if ch(b, i) == '?' || ch(b, i) == '!' && ch(b, i+1) != '=' {
		i++
	}
	blank := spaces(b, i, false)
	j.spaced = blank > i
	rest := b[blank:]
	if at, ok := member(b, start, blank, q != 0); ok && k.strength > weak {
		j.at, j.equals, j.spaced = at, true, true
		return j, true
	}
	if q == 0 && j.spaced {
		at, ok := inElement(b, start, blank)
		if j.xml = ok; !ok && typeWord(b[blank:run(b, blank, blank+maxWord, isIdent)]) {
			at, ok = declared(b, blank)
		}
		if ok {
			j.at, j.equals = innermost(b, at), !j.xml
			return j, true
		}
	}
	switch {
	case bytes.HasPrefix(rest, []byte("::")):
		return j, false
	case hasAny(rest, "|| ", "?? "), q != 0 && hasAny(rest, "or "): // env.PASSWORD || "x"
		j.at, j.quoted = blank+3, true
	case hasAny(rest, ":-") && ch(b, bareName(b, start)-1) == '{': // ${PASSWORD:-x}
		j.at, j.equals, j.spaced = blank+2, true, true
	case hasAny(rest, ":**"): // **Password:** x
		j.at = blank + 3
	case hasAny(rest, "===", "!==", "==>"):
		j.at, j.equals = blank+3, true
	case hasAny(rest, ":=", "=>", "->", "==", "!=", "+=", "?=", "<-"):
		j.at, j.equals, j.spaced = blank+2, true, true
	case hasAny(rest, "="):
		j.at, j.equals = blank+1, true
	case hasAny(rest, ":"):
		if at, ok := declared(b, blank+1); ok {
			j.at, j.equals, j.spaced = at, true, true
			break
		}
		j.at = yamlTag(b, blank+1)
		if at, ok := nested(b, start, blank); ok && q == 0 {
			j.at, j.field = at, true
		}
	case q != 0 && hasAny(rest, ","):
		if at, ok := valueField(b, blank+1, maxFields); ok {
			j.at = at
			break
		}
		j.at, j.quoted, j.listed = blank+1, true, true
	case q != 0 && j.spaced:
		at, ok := valueField(b, blank, maxFields)
		if !ok {
			return j, false
		}
		j.at = at
	case hasAny(rest, "("):
		j.at, j.quoted, j.call = blank+1, true, true
	case q != 0 && hasAny(rest, ">") && attributed(b, start): // <string name="password">x
		j.at, j.xml = innermost(b, blank+1), true
	case hasAny(rest, ">") && bytes.IndexByte([]byte("<:"), ch(b, bareName(b, start)-1)) >= 0:
		j.at, j.xml = innermost(b, blank+1), true
	case hasAny(rest, ">=", ">:", "||:", "<=>"):
		j.at, j.quoted = blank+bytes.IndexAny(rest, "=:")+1, true
	case hasAny(rest, ">"):
		j.at, j.quoted = blank+1, true
	case q == 0 && j.spaced && hasAny(rest, "is ", "was ", "is: ", "will be ", "ist ", "ist: ", "lautet ", "lautet: ", "est ", "es ", "è ", "é ", "är ", "to "):
		j.at, j.prose = blank+bytes.IndexByte(rest, ' ')+1, true
		for _, more := range [...]string{"be ", "now ", ": "} {
			if hasAny(b[j.at:], more) {
				j.at += len(more)
			}
		}
	case q == 0 && !j.spaced && hasAny(rest, "：", "は", "是", "为", "為", "는 ", "은 "):
		j.at, j.prose = blank+len("は"), true
	case q == 0 && j.spaced && k.spaced:
		j.at, j.equals, j.spaced = coded(b, blank), true, false
		if by := bytes.Index(lower(b[blank:min(len(b), blank+maxName)]), []byte(" by ")); k.with && by >= 0 {
			j.at = blank + by + len(" by ")
		}
	case q == 0 && j.spaced && (sets(b, start) || configured(b, start)):
		j.at, j.equals, j.spaced = coded(b, blank), true, false
	case q == 0 && j.spaced:
		if s := bareName(b, start); s >= 1 && b[s-1] == '-' {
			j.at, j.cli = blank, true
		} else {
			j.plain = plainly(b, blank, start, k)
			j.at, j.quoted = blank, !j.plain
		}
	default:
		at, ok := valueField(b, i, 1)
		if !ok {
			return j, false
		}
		j.at, j.field = at, true
	}
	j.at = spaces(b, j.at, !j.prose && !j.cli)
	return j, true
}

func hasAny(b []byte, prefixes ...string) bool {
	for _, p := range prefixes {
		if len(b) >= len(p) && b[0] == p[0] && string(b[:len(p)]) == p {
			return true
		}
	}
	return false
}

// bareName returns where the name around start begins.
func bareName(b []byte, start int) int {
	for limit := start - maxName; start > 0 && start > limit && (class[b[start-1]]&isIdent != 0 ||
		b[start-1] == '-' && at(b, start-2)&isIdent != 0); start-- {
	}
	return start
}

// plainly reports whether what follows the name at start, with nothing but blanks between, is a value by its shape:
// PASSWORD abc; of SQL, and letters and digits well mixed.
func plainly(b []byte, i, start int, k word) bool {
	end := run(b, i, i+maxName, isIdent)
	if k.strength != strong || end-i < 6 || at(b, end)&(isBare) != 0 || ch(b, end) == '(' {
		return false
	}
	f := shapeOf(b[i:end])
	return f.digits > 0 && f.lower+f.upper > 1 && f.swap >= 2 && f.under == 0 || at(b, start)&isUpper != 0 && ch(b, end) == ';' && f.lower == f.n-f.under
}
