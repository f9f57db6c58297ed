// SPDX-License-Identifier: Apache-2.0

package gitlogplay

import (
	"fmt"
	"math/rand/v2"
	"path"
	"strings"
)

// style is how a formatter writes a file.
type style struct {
	indent string // for a tab
	quote  byte   // in place of "
	wrap   int    // lines that are longer are broken at their arguments
}

func (s style) render(file string, lines []*ln) string {
	var b strings.Builder
	for _, l := range lines {
		text := l.text
		if s.quote != 0 && path.Ext(file) != ".go" && path.Ext(file) != ".java" {
			text = strings.ReplaceAll(text, `"`, string(s.quote))
		}
		body := strings.TrimLeft(text, "\t")
		level := len(text) - len(body)
		if s.wrap > 0 && len(body)+4*level > s.wrap {
			if head, args, tail, ok := arguments(body); ok {
				s.line(&b, level, head)
				for _, a := range args {
					s.line(&b, level+1, a+",")
				}
				s.line(&b, level, tail)
				continue
			}
		}
		s.line(&b, level, body)
	}
	return b.String()
}

func (s style) line(b *strings.Builder, level int, text string) {
	indent := s.indent
	if indent == "" {
		indent = "\t"
	}
	if text != "" {
		b.WriteString(strings.Repeat(indent, level))
	}
	b.WriteString(text + "\n")
}

// arguments takes a call apart whose arguments hold no parentheses.
func arguments(s string) (head string, args []string, tail string, ok bool) {
	open := strings.IndexByte(s, '(')
	end := strings.LastIndexByte(s, ')')
	if open < 0 || end < open || strings.ContainsAny(s[open+1:end], `()"'`) || !strings.Contains(s[open+1:end], ", ") {
		return "", nil, "", false
	}
	return s[:open+1], strings.Split(s[open+1:end], ", "), s[end:], true
}

var nouns = strings.Fields(`gate wheel sluice weir pond race flume shaft stone hopper grain sack bin scale lever chute spindle cog axle brake
 paddle bucket level flow depth batch order ledger miller cart route season yield meal bran filter sensor alarm report budget client`)

var verbs = strings.Fields(`open close raise lower measure weigh grind feed drain fill check load store send fetch update count merge split
 rotate stop start inspect repair assign release record schedule convert validate normalize compute render parse`)

// writer writes code that looks like all other code.
type writer struct {
	*rand.Rand
	next func(text string) *ln
}

func (w writer) noun() string { return nouns[min(w.IntN(len(nouns)), w.IntN(len(nouns)))] }
func (w writer) verb() string { return verbs[w.IntN(len(verbs))] }
func title(s string) string   { return strings.ToUpper(s[:1]) + s[1:] }

// function writes a function: its lines, from the comment to the last brace.
func (w writer) function(file string) (lines []*ln) {
	ext := path.Ext(file)
	name, arg, other := w.verb()+title(w.noun()), w.noun(), w.noun()+title(w.noun())
	emit := func(format string, a ...any) { lines = append(lines, w.next(fmt.Sprintf(format, a...))) }
	switch ext {
	case ".go":
		emit("// %s %ss the %s of the %s.", title(name), w.verb(), w.noun(), arg)
		emit("func %s(ctx context.Context, %s *%s, %s int) error {", title(name), arg, title(arg), other)
	case ".py":
		emit("def %s(self, %s, %s=%d):", name, arg, other, w.IntN(90))
		emit("\t# %s the %s before the next %s", w.verb(), arg, w.noun())
	case ".ts":
		emit("export async function %s(%s: %s, %s: number): Promise<void> {", name, arg, title(arg), other)
	default:
		emit("public void %s(%s %s, int %s) throws MillException {", name, title(arg), arg, other)
	}
	for range 3 + w.IntN(9) {
		w.statement(ext, arg, other, emit)
	}
	switch ext {
	case ".go":
		emit("\treturn nil")
		emit("}")
	case ".py":
		emit("\treturn %s", arg)
	default:
		emit("}")
	}
	emit("")
	return lines
}

