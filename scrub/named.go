// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"strings"

	"github.com/headrace/headrace/scrub/internal/names"
)

// joining is how a value is joined to the word that names it.
type joining uint8

const (
	apart    joining = iota // not at all
	assigned                // user = x, user: x
	tight                   // USER=x
	quote                   // in quotes
	tagged                  // <user>x</user>
	loose                   // user x: only a blank between
	told                    // built by x: a blank, and a phrase that names a user
)

// named looks at a word such as "host" or "author", and records the value that is joined to it, where it has the shape
// of one. A name of code is no value: not what is called, indexed or a word of the language.
func (w *worker) named(r *rule, start, end int) {
	b := w.buf
	if end <= w.valueEnd || !bounded(b, start, end, true) || at(b, end)&(isAlpha|isDigit) != 0 && !(at(b, end)&isUpper != 0) || ch(b, end) >= 0x80 || ch(b, start-1) >= 0x80 {
		return
	}
	i := end
	for i < end+12 && (class[ch(b, i)]&isDigit != 0 || ch(b, i) == '_' && at(b, i+1)&isDigit != 0) { // host_1
		i++
	}
	if at(b, i)&isIdent != 0 || ch(b, i) == '-' && at(b, i+1)&isAlpha != 0 {
		return
	}
	if w.column(start, i) {
		return
	}
	at, how := beside(b, i, r.keyword == "todo" || r.keyword == "fixme", ch(b, bareName(b, start)-2) == '(')
	if how == apart {
		return
	}
	list := ch(b, at-2) == '['
	for n := 0; n < 3; n++ { // the items of a list
		e := w.namedValue(r, at, how)
		if e < 0 {
			return
		}
		w.valueEnd = max(w.valueEnd, e)
		q, next := quoteAt(b, spaces(b, e, false))
		if !list || how != quote || q == 0 || ch(b, next) != ',' {
			return
		}
		if q, at = quoteAt(b, spaces(b, next+1, false)); q == 0 {
			return
		}
	}
}

// beside returns where the value joined to the name that ends at i starts, and how it is joined; bare says that a
// bracket may open before it: TODO(jdoe); call, that the name is the first argument of one: set("user", "jdoe").
func beside(b []byte, i int, bare, call bool) (int, joining) {
	q, after := quoteAt(b, i)
	if q != 0 {
		i = after
	}
	for n := 0; n < 2 && (ch(b, i) == ']' || ch(b, i) == ')' || ch(b, i) == '?'); n++ {
		i++
	}
	gap := spaces(b, i, false)
	how := assigned
	switch c := ch(b, gap); {
	case c == ':' && ch(b, gap+1) == ':', c == '=' && (ch(b, gap+1) == '=' || ch(b, gap+1) == '~'), c == '!':
		return 0, apart
	case hasAny(b[gap:], ":=", "=>", "->"):
		i = gap + 2
	case c == '=' || c == ':':
		if gap == i && c == '=' && class[ch(b, gap+1)]&notSpace != 0 {
			how = tight
		}
		i = gap + 1
	case c == '>' && q == 0:
		i, how = gap+1, tagged
	case c == '(' && gap == i && bare:
		i = gap + 1
	case c == '(' || c == ',' && q != 0 && call:
		i = gap + 1
		if q, _ := quoteAt(b, spaces(b, i, false)); q == 0 {
			return 0, apart
		}
	case gap > i && q == 0:
		i, how = gap, loose
		if hasAny(b[gap:], "is ", "named ", "name ") {
			i = gap + bytes.IndexByte(b[gap:], ' ') + 1
		}
	case q != 0 && gap > i: // name="author" content="x"
		e := wordEnd(b, gap)
		if v := string(b[gap:e]); v != "content" && v != "value" || ch(b, e) != '=' {
			return 0, apart
		}
		i = e + 1
	default:
		return 0, apart
	}
	i = spaces(b, i, false)
	for ch(b, i) == '[' {
		i = spaces(b, i+1, false)
	}
	if q, after := quoteAt(b, i); q != 0 {
		return after, quote
	}
	if ch(b, i) == '\n' || ch(b, i) == '\r' || i >= len(b) {
		return 0, apart
	}
	return i, how
}

