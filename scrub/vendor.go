// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
)

// vendorTable lists the forms of vendors' credentials; its first lines say how to read it.
//
//go:embed vendors.tsv
var vendorTable string

// tokenForm is what one vendor's credential looks like: literals and runs of a class in turn. Its anchor, the longest
// literal, is what the automaton looks for; the rest is read from there, both ways, without going back.
type tokenForm struct {
	kind    string
	parts   []part
	anchor  int // index of the anchor in parts
	lead    int // digits of the part before the anchor that the keyword holds, too
	literal int // bytes of literals in all
}

// part is a literal, or a run of min to max bytes of a class.
type part struct {
	literal  string
	of       uint16
	min, max int
}

const (
	maxForm   = 256 // bytes before an anchor that may belong to a form
	firstLook = 128 // bytes beyond the minimum that decide whether a form is one, before all of it is read
)

// forms reads the table. An error is a bug in it, which a test finds.
func forms() ([]tokenForm, error) {
	var fs []tokenForm
	for i, line := range strings.Split(vendorTable, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		kind, list, ok := strings.Cut(line, "\t")
		if !ok || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz_") != "" { // marks hold no other
			return nil, fmt.Errorf("vendors.tsv:%d: no kind and tab", i+1)
		}
		for _, text := range strings.Fields(list) {
			f, err := parseForm(kind, text)
			if err != nil {
				return nil, fmt.Errorf("vendors.tsv:%d: %s: %w", i+1, text, err)
			}
			fs = append(fs, f)
		}
	}
	return fs, nil
}

func parseForm(kind, text string) (tokenForm, error) {
	f := tokenForm{kind: kind, anchor: -1}
	for rest := text; rest != ""; {
		if rest[0] != '{' || len(rest) > 1 && classOf(rest[1]) == 0 || len(rest) > 2 && class[rest[2]]&isDigit == 0 {
			n := 1
			for n < len(rest) && rest[n] != '{' {
				n++
			}
			if last := len(f.parts) - 1; last >= 0 && f.parts[last].literal != "" {
				f.parts[last].literal += rest[:n]
			} else {
				f.parts = append(f.parts, part{literal: rest[:n]})
			}
			f.literal += n
			rest = rest[n:]
			continue
		}
		inside, after, ok := strings.Cut(rest[1:], "}")
		low, high, ranged := strings.Cut(inside[1:], "-")
		least, err := strconv.Atoi(low)
		most := least
		if err == nil && ranged {
			most, err = strconv.Atoi(high)
		}
		if !ok || err != nil || least < 1 || most < least {
			return tokenForm{}, fmt.Errorf("%q is no run", rest)
		}
		f.parts = append(f.parts, part{of: classOf(inside[0]), min: least, max: most})
		rest = after
	}
	for i, p := range f.parts {
		if p.literal != "" && i > 1 && f.parts[i-1].max > f.parts[i-1].min && class[p.literal[0]]&f.parts[i-1].of != 0 {
			return tokenForm{}, fmt.Errorf("%q may be part of the run before it", p.literal)
		}
		if f.anchor < 0 && p.literal != "" || f.anchor >= 0 && len(p.literal) > len(f.parts[f.anchor].literal) {
			f.anchor = i
		}
	}
	if f.anchor < 0 || len(f.parts) < 2 {
		return tokenForm{}, fmt.Errorf("it needs a literal and a run")
	}
	return f, nil
}

// classOf gives the class of a letter of the table.
func classOf(letter byte) uint16 {
	switch letter {
	case 'd':
		return isDigit
	case 'x':
		return isHexa
	case 'u':
		return isUpper | isDigit
	case 'l':
		return isLower | isDigit
	case 'w':
		return isAlnum
	case 'i':
		return isIdent
	case 'b':
		return isDashed
	case 's':
		return isBase64
	case 'h':
		return isCrypt
	case 't':
		return isDotted
	case 'r':
		return isURL
	}
	return 0
}

// keyword is what the automaton looks for: the anchor, and two digits of the runs beside it where they are of digits,
// which makes it rarer.
func (f *tokenForm) keyword() string {
	k := f.parts[f.anchor].literal
	if i := f.anchor - 1; i >= 0 && f.parts[i].of == isDigit {
		f.lead = min(2, f.parts[i].min)
		k = "00"[:f.lead] + k
	}
	if i := f.anchor + 1; i < len(f.parts) && f.parts[i].of == isDigit {
		k += "00"[:min(2, f.parts[i].min)]
	}
	return k
}

