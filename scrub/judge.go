// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/score"
)

// judge decides whether buf[start:end], joined to a sensitive name, is a value to replace, and records it. It looks at
// the shape of the value only (letters, digits, signs, length) and at words that no secret is, so that two values of
// one shape are always treated alike. It reports whether it recorded the value.
func (w *worker) judge(start, end int, j joint, k word, inQuotes bool) bool {
	b := w.buf
	if inQuotes {
		start, end = trimBlank(b, start, end)
	} else if end-start >= 512 {
		end = run(b, end, len(b), isBare)
	}
	if i := bytes.IndexByte(b[start:min(end, start+8)], ' '); i > 0 && scheme(b[start:start+i]) {
		start, k.strength = start+i+1, max(k.strength, medium)
	}
	if !inQuotes {
		if scheme(b[start:end]) && ch(b, end) == ' ' && at(b, end+1)&isAlnum != 0 {
			start, end = end+1, run(b, end+1, len(b), isBare)
			k.strength = max(k.strength, medium)
		}
		for end > start && (b[end-1] == '.' || b[end-1] == ':' || b[end-1] == '!' && j.prose) {
			end--
		}
	}
	v := b[start:end]
	if len(v) < 3 || stopword(v) && !(w.strict && inQuotes && k.kind == "password" && k.strength == strong && len(v) >= 6) || placeholder(v) || hasAny(v, "-----") {
		return false
	}
	f := shapeOf(v)
	if f.alnum == 0 || f.same {
		return false
	}
	if k.strength == weak && j.caps && j.equals && !j.spaced && !inQuotes { // SOME_KEY=value of an environment
		k.strength = medium
	}
	found := false
	switch {
	case k.strength == weak:
		found = f.opaque(10) && !number(v) && (inQuotes || j.equals && !j.spaced && !f.reference || randomPart(v)) || noisy(v, inQuotes) || f.padded(v) || bytesInText(v) || k.kind == "secret" && pair(v, f)
	case inQuotes:
		found = w.quotedValue(v, f, j, k)
	default:
		found = w.bareValue(v, f, j, k, end)
	}
	if found {
		w.add(start, end, k.kind)
		w.valueEnd = max(w.valueEnd, end)
	}
	return found
}

// scheme reports the words that stand before credentials in a header.
func scheme(v []byte) bool {
	if len(v) > 6 {
		return false
	}
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "bearer", "basic", "token", "apikey", "digest":
		return true
	}
	return false
}

// quotedValue reports whether a value in quotes is to be replaced.
func (w *worker) quotedValue(v []byte, f shape, j joint, k word) bool {
	if k.kind != "password" && f.numeric && f.dots > 0 || k.strength == medium && number(v) {
		return false // a version
	}
	if f.spaces > 0 && (k.strength == medium || sentence(v, f, j)) {
		return f.opaque(24)
	}
	if k.strength == medium && f.words() && len(v) < 16 && !f.padded(v) {
		return !j.listed && len(v) >= 5 && f.dots+f.under == 0 && !credentialWord(v)
	}
	if k.strength == medium && f.slashes > 0 && f.digits == 0 && (f.path || bytes.Contains(v, []byte("://"))) {
		return false
	}
	return true
}

// sentence reports texts of a program for people, which is what most values of many words are.
func sentence(v []byte, f shape, j joint) bool {
	switch {
	case f.spaces < 2:
		return false
	case f.spaces >= 5:
		return f.lower != run(v, 0, len(v), isLower|isBlank)-f.spaces || f.lower+f.spaces < f.n || f.spaces >= maxPhrase || credentialWord(v)
	case f.firstUpper && f.digits == 0:
		return !j.equals || f.signs > f.dashes || credentialWord(v)
	}
	return false
}

