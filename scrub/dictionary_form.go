// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// afterJoint returns where the next word begins, after at most a few bytes of what may stand between the words of one name;
// 0 where there is none.
func afterJoint(b []byte, i int) int {
	start := i
	for i < len(b) && i-start <= maxJoint {
		switch c := b[i]; {
		case class[c]&isAlnum != 0:
			return i
		case c == '%' && i+2 < len(b) && b[i+1] == '2' && b[i+2] == '0':
			i += 3
		case c < utf8.RuneSelf:
			if bytes.IndexByte([]byte("\"`=;<>{}|\x00"), c) >= 0 {
				return 0
			}
			i++
		default:
			r, size := utf8.DecodeRune(b[i:])
			if unicode.IsLetter(r) || unicode.IsNumber(r) || r == utf8.RuneError {
				return i
			}
			i += size
		}
	}
	return 0
}

// capitals reports whether a name of several common words is written as a name: two of its words begin with a capital,
// or a dot, dash or underscore joins them.
func capitals(b []byte, start, end int) bool {
	n := 0
	for i := start; i < end; i++ {
		switch c := b[i]; {
		case class[c]&isUpper != 0 && (i == start || class[b[i-1]]&isUpper == 0):
			n++
		case c >= utf8.RuneSelf && c >= 0xC0:
			if r, _ := utf8.DecodeRune(b[i:]); !unicode.IsLower(r) {
				n++
			}
		case (c == '.' || c == '-' || c == '_') && i > start && at(b, i-1)&isAlnum != 0 && at(b, i+1)&isAlnum != 0:
			return ch(b, end) != '('
		}
	}
	return n >= 2
}

// initialed reports whether b[start:end] has the form of "J. Doe".
func initialed(b []byte, start, end int) bool {
	r, size := utf8.DecodeRune(b[start:end])
	if !unicode.IsUpper(r) || ch(b, start+size) != '.' {
		return false
	}
	last := start + size + 1
	for last < end && b[last] == ' ' {
		last++
	}
	if i := bytes.LastIndexByte(b[last:end], ' '); i >= 0 {
		last += i + 1 // van der Berg
	}
	r, _ = utf8.DecodeRune(b[last:end])
	return unicode.IsUpper(r)
}

// cue reports whether the word before b[start] says that a name of this kind follows.
func cue(b []byte, start int, kind uint8) bool {
	end := start
	for end > 0 && start-end < 6 && at(b, end-1)&isAlnum == 0 && b[end-1] < utf8.RuneSelf && b[end-1] != '\n' {
		end--
	}
	before := b[end:start]
	if bytes.HasSuffix(before, []byte("@")) {
		return kind == personKind || kind == userKind || kind == hostKind
	}
	begin := end
	for begin > 0 && end-begin < 24 && (at(b, begin-1)&isIdent != 0) {
		begin--
	}
	word := string(lower(b[begin:end]))
	if word == "" || len(before) == 0 {
		return false
	}
	cues := cuesOf(dictionaryKind(kind))
	if at(b, start)&isDigit != 0 {
		cues = append(cues, cuesOf("")...)
	}
	for _, c := range cues {
		if word == c || len(c) > 4 && (strings.HasPrefix(word, c) || strings.HasSuffix(word, c)) {
			return true
		}
	}
	return false
}

// cuesOf are the words that say that a name of a kind follows; the longer ones also as a part of a longer word.
func cuesOf(kind string) []string {
	switch kind {
	case "person", "user", "email":
		return []string{"author", "authored", "by", "cc", "user", "username", "login", "owner", "owners", "assignee", "assigned", "reviewer", "approver",
			"committer", "maintainer", "contact", "employee", "staff", "emp", "pernr", "badge", "person", "name", "developer", "engineer", "account",
			"member", "sudo", "mr", "mrs", "ms", "dr", "dear", "hi", "hello", "thanks", "ping", "todo", "fixme", "uid"}
	case "host", "ip", "mac", "url":
		return []string{"host", "hostname", "server", "node", "ssh", "scp", "machine", "ping", "endpoint", "http", "https", "addr", "address", "instance", "nodename", "dns"}
	case "project", "branch", "bucket", "path":
		return []string{"project", "repo", "repository", "team", "product", "codename", "program", "programme", "initiative", "module", "bucket", "branch", "workspace"}
	case "customer", "organisation":
		return []string{"customer", "client", "account", "tenant", "company", "org", "organisation", "organization", "vendor", "partner", "supplier", "employer"}
	case "ticket":
		return []string{"ticket", "issue", "case", "incident", "fixes", "closes", "bug", "story", "task", "jira", "ref", "refs", "change"}
	}
	return []string{"number", "no", "nr", "id", "phone", "tel", "fax", "mobile", "account", "acct", "iban", "card", "ssn", "born", "birth", "dob", "address", "street"}
}
