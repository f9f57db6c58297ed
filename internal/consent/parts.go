// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// global returns the name of a fact where e names one, and not a macro's variable.
func (b *binder) global(e celast.Expr) string {
	if e.Kind() != celast.IdentKind || slices.Contains(b.bound, e.AsIdent()) {
		return ""
	}
	return strings.TrimPrefix(e.AsIdent(), ".")
}

func literal(e celast.Expr) (string, bool) {
	if e.Kind() != celast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

func (b *binder) text(e celast.Expr) text {
	if s, ok := literal(e); ok {
		return func(*facts) string { return s }
	}
	if e.Kind() != celast.IdentKind {
		return nil
	}
	for at, name := range slices.Backward(b.bound) {
		if name == e.AsIdent() {
			return func(f *facts) string { return f.bound[at] }
		}
	}
	return textFact(b.global(e))
}

func (b *binder) texts(e celast.Expr) texts {
	switch b.global(e) {
	case "paths":
		return func(f *facts) []string { return f.e.Local.Paths }
	case "languages":
		return func(f *facts) []string { return f.e.Languages }
	}
	if e.Kind() != celast.ListKind {
		return nil
	}
	var list []string
	for _, x := range e.AsList().Elements() {
		s, ok := literal(x)
		if !ok {
			return nil
		}
		list = append(list, s)
	}
	return func(*facts) []string { return list }
}

func (b *binder) isFindings(e celast.Expr) bool { return b.global(e) == "findings" }

// number binds whole numbers: as written, sizes, and counts of findings. One that is not there is no number, but an error.
func (b *binder) number(e celast.Expr) number {
	switch e.Kind() {
	case celast.LiteralKind:
		if n, ok := e.AsLiteral().(types.Int); ok && int64(int(n)) == int64(n) {
			return func(*facts) (int, bool) { return int(n), true }
		}
	case celast.CallKind:
		c := e.AsCall()
		args := operands(c)
		switch c.FunctionName() {
		case "size":
			return b.size(args[0])
		case operators.Index:
			return b.finding(args[0], args[1])
		case "orValue":
			return b.findingOr(args[0], args[1])
		}
	}
	return nil
}

func (b *binder) size(e celast.Expr) number {
	if b.isFindings(e) {
		return func(f *facts) (int, bool) { return len(f.e.Local.Findings), true }
	}
	if of := b.texts(e); of != nil {
		return func(f *facts) (int, bool) { return len(of(f)), true }
	}
	return nil
}

func (b *binder) finding(of, kind celast.Expr) number {
	k, ok := literal(kind)
	if !ok || !b.isFindings(of) {
		return nil
	}
	return func(f *facts) (int, bool) { n, found := f.e.Local.Findings[k]; return n, found }
}

// findingOr binds findings[?"kind"].orValue(n).
func (b *binder) findingOr(optional, otherwise celast.Expr) number {
	if optional.Kind() != celast.CallKind || optional.AsCall().FunctionName() != operators.OptIndex {
		return nil
	}
	args := optional.AsCall().Args()
	found, instead := b.finding(args[0], args[1]), b.number(otherwise)
	if found == nil || instead == nil {
		return nil
	}
	return func(f *facts) (int, bool) {
		if n, ok := found(f); ok {
			return n, true
		}
		return instead(f)
	}
}

func (b *binder) moment(e celast.Expr) moment {
	if b.global(e) == "time" {
		return func(f *facts) time.Time { return f.e.StartedAt }
	}
	if e.Kind() != celast.CallKind || e.AsCall().FunctionName() != "timestamp" {
		return nil
	}
	if s, ok := literal(e.AsCall().Args()[0]); ok {
		if at, ok := types.String(s).ConvertToType(types.TimestampType).(types.Timestamp); ok {
			return func(*facts) time.Time { return at.Time }
		}
	}
	return nil
}

// matching binds s.matches(pattern). Most patterns hold a piece of plain text, and most texts do not.
func matching(s text, pattern string) quick {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil || s == nil {
		return nil
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil
	}
	piece := plainPiece(parsed)
	return func(f *facts) answer {
		s := s(f)
		return sure(strings.Contains(s, piece) && re.MatchString(s))
	}
}

// plainPiece returns the longest text it finds that stands in everything that fits re.
func plainPiece(re *syntax.Regexp) (longest string) {
	switch re.Op {
	case syntax.OpLiteral: // U+FFFD also fits what is no UTF-8
		if re.Flags&syntax.FoldCase == 0 && !slices.Contains(re.Rune, utf8.RuneError) {
			return string(re.Rune)
		}
	case syntax.OpConcat, syntax.OpCapture, syntax.OpPlus:
		for _, part := range re.Sub {
			if piece := plainPiece(part); len(piece) > len(longest) {
				longest = piece
			}
		}
	}
	return longest
}