// bareValue reports whether a value without quotes, which ends at end, is to be replaced.
func (w *worker) bareValue(v []byte, f shape, j joint, k word, end int) bool {
	b, next := w.buf, ch(w.buf, end)
	switch v[0] {
	case '(', '*', '&', '@', '#', '=', ':', '%', '-', '?', '!':
		if f.digits == 0 || j.cli || v[0] == '-' || v[0] == '*' || v[0] == '&' {
			return false
		}
	}
	switch next {
	case '(', '[', '{':
		return false // a call, an index
	case '<':
		if !j.xml {
			return false // a type
		}
	case ':':
		if f.words() {
			return false // a name of the next line
		}
	case '>':
		if v[0] == '$' && v[len(v)-1] == '-' {
			return false // $this->x
		}
	}
	if k.strength == medium && number(v) {
		return false
	}
	if j.plain || k.spaced && j.caps {
		return true
	}
	if j.far {
		return w.fartherValue(v, f, j, k, end)
	}
	if f.words() && (j.prose && state(v) || j.pass && !j.equals && !heads(b, j.name) && at(b, j.name-2)&isAlpha != 0) {
		return false // the password is wrong; first pass: count
	}
	code := next == ')' || next == '|' || next == '>' && !j.xml ||
		(next == ',' || next == ';') && !(j.equals && !j.spaced && pairFollows(b, end+1))
	eol := next == 0 || next == '\n' || next == '\r' || hasAny(b[end:], " \\\n", " \\\r") || string(b[end:]) == " \\"
	switch {
	case f.path && f.signs == f.slashes+f.dots+f.dashes && !f.opaque(32):
		return false
	case f.numeric:
		return !code && (k.kind == "password" && f.digits >= 4 || f.digits >= 8 && f.signs == 0 && !(j.equals && j.spaced))
	case f.reference: // cfg.token, self.password2
		return randomPart(v)
	case f.words() && k.strength == medium && f.n >= 8 && f.dots == 0 && j.equals && !j.spaced && !code:
		return f.under == 0 || f.n >= 16 && j.caps
	case f.words() && k.strength == strong && eol && f.dots+f.under == 0 && !credentialWord(v) && (j.equals || !f.typeName || f.n >= 12):
		return true
	case f.lower == f.n && f.n >= 5 && k.strength == strong && !j.equals && (next == ',' || next == '}') && !credentialWord(v):
		return true // {user: bob, password: abcdef}
	case f.words():
		if k.strength != strong || code || f.dots > 0 {
			return randomPart(v)
		}
		return j.xml || !j.prose && !j.cli && (j.equals || !f.typeName) && (!j.spaced || j.caps) || j.cli && (eol || f.lower > 0 && !credentialWord(v) && (hasAny(b[end:], " -") || w.commanded(j.name)))
	case k.strength == medium:
		return f.digits > 0 && len(v) >= 6 || f.signs > 0 && len(v) >= 12 && f.digits > 0 || f.padded(v)
	}
	return true
}

// state reports what a text says of a password or a secret, and what is none.
func state(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "wrong", "right", "incorrect", "correct", "invalid", "valid", "expired", "weak", "missing", "empty", "blank", "set", "unset", "out", "ok", "okay",
		"changed", "needed", "stored", "encrypted", "hashed", "here", "there", "safe", "secure", "known", "lost", "broken", "case", "also",
		"never", "always", "only", "still", "already", "accepted", "rejected", "unavailable", "available", "configured", "created", "deleted",
		"falsch", "richtig", "ungültig", "gültig", "abgelaufen", "leer", "erforderlich", "geändert", "obligatoire", "invalide", "incorrecte", "expiré", "vide", "requis", "obligatoria", "obligatorio", "incorrecta", "incorrecto", "inválida", "caducada",
		"necesaria", "requerida", "obbligatoria", "errata", "scaduta", "obrigatória", "incorreta", "verplicht", "onjuist", "ongeldig", "verlopen", "felaktigt", "ogiltigt",
		"simple", "good", "bad", "fine", "forgotten", "leaked", "exposed", "public", "private", "important", "useless", "short", "long", "mandatory":
		return true
	}
	return false
}

// pairFollows reports whether a name and an equals sign come next: one of a list of settings.
func pairFollows(b []byte, i int) bool {
	e := run(b, i, i+maxName, isIdent)
	return e > i && ch(b, e) == '='
}

// credentialWord reports names that say what they hold, as a reference to it does: userPassword.
func credentialWord(v []byte) bool {
	if len(v) > maxName {
		return false
	}
	l := lower(v)
	for _, word := range [...]string{"pass", "pwd", "secret", "token", "cred", "auth", "key"} {
		if bytes.Contains(l, []byte(word)) {
			return true
		}
	}
	return false
}

// padded reports values that end as base64 does.
func (f shape) padded(v []byte) bool {
	return f.n >= 8 && v[f.n-1] == '=' && f.spaces == 0 && f.dots == 0 && f.alnum >= 5
}

// pair reports name:password.
func pair(v []byte, f shape) bool {
	i := bytes.IndexByte(v, ':')
	return i > 0 && i < len(v)-1 && f.spaces == 0 && f.signs == 1 && f.digits < f.alnum && f.alnum >= 8
}

// bytesInText reports bytes that are written out: "45 5a 01 …", "45:5a:01", "\x45\x5a\x01".
func bytesInText(v []byte) bool {
	n := 0
	for i := 0; i < len(v); n++ {
		if v[i] == '\\' {
			i++
			if ch(v, i)|0x20 == 'x' {
				i++
			}
		} else if n > 0 {
			if v[i] != ' ' && v[i] != ':' {
				return false
			}
			i++
		}
		e := run(v, i, i+2, isAlnum)
		if e == i {
			return false
		}
		i = e
	}
	return n >= 4
}

