// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const (
	maxPhrase = 10 // words of a passphrase
	maxFolded = 3  // lines that a value in plain quotes goes on over
)

// passphrase returns where a passphrase of words ends that begins at i, without quotes, and goes on to the end of its line:
// PASSPHRASE=correct horse battery staple. 0 where what stands there is prose, code or a command, -1 where it says what a password is: the name has to head
// its line, and every word to be one of letters and digits. A word that says what a password is makes it a text about
// one.
func (w *worker) passphrase(i int, j joint, k word) int {
	b := w.buf
	named := bytes.Contains(lower(b[j.name:min(len(b), j.name+len("passphrase"))]), []byte("phrase"))
	head := heads(b, j.name)
	if j.pass && !j.equals || k.kind != "password" || k.strength != strong || j.cli || j.far || j.prose && !named || !j.xml && !j.field && !j.prose && !head && !headed(b, j.name) {
		return 0
	}
	capital := at(b, i)&isUpper != 0 && !j.caps && !j.xml && !(j.equals && !j.spaced)
	forPeople := capital || j.prose || !head && !j.xml && !j.field // Password: Enter a new one
	if described(b, i, min(lineEnd(b, i), i+maxBare)) {
		return -1
	}
	e, words, digits, stated := i, 0, 0, forPeople && state(b[i:run(b, i, len(b), isAlpha)])
	for ; words < maxPhrase; words++ {
		next := e
		for class[ch(b, next)]&(isDashed) != 0 || ch(b, next) >= 0x80 || ch(b, next) == '\'' && next > e {
			next++
		}
		v := b[e:next]
		if next == e || v[0] == '-' || words == 0 && stopword(v) || credentialWord(v) || j.spaced && joins(v) || forPeople && (formWord(v) || capital && !named && !upperAt(v, 0)) {
			return 0
		}
		if class[v[0]]&isDigit != 0 || class[v[len(v)-1]]&isDigit != 0 {
			digits++
		}
		e = next
		for words > 0 && (ch(b, e) == '!' || ch(b, e) == '?' || ch(b, e) == '.') {
			e++
		}
		if blank := run(b, e, e+maxSpace, isBlank); endsPhrase(b, blank, j) {
			break
		} else if blank == e {
			return 0
		} else {
			e = blank
		}
	}
	if words == 0 || words == maxPhrase || digits > words/2+1 || forPeople && words < 2 || stated && words < 3 {
		return 0
	}
	for forPeople && b[e-1] == '.' {
		e--
	}
	return e
}

// described reports a text that says what a password is or where to find it: hash of the user, see the wiki.
func described(b []byte, i, end int) bool {
	var buf [maxWord]byte
	of := false
	for n := 0; n < maxPhrase && i < end; n++ {
		e := run(b, i, end, isAlpha)
		next := run(b, e, end, isBlank)
		switch string(small(&buf, b[i:e])) {
		case "see", "ask", "same", "min", "max", "minimum", "maximum", "hash", "input", "must", "should", "enter", "type", "kept", "stored", "use", "using", "your", "taken", "read", "siehe", "wie", "frag", "gleich", "voir", "ver":
			if n == 0 && next > e {
				return true
			}
		case "length", "value":
			if n > 0 {
				return true
			}
		case "the":
			if of {
				return true
			}
		}
		of = string(b[i:e]) == "of"
		if next == e {
			return false
		}
		i = next
	}
	return false
}

// headed reports whether the name that holds b[i] has no more than a few words before it on its line: Wifi password.
func headed(b []byte, i int) bool {
	line, _ := lineAround(b, i, maxName)
	if line > 0 && b[line-1] != '\n' {
		return false
	}
	words := 0
	for _, v := range bytes.Fields(bytes.Trim(b[line:i], " \t\r+-#*>/_.")) {
		if words++; words > 3 || formWord(v) {
			return false
		}
		for _, c := range v {
			if class[c]&isAlpha == 0 && c < 0x80 && c != '-' {
				return false
			}
		}
	}
	return words > 0
}

