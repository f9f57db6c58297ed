// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"net/netip"
	"regexp"
)

var urlUser = regexp.MustCompile(`^://([^\s/@:"'<>\x00]{0,200}):([^\s/@"'<>\x00]{3,200})@([A-Za-z0-9_.\[-]{2,})`)

// urlPasswordAt takes the password in the address of a service. A variable or a word of documentation is none.
func urlPasswordAt(b []byte, start, _ int) bool {
	m := urlUser.FindSubmatch(b[start:min(len(b), start+longest)])
	return m != nil && !sample(m[2])
}

// sample reports whether a password is none: a variable, stars, or what documentation writes.
func sample(p []byte) bool {
	if bytes.ContainsAny(p, "${}<>*%[]()`\\\x00") {
		return true
	}
	low := bytes.ToLower(p)
	for _, w := range []string{"pass", "pwd", "secret", "token", "user", "example", "xxx", "test", "root", "admin", "postgres", "mysql", "guest", "changeme", "redacted", "api_key", "apikey", "key", "foo", "bar", "dummy", "abc", "123", "..."} {
		if bytes.Contains(low, []byte(w)) {
			return true
		}
	}
	return false
}

func isLocal(c byte) bool { return isWord(c) || c == '.' || c == '-' || c == '+' }

func isHost(c byte) bool { return isWord(c) && c != '_' || c == '.' || c == '-' }

// emailAt takes an address of e-mail in a domain that people have addresses in. Domains set apart for examples (RFC 2606),
// machines' own senders, and the "git@host:" of a repository's address name nobody.
func emailAt(b []byte, start, end int) bool {
	from, to := start, end
	for from > 0 && start-from < 64 && isLocal(b[from-1]) {
		from--
	}
	for to < len(b) && to-end < 200 && isHost(b[to]) {
		to++
	}
	for to > end && (b[to-1] == '.' || b[to-1] == '-') {
		to--
	}
	local, domain := bytes.ToLower(b[from:start]), bytes.ToLower(b[end:to])
	if len(local) == 0 || len(domain) < 4 || local[0] == '.' || local[0] == '-' || !bytes.ContainsFunc(local, func(r rune) bool { return r >= 'a' && r <= 'z' }) {
		return false
	}
	if to < len(b) && (b[to] == '(' || b[to] == 0 || b[to] == ':' && string(local) == "git" || b[to] == '@') || from > 0 && (b[from-1] == 0 || b[from-1] == '/' || b[from-1] == '@') {
		return false
	}
	switch string(local) {
	case "git", "noreply", "no-reply", "donotreply", "do-not-reply", "info", "support", "security", "admin", "postmaster", "hello", "contact", "help", "sales", "user", "username", "you", "your", "me", "name", "email", "foo", "bar", "test", "someone", "root", "abuse", "webmaster":
		return false
	}
	return personal(domain)
}

// personal reports whether people have addresses in a domain.
func personal(domain []byte) bool {
	i := bytes.LastIndexByte(domain, '.')
	if i <= 0 {
		return false
	}
	labels := bytes.Split(domain, []byte{'.'})
	second := string(labels[len(labels)-2])
	switch second {
	case "example", "test", "domain", "email", "company", "mycompany", "acme", "foo", "bar", "localhost", "noreply", "invalid", "site", "host", "yourdomain", "corp", "xxx":
		return false
	}
	if bytes.HasSuffix(domain, []byte("noreply.github.com")) || bytes.HasSuffix(domain, []byte("gserviceaccount.com")) {
		return false
	}
	switch string(domain[i+1:]) {
	case "com", "org", "net", "edu", "gov", "mil", "io", "dev", "ai", "app", "info", "biz", "eu", "de", "uk", "fr", "nl", "it", "es", "pt", "at", "ch", "be", "dk", "se", "no", "fi", "ie", "cz", "gr", "hu", "ro",
		"us", "ca", "mx", "br", "ar", "au", "nz", "jp", "cn", "kr", "in", "ru", "ua", "tr", "za", "il", "sg", "hk", "tw":
		return true
	}
	return false
}

// privateAddressAt takes an IPv4 address of a private network (RFC 1918) that stands by itself: not a network with its mask,
// which documentation is full of, and none of the first addresses that every home has.
func privateAddressAt(b []byte, start, _ int) bool {
	if start > 0 && (isWord(b[start-1]) || b[start-1] == '.' || b[start-1] == '-') {
		return false
	}
	end := start
	for end < len(b) && end-start < 16 && (isDigit(b[end]) || b[end] == '.') {
		end++
	}
	for end > start && b[end-1] == '.' {
		end--
	}
	if end < len(b) && (b[end] == '/' && end+1 < len(b) && isDigit(b[end+1]) || isWord(b[end]) || b[end] == '-') {
		return false
	}
	a, err := netip.ParseAddr(string(b[start:end]))
	if err != nil || !a.IsPrivate() {
		return false
	}
	last := a.As4()
	return last[3] > 1 && last[3] != 255 && (last[1] != 0 || last[2] != 0 || last[0] != 10) && !(last[0] == 192 && last[2] <= 1) && last[0] != 172
}

// privateNameAt takes a name in one of the domains that only networks of one's own have: with two labels before it, as a
// machine has, and nothing about it that code has.
func privateNameAt(b []byte, start, end int) bool {
	if end < len(b) && (isHost(b[end]) || b[end] == '_' || b[end] == '(' || b[end] == '[' || b[end] == '=' || b[end] == '*') {
		return false
	}
	from, dots, dashes := start, 0, 0
	for from > 0 && start-from < 100 && (isHost(b[from-1])) {
		from--
		switch b[from] {
		case '.':
			dots++
		case '-':
			dashes++
		}
		if c := b[from]; c >= 'A' && c <= 'Z' {
			return false
		}
	}
	if from == start || dots == 0 || from > 0 && (b[from-1] == 0 || b[from-1] == '_' || b[from-1] == '/' && (from < 2 || b[from-2] != '/') || b[from-1] == '$' || b[from-1] == '}') {
		return false
	}
	switch host := string(b[from:end]); host {
	case "host.docker.internal", "gateway.docker.internal", "kubernetes.docker.internal", "metadata.google.internal":
		return false
	default:
		first, _, _ := bytes.Cut(b[from:end], []byte{'.'})
		switch string(first) {
		case "com", "org", "net", "io", "dev", "java", "this", "self", "app", "go", "github":
			return false
		}
	}
	return dashes > 0 || from > 1 && b[from-1] == '/' || end < len(b) && b[end] == ':'
}