// statement writes one statement, of one line or several.
func (w writer) statement(ext, arg, other string, emit func(string, ...any)) {
	a, b, v, n := w.noun(), w.noun(), w.verb(), w.IntN(900)
	switch ext {
	case ".go":
		switch w.IntN(6) {
		case 0:
			emit("\t%s, err := %s.%s(ctx, %s, %s)", a, arg, title(v)+title(b), other, b+"Options")
			emit("\tif err != nil {")
			emit("\t\treturn err")
			emit("\t}")
		case 1:
			emit("\tif %s.%s > %d {", arg, a, n)
			emit("\t\treturn fmt.Errorf(\"%s %s: %s is too high\", %s)", v, arg, a, other)
			emit("\t}")
		case 2:
			emit("\t%s.%s = %s.%s + %s*%d", arg, a, arg, b, other, n)
		case 3:
			emit("\tlog.Info(\"%s the %s\", \"%s\", %s.%s)", v, a, b, arg, b)
		case 4:
			emit("\tfor _, %s := range %s.%ss {", a, arg, b)
			emit("\t\t%s.%s(%s, %s, %d)", a, title(v), other, arg+"."+b, n)
			emit("\t}")
		default:
			emit("\tdefer %s.%s()", arg, title(v))
		}
	case ".py":
		switch w.IntN(5) {
		case 0:
			emit("\tif %s.%s is None:", arg, a)
			emit("\t\traise ValueError(\"%s has no %s\")", arg, a)
		case 1:
			emit("\t%s = self.%s_%s(%s, %s, limit=%d)", a, v, b, arg, other, n)
		case 2:
			emit("\tfor %s in %s.%ss:", a, arg, b)
			emit("\t\t%s.%s(%s)", a, v, other)
		case 3:
			emit("\tlogger.info(\"%s %s: %%s\", %s.%s)", v, a, arg, b)
		default:
			emit("\tself.%s = %s.%s * %d", a, arg, b, n)
		}
	case ".ts":
		switch w.IntN(5) {
		case 0:
			emit("\tconst %s = await this.%s%s(%s, %s, { limit: %d });", a, v, title(b), arg, other, n)
		case 1:
			emit("\tif (!%s.%s) {", arg, a)
			emit("\t\tthrow new Error(\"%s has no %s\");", arg, a)
			emit("\t}")
		case 2:
			emit("\tthis.%s = %s.%s.map((%s) => %s.%s + %d);", a, arg, b, v, v, b, n)
		case 3:
			emit("\tconsole.log(\"%s the %s\", %s.%s);", v, a, arg, b)
		default:
			emit("\treturn;")
		}
	default:
		switch w.IntN(5) {
		case 0:
			emit("\t%s %s = %s.%s(%s, %d);", title(a), a, arg, v+title(b), other, n)
		case 1:
			emit("\tif (%s.get%s() == null) {", arg, title(a))
			emit("\t\tthrow new MillException(\"%s has no %s\");", arg, a)
			emit("\t}")
		case 2:
			emit("\tfor (%s %s : %s.get%ss()) {", title(a), a, arg, title(b))
			emit("\t\t%s.%s(%s);", a, v, other)
			emit("\t}")
		case 3:
			emit("\tlogger.info(\"%s the %s {}\", %s.get%s());", v, a, arg, title(b))
		default:
			emit("\tthis.%s = %s.get%s() + %s * %d;", a, arg, title(b), other, n)
		}
	}
}

// file writes a file of so many functions.
func (w writer) file(name string, functions int) (lines []*ln) {
	noun := w.noun()
	head := map[string][]string{
		".go":   {"package mill", "", "import (", "\t\"context\"", "\t\"fmt\"", "\t\"log\"", ")", ""},
		".py":   {"import logging", "", "logger = logging.getLogger(__name__)", ""},
		".ts":   {"import { " + title(noun) + " } from \"./" + noun + "\";", ""},
		".java": {"package org.mill;", "", "import org.slf4j.Logger;", ""},
	}[path.Ext(name)]
	for _, h := range head {
		lines = append(lines, w.next(h))
	}
	for range functions {
		lines = append(lines, w.function(name)...)
	}
	return lines
}

// edited is a line with one of its words changed, or one more; a line of few words stays as it is.
func (w writer) edited(l *ln) *ln {
	words := strings.FieldsFunc(l.text, func(r rune) bool {
		return !(r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	})
	if len(words) < 4 {
		return l
	}
	e := &ln{id: l.id, edited: true}
	old := words[1+w.IntN(len(words)-1)]
	switch i := strings.LastIndexByte(l.text, ')'); {
	case i > 0 && l.text[i-1] != '(' && w.IntN(3) == 0:
		e.text = l.text[:i] + ", " + w.noun() + l.text[i:]
	default:
		e.text = strings.Replace(l.text, old, w.noun()+title(w.verb()), 1)
	}
	return e
}
