// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// files are the rules for the formats in which systems keep credentials: connection strings, headers, and the files of
// netrc, pgpass, PuTTY and Kubernetes, JSON web keys, and phrases of words that seed a key.
func files() []rule {
	rs := []rule{
		{keyword: "://", detect: (*worker).access},
		{keyword: "machine ", detect: (*worker).netrc},
		{keyword: "default login ", detect: (*worker).netrc},
		{keyword: ":*:", detect: (*worker).pgpass},
		{keyword: ":0000:", detect: (*worker).pgpass},
		{keyword: "Private-Lines: ", detect: (*worker).putty},
		{keyword: "---- BEGIN ", detect: (*worker).pem},
		{keyword: "authorization", detect: (*worker).header},
		{keyword: "cookie:", detect: (*worker).cookies},
		{keyword: "cookie\": \"", detect: (*worker).cookies},
	}
	for _, k := range []string{"password=", "password =", "pwd=", "pwd =", "passwd=", "pass="} {
		rs = append(rs, rule{keyword: k, detect: (*worker).pair})
	}
	rs = append(rs, jwkRules()...)
	for _, k := range []string{"kind: secret", `kind: "secret"`, "kind: 'secret'", `"kind": "secret"`, `"kind":"secret"`} {
		rs = append(rs, rule{keyword: k, detect: (*worker).kubernetes})
	}
	for _, k := range []string{"mnemonic", "seed phrase", "seedphrase", "seed_phrase", "recovery phrase", "recovery_phrase",
		"seed words", "secret phrase", "backup phrase"} {
		rs = append(rs, rule{keyword: k, detect: (*worker).phrase})
	}
	return rs
}

// literal records b[start:end] as a credential whatever it is, but not where it stands for one.
func (w *worker) literal(start, end int, kind string) {
	v := w.buf[start:end]
	if f := shapeOf(v); f.alnum == 0 || placeholder(v) || w.ownAt(w.buf, start, end) {
		return
	}
	w.add(start, end, kind)
	w.valueEnd = max(w.valueEnd, end)
}

// field returns the word at i: the inside of quotes, or all but white space and quotes.
func field(b []byte, i int) (start, end, after int) {
	if q, inside := quoteAt(b, i); q != 0 {
		for e := inside; e < len(b) && e < inside+512 && b[e] != '\n'; e++ {
			if b[e] == q {
				end = e
				for end > inside && b[end-1] == '\\' {
					end--
				}
				return inside, end, e + 1
			}
		}
		i = inside
	}
	e := run(b, i, i+512, notSpace)
	return i, e, e
}

// netrc reads "machine host login name password secret".
func (w *worker) netrc(_ *rule, start, i int) {
	b := w.buf
	if at(b, start-1)&isIdent != 0 {
		return
	}
	if i -= len("login "); b[start]|0x20 == 'm' {
		_, _, i = field(b, blanks(b, i+len("login ")))
	}
	for range 3 {
		s, e, after := field(b, blanks(b, i))
		word := string(lower(b[s:e]))
		if word != "login" && word != "password" && word != "account" {
			return
		}
		s, e, i = field(b, blanks(b, after))
		if word == "password" {
			w.literal(s, e, "password")
		} else if s < e && !generic(b[s:e]) && bytes.IndexByte(b[s:e], '@') < 0 {
			w.literal(s, e, "user")
		}
	}
}

// pgpass reads a line host:port:database:user:password.
func (w *worker) pgpass(_ *rule, start, i int) {
	b := w.buf
	s := start
	for s > 0 && start-s < 256 && class[b[s-1]]&notSpace != 0 && b[s-1] != ':' && b[s-1] != '/' {
		s--
	}
	if s > 0 && b[s-1] != '\n' && b[s-1] != '\'' && b[s-1] != '"' {
		return
	}
	user := 0
	for range 2 {
		e := run(b, i, i+128, notSpace)
		n := bytes.IndexByte(b[i:e], ':')
		if n <= 0 {
			return
		}
		user, i = i, i+n+1
	}
	e := run(b, i, i+512, notSpace)
	if e == len(b) || b[e] == '\n' || b[e] == '\r' || b[e] == '\'' || b[e] == '"' {
		w.literal(i, e, "password")
		w.holder(user)
	}
}

