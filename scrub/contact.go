// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

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
	if start == i || dot <= i+1 || end-dot < 3 || class[b[end-1]]&isDigit != 0 {
		w.remote(start, i, end)
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
	if slash := start - 1; ch(b, slash) == '/' && ch(b, slash-1) == '/' && ch(b, slash-2) == ':' { // scheme://user@host
		if v := b[start:i]; (w.strict || !generic(v)) && !w.ownAt(b, start, i) && string(v) != "git" {
			w.add(start, i, "user")
		}
		return
	}
	if inAuthority(b, start) { // scheme://user:password@host, which url looks at
		return
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
	w.display(start)
}

// remote looks at an account on a machine, with its @ at i: jdoe@db1, jdoe@10.1.2.3.
func (w *worker) remote(start, i, end int) {
	b := w.buf
	if i-start < 2 || end-i < 4 || at(b, start)&isAlpha == 0 || ch(b, start-1) == '/' || ch(b, end) == '/' || generic(b[start:i]) || w.ownAt(b, start, i) {
		return
	}
	host := b[i+1 : end]
	f := shapeOf(host)
	address := f.numeric && f.dots == 3
	if w.strict && f.dots == 0 && (ownMachine(lower(host)) || prompt(b, start, end) || login(b, start)) { // kmeier@Kurts-MacBook-Pro, [kmeier@build ~]$, ssh kmeier@build
		w.add(start, i, "user")
		w.add(i+1, end, "host")
		return
	}
	if !address && (hostSort(lower(host)) != internalHost || f.digits == 0 || f.dots > 0 && f.numeric || class[host[0]]&isAlpha == 0) || f.upper > 0 && f.lower > 0 {
		return
	}
	if v := shapeOf(b[start:i]); v.upper > 0 && v.lower > 0 || v.digits == v.n {
		return // a name of code: Module@v2
	}
	w.add(start, i, "user")
	if !address {
		w.add(i+1, end, "host")
	}
}

// prompt reports whether an account and its machine stand in the prompt of a shell: jdoe@build:~$, [jdoe@build src]$.
func prompt(b []byte, start, end int) bool {
	if p := ch(b, start-1); p != '[' && p != '\n' && p != ' ' && p != 0 {
		return false
	}
	return ch(b, end) == ':' && (ch(b, end+1) == '~' || ch(b, end+1) == '/') || ch(b, start-1) == '[' && ch(b, end) == ' '
}

// login reports whether a command that logs in somewhere else stands before i on its line.
func login(b []byte, i int) bool {
	line, _ := lineAround(b, i, lineReach)
	v := b[line:i]
	for _, command := range []string{"ssh ", "scp ", "sftp ", "rsync ", "mosh ", "ssh-copy-id "} {
		if n := bytes.Index(v, []byte(command)); n >= 0 && at(b, line+n-1)&isIdent == 0 {
			return true
		}
	}
	return false
}

// ownMachine reports names that systems give to the computer of one person.
func ownMachine(host []byte) bool {
	for _, part := range []string{"macbook", "imac", "-mbp", "-mba", "laptop", "desktop-", "thinkpad"} {
		if bytes.Contains(host, []byte(part)) {
			return true
		}
	}
	return false
}

// display looks at the name before an address in brackets: Jane Doe <jane@…>, "Doe, Jane" <jane@…>, Jane Doe (jane@…).
func (w *worker) display(start int) {
	b := w.buf
	open := ch(b, start-1)
	if open != '<' && open != '(' || start < 3 {
		return
	}
	end := start - 1
	for end > 0 && start-end < 4 && (b[end-1] == ' ' || b[end-1] == '"' || b[end-1] == '\'' || b[end-1] == '\\') {
		end--
	}
	first, words := end, 0
	for first > 0 && end-first < 64 {
		s := first
		for s > 0 && end-s < 64 && (class[b[s-1]]&isAlpha != 0 || b[s-1] >= 0x80 || bytes.IndexByte([]byte(".'-,"), b[s-1]) >= 0 && s > 1 && b[s-2] != ' ') {
			s--
		}
		if s == first || !upperAt(b, s) && !particle(b[s:first]) && (open == '(' || (words > 0 || ch(b, s-1) == ' ') && !w.lowerName(s, first, words)) || article(b[s:first]) || ch(b, first-1) == ',' && words > 1 {
			break
		}
		first, words = s, words+1
		if ch(b, first-1) != ' ' || first < 2 {
			break
		}
		if at(b, first-2)&isAlpha == 0 && b[first-2] < 0x80 && b[first-2] != '.' && b[first-2] != ',' {
			break
		}
		first--
	}
	for first < end && b[first] == ' ' {
		first++
	}
	if words > 0 && words < 6 && end-first > 1 && !(open == '(' && words == 1 && w.names.Of(b[first:end])&names.Word != 0) {
		w.add(first, end, "person")
	}
}

// lowerName reports whether the word from s to end, in small letters, is part of a name before an address: it is in the
// list of names, or all that stands after a colon or the word of a commit.
func (w *worker) lowerName(s, end, words int) bool {
	b := w.buf
	if c := w.names.Of(b[s:end]); c&(names.Given|names.Family) != 0 && c&names.Word == 0 {
		return true
	}
	if words > 0 {
		return false
	}
	v := wordBefore(b, s)
	return ch(b, s-1) == ' ' && (ch(b, s-2) == ':' || string(v.b[:v.n]) == "author" || string(v.b[:v.n]) == "committer" || string(v.b[:v.n]) == "tagger")
}

// inAuthority reports whether a user and a colon stand before i, and the scheme of a URL before them.
func inAuthority(b []byte, i int) bool {
	colon := false
	for limit := max(0, i-80); i > limit; i-- {
		switch c := b[i-1]; {
		case c == '/':
			return colon && ch(b, i-2) == '/' && ch(b, i-3) == ':'
		case c == ':':
			colon = true
		case class[c]&notSpace == 0 || c == '@' || c == '<' || c == '(' || c == ',':
			return false
		}
	}
	return false
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
	if c := ch(b, e); len(v) == 0 || c == '{' || c == '$' || c == '<' || c == '*' || generic(v) || end <= w.valueEnd {
		return
	}
	if !w.ownAt(b, end, e) {
		w.add(end, e, "user")
	}
	if r.keyword[0] != '/' {
		for start > 0 && b[start-1] == '\\' {
			start--
		}
		if ch(b, start-1) == ':' && at(b, start-2)&isAlpha != 0 && at(b, start-3)&isAlnum == 0 {
			start -= 2
		}
	}
	if stop := pathEnd(b, e); stop > e+1 {
		w.add(start, stop, "path")
	}
}

// generic reports account names that are the same everywhere and name nobody.
func generic(v []byte) bool {
	switch string(lower(v)) {
	case "runner", "ubuntu", "node", "vscode", "shared", "public", "default", "user", "username", "users", "me", "you",
		"linuxbrew", "root", "app", "git", "ec2-user", "circleci", "codespace", "jovyan", "travis", "gradle", "home", "admin",
		"default user", "all users", "runneradmin", "vagrant", "pi", "coder", "debian", "postgres", "mysql", "redis", "guest", "deploy", "deployer", "jenkins", "ansible", "nginx", "www-data", "www", "nobody",
		"daemon", "oracle", "tomcat", "gitlab-runner", "gitlab", "docker", "build", "builder", "backup", "centos", "fedora", "opc", "azureuser", "core", "rocky", "ops", "devops", "service", "test", "tester", "developer", "dev",
		"kafka", "elasticsearch", "rabbitmq", "mongodb", "grafana", "prometheus", "monitoring", "sonarqube", "buildkite-agent", "ci", "bot":
		return true
	}
	return false
}
