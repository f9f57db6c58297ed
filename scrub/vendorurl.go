// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"
)

// access looks at a URL that gives access: scheme://name:password@host/path. What it opens is private, too: url finds the
// password and a name that is somebody's, and here go any other name, the host and the path.
func (w *worker) access(_ *rule, _, end int) {
	b := w.buf
	e, last, colon := end, -1, false
	for limit := min(len(b), end+512); e < limit && !endsAccess[b[e]]; e++ {
		if b[e] == '@' {
			last = e
		} else if b[e] == ':' && last < 0 {
			colon = true
		} else if (b[e] == '?' || b[e] == '#') && last >= 0 {
			break
		}
	}
	if last < 0 {
		return
	}
	name := b[end:last]
	if len(name) == 0 || placeholder(name) || !colon && (!w.strict || generic(name) || shapeOf(name).alnum == 0) || e == last+1 {
		return
	}
	if e < len(b) && b[e] == '/' {
		for e < len(b) && e < end+1024 && class[b[e]]&isURL != 0 && b[e] != '?' && b[e] != '&' && b[e] != '|' && b[e] != '*' {
			e++
		}
	}
	for e > last+1 && bytes.IndexByte([]byte(".,;:!/"), b[e-1]) >= 0 {
		e--
	}
	if n := bytes.IndexByte(name, ':'); n > 0 && w.strict && !placeholder(name[:n]) && shapeOf(name[:n]).alnum > 0 && !w.ownAt(b, end, end+n) {
		w.add(end, end+n, "user")
	}
	w.add(last, e, "url")
}

// endsAccess are the bytes that the user information and the host of a URL end before.
var endsAccess = func() (t [256]bool) {
	for i := range t {
		t[i] = class[i]&notSpace == 0 || bytes.IndexByte([]byte(`/\<>(){}[]`), byte(i)) >= 0
	}
	return t
}()

// tenant looks at the host of a customer at a service, name.service.com, which says who the customer is. What the
// service itself has there (docs.service.com) stays.
func (f *tokenForm) tenant(b []byte, start, end int) bool {
	name := b[start:end]
	if at(b, end)&isAlnum != 0 || ch(b, end) == '-' || ch(b, end) == '_' {
		return false
	}
	if i := bytes.IndexByte(name, '.'); i > 0 {
		switch strings.ToLower(string(name[:i])) {
		case "www", "api", "docs", "doc", "help", "support", "status", "login", "app", "apps", "developer", "developers", "dev",
			"auth", "cdn", "static", "assets", "blog", "community", "id", "admin", "accounts", "account", "learn", "test", "portal",
			"download", "downloads", "packages", "registry", "hooks", "manage", "management", "partners", "trust", "example":
			return false
		}
	}
	return name[0] != '.' && name[0] != '-'
}
