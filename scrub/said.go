// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"

	"github.com/headrace/headrace/scrub/internal/names"
)

// Who said or wrote something stands where the form of a text says so: after an @, at the end of a letter, before a
// message in a transcript, beside a date in a comment or in a history. There a word is a name, be it in a list or not.

// sayings are the keywords of such places.
func sayings() []rule {
	var rs []rule
	add := func(detect func(*worker, *rule, int, int), keywords ...string) {
		for _, k := range keywords {
			rs = append(rs, rule{keyword: k, detect: detect})
		}
	}
	add((*worker).mention, "@")
	add((*worker).dated, "0000-00-00")
	add((*worker).spoken, "00:00")
	add((*worker).signed, "regards", "best,\n", "best,\r\n", "cheers,\n", "cheers,\r\n", "thanks,\n", "thanks,\r\n", "thank you,\n", "sincerely", "grüße", "grüßen", "gruß", "gruessen", "grüsse", "mfg\n", "mfg,\n",
		"saludos", "saludo", "cordialement", "cordiali saluti", "saluti", "abraços", "atenciosamente", "groeten", "hilsen", "hälsningar", "pozdrawiam", "yours,\n", "bien à vous")
	add((*worker).branch, "refs/heads/", "remotes/", "origin/", "on branch ", "branch '", "checkout ", "checkout -b ", "switch ", "switch -c ", "head -> ", "push -u origin ", "push origin ", "branch: ", "pull request #0")
	return rs
}

// mention looks at a name after an @: in prose, after a word such as "cc", and in CODEOWNERS. Tags of comments, packages
// and annotations of code are no names.
func (w *worker) mention(_ *rule, i, start int) {
	b := w.buf
	if p := ch(b, i-1); p != ' ' && p != '\n' && p != '(' && p != '\t' && p != 0 && p != ',' && p != '/' && p != '"' || at(b, start)&isAlnum == 0 || start <= w.valueEnd {
		return
	}
	end := handleEnd(b, start)
	v := b[start:end]
	if len(v) < 2 || len(v) > 39 || system(v) || stopword(v) || w.ownAt(b, start, end) {
		return
	}
	if (!tag(v) || ch(b, end) == '/') && owned(b, i) {
		if ch(b, end) == '/' { // a team
			end = handleEnd(b, end+1)
		}
		w.add(start, end, "user")
		return
	}
	f := shapeOf(v)
	next := ch(b, end)
	if next == '/' || next == '(' || next == '=' || next == '{' || next == '[' || next == '@' || next == ':' && at(b, end+1)&notSpace != 0 || f.under > 0 || f.dots > 0 && (f.upper > 0 || !w.nameLike(v)) || f.lower == 0 {
		return
	}
	c := w.names.Of(v)
	known := c&(names.Given|names.Family) != 0 && c&names.Word == 0 || c&names.Word == 0 && w.initialed(v)
	switch v := wordBefore(b, i); string(v.b[:v.n]) {
	case "cc", "thanks", "thank", "thx", "ping", "hey", "hi", "hello", "by", "ask", "assign", "assigned", "reviewer", "reviewers", "dear", "danke", "hallo", "merci", "gracias":
		if (c&names.Word == 0 || c&names.Given != 0) && (f.upper == 0 || known) {
			w.add(start, end, "user")
		}
		return
	}
	switch {
	case c&names.Word != 0 || f.upper > 0 && !known || tag(v) || !w.prose(i):
	case known && (!opens(b, i) || next == ' ' || next == ','), w.strict && !opens(b, i) && w.pure(i):
		w.add(start, end, "user")
	}
}

// opens reports whether only signs of a comment stand before i on its line.
func opens(b []byte, i int) bool {
	for i > 0 && bytes.IndexByte([]byte(" \t*/#-"), b[i-1]) >= 0 {
		i--
	}
	return i == 0 || b[i-1] == '\n'
}

// owned reports a line of CODEOWNERS: a path, and then nothing but names with an @ and addresses; i is the @ of one.
func owned(b []byte, i int) bool {
	line, eol := lineAround(b, i, proseReach)
	e := run(b, line, i, notSpace)
	if line > 0 && b[line-1] != '\n' || ch(b, line) == '@' || bytes.HasSuffix(bytes.TrimRight(b[line:eol], " \t\r"), []byte("*/")) { // cut off; the scope of a package; a comment
		return false
	}
	if v := b[line:e]; len(v) == 0 || at(b, e)&isBlank == 0 || v[0] != '*' && v[0] != '/' && bytes.IndexByte(v, '/') < 0 || v[0] == '/' && bytes.Count(v, []byte("/")) == len(v) || string(v) == "*" && line == 0 && i > 2 && e+1 != i {
		return false
	}
	for e < i {
		e = run(b, e, i, isBlank)
		next := run(b, e, i, notSpace)
		if e < i && bytes.IndexByte(b[e:next], '@') < 0 {
			return false
		}
		e = next
	}
	return true
}