// namedValue judges the value at i, and returns where it ended, -1 for none.
func (w *worker) namedValue(r *rule, i int, how joining) int {
	b := w.buf
	if w.ownFrom(i) {
		return -1
	}
	if how == loose || how == assigned {
		if calendar(b[i:wordEnd(b, i)]) && (ch(b, i+3) == ' ' || at(b, i+3)&isLower != 0) {
			return -1 // Last login: Mon May  6
		}
	}
	limit := min(len(b), i+120)
	e := i
	switch how {
	case quote:
		q := b[i-1]
		for e < limit && b[e] != q && b[e] != '\n' && b[e] != '\\' {
			e++
		}
		if e == limit {
			return -1
		}
	case tagged:
		for e < limit && b[e] != '<' && b[e] != '\n' {
			e++
		}
		if ch(b, e) != '<' {
			return -1
		}
	}
	switch r.hint.kind {
	case "user":
		if how == loose && strings.IndexByte(r.keyword, ' ') > 0 {
			how = told
		}
		if b[i] == '%' || b[i] == '{' {
			return w.printed(i)
		}
		if strings.HasSuffix(r.keyword, " by") && r.keyword != "built by" || r.keyword == "assigned to" {
			return w.doer(i, e, how)
		}
		if p := w.userValue(i, e, how); p >= 0 {
			return p
		}
		return w.oneName(r, i, e, how)
	case "person":
		if how == loose && strings.HasSuffix(r.keyword, " by") {
			return w.doer(i, e, how)
		}
		if p := w.personValue(i, e, how); p >= 0 {
			return p
		}
		return w.oneName(r, i, e, how)
	case "host":
		return w.hostValue(i, e, how)
	case "customer", "organisation":
		return w.customerValue(r, i, e, how)
	}
	return w.plainValue(r, i, e, how)
}

// ownFrom reports whether one of our marks begins at i.
func (w *worker) ownFrom(i int) bool {
	b := w.buf
	n := bytes.Index(b[i:min(len(b), i+maxHead)], []byte(anchor))
	if n < 0 {
		return false
	}
	s, e, head, ok := markAt(b, i+n)
	return ok && s == i && w.isOwn(b, e, head)
}

// hostValue looks at the name of a machine, maybe with a port.
func (w *worker) hostValue(i, e int, how joining) int {
	b := w.buf
	if hasAny(b[i:], "tcp:") {
		i += len("tcp:")
	}
	end := i
	for end < len(b) && end < i+200 && isHostByte(b[end]) && b[end] < 0x80 {
		end++
	}
	for end > i && (b[end-1] == '.' || b[end-1] == '-') {
		end--
	}
	if end-i < 3 || class[b[i]]&isAlpha == 0 || (how == quote || how == tagged) && end != e && ch(b, end) != ':' && ch(b, end) != ',' && ch(b, end) != '\\' && ch(b, end) != '/' || ch(b, end) == ':' && ch(b, end+1) == '/' || w.ownHost(i, end) {
		return -1
	}
	next := ch(b, end)
	if next == '(' || next == '[' || next == '{' || next == '=' || next == '<' || next == '@' || how != quote && next == ')' || how == loose && next == ':' && class[ch(b, end+1)]&isDigit == 0 {
		return -1
	}
	host := b[i:end]
	f := shapeOf(host)
	if f.dots == 0 {
		machine := f.digits > 0 && f.under == 0 && (f.dashes > 0 || class[host[len(host)-1]]&isDigit != 0) && f.digits < f.n-1 && !stopword(host) && f.swap < 6
		if !machine && f.dashes > 0 && f.under == 0 && (how == quote || how == tight) {
			machine = !exampleName(host) && f.upper == 0
		}
		if !machine && how == tight && f.under == 0 && f.upper == 0 && f.digits == 0 && w.names.Of(host)&names.Word == 0 && !generic(host) && !stopword(host) {
			machine = w.strict
		}
		if !machine || len(host) > 63 {
			return -1
		}
	} else {
		last := host[bytes.LastIndexByte(host, '.')+1:]
		if f.under > 0 || len(last) < 2 || class[last[0]]&isAlpha == 0 || wellKnown(lower(host)) || exampleName(lower(host)) && hostSort(lower(host)) == publicHost {
			return -1
		}
		if hostSort(lower(host)) == publicHost && (!w.strict || how == loose || how == assigned && (next == ',' || next == ';' || next == ')' || f.upper > 0) || !publicSuffix(string(lower(last)))) {
			return -1
		}
	}
	w.add(i, end, "host")
	return end
}