// putty reads the private lines of a PuTTY key file.
func (w *worker) putty(_ *rule, _, i int) {
	b := w.buf
	i = run(b, i, i+6, isDigit)
	start := blanks(b, i)
	for ch(b, start) == '\\' {
		start = min(len(b), start+2)
	}
	e := start
	for e < len(b) && (class[b[e]]&isBase64 != 0 && b[e] != '-' || b[e] == '\n' || b[e] == '\r' || b[e] == '\\') {
		e++
	}
	if m := bytes.LastIndex(b[start:e], []byte("Private")); m > 0 {
		e = start + m
	}
	for e > start && class[b[e-1]]&isBase64 == 0 {
		e--
	}
	if e-start >= 32 {
		w.add(start, e, "private_key")
	}
}

// header reads "Authorization: scheme credentials" and the parameters of schemes that have some.
func (w *worker) header(_ *rule, _, i int) {
	b := w.buf
	if q, after := quoteAt(b, i); q != 0 {
		i = after
	}
	i = spaces(b, i, false)
	if c := ch(b, i); c != ':' && c != '=' && c != ',' {
		return
	}
	i = spaces(b, i+1, false)
	q, after := quoteAt(b, i)
	if q != 0 {
		i = after
	}
	e := run(b, i, i+24, isDashed)
	if ch(b, e) != ' ' || e == i {
		return
	}
	start := spaces(b, e, false)
	end := run(b, start, start+4096, notSpace)
	if next := ch(b, end); end-start < 6 || next == ' ' && ch(b, end-1) != ',' {
		return
	}
	switch v := b[start:end]; {
	case scheme(b[i:e]) || hasAny(b[i:e], "SSWS", "Token", "Api", "API", "OAuth", "Key", "key", "GoogleLogin", "Negotiate", "NTLM", "AWS"):
	case !shapeOf(v).opaque(12):
		return
	}
	if ch(b, end-1) == ',' || bytes.IndexByte(b[start:end], '=') >= 0 && ch(b, end) == '"' { // name="value", …
		end = bytes.IndexByte(b[start:min(len(b), start+4096)], '\n')
		if end < 0 {
			end = min(len(b), start+4096) - start
		}
		for end += start; end > start && class[b[end-1]]&notSpace == 0; end-- {
		}
	}
	for end > start && bytes.IndexByte([]byte(",;)}]\\"), b[end-1]) >= 0 {
		end--
	}
	if bytes.IndexByte(b[start:end], '(') < 0 {
		w.literal(start, end, "token")
	}
}

// cookies reads the values of "Cookie: name=value; …": those that look drawn by chance.
func (w *worker) cookies(_ *rule, _, i int) {
	b := w.buf
	if i <= w.valueEnd {
		return
	}
	for range 32 {
		i = spaces(b, i, false)
		e := run(b, i, i+64, isDotted)
		if e == i || ch(b, e) != '=' {
			return
		}
		start := e + 1
		end := start
		for end < len(b) && end < start+1024 && class[b[end]]&notSpace != 0 && b[end] != ';' && b[end] != '\\' {
			end++
		}
		if v := b[start:end]; len(v) >= 8 {
			if f := shapeOf(v); f.digits > 1 && f.lower+f.upper > 1 || len(v) >= 20 && !f.words() {
				w.literal(start, end, "token")
			}
		}
		if ch(b, end) != ';' {
			return
		}
		i = end + 1
	}
}

