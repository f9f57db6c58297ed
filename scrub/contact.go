// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

// email grows an address around "@".
func (w *worker) email(_ *rule, i, _ int) {
	b := w.buf
	start := i
	for start > 0 && start > i-64 && localByte(b[start-1]) {
		start--
	}
	for start < i && (b[start] == '.' || b[start] == '-' || b[start] == '+') {
		start++
	}
	end, dot := i+1, 0
	for limit := min(len(b), i+254); end < limit; end++ {
		if c := b[end]; c == '.' {
			if at(b, end+1)&isAlnum == 0 && ch(b, end+1) < 0x80 {
				break
			}
			dot = end
		} else if class[c]&isAlnum == 0 && c != '-' && c < 0x80 {
			break
		}
	}
	for end > i+1 && b[end-1] == '-' {
		end--
	}
	if start == i || dot <= i+1 || end-dot < 3 {
		return
	}
	for _, c := range b[dot+1 : end] {
		if class[c]&isDigit != 0 || c == '-' {
			if hasAny(b[dot+1:end], "xn--") {
				break
			}
			return // a version, not a domain
		}
	}
	switch string(lower(b[dot+1 : end])) {
	case "png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts", "tsx", "jsx", "mjs", "cjs", "json", "go", "py", "rb":
		return // icon@2x.png, package@file.js
	}
	local, domain := b[start:i], b[i+1:end]
	if string(local) == "git" && (ch(b, end) == ':' || ch(b, end) == '/') {
		return
	}
	if own := w.ownAddress(b, start, i, end); own >= 0 {
		w.add(start, own, "email")
		return
	}
	if !w.strict && (bytes.HasPrefix(domain, []byte("example.")) || bytes.HasSuffix(domain, []byte(".example")) ||
		bytes.HasPrefix(local, []byte("noreply")) || bytes.HasPrefix(local, []byte("no-reply"))) {
		return
	}
	w.add(start, end, "email")
}

func localByte(c byte) bool {
	return class[c]&isAlnum != 0 || c >= 0x80 || c == '.' || c == '_' || c == '+' || c == '-'
}

// ownAddress returns where in b[start:i], with its @ at i, an address begins that we made, nothing but our marks; -1
// where there is none. A mark may stand right before one, where two literals are joined.
func (w *worker) ownAddress(b []byte, start, i, end int) int {
	own, e, head, ok := markAt(b, max(0, i-bodyLen-len(anchor)))
	if !ok || own < start || e != i || !w.isOwn(b, e, head) || !bytes.HasSuffix(b[i:end], []byte(".example")) {
		return -1
	}
	end -= len(".example")
	for i++; i < end; {
		next := bytes.IndexByte(b[i:end], '.')
		if next < 0 {
			next = end - i
		}
		if !w.ownAt(b, i, i+next) {
			return -1
		}
		i += next + 1
	}
	return own
}

// url looks at the user information of a URL: scheme://user:password@host.
func (w *worker) url(_ *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isAlnum == 0 || end <= w.valueEnd {
		return
	}
	e, last, colon := end, -1, -1
	for limit := min(len(b), end+1024); e < limit; e++ {
		c := b[e]
		if c == '@' {
			last = e
		} else if c == ':' && colon < 0 {
			colon = e
		} else if c == '/' || c == '?' || c == '#' || c == '\\' || c == '<' || c == '>' || class[c]&notSpace == 0 {
			if c != '#' && c != '?' && c != '<' && c != '>' || last >= 0 || bytes.IndexByte(b[e:min(len(b), e+64)], '@') < 0 {
				break
			}
		}
	}
	if last < 0 {
		return
	}
	user := last
	if colon >= 0 && colon < last {
		user = colon
		if v := b[colon+1 : last]; len(v) > 0 && !placeholder(v) && shapeOf(v).alnum > 0 {
			w.add(colon+1, last, "url_password")
		}
	}
	v := b[end:user]
	switch {
	case len(v) == 0 || placeholder(v) || string(v) == "git":
	case shapeOf(v).opaque(16):
		w.add(end, user, "token")
	case colon >= 0 && colon < last && !generic(v):
		w.add(end, user, "user")
	}
}

// home looks at the name of a home folder in a path of Linux, macOS or Windows.
func (w *worker) home(r *rule, start, end int) {
	b := w.buf
	if r.keyword[0] == '/' {
		if string(b[start:end]) != r.keyword && ch(b, start-1) != ':' || at(b, start-1)&isAlnum != 0 || ch(b, start-1) == '.' || ch(b, start-1) == '}' {
			return
		}
		for ch(b, end) == '/' {
			end++
		}
	} else {
		for ch(b, end) == '\\' {
			end++
		}
	}
	e := end
	for limit := min(len(b), end+64); e < limit; e++ {
		c := b[e]
		if c == ' ' && r.keyword[0] == '\\' { // C:\Users\First Last\…
			if next := bytes.IndexAny(b[e+1:limit], "\\ \"'\n\r\t"); next > 0 && b[e+1+next] == '\\' {
				continue
			}
		}
		if class[c]&notSpace == 0 && c < 0x80 || bytes.IndexByte([]byte(`/\:;,<>|()[]{}*?$%=&#@!`), c) >= 0 {
			break
		}
	}
	for e > end && (b[e-1] == '.' || b[e-1] == '-' || b[e-1] == '_') {
		e--
	}
	v := b[end:e]
	if c := ch(b, e); len(v) == 0 || c == '{' || c == '$' || c == '<' || c == '*' || generic(v) || w.ownAt(b, end, e) {
		return
	}
	w.add(end, e, "user")
}

// generic reports account names that are the same everywhere and name nobody.
func generic(v []byte) bool {
	switch string(lower(v)) {
	case "runner", "ubuntu", "node", "vscode", "shared", "public", "default", "user", "username", "users", "me", "you",
		"linuxbrew", "root", "app", "git", "ec2-user", "circleci", "codespace", "jovyan", "travis", "gradle", "home", "admin",
		"default user", "all users", "runneradmin", "vagrant", "pi", "coder", "debian", "postgres", "mysql", "redis", "guest":
		return true
	}
	return false
}
