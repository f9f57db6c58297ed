// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"encoding/base64"
	"regexp"

	"github.com/go-json-experiment/json"
)

// rule is one kind of thing that must not arrive.
type rule struct {
	kind string
	// literals are what each one holds; at is asked where one of them stands, at b[start:end].
	literals []string
	at       func(b []byte, start, end int) bool
}

// rules are the rules that start from a literal. What begins with no literal of its own is in numbers.go.
func rules() []rule {
	list := []rule{
		{"private-key", []string{"PRIVATE KEY-----", "PRIVATE KEY BLOCK-----"}, pemAt},
		{"private-key", []string{"PuTTY-User-Key-File-"}, around(`PuTTY-User-Key-File-[23]: .{0,200}\n(?s:.*)Private-Lines: `, 0, 4000)},
		{"jwt", []string{"eyJ"}, jwtAt},
		{"url-password", []string{"://"}, urlPasswordAt},
		{"basic-auth", []string{"asic "}, basicAt},
		{"email", []string{"@"}, emailAt},
		{"private-host", []string{"10.", "192.168.", "172."}, privateAddressAt},
		{"private-host", []string{".internal", ".intranet", ".corp", ".lan"}, privateNameAt},
	}
	for _, v := range vendors() {
		list = append(list, rule{v.kind, v.literals, token(v.back, v.form)})
	}
	return list
}

// token makes a rule of an expression that begins back bytes or fewer before the literal, where no letter, digit or _
// stands before it and none follows. What is plainly a placeholder is none.
func token(back int, form string) func(b []byte, start, end int) bool {
	if back == 0 {
		re := regexp.MustCompile(`^(?:` + form + `)`)
		return func(b []byte, start, _ int) bool {
			if !begins(b, start) {
				return false
			}
			m := re.Find(b[start:min(len(b), start+longest)])
			return m != nil && ends(b, start+len(m)) && !placeholder(m)
		}
	}
	re := regexp.MustCompile(form)
	return func(b []byte, start, _ int) bool {
		from := max(0, start-back)
		for _, m := range re.FindAllIndex(b[from:min(len(b), start+longest)], -1) {
			if begins(b, from+m[0]) && ends(b, from+m[1]) && !placeholder(b[from+m[0]:from+m[1]]) {
				return true
			}
		}
		return false
	}
}

// longest is how much is looked at behind a literal.
const longest = 600

// around makes a rule of an expression somewhere around the literal.
func around(form string, back, ahead int) func(b []byte, start, end int) bool {
	re := regexp.MustCompile(form)
	return func(b []byte, start, end int) bool {
		return re.Match(b[max(0, start-back):min(len(b), end+ahead)])
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// begins reports whether a token may begin at i; "\n" that is still written out ends one.
func begins(b []byte, i int) bool {
	return i == 0 || !isWord(b[i-1]) || i > 1 && b[i-2] == '\\' && (b[i-1] == 'n' || b[i-1] == 't' || b[i-1] == 'r')
}

func ends(b []byte, i int) bool { return i >= len(b) || !isWord(b[i]) }

// placeholder reports what stands in documentation for a secret: few different signs, or words that say so.
func placeholder(b []byte) bool {
	var seen [256]bool
	distinct := 0
	for _, c := range b {
		if !seen[c] {
			seen[c] = true
			distinct++
		}
	}
	if distinct < 9 {
		return true
	}
	low := bytes.ToLower(b)
	for _, w := range []string{"example", "xxxx", "your", "placeholder", "redacted", "dummy", "changeme", "fake", "00000000", "12345678", "abcdefgh", "...."} {
		if bytes.Contains(low, []byte(w)) {
			return true
		}
	}
	return false
}

// pemAt takes the header of a private key that a line of base64 follows. Header fields, as old formats have them, may stand
// between; a key that was taken out leaves the header alone.
func pemAt(b []byte, start, end int) bool {
	head := b[max(0, start-40):start]
	if !bytes.Contains(head, []byte("-----BEGIN ")) {
		return false
	}
	run := 0
	for _, c := range b[end:min(len(b), end+400)] {
		if isWord(c) && c != '_' || c == '+' || c == '/' {
			if run++; run >= 40 {
				return !placeholder(b[end:min(len(b), end+400)])
			}
			continue
		}
		run = 0
	}
	return false
}

var jwtForm = regexp.MustCompile(`^(eyJ[A-Za-z0-9_-]{8,})\.([A-Za-z0-9_-]{8,})\.([A-Za-z0-9_-]{16,})`)

// jwtAt takes a signed token whose first part is a JSON object that names an algorithm.
func jwtAt(b []byte, start, _ int) bool {
	if !begins(b, start) {
		return false
	}
	m := jwtForm.FindSubmatch(b[start:min(len(b), start+10_000)])
	if m == nil {
		return false
	}
	head, err := base64.RawURLEncoding.DecodeString(string(m[1]))
	var h struct {
		Alg string `json:"alg"`
	}
	return err == nil && json.Unmarshal(head, &h) == nil && h.Alg != "" && !placeholder(m[3])
}

var basicForm = regexp.MustCompile(`^asic ([A-Za-z0-9+/]{12,400}={0,2})`)

// basicAt takes the credentials of HTTP's basic authentication: base64 of a user, a colon and a password.
func basicAt(b []byte, start, _ int) bool {
	if start == 0 || b[start-1]|0x20 != 'b' {
		return false
	}
	m := basicForm.FindSubmatch(b[start:min(len(b), start+500)])
	if m == nil {
		return false
	}
	plain, err := base64.StdEncoding.DecodeString(string(m[1]))
	if err != nil {
		return false
	}
	user, password, ok := bytes.Cut(plain, []byte{':'})
	return ok && len(user) > 0 && len(password) > 3 && printable(plain) && !sample(password)
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