// noisy reports short values that no name of code looks like; in quotes the limit is low, for a word stands beside them.
func noisy(v []byte, inQuotes bool) bool {
	if len(v) < 10 || run(v, 0, len(v), isAlnum) < len(v) {
		return false
	}
	if run(v, 0, len(v), isUpper) == len(v) || run(v, 0, len(v), isLower) == len(v) {
		return inQuotes && score.Surprise(v) >= 4*noise+13 && !credentialWord(v)
	}
	return random(v) != ""
}

// randomPart reports whether a part of a name looks random.
func randomPart(v []byte) bool {
	for i := 0; i < len(v); i++ {
		end := run(v, i, len(v), isAlnum)
		if end-i >= leastPart && random(v[i:end]) != "" {
			return true
		}
		i = end
	}
	return false
}

// number reports the numbers of 64 bits or fewer that code writes in hex: 0xC000005C.
func number(v []byte) bool {
	return len(v) <= maxHex64 && hasAny(v, "0x", "0X") && random(v[2:]) != "opaque" && run(v, 2, len(v), isAlnum) == len(v)
}

// shape is what judge knows of a value.
type shape struct {
	n, alnum, lower, upper, digits, signs      int
	spaces, dots, dashes, slashes, under, swap int
	same, path, numeric, reference             bool
	firstUpper, typeName                       bool
}

func shapeOf(v []byte) shape {
	f := shape{n: len(v), same: true, reference: true}
	var prev uint16
	for i, c := range v {
		k := class[c]
		f.same = f.same && c == v[0]
		switch {
		case k&isLower != 0 || c >= 0x80:
			f.lower++
			k = isLower
		case k&isUpper != 0:
			f.upper++
			k = isUpper
		case k&isDigit != 0:
			f.digits++
		case c == ' ' || c == '\t':
			f.spaces++
		case c == '_':
			f.under++
		default:
			f.signs++
			switch c {
			case '.':
				f.dots++
			case '-':
				f.dashes++
			case '/', '\\':
				f.slashes++
			}
		}
		if k&isAlnum != 0 {
			if prev != 0 && prev != k&isAlnum && !(prev == isUpper && k == isLower) {
				f.swap++
			}
			prev = k & isAlnum
		}
		partStart := i == 0 || v[i-1] == '.'
		f.reference = f.reference && (c == '.' && !partStart || k&isIdent != 0 && !(partStart && k&isDigit != 0) || c == '_')
	}
	if len(v) == 0 {
		return f
	}
	f.alnum = f.lower + f.upper + f.digits
	f.reference = f.reference && f.dots > 0
	f.numeric = f.digits > 0 && f.lower+f.upper+f.under == 0 && f.signs == f.dots+f.dashes
	f.path = f.slashes > 0 && (v[0] == '/' || v[0] == '.' || v[0] == '~')
	f.firstUpper = class[v[0]]&isUpper != 0
	f.typeName = f.firstUpper && f.lower > 0
	return f
}

// words reports values of letters only, joined by _ - or a dot: names, not noise.
func (f shape) words() bool {
	return f.digits == 0 && f.signs == f.dots+f.dashes && f.swap < 4+f.n/6
}

// opaque reports values of at least n bytes without spaces that look random: letters and digits well mixed.
func (f shape) opaque(n int) bool {
	if f.n < n || f.spaces > 0 || f.signs > f.n/4 || f.path && f.slashes > 1 {
		return false
	}
	return f.digits >= 2 && f.lower+f.upper >= 2 && f.swap >= 3 || f.digits == 0 && f.n >= 20 && f.swap >= f.n/5 && f.under+f.dashes < 2
}

// placeholder reports values that stand for one: $NAME, ${…}, {{…}}, <…>, %s, %NAME%.
func placeholder(v []byte) bool {
	if len(v) == 0 {
		return false
	}
	last := v[len(v)-1]
	switch v[0] {
	case '$':
		name := v[1:]
		if n := len(name); n > 1 && (name[0] == '{' && last == '}' || name[0] == '(' || name[0] == '{' && bytes.IndexByte(name, '}') < 0) {
			return true
		}
		return !bytes.ContainsAny(name, "0123456789") && run(name, 0, len(name), isIdent) == len(name) ||
			bytes.Equal(name, bytes.ToUpper(name)) && run(name, 0, len(name), isIdent) == len(name)
	case '{':
		return last == '}' && len(v) < 64 && !bytes.ContainsAny(v, `":`)
	case '<':
		return last == '>'
	case '#', '@':
		return len(v) > 2 && v[1] == '{' && last == '}'
	case '%':
		return len(v) <= 4 || last == '%'
	}
	return false
}

func trimBlank(b []byte, start, end int) (int, int) {
	for start < end && (b[start] == ' ' || b[start] == '\t' || b[start] == '\n' || b[start] == '\r') {
		start++
	}
	for end > start && (b[end-1] == ' ' || b[end-1] == '\t' || b[end-1] == '\n' || b[end-1] == '\r') {
		end--
	}
	return start, end
}