// formWord reports words of forms and of sentences about passwords, which no passphrase of a few words has.
func formWord(v []byte) bool {
	var buf [maxWord]byte
	switch string(small(&buf, v)) {
	case "a", "an", "the", "of", "to", "in", "on", "by", "for", "with", "and", "or", "is", "are", "be", "not", "no", "if", "at", "as", "it", "that", "this", "your", "you", "we", "must", "should", "can", "may", "will", "has", "have", "use", "used", "using",
		"enter", "type", "confirm", "new", "old", "current", "change", "reset", "forgot", "forgotten", "repeat", "again", "show", "hide", "please", "click", "login", "sign", "optional", "required", "field", "minimum", "maximum", "min", "max",
		"least", "length", "characters", "chars", "letters", "digits", "numbers", "symbols", "one", "time", "only", "text", "string", "none", "any", "same", "leave", "default", "invalid", "wrong", "incorrect", "strength", "mismatch", "match", "protected",
		"bitte", "neues", "altes", "eingeben", "wiederholen", "vergessen", "zeichen", "mindestens", "der", "die", "das", "ein", "ist", "und", "oder", "nicht", "muss", "zu", "le", "la", "les", "un", "une", "et", "ou", "el", "los", "nueva", "nouveau", "introduzca", "entrez":
		return true
	}
	return false
}

// endsPhrase reports whether a line ends at i, or the element of a phrase, or the code, and a comment begins.
func endsPhrase(b []byte, i int, j joint) bool {
	c := ch(b, i)
	if j.xml {
		return c == '<' && ch(b, i+1) == '/'
	}
	return i >= len(b) || c == '\n' || c == '\r' || c == '#' && at(b, i-1)&isBlank != 0
}

// joins reports words that join expressions of code: x if y else z.
func joins(v []byte) bool {
	switch string(v) {
	case "if", "unless", "else", "or", "and", "then", "when", "where", "do", "as", "not", "while", "for":
		return true
	}
	return false
}

// sets reports whether the word before the name around start is one that sets a name to what follows a blank.
func sets(b []byte, start int) bool {
	i := start
	for limit := i - maxName; i > 0 && i > limit && class[b[i-1]]&notSpace != 0; i-- {
	}
	if ch(b, i-1) != ' ' {
		return false
	}
	line := b[max(0, i-maxName) : i-1]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	switch string(line[bytes.LastIndexByte(line, ' ')+1:]) {
	case "ENV", "ARG", "setx":
		return true
	case "set": // config set name value; set name value
		return len(bytes.TrimLeft(line, " \t")) == len("set") || bytes.HasSuffix(line, []byte("config set")) || bytes.HasSuffix(line, []byte("configure set"))
	}
	return false
}

// heads reports whether the name that holds b[i] is the first on its line but for signs of lists, comments and diffs, and
// words that set a variable.
func heads(b []byte, i int) bool {
	for limit := i - 2*maxName; i > 0 && i > limit && (class[b[i-1]]&isDotted != 0 || b[i-1] == '"' || b[i-1] == '\''); i-- {
	}
	start := i
	for limit := i - maxName; i > 0 && i > limit && b[i-1] != '\n'; i-- {
	}
	head := bytes.Trim(b[i:start], " \t\r+-#*>/;:$")
	switch string(head) {
	case "", "export", "set", "setx", "ENV", "ARG", "env", "declare", "$env", "local", "readonly":
		return true
	}
	return false
}

// goesOver judges the lines of a value in plain quotes that go on over a line's end, and close with the last thing on a
// line: shells, PHP and files of an environment have them. It reports whether there was one.
func (w *worker) goesOver(i int, q byte, j joint, k word) bool {
	b := w.buf
	end, lines := i, 0
	for limit := min(len(b), i+margin); ; end++ {
		if end >= limit || lines > maxFolded {
			return false
		}
		if b[end] == q {
			break
		}
		if b[end] == '\n' {
			lines++
		}
	}
	switch ch(b, end+1) {
	case 0, '\n', '\r', ';', ',', ')':
	default:
		return false
	}
	for i < end {
		eol := min(lineEnd(b, i), end)
		w.judge(i, eol, j, k, true)
		i = eol + 1
	}
	return true
}