// speaker records who says something, b[i:end]: names with capitals, or one account. It reports whether it did.
func (w *worker) speaker(i, end int) bool {
	b := w.buf
	if i >= end || end-i > 48 || w.ownFrom(i) {
		return false
	}
	if !upperAt(b, i) {
		v := b[i:end]
		if handleEndAt(b, i) != end || len(v) < 3 || w.names.Of(v)&names.Word != 0 || system(v) || stopword(v) || !w.initialed(v) && !w.nameLike(v) {
			return false
		}
		w.add(i, end, "user")
		return true
	}
	s := w.sequence(i)
	if s.n == 0 || s.end(s.n-1) != end || s.caps() {
		return false
	}
	known, given, words := 0, 0, 0
	for k := range s.n {
		c := s.class[k]
		if v := b[s.start[k]:s.end(k)]; publicName(v) || ofSoftware(v) {
			return false
		}
		switch {
		case c&(names.Given|names.Family) != 0 && (s.n > 1 || c&names.Word == 0):
			known++
			if c&names.Given != 0 {
				given++
			}
		case c&names.Word != 0 && !s.initial[k]:
			words++
		}
	}
	if words > 0 && (given == 0 || words+1 == s.n) || known == 0 && s.n == 1 {
		return false
	}
	w.add(i, end, "person")
	return true
}

// spoken looks at a line of a transcript, at its time: [10:32] Jane Doe: hello; 10:35 <jdoe> hello; Jane Doe  10:34 AM.
func (w *worker) spoken(_ *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isIdent != 0 || ch(b, start-1) == ':' || ch(b, start-1) == '.' {
		return
	}
	if ch(b, end) == ':' && at(b, end+1)&at(b, end+2)&isDigit != 0 {
		end += 3
	}
	i := end
	if hasAny(b[i:], " AM", " PM", " am", " pm") {
		i += 3
	}
	switch {
	case ch(b, i) == ']':
		i = run(b, i+1, i+4, isBlank)
		if ch(b, i) == '<' {
			i++
		}
		stop := bytes.IndexAny(b[i:min(len(b), i+50)], ":>\n")
		if stop > 0 && b[i+stop] != '\n' {
			w.speaker(i, i+stop)
		}
	case ch(b, i) == ' ' && ch(b, i+1) == '<':
		if e := handleEndAt(b, i+2); e > i+2 && ch(b, e) == '>' && ch(b, e+1) == ' ' {
			w.speaker(i+2, e)
		}
	case i >= len(b) || b[i] == '\n' || b[i] == '\r':
		line, _ := lineAround(b, start, 64)
		stop := start
		for stop > line && (at(b, stop-1)&isBlank != 0 || b[stop-1] == '[') {
			stop--
		}
		if stop < start {
			w.speaker(line, stop)
		}
	}
}

// dated looks at what stands beside a day in lines that say who did something: git blame, svn log, a comment.
func (w *worker) dated(_ *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isBlank != 0 {
		stop := start
		for stop > 0 && start-stop < 40 && at(b, stop-1)&isBlank != 0 {
			stop--
		}
		line, _ := lineAround(b, stop, 64)
		before := b[line:stop]
		if open := bytes.LastIndexByte(before, '('); open >= 0 && ch(b, end) == ' ' && at(b, end+1)&at(b, end+2)&isDigit != 0 && ch(b, end+3) == ':' && at(b, line+open-1)&notSpace == 0 { // git blame
			w.authored(line+open+1, stop)
			return
		}
		if bytes.HasSuffix(before, []byte(" |")) && before[0] == 'r' && at(b, line+1)&isDigit != 0 { // svn log
			stop -= 2
			if bar := bytes.LastIndex(b[line:stop], []byte("| ")); bar > 0 {
				w.authored(line+bar+2, stop)
			}
			return
		}
		word := wordStart(b, stop)
		if v := b[word:stop]; ch(b, word-1) == ' ' && opens(b, word) && word > line+1 && len(v) > 1 && (ch(b, end) == ':' || w.initialed(v)) && len(v) < 12 && run(b, word, stop, isLower) == stop && !stopword(v) && w.names.Of(v)&names.Word == 0 && w.strict {
			w.add(word, stop, "user")
		}
		if !opens(b, start) {
			return
		}
	} else if start > 0 && b[start-1] != '\n' {
		return
	}
	if i := run(b, end, end+4, isBlank); i > end { // # 2024-03-01 jdoe: raised the limit
		if e := handleEndAt(b, i); e > i && ch(b, e) == ':' && ch(b, e+1) == ' ' {
			w.speaker(i, e)
		}
	}
}

