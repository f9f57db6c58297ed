// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/rights"
)

// rule is one compiled rule of a policy.
type rule struct {
	name          string
	condition     string // its "when", as written
	level         episode.Level
	prose         bool // at level masked
	purposes      []episode.Purpose
	recipients    []string
	region        string
	retentionDays int
	expires       time.Time
	approval      Approval
	auditShare    float64 // where approval is auto

	reads []string // the facts that the condition reads
	when  cel.Program
	// sketch is the condition for when only shared facts are known; nil where it reads no others.
	sketch cel.Program
	// group and slot are its place in a memo.
	group, slot int
}

// matches evaluates the rule's condition; anything but a plain yes or no is an error, and the record stays.
func (r *rule) matches(vars cel.Activation) (bool, error) {
	v, _, err := r.when.Eval(vars)
	if err != nil {
		return false, &episode.Problem{Code: "consent/rule-error", Message: fmt.Sprintf("rule %q cannot be evaluated", r.name), Err: err,
			Hint: "guard the expression, for example with findings[?\"email\"].orValue(0) or \"email\" in findings"}
	}
	yes, ok := v.Value().(bool)
	if !ok {
		return false, fmt.Errorf("rule %q gives %v, not true or false", r.name, v.Type())
	}
	return yes, nil
}

// captureVars are known before anything is recorded, so rules of level off may use them; recordVars come with the record.
func captureVars() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Variable("tool", cel.StringType),
		cel.Variable("surface", cel.StringType),
		cel.Variable("repository", cel.StringType),
		cel.Variable("developer", cel.StringType),
		cel.Variable("team", cel.StringType),
	}
}

func recordVars() []cel.EnvOption {
	return append(captureVars(),
		cel.OptionalTypes(),
		cel.Variable("languages", cel.ListType(cel.StringType)),
		cel.Variable("license", cel.StringType),
		cel.Variable("provider", cel.StringType),
		cel.Variable("model", cel.StringType),
		cel.Variable("contract_class", cel.StringType),
		cel.Variable("unauthenticated", cel.BoolType),
		cel.Variable("recipient", cel.StringType),
		cel.Variable("recipient_kind", cel.StringType),
		cel.Variable("recipient_region", cel.StringType),
		cel.Variable("paths", cel.ListType(cel.StringType)),
		cel.Variable("time", cel.TimestampType),
		cel.Variable("findings", cel.MapType(cel.StringType, cel.IntType)),
	)
}

func captureNames() []string { return []string{"tool", "surface", "repository", "developer", "team"} }

// ownNames are facts that hardly any two records share; all others are shared by many. Findings alone are few and often none,
// so that only beside other facts they count as a record's own.
func ownNames() []string { return []string{"paths", "time", "findings"} }

func recordNames() []string {
	return slices.Concat(captureNames(), []string{"languages", "license", "provider", "model", "contract_class", "unauthenticated",
		"recipient", "recipient_kind", "recipient_region"}, ownNames())
}

// text returns a fact that is a string.
func (f *Facts) text(name string) (string, bool) {
	switch name {
	case "tool":
		return f.Tool, true
	case "surface":
		return f.Surface, true
	case "repository":
		return f.Repository, true
	case "developer":
		return f.Developer, true
	case "team":
		return f.Team, true
	}
	return "", false
}

// ResolveName gives CEL the facts by name.
func (f *Facts) ResolveName(name string) (any, bool) { return f.text(name) }

// Parent is there for CEL: facts have none.
func (f *Facts) Parent() cel.Activation { return nil }

// facts are those of a whole record, on its way to one recipient.
type facts struct {
	Facts
	e      *episode.Episode
	origin rights.Origin
	to     *recipient
	// values holds what conditions have read so far, as CEL wants it; many read the same.
	values map[string]ref.Val
}

func (f *facts) set(e *episode.Episode, to *recipient) {
	values := f.values
	if values == nil {
		values = map[string]ref.Val{}
	}
	clear(values)
	*f = facts{e: e, origin: rights.Of(e), to: to, values: values, Facts: Facts{Tool: e.Tool.Name, Surface: string(e.Tool.Surface), Team: e.Local.Team,
		Repository: cmp.Or(e.Local.Repository, e.Repository), Developer: DeveloperOf(e)}}
}

// DeveloperOf returns whose a scrubbed episode is, as rules and preferences name people.
func DeveloperOf(e *episode.Episode) string {
	if e.Local != nil && e.Local.Developer != "" {
		return e.Local.Developer
	}
	return e.Developer
}

func (f *facts) text(name string) (string, bool) {
	switch name {
	case "license":
		if f.e.Local.License == "" && f.e.Origin != nil {
			return f.e.Origin.License, true
		}
		return f.e.Local.License, true
	case "provider":
		return f.origin.Provider, true
	case "model":
		return f.e.Model.Name, true
	case "contract_class":
		return f.origin.ContractClass, true
	case "recipient":
		return f.to.name, true
	case "recipient_kind":
		return f.to.kind, true
	case "recipient_region":
		return f.to.region, true
	}
	return f.Facts.text(name)
}

// fact returns any fact, or nil where there is none of that name.
func (f *facts) fact(name string) any {
	switch name {
	case "paths":
		return f.e.Local.Paths
	case "languages":
		return f.e.Languages
	case "time":
		return f.e.StartedAt
	case "findings":
		return f.e.Local.Findings
	case "unauthenticated":
		return f.e.Local.Unauthenticated
	}
	if s, ok := f.text(name); ok {
		return s
	}
	return nil
}

func (f *facts) ResolveName(name string) (any, bool) {
	if v, ok := f.values[name]; ok {
		return v, true
	}
	x := f.fact(name)
	if x == nil {
		return nil, false
	}
	v := types.DefaultTypeAdapter.NativeToValue(x)
	f.values[name] = v
	return v, true
}

// compile makes programs of the condition, or says in one line what is wrong with it.
func (r *rule) compile(env *cel.Env) error {
	ast, issues := env.Compile(r.condition)
	if err := issues.Err(); err != nil {
		first := issues.Errors()[0]
		return fmt.Errorf("at column %d: %s", first.Location.Column()+1, strings.TrimSpace(first.Message))
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return fmt.Errorf("gives %s, not true or false", ast.OutputType())
	}
	r.reads = readBy(ast.NativeRep())
	var err error
	if r.when, err = env.Program(ast, cel.EvalOptions(cel.OptOptimize)); err != nil {
		return err
	}
	if len(r.shared()) < len(r.reads) {
		r.sketch, err = env.Program(ast, cel.EvalOptions(cel.OptOptimize, cel.OptPartialEval))
	}
	return err
}

// shared returns the facts of those it reads that many records share.
func (r *rule) shared() []string {
	if slices.Equal(r.reads, []string{"findings"}) {
		return r.reads
	}
	return slices.DeleteFunc(slices.Clone(r.reads), func(fact string) bool { return slices.Contains(ownNames(), fact) })
}

// readBy returns the facts that an expression names, in the order of the list. One that it hides behind a variable of its
// own counts, too.
func readBy(ast *celast.AST) []string {
	named := map[string]bool{}
	celast.PreOrderVisit(ast.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() == celast.IdentKind {
			named[strings.TrimPrefix(e.AsIdent(), ".")] = true
		}
	}))
	return slices.DeleteFunc(recordNames(), func(name string) bool { return !named[name] })
}
