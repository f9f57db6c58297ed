// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"

	"github.com/headrace/headrace/scrub/internal/names"
)

// handleEnd returns the end of the account name at i.
func handleEnd(b []byte, i int) int {
	for limit := min(len(b), i+48); i < limit && (class[b[i]]&isIdent != 0 || b[i] == '.' || b[i] == '-' || b[i] >= 0x80 || b[i] == '\\' && class[ch(b, i+1)]&isAlnum != 0); {
		i++
	}
	for b[i-1] == '.' || b[i-1] == '-' {
		i--
	}
	return i
}

// userValue looks at an account name, or at the name of its holder.
func (w *worker) userValue(i, e int, how joining) int {
	b := w.buf
	if ch(b, i) == '@' {
		i++
	}
	if at(b, i)&isIdent == 0 && ch(b, i) < 0x80 {
		return -1
	}
	end := handleEnd(b, i)
	if end == i || ch(b, end) == '@' || ch(b, end) == ':' && ch(b, end+1) == '/' {
		return -1 // an address finds itself
	}
	if ch(b, end) == ' ' && (upperAt(b, i) || how == quote || how == tagged) {
		if p := w.personValue(i, e, how); p >= 0 {
			return p
		}
	}
	if how == quote || how == tagged {
		if end != e {
			return -1
		}
	}
	v := b[i:end]
	if !w.handle(v, how, ch(b, end), ch(b, end+1)) {
		return -1
	}
	w.add(i, end, "user")
	return end
}

// printed looks at the first argument of a format: "login failed for %s from %s", "jdoe".
func (w *worker) printed(i int) int {
	b := w.buf
	_, end := lineAround(b, i, proseReach)
	q := bytes.IndexAny(b[i:end], "\"'")
	if q < 0 {
		return -1
	}
	c := b[i+q]
	if n := bytes.IndexByte(b[i+q+1:end], c); n < 0 || n > 4 || ch(b, i+q+1) != ',' && ch(b, i+q+1) != ')' && ch(b, i+q+1) != ' ' {
		return -1
	} else {
		i += q + 1 + n + 1
	}
	e := i
	for e < end && b[e] != c {
		e++
	}
	if e == end || e == i || handleEnd(b, i) != e || !w.handle(b[i:e], quote, c, 0) {
		return -1
	}
	w.add(i, e, "user")
	return e
}

// handle judges the letters of an account name; next are the two bytes after it.
func (w *worker) handle(v []byte, how joining, next, second byte) bool {
	if len(v) < 2 || len(v) > 40 || system(v) || stopword(v) || placeholder(v) || common(v) || roleOfPeople(string(v)) {
		return false
	}
	f := shapeOf(v)
	if f.dots > 0 && !w.nameLike(v) && domainLike(v) {
		return false
	}
	if f.lower+f.upper == 0 || class[v[0]]&isDigit != 0 && f.digits > f.lower || f.under > 0 && (f.upper == f.n-f.under-f.digits || f.digits == 0 && !w.nameLike(v)) || stopword(bytes.TrimRight(v, "0123456789")) && f.digits > 0 {
		return false
	}
	c := w.names.Of(v)
	if !w.strict && !w.nameLike(v) && !w.initialed(v) { // the account of a service, most often
		return false
	}
	switch how {
	case quote, tagged:
		if f.upper > 0 && f.lower > 0 && !w.nameLike(v) { // the name of a project, of an organisation
			return false
		}
		return c&names.Word == 0 && f.n > 3 || f.digits > 0 && f.digits < f.n/2+1 || c&names.Given != 0 && f.firstUpper
	case tight:
		return next != '(' && next != '[' && next != '{' && (f.dots == 0 || f.digits > 0 || w.nameLike(v)) && (c&names.Word == 0 || f.digits > 0) && (f.digits > 0 || !f.typeName)
	case assigned:
		switch next {
		case 0, '\n', '\r', '}', '#', '"', '\'', '<', ';', ')':
		case ' ':
			if class[second]&isAlnum != 0 || second == '=' || second == '+' || second == '?' {
				return false
			}
		case ',':
			if second != ' ' || f.digits == 0 && f.dots == 0 && f.dashes == 0 {
				return false
			}
		default:
			return false
		}
		if f.swap > 1 && f.digits == 0 || f.upper > 0 && f.lower > 0 && f.digits == 0 && !w.nameLike(v) || f.under > 0 && f.digits == 0 {
			return false // a name of code
		}
		return f.dots > 0 && w.nameLike(v) || f.dots == 0 && c&names.Word == 0
	}
	if how == told && f.upper == 0 && c&names.Word == 0 && len(v) > 3 {
		return next != '(' && next != '=' && f.dots == 0 || w.nameLike(v)
	}
	return next != '(' && next != '=' && next != '.' && (f.dots == 0 || w.nameLike(v)) && c&names.Word == 0 && f.upper == 0 && (f.digits > 0 || f.dots > 0 || f.dashes > 0 && w.nameLike(v) || w.initialed(v))
}

