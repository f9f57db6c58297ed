// SPDX-License-Identifier: Apache-2.0

package scrub

import "bytes"

const (
	maxArguments = 24
	maxCommand   = 512 // bytes of its arguments
)

// arguments visits the words of a command that go on at i, to the end of the line or of the command.
func arguments(b []byte, i int, visit func(start, end int)) {
	limit := min(len(b), i+maxCommand)
	for range maxArguments {
		i = spaces(b, i, false)
		for ch(b, i) == '\\' && ch(b, i+1) == '\n' {
			i = spaces(b, i+2, false)
		}
		if i >= limit || bytes.IndexByte([]byte("\n\r|;&<>)`"), b[i]) >= 0 {
			return
		}
		s, e, after := field(b, i)
		if after == e {
			if n := bytes.IndexAny(b[s:e], "|;&<>)"); n >= 0 {
				if n > 0 {
					visit(s, s+n)
				}
				return
			}
			if e == s {
				return
			}
		}
		visit(s, e)
		i = after
	}
}

// placed looks at the arguments of a program that takes a password by its place among them.
func (w *worker) placed(p *program, i int) {
	b := w.buf
	var last span
	n, batch := 0, p.needs == 0
	arguments(b, i, func(s, e int) {
		switch v := b[s:e]; {
		case ch(v, 0) == '-':
			batch = batch || at(v, 1)&isAlpha != 0 && bytes.IndexByte(v, p.needs) > 0
		case ch(v, 0) == '/': // a flag of Windows, or a file
		case hasAny(v, `\\`) && p.needs == '\\':
			batch = true
		case len(v) == 2 && v[1] == ':' && p.needs == '\\': // a drive
		default:
			n, last = n+1, span{start: s, end: e}
		}
	})
	if batch && (n == p.place || p.place < 0 && n >= -p.place) && last.end-last.start >= 3 && !stopword(b[last.start:last.end]) {
		w.literal(last.start, last.end, "password")
	}
}

// slashed looks for name/password@database among the arguments of a program.
func (w *worker) slashed(i int) {
	if i < w.valueEnd {
		return
	}
	seen := false
	arguments(w.buf, i, func(s, e int) {
		if !seen && bytes.IndexByte(w.buf[s:e], '/') > 0 {
			seen = true
			w.oracle(nil, s, s)
		}
	})
}

// oracle reads name/password at i, and maybe @database.
func (w *worker) oracle(_ *rule, _, i int) {
	b := w.buf
	slash := run(b, i, i+maxName, isIdent)
	if slash == i || ch(b, slash) != '/' {
		return
	}
	start := slash + 1
	e := start
	for e < len(b) && e < start+maxName && class[b[e]]&notSpace != 0 && b[e] != '@' && b[e] != '/' && b[e] != '\\' {
		e++
	}
	if v := b[start:e]; len(v) < 3 || ch(b, e) == '/' || ch(b, e) != '@' && bytes.IndexByte(v, '.') >= 0 {
		return
	}
	w.literal(start, e, "password")
	if !generic(b[i:slash]) {
		w.literal(i, slash, "user")
	}
}

// piped looks at a program that reads a password from its input, and at what the line says that input is:
// echo x | sudo -S, sudo -S <<< x.
func (w *worker) piped(r *rule, start, end int) {
	b := w.buf
	if at(b, start-1)&isAlnum != 0 {
		return
	}
	if r.keyword == "sudo -" {
		flags := run(b, end, end+8, isAlpha)
		if bytes.IndexByte(b[end:flags], 'S') < 0 {
			return
		}
		end = flags
	}
	colon := r.keyword == "chpasswd"
	line := start
	for limit := start - margin; line > 0 && line > limit && b[line-1] != '\n'; line-- {
	}
	if pipe := bytes.LastIndexByte(b[line:start], '|'); pipe >= 0 {
		said := max(bytes.LastIndex(b[line:line+pipe], []byte("echo ")), bytes.LastIndex(b[line:line+pipe], []byte("printf ")))
		if said < 0 {
			return
		}
		said += line
		n, s, e := 0, 0, 0
		arguments(b, said+len("echo")+bytes.IndexByte(b[said+len("echo"):], ' '), func(from, to int) {
			if b[from] != '-' && !(b[from] == '%' && n == 0) {
				n, s, e = n+1, from, to
			}
		})
		if n == 1 {
			w.input(s, e, colon)
		}
		return
	}
	eol := min(lineEnd(b, end), end+margin)
	if n := bytes.Index(b[end:eol], []byte("<<<")); n >= 0 {
		s, e, _ := field(b, spaces(b, end+n+len("<<<"), false))
		w.input(s, e, colon)
	}
}

// input records what a program reads as its password; after a colon, where it reads name:password.
func (w *worker) input(s, e int, colon bool) {
	if n := bytes.IndexByte(w.buf[s:e], ':'); colon {
		if n < 0 {
			return
		}
		s += n + 1
	}
	for e > s && w.buf[e-1] == 'n' && ch(w.buf, e-2) == '\\' {
		e -= 2
	}
	w.literal(s, e, "password")
}

// literals of kubectl create secret: --from-literal=name=value.
func (w *worker) fromLiteral(_ *rule, start, i int) {
	b, p := w.buf, w.program
	if p == nil || !p.pairs || start-w.programEnd > maxCommand || !sameLine(b[min(w.programEnd, start):start]) {
		return
	}
	if c := ch(b, i); c != '=' && c != ' ' {
		return
	}
	s, e, after := field(b, i+1)
	n := bytes.IndexByte(b[s:e], '=')
	if n < 0 {
		return
	}
	if s += n + 1; after == e && s == e { // k='v'
		s, e, _ = field(b, s)
	}
	w.literal(s, e, "secret")
}

// commanded reports whether a program that is known stands before i on its line.
func (w *worker) commanded(i int) bool {
	return w.program != nil && w.programEnd <= i && i-w.programEnd <= maxCommand && sameLine(w.buf[w.programEnd:i])
}
