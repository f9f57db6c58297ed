// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"cmp"
	"slices"
	"strings"
	"time"

	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// CEL says what a condition means, but takes its time: most conditions compare facts with what is written in the rule, and
// that is done much faster in Go. A condition is bound to Go once, part by part; a part of another shape stays
// open, and so does one that CEL would call an error. "a && b" is no where a is, whatever b is, in CEL too: so one open part
// often does not matter. Where the whole stays open, CEL is asked. Both never say different things.

// answer is what a condition says as far as Go can tell.
type answer byte

const (
	open answer = iota // ask CEL
	no
	yes
)

func sure(holds bool) answer {
	if holds {
		return yes
	}
	return no
}

// What parts of a condition are in Go; nil stands for one of another shape.
type (
	quick  func(*facts) answer
	text   func(*facts) string
	texts  func(*facts) []string
	number func(*facts) (n int, ok bool)
	moment func(*facts) time.Time
)

// binder binds a condition; bound are the variables of the macros around the part at hand, outermost first.
type binder struct{ bound []string }

// maxBound is how many macros within each other are bound.
const maxBound = 4

func alwaysOpen(*facts) answer { return open }

// condition binds a part that is true or false.
func (b *binder) condition(e celast.Expr) quick {
	q := quick(nil)
	switch e.Kind() {
	case celast.LiteralKind:
		if v, ok := e.AsLiteral().(types.Bool); ok {
			q = func(*facts) answer { return sure(bool(v)) }
		}
	case celast.IdentKind:
		if b.global(e) == "unauthenticated" {
			q = func(f *facts) answer { return sure(f.e.Local.Unauthenticated) }
		}
	case celast.CallKind:
		q = b.call(e.AsCall())
	case celast.ComprehensionKind:
		q = b.macro(e.AsComprehension())
	}
	if q == nil {
		return alwaysOpen
	}
	return q
}

func (b *binder) call(c celast.CallExpr) quick {
	args := operands(c)
	switch name := c.FunctionName(); name {
	case operators.LogicalAnd, operators.LogicalOr:
		settles := yes
		if name == operators.LogicalAnd {
			settles = no
		}
		return settled(settles, b.condition(args[0]), b.condition(args[1]))
	case operators.LogicalNot:
		return not(b.condition(args[0]))
	case operators.Conditional:
		when, then, otherwise := b.condition(args[0]), b.condition(args[1]), b.condition(args[2])
		return func(f *facts) answer {
			switch when(f) {
			case yes:
				return then(f)
			case no:
				return otherwise(f)
			}
			return open
		}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return b.comparison(name, args[0], args[1])
	case operators.In:
		return b.membership(args[0], args[1])
	case "startsWith", "endsWith", "contains":
		test := map[string]func(s, part string) bool{"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix, "contains": strings.Contains}[name]
		if s, part := b.text(args[0]), b.text(args[1]); s != nil && part != nil {
			return func(f *facts) answer { return sure(test(s(f), part(f))) }
		}
	case "matches":
		if pattern, ok := literal(args[1]); ok {
			return matching(b.text(args[0]), pattern)
		}
	}
	return nil
}

// operands are a call's, that before the dot first: s.matches(p) is matches(s, p).
func operands(c celast.CallExpr) []celast.Expr {
	if c.IsMemberFunction() {
		return append([]celast.Expr{c.Target()}, c.Args()...)
	}
	return c.Args()
}

// settled is "and" or "or": one part that gives the answer settles it, and an open one does not come in its way.
func settled(settles answer, x, y quick) quick {
	return func(f *facts) answer {
		a := x(f)
		if a == settles {
			return a
		}
		if c := y(f); c == settles || a != open {
			return c
		}
		return open
	}
}

func not(x quick) quick {
	return func(f *facts) answer {
		switch x(f) {
		case yes:
			return no
		case no:
			return yes
		}
		return open
	}
}

func (b *binder) comparison(operator string, x, y celast.Expr) quick {
	// holds is by whether x is less than y, the same, or more.
	holds := map[string][3]bool{operators.Equals: {1: true}, operators.NotEquals: {0: true, 2: true}, operators.Less: {0: true},
		operators.LessEquals: {0: true, 1: true}, operators.Greater: {2: true}, operators.GreaterEquals: {1: true, 2: true}}[operator]
	if s, t := b.text(x), b.text(y); s != nil && t != nil {
		if want, ok := literal(y); ok && operator == operators.Equals {
			return func(f *facts) answer { return sure(s(f) == want) }
		}
		return func(f *facts) answer { return sure(holds[1+strings.Compare(s(f), t(f))]) }
	}
	if n, m := b.number(x), b.number(y); n != nil && m != nil {
		return func(f *facts) answer {
			left, ok := n(f)
			right, also := m(f)
			if !ok || !also {
				return open
			}
			return sure(holds[1+cmp.Compare(left, right)])
		}
	}
	if t, u := b.moment(x), b.moment(y); t != nil && u != nil {
		return func(f *facts) answer { return sure(holds[1+t(f).Compare(u(f))]) }
	}
	return nil
}

// membership binds x in y.
func (b *binder) membership(x, y celast.Expr) quick {
	s := b.text(x)
	if s == nil {
		return nil
	}
	if b.isFindings(y) {
		return func(f *facts) answer { _, found := f.e.Local.Findings[s(f)]; return sure(found) }
	}
	if of := b.texts(y); of != nil {
		return func(f *facts) answer { return sure(slices.Contains(of(f), s(f))) }
	}
	return nil
}

// macro binds all and exists over a list of texts: what CEL makes of them begins with true and goes on with "and", or
// begins with false and goes on with "or".
func (b *binder) macro(c celast.ComprehensionExpr) quick {
	from, step := c.AccuInit(), c.LoopStep()
	if c.HasIterVar2() || from.Kind() != celast.LiteralKind || step.Kind() != celast.CallKind || c.Result().Kind() != celast.IdentKind || len(b.bound) == maxBound {
		return nil
	}
	args := step.AsCall().Args()
	settles := no
	switch name := step.AsCall().FunctionName(); {
	case name == operators.LogicalAnd && from.AsLiteral() == types.True:
	case name == operators.LogicalOr && from.AsLiteral() == types.False:
		settles = yes
	default:
		return nil
	}
	of := b.texts(c.IterRange())
	if of == nil || args[0].Kind() != celast.IdentKind || args[0].AsIdent() != c.AccuVar() {
		return nil
	}
	at := len(b.bound)
	b.bound = append(b.bound, c.IterVar())
	each := b.condition(args[1])
	b.bound = b.bound[:at]
	return func(f *facts) answer {
		all := no + yes - settles
		for _, f.bound[at] = range of(f) {
			switch each(f) {
			case settles:
				return settles
			case open:
				all = open
			}
		}
		return all
	}
}