// doer looks at who did something: changed by jdoe.
func (w *worker) doer(i, e int, how joining) int {
	b := w.buf
	if p := w.personValue(i, e, how); p >= 0 {
		return p
	}
	if how == told {
		how = loose
	}
	if end := handleEndAt(b, i); end == i || !w.initialed(b[i:end]) && !w.nameLike(b[i:end]) {
		return -1
	}
	return w.userValue(i, e, how)
}

// oneName looks at the one word that stands where only people do. After the trailers of a commit, any word is a name;
// after author, assignee and the like, a given name that is also a word: Reviewed-by: wiremu, assignee: rose.
func (w *worker) oneName(r *rule, i, e int, how joining) int {
	b := w.buf
	trailer := strings.HasSuffix(r.keyword, "-by") && how == assigned
	if !trailer && !roleOfPeople(r.keyword) {
		return -1
	}
	if ch(b, i) == '@' {
		i++
	}
	end := handleEndAt(b, i)
	if end == i || end-i > 32 || (how == quote || how == tagged) && end != e {
		return -1
	}
	switch c := ch(b, end); {
	case c == 0, c == '\n', c == '\r', c == '"', c == '\'', c == '<', c == ']':
	case c == ')' && (r.keyword == "todo" || r.keyword == "fixme"):
	case c == ':' && ch(b, end+1) == ' ' && how == loose && (r.keyword == "todo" || r.keyword == "fixme"):
	case c == ' ' && (ch(b, end+1) == '<' || ch(b, end+1) == '('):
	default:
		return -1
	}
	v := b[i:end]
	f, c := shapeOf(v), w.names.Of(v)
	if system(v) || stopword(v) || f.n < 2 || f.n == f.upper || how == loose && c&names.Given == 0 || c&names.Given == 0 && (!trailer || c&names.Word != 0) || f.under > 0 {
		return -1
	}
	w.add(i, end, "user")
	return end
}

// roleOfPeople reports cues whose value is always somebody.
func roleOfPeople(cue string) bool {
	switch cue {
	case "author", "authors", "assignee", "assignees", "reviewer", "reviewers", "reporter", "requester", "approver", "approvers", "committer", "maintainer", "maintainers", "assigned_to", "assignedto",
		"reported_by", "requested_by", "created_by", "createdby", "updated_by", "updatedby", "modified_by", "approved_by", "todo", "fixme":
		return true
	}
	return false
}

// domainLike reports whether a word ends as hosts and files do: google.com, libc.so.
func domainLike(v []byte) bool {
	switch tail := string(lower(v[bytes.LastIndexByte(v, '.')+1:])); tail {
	case "so", "dll", "exe", "go", "py", "js", "ts", "rb", "sh", "java", "json", "xml", "yml", "yaml", "txt", "md", "html", "conf", "cfg", "log", "db", "jar", "local", "tld":
		return true
	default:
		return publicSuffix(tail) && len(tail) == 3
	}
}

// nameLike reports whether a part of an account name is the name of a person: goran.kim, svc-kim.
func (w *worker) nameLike(v []byte) bool {
	for i := 0; i < len(v); i++ {
		e := wordEnd(v, i)
		if e-i > 2 && w.names.Of(v[i:e])&(names.Given|names.Family) != 0 {
			return true
		}
		i = max(e, i)
	}
	return false
}

// initialed reports whether a word is a name, or one with an initial or two before or after: jdoe, doej.
func (w *worker) initialed(v []byte) bool {
	const name = names.Given | names.Family
	if len(v) < 4 {
		return false
	}
	return w.names.Of(v)&name != 0 || w.names.Of(v[1:])&name != 0 || len(v) > 5 && (w.names.Of(v[:len(v)-1])&name != 0 || w.names.Of(v[:len(v)-2])&name != 0 || w.names.Of(v[2:])&name != 0)
}

// personValue looks at the name of a person: words with capitals, listed or not, for the cue says what they are.
func (w *worker) personValue(i, e int, how joining) int {
	b := w.buf
	s := w.sequence(i)
	if s.n == 0 {
		return -1
	}
	end := s.end(s.n - 1)
	if how == quote || how == tagged {
		if end != e && (ch(b, end) != ' ' || ch(b, end+1) != '<' && ch(b, end+1) != '(') {
			return -1
		}
	}
	next := ch(b, end)
	if next == '(' || next == '.' && at(b, end+1)&isAlnum != 0 || next == '=' || next == '[' || next == '_' || next == ':' && ch(b, end+1) == ':' {
		return -1
	}
	known, words := 0, 0
	for k := range s.n {
		c := s.class[k]
		if c&(names.Given|names.Family) != 0 {
			known++
		}
		if c&names.Word != 0 && c&(names.Given|names.Family) == 0 {
			words++
		}
	}
	switch {
	case words == s.n, words > 0 && known == 0, s.caps() && known == 0:
		return -1
	case s.n == 1 && (known == 0 || s.class[0]&names.Word != 0 && how != quote || how == loose && s.class[0]&names.Given == 0):
		return -1
	case how == loose && known == 0:
		return -1
	}
	w.add(i, end, "person")
	return end
}
