// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

// maxFarther is how many words may stand between the name of a value and the value: the password for the old printer is x.
const maxFarther = 6

// farther returns where the value starts that a text names and then says what it is for, i being where that begins: for
// jenkins is x, für root: x, de l'admin est x. Said reports that a verb joins them, and no sign.
func farther(b []byte, i int) (value int, said, ok bool) {
	polish := false
	if c := ch(b, i); c == '(' || c == '[' { // Password (admin): x
		e := i + 1 + run(b[i+1:], 0, maxName, isDotted|isBlank)
		if c = ch(b, e); e == i+1 || c != ')' && c != ']' || !hasAny(b[e+1:], ": ", " = ", "= ") {
			return 0, false, false
		}
		return spaces(b, e+1+bytes.IndexAny(b[e+1:], ":=")+1, false), false, true
	}
	for n := range maxFarther {
		e := i
		for e < len(b) && (class[b[e]]&isDotted != 0 || b[e] >= 0x80 || b[e] == '\'' || b[e] == '@' || b[e] == '/') {
			e++
		}
		v := b[i:e]
		if len(v) == 0 || len(v) > maxName {
			return 0, false, false
		}
		switch {
		case n == 0:
			if !preposition(v) {
				return 0, false, false
			}
			polish = string(v) == "do" || string(v) == "dla" || string(v) == "od"
		case n > 1 && (verb(v) || string(v) == "to" && polish):
			e = spaces(b, e, false)
			if ch(b, e) == ':' {
				e = spaces(b, e+1, false)
			}
			return e, true, true
		}
		next := spaces(b, e, false)
		switch {
		case n == 0:
		case hasAny(b[min(next, len(b)):], ": ", ":\t", "= ", "-> ", "=> "):
			return spaces(b, next+bytes.IndexAny(b[next:], " \t"), false), false, true
		}
		if next == e {
			return 0, false, false
		}
		i = next
	}
	return 0, false, false
}

// preposition reports words that begin what a password is for.
func preposition(v []byte) bool {
	var buf [maxWord]byte
	switch l := small(&buf, v); string(l) {
	case "for", "of", "on", "to", "at", "in", "from", "für", "fuer", "von", "vom", "zu", "zum", "zur", "der", "des", "am", "im", "auf", "pour", "de", "du", "sur", "para", "del", "en", "di", "della", "dello", "per", "do", "da", "dos", "das",
		"voor", "van", "på", "til", "till", "av", "dla", "od", "na", "для", "от", "к", "на":
		return true
	default:
		return hasAny(l, "d'", "l'", "dell'", "all'")
	}
}

// verb reports words that say what something is.
func verb(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "is", "was", "be", "ist", "war", "lautet", "est", "es", "era", "è", "é", "är", "er", "jest", "это":
		return true
	}
	return false
}

// fartherValue reports whether a value without quotes that stands some words after its name is to be replaced: what comes
// there may as well say something of it.
func (w *worker) fartherValue(v []byte, f shape, j joint, k word, end int) bool {
	b := w.buf
	if hasAny(lower(v), "sha", "md5", "base64", "utf", "argon2", "pbkdf2", "aes", "rsa", "bcrypt", "http") || f.path || f.slashes > 1 {
		return false
	}
	switch {
	case k.strength != strong:
		return f.digits > 1 && f.lower+f.upper > 1 && f.n >= 8 && f.dots == 0
	case f.digits > 0:
		return f.n >= 4 && (f.dots == 0 || !f.reference) && (f.lower+f.upper > 0 || f.numeric && f.dots == 0 && k.kind == "password")
	case f.signs > 0 && f.signs > f.dashes+f.dots+f.slashes:
		return f.n >= 6
	}
	if c := ch(b, end); c == '.' || c == '!' {
		end++
	}
	return endsLine(b, spaces(b, end, false)) && f.n > 3 && f.signs+f.under == 0 && !credentialWord(v) && !system(v) && w.names.Of(v)&names.Word == 0 && !state(v) && (j.said || heads(b, j.name))
}

// besideInProse reports whether a word of letters and digits right after "password" is one, in a text for people: log in
// with the password x.
func (w *worker) besideInProse(i, start int, k word) bool {
	b := w.buf
	e := run(b, i, i+maxName, isDashed)
	f := shapeOf(b[i:e])
	if k.strength != strong || k.kind != "password" || f.digits == 0 || f.lower+f.upper < 3 || f.n < 6 || f.under > 0 || at(b, e)&isBare != 0 && b[e] != '.' && b[e] != '!' && b[e] != ':' || ch(b, e) == '(' || ch(b, e) == '.' && at(b, e+1)&isAlnum != 0 {
		return false
	}
	letters := bytes.TrimRight(b[i:e], "0123456789")
	return class[b[i]]&isAlpha != 0 && !innocent(letters) && !stopword(letters) && !credentialWord(letters) && w.prose(start)
}

// keyOf reports words that make the word "key" after them one of a credential: API key.
func keyOf(b []byte, start int) bool {
	if ch(b, start-1) != ' ' {
		return false
	}
	switch v := wordBefore(b, start); string(v.b[:v.n]) {
	case "api", "access", "secret", "private", "auth", "license", "licence", "service", "account", "master", "encryption", "signing", "activation", "product", "recovery":
		return true
	}
	return false
}
