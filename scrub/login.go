// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// logins are the keywords that an account and its password follow: login: jdoe / x, user/pass: jdoe/x.
func logins() []rule {
	var rs []rule
	for _, k := range []string{"login", "log in", "credentials", "creds", "zugangsdaten", "anmeldedaten", "logindaten", "identifiants", "credenciales", "user/pass", "user / pass", "username/pass", "username / pass",
		"login/pass", "login / pass", "user:pass", "username:pass", "benutzer/pass", "benutzer / pass", "benutzername/pass", "user/pw", "user / pw"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).loggedIn})
	}
	return rs
}

// loggedIn reads an account and a password with a slash or a colon between them.
func (w *worker) loggedIn(r *rule, start, i int) {
	b := w.buf
	if at(b, start-1)&isIdent != 0 {
		return
	}
	named := false // that the second is a password
	for _, c := range r.keyword {
		named = named || c == '/' || c == ':'
	}
	if named {
		i = run(b, i, i+maxWord, isAlpha)
	}
	for _, more := range [...]string{" data", " details", " info", " is"} {
		if hasAny(b[min(i, len(b)):], more) {
			i += len(more)
		}
	}
	i = spaces(b, i, false)
	switch {
	case ch(b, i) == ':' && ch(b, i+1) != ':', ch(b, i) == '=':
		i = spaces(b, i+1, false)
	case hasAny(b[min(i, len(b)):], "with ", "as ", "mit "):
		for ; b[i] != ' '; i++ {
		}
		i++
	default:
		return
	}
	q, after := quoteAt(b, i)
	if q != 0 {
		i = after
	}
	end := handleEndAt(b, i)
	if end == i || w.ownFrom(i) {
		return
	}
	sep := spaces(b, end, false)
	if c := ch(b, sep); c != '/' && (c != ':' || sep > end) || (sep > end) != (ch(b, sep+1) == ' ') {
		return
	}
	s := spaces(b, sep+1, false)
	e := run(b, s, s+maxName, notSpace)
	for e > s && (b[e-1] == '.' || b[e-1] == ',' || b[e-1] == ')' || b[e-1] == ';') {
		e--
	}
	v := b[s:e]
	f := shapeOf(v)
	if s < w.valueEnd || f.n < 4 || f.slashes > 0 || f.reference || credentialWord(v) || bytes.Contains(lower(v), []byte("login")) || stopword(v) || placeholder(v) || f.lower+f.upper == 0 || f.digits == 0 && f.signs == 0 && (!named || w.names.Of(v) != 0) || at(v, f.n-1)&isAlnum == 0 && f.digits == 0 {
		return
	}
	w.literal(s, e, "password")
	if u := b[i:end]; !system(u) && !stopword(u) {
		w.add(i, end, "user")
	}
}