// authored records the author of a line or of a change, who is all of b[i:end].
func (w *worker) authored(i, end int) {
	b := w.buf
	if end-i < 2 || end-i > 48 || w.ownFrom(i) || at(b, i)&isAlpha == 0 && b[i] < 0x80 {
		return
	}
	for k := i; k < end; k++ {
		if c := b[k]; class[c]&isIdent == 0 && c < 0x80 && c != ' ' && c != '.' && c != '-' && c != '\'' {
			return
		}
	}
	kind := "user"
	if bytes.IndexByte(b[i:end], ' ') > 0 {
		kind = "person"
	}
	if v := b[i:end]; !system(v) && string(v) != "Not Committed Yet" {
		w.add(i, end, kind)
	}
}

// signed looks at the name under a letter: the line after "Best regards,".
func (w *worker) signed(_ *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isAlpha != 0 || at(b, end)&isAlpha != 0 && b[end-1] != '\n' {
		return
	}
	line, _ := lineAround(b, start, 40)
	if start-line > 24 {
		return
	}
	for _, c := range b[line:start] {
		if class[c]&(isAlpha|isBlank) == 0 && c < 0x80 && c != '>' {
			return
		}
	}
	for b[end-1] == '\n' || b[end-1] == '\r' {
		end--
	}
	i, lines := end, 0
	for limit := end + 12; i < limit && bytes.IndexByte([]byte(",.! \r\n\t>-"), ch(b, i)) >= 0; i++ {
		if b[i] == '\n' {
			lines++
		}
	}
	if lines == 0 || lines > 2 || i >= len(b) {
		return
	}
	for _, lead := range []string{"i.A. ", "i. A. ", "i.V. ", "i. V. ", "gez. "} {
		if hasAny(b[i:], lead) {
			i += len(lead)
		}
	}
	_, stop := lineAround(b, i, 64)
	for stop > i && (class[b[stop-1]]&isAlpha == 0 && b[stop-1] < 0x80) {
		stop--
	}
	if !upperAt(b, i) {
		w.speaker(i, stop)
		return
	}
	s := w.sequence(i)
	if s.n == 0 || s.n > 4 || s.end(s.n-1) != stop || w.ownFrom(i) {
		return
	}
	for k := range s.n {
		if s.class[k] == names.Word || article(b[s.start[k]:s.end(k)]) {
			return
		}
	}
	w.add(i, stop, "person")
}

// branch looks at the name of a branch that begins with somebody's: jdoe/fix-login, feature/jdoe/login, users/jdoe/x.
func (w *worker) branch(r *rule, start, i int) {
	b := w.buf
	if at(b, start-1)&isIdent != 0 {
		return
	}
	if r.keyword[len(r.keyword)-1] == '0' {
		if i = run(b, i, i+8, isDigit); !hasAny(b[i:], " from ") {
			return
		}
		i += len(" from ")
	}
	end := i
	for end < len(b) && end < i+100 && (class[b[end]]&isDotted != 0 || b[end] == '/') {
		end++
	}
	mine, last := false, bytes.LastIndexByte(b[i:end], '/')
	if dot := bytes.LastIndexByte(b[i:end], '.'); r.keyword == "checkout " && dot > last+1 && run(b, i+dot+1, end, isAlnum) == end && at(b, i+dot+1)&isAlpha != 0 && end-i-dot <= 8 {
		return // a file
	}
	for n := 0; n < 3 && last > 0; n++ {
		e := i + bytes.IndexByte(b[i:end], '/')
		if e < i {
			return
		}
		v := b[i:e]
		if handleEndAt(b, i) == e && len(v) > 1 && !tag(v) && !system(v) && !w.ownAt(b, i, e) && w.names.Of(v)&names.Word == 0 && (mine || len(v) > 3 && (w.initialed(v) || w.nameLike(v))) {
			w.add(i, e, "user")
			return
		}
		switch string(v) {
		case "users", "user", "u", "people", "personal":
			mine = true
		case "feature", "features", "feat", "fix", "bugfix", "hotfix", "dev", "topic", "task", "wip", "spike", "chore", "private", "heads", "origin", "refs", "remotes", "exp", "test", "release":
		default:
			return
		}
		i = e + 1
	}
}