// pair reads the password of a connection string or of a line of configuration, where any word may be one. In code the
// word is the name of a variable, and stays: f(user=user, password=password).
func (w *worker) pair(_ *rule, start, i int) {
	b := w.buf
	if at(b, start-1)&isAlnum != 0 || i <= w.valueEnd {
		return
	}
	line := b[max(0, start-96):start]
	line = line[bytes.LastIndexByte(line, '\n')+1:]
	name := bytes.TrimRight(b[start:i], " =")
	i = spaces(b, i, false)
	e := i
	for e < len(b) && e < i+256 && class[b[e]]&notSpace != 0 && bytes.IndexByte([]byte(`;,&<>()\`), b[e]) < 0 {
		e++
	}
	next := ch(b, e)
	joined := next == ';' || bytes.IndexByte(line, '=') >= 0 && bytes.ContainsAny(line, ";,&? ")
	alone := len(bytes.TrimSpace(line)) == 0 && (next == 0 || next == '\n' || next == '\r' || next == ',')
	if v := b[i:e]; len(v) < 2 || bytes.EqualFold(v, name) || falsy(v) || ch(b, e) == '(' ||
		!joined && !alone || bytes.IndexByte(line, '(') >= 0 && next != ';' {
		return
	}
	w.literal(i, e, "password")
}

// falsy reports words by which a language says "none" or "yes".
func falsy(v []byte) bool {
	switch string(lower(v)) {
	case "true", "false", "null", "nil", "none", "undefined", "yes", "no", "on", "off", "string", "str", "self", "this", "required", "optional":
		return true
	}
	return false
}

// kubernetes reads the values under data and stringData of a Secret, before and after its kind.
func (w *worker) kubernetes(_ *rule, start, i int) {
	b := w.buf
	if at(b, i)&isIdent != 0 {
		return
	}
	from, to := w.manifest, min(len(b), i+16<<10) // each byte is looked at once
	if from < start {
		from = max(from, start-2048)
		if n := bytes.LastIndex(b[from:start], []byte("\n---")); n >= 0 {
			from += n + 1
		}
	}
	if from >= to {
		return
	}
	if n := bytes.Index(b[max(i, from):to], []byte("\n---")); n >= 0 {
		to = max(i, from) + n
	}
	w.manifest = to
	for at := from; at < to; {
		n := bytes.Index(b[at:to], []byte("ata"))
		if n < 0 {
			return
		}
		at += n + len("ata")
		if !bytes.HasSuffix(b[:at], []byte("data")) && !bytes.HasSuffix(b[:at], []byte("stringData")) {
			continue
		}
		if q, after := quoteAt(b, at); q != 0 {
			at = after
		}
		if ch(b, at) == ':' && class[ch(b, at+1)]&notSpace == 0 {
			at = w.members(at+1, to)
		}
	}
}

// members records the values of a block of YAML or JSON, "name: value" a line, to where a line is indented less.
func (w *worker) members(i, to int) int {
	b := w.buf
	indent := -1
	for i < to {
		n := bytes.IndexByte(b[i:to], '\n')
		if n < 0 {
			n = to - i
		}
		line, at := b[i:i+n], i
		i += n + 1
		trimmed := bytes.TrimLeft(line, " \t{")
		if len(bytes.TrimSpace(trimmed)) == 0 {
			continue
		}
		depth := len(line) - len(trimmed)
		if indent < 0 {
			indent = depth
		}
		if depth < indent || depth == 0 {
			return at
		}
		colon := bytes.IndexByte(trimmed, ':')
		if colon < 0 {
			continue
		}
		s, e, _ := field(b, spaces(b, at+depth+colon+1, false))
		for e > s && (b[e-1] == ',' || b[e-1] == '}') {
			e--
		}
		if e-s >= 4 && e <= to {
			w.literal(s, e, "secret")
		}
	}
	return to
}

// phrase reads twelve and more short words after "mnemonic" and its like: the seed of a wallet (BIP 39).
func (w *worker) phrase(_ *rule, _, i int) {
	b := w.buf
	limit := min(len(b), i+24)
	for i < limit && class[b[i]]&isLower == 0 || i < limit && (hasAny(b[i:], "is ", "words", "phrase", "seed", "code")) {
		if class[b[i]]&isLower != 0 {
			i = run(b, i, limit, isLower)
			continue
		}
		if b[i] == '(' || b[i] == ';' {
			return
		}
		i++
	}
	start, end, n := i, i, 0
	for ; n < 48; n++ {
		e := run(b, i, i+9, isLower)
		if e-i < 3 || e-i > 8 {
			break
		}
		end = e
		i = e
		for i < e+6 && (ch(b, i) == ' ' || ch(b, i) == ',' || ch(b, i) == '"' || ch(b, i) == '\'') {
			i++
		}
		if i == e {
			n++
			break
		}
	}
	if n >= 12 {
		w.add(start, end, "secret")
		w.valueEnd = max(w.valueEnd, end)
	}
}