// publicSuffix reports the last labels that most public hosts have; the fields of objects have others.
func publicSuffix(s string) bool {
	switch s {
	case "com", "net", "org", "io", "dev", "cloud", "co", "app", "eu", "tech", "biz", "info", "ai":
		return true
	}
	return len(s) == 2 && s != "id" && s != "to" && s != "is" && s != "js" && s != "ts" && s != "py" && s != "go" && s != "rs" && s != "rb" && s != "sh" && s != "md" && s != "cs" && s != "db" && s != "ip" && s != "me"
}

// customerValue looks at the name of a customer or of another organisation.
func (w *worker) customerValue(r *rule, i, e int, how joining) int {
	b := w.buf
	s := w.sequence(i)
	if s.n == 0 {
		if how != quote || e-i < 3 || e-i > 40 {
			return -1
		}
		v := b[i:e]
		f := shapeOf(v)
		if f.spaces > 0 || f.signs > f.dashes || w.names.Of(v)&names.Word != 0 || f.upper > 0 || f.under > 0 || stopword(v) || f.digits > 0 || !w.strict || r.hint.kind != "customer" {
			return -1
		}
		w.add(i, e, r.hint.kind)
		return e
	}
	end := s.end(s.n - 1)
	if (how == quote || how == tagged) && end != e {
		return -1
	}
	words := 0
	for k := range s.n {
		if s.class[k]&names.Word != 0 {
			words++
		}
	}
	next := ch(b, end)
	if next == '(' || next == '.' && at(b, end+1)&isAlnum != 0 || next == '[' || next == '=' || next == '_' || s.caps() && how != quote || words == s.n && (s.n < 2 || how == loose && s.n < 3 || how == assigned) || s.n == 1 && how == assigned && w.camel(i, end) {
		return -1
	}
	w.add(i, end, r.hint.kind)
	return end
}

// camel reports a capital after a small letter.
func (w *worker) camel(i, end int) bool {
	var before uint16
	for _, c := range w.buf[i:min(end, len(w.buf))] {
		if class[c]&isUpper != 0 && before&isLower != 0 {
			return true
		}
		before = class[c]
	}
	return false
}

// plainValue looks at a value whose cue says all: a first name, a street, a project of a cloud.
func (w *worker) plainValue(r *rule, i, e int, how joining) int {
	b := w.buf
	if how == loose {
		return -1
	}
	if how != quote && how != tagged {
		e = run(b, i, i+120, notSpace)
		if n := bytes.IndexAny(b[i:e], ",;&<>(){}[]|"); n >= 0 {
			if n == 0 || b[i+n] != ';' && b[i+n] != ',' && b[i+n] != '&' || how == assigned {
				return -1
			}
			e = i + n
		}
	}
	if e-i < 2 {
		return -1
	}
	v := b[i:e]
	f := shapeOf(v)
	if placeholder(v) || stopword(v) || bytes.ContainsAny(v, "${}%<>") {
		return -1
	}
	switch r.hint.kind {
	case "address", "location":
		if f.lower+f.upper < 2 || bytes.IndexByte(v, ':') >= 0 || how != quote && how != tagged || w.names.Of(v)&names.Word != 0 && w.names.Of(v)&names.Place == 0 || f.under > 0 || !upperAt(b, i) && f.digits == 0 || f.spaces > 8 || f.signs > 6 {
			return -1
		}
	case "account", "bucket":
		if f.n < 6 || f.spaces > 0 || f.upper > 0 && f.lower > 0 || f.reference || f.digits == 0 && f.dashes == 0 || exampleName(v) || f.under > 0 {
			return -1
		}
	}
	w.add(i, e, r.hint.kind)
	return e
}