// vendor looks at the anchor of a form and records the credential around it.
func (w *worker) vendor(r *rule, at, _ int) {
	f, b := r.form, w.buf
	at += f.lead
	lit := f.parts[f.anchor].literal
	if string(b[at:at+len(lit)]) != lit {
		return
	}
	start, ok := f.back(b, at)
	if !ok || start < len(b) && f.inWord(b, start) {
		return
	}
	last := &f.parts[len(f.parts)-1]
	end, ok := f.forward(b, at+len(lit), firstLook)
	if !ok {
		return
	}
	switch f.kind {
	case "host":
		if !f.tenant(b, start, end) {
			return
		}
	default:
		if !f.plausible(b[start:end], w.strict) {
			return
		}
	}
	if last.literal == "" && start >= w.formEnd { // inside another it needs no more: the two become one
		end = tail(b, end, last.of)
		w.formEnd = end
	}
	switch {
	case strings.HasSuffix(f.kind, "_webhook"):
		start = urlStart(b, start)
	case f.kind == "jwt" && ch(b, end) == '.':
		end++ // of a token without a signature
	case f.kind == "ssh_public_key":
		start, end = sshLine(b, start, end)
	}
	w.add(start, end, f.kind)
	w.valueEnd = max(w.valueEnd, end)
}

// back reads the parts before the anchor, which starts at i; the first takes all there is.
func (f *tokenForm) back(b []byte, i int) (int, bool) {
	for p := f.anchor - 1; p >= 0; p-- {
		q := &f.parts[p]
		if q.literal != "" {
			if i -= len(q.literal); i < 0 || string(b[i:i+len(q.literal)]) != q.literal {
				return 0, false
			}
			continue
		}
		most := q.max
		if p == 0 {
			most = max(most, maxForm)
		}
		start := i
		for i > 0 && start-i < most && class[b[i-1]]&q.of != 0 {
			i--
		}
		if start-i < q.min {
			return 0, false
		}
	}
	return i, true
}

// forward reads the parts after the anchor, which ends at i; of the last at most extra bytes beyond its minimum.
func (f *tokenForm) forward(b []byte, i, extra int) (int, bool) {
	for p := f.anchor + 1; p < len(f.parts); p++ {
		q := &f.parts[p]
		if q.literal != "" {
			if len(b)-i < len(q.literal) || string(b[i:i+len(q.literal)]) != q.literal {
				return 0, false
			}
			i += len(q.literal)
			continue
		}
		most := q.max
		if p == len(f.parts)-1 {
			most = q.min + extra
		}
		start := i
		if i = run(b, i, i+most, q.of); i-start < q.min {
			return 0, false
		}
	}
	return i, true
}

// tail reads on to where a credential whose last run is of this class ends: all of the run and, as vendors lengthen
// their tokens, what follows a dot and is long.
func tail(b []byte, i int, of uint16) int {
	if of&isAlnum != of {
		i = run(b, i, len(b), of)
	} else {
		i = run(b, i, len(b), isIdent)
	}
	if of == isBase64 || of == isDashed {
		for ch(b, i) == '.' || ch(b, i) == '/' {
			next := run(b, i+1, len(b), of)
			if next-i <= 8 {
				break
			}
			i = next
		}
	}
	for i > 0 && of == isURL && (b[i-1] == '.' || b[i-1] == ',' || b[i-1] == ')') {
		i--
	}
	return i
}

// inWord reports whether the form at start only continues a word: the "sk-" of "task-". What follows an escape (\n, %3D)
// starts anew, and so does what begins with much that no word has.
func (f *tokenForm) inWord(b []byte, start int) bool {
	if at(b, start-1)&isAlnum == 0 || at(b, start)&isAlnum == 0 {
		return false
	}
	return ch(b, start-2) != '\\' && !(ch(b, start-3) == '%' && at(b, start-2)&isHexa != 0) && !hasAny(b[max(0, start-6):], `\u`) &&
		!(f.anchor == 0 && f.literal >= 6 && at(b, start+f.literal-1)&isAlpha == 0)
}

// urlStart returns where the URL that i is in starts.
func urlStart(b []byte, i int) int {
	for s := i; s > 0 && i-s < 80 && class[b[s-1]]&isURL != 0; s-- {
		if hasAny(b[s:], "://") && at(b, s-1)&isAlpha != 0 {
			for s > 0 && class[b[s-1]]&isAlpha != 0 && i-s < 90 {
				s--
			}
			return s
		}
	}
	return i
}

// sshLine returns where a line of an SSH key starts and ends: its algorithm, the key, and the comment that names its owner.
func sshLine(b []byte, start, end int) (int, int) {
	if ch(b, start-1) == ' ' {
		s := start - 1
		for s > 0 && start-s < 48 && class[b[s-1]]&isDotted != 0 {
			s--
		}
		if hasAny(b[s:], "ssh-", "ecdsa-", "sk-") {
			start = s
		}
	}
	if ch(b, end) == ' ' && at(b, end+1)&isAlnum != 0 {
		end = run(b, end+1, end+96, isURL)
	}
	return start, end
}

// plausible reports whether bytes that fit the form are a credential and not a name that begins alike: names are words
// joined by dashes and underscores, without digits.
func (f *tokenForm) plausible(v []byte, strict bool) bool {
	if f.anchor == 0 {
		v = v[len(f.parts[0].literal):]
	}
	s := shapeOf(v)
	switch {
	case s.same:
		return strict
	case f.literal >= 12:
		return true
	case s.digits == 0:
		return s.dashes+s.under+s.dots <= len(v)/12 && (s.swap >= 4 || strict && f.literal >= 4)
	case s.digits < 3:
		return s.dashes+s.under+s.dots <= len(v)/6
	}
	return true
}
