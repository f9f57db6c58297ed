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
	quick quick
}

// first returns the first of the rules that fits, or nil.
func first(rules []*rule, f *facts) (*rule, error) {
	for _, r := range rules {
		said := r.quick(f)
		if said == open {
			fits, err := r.matches(f)
			if err != nil {
				return nil, err
			}
			said = sure(fits)
		}
		if said == yes {
			return r, nil
		}
	}
	return nil, nil
}

// matches evaluates the rule's condition; anything but a plain yes or no is an error, and the record stays.
func (r *rule) matches(f *facts) (bool, error) {
	v, _, err := r.when.Eval(f)
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

func recordNames() []string {
	return append(captureNames(), "languages", "license", "provider", "model", "contract_class", "unauthenticated",
		"recipient", "recipient_kind", "recipient_region", "paths", "time", "findings")
}

// facts are those of a whole record, on its way to one recipient.
type facts struct {
	Facts
	e      *episode.Episode
	origin rights.Origin
	to     *recipient
	// values holds what CEL has read so far, as it wants it; many conditions read the same.
	values map[string]ref.Val
	// bound are the macros' variables while a condition is looked at in Go.
	bound [maxBound]string
}

func factsOf(e *episode.Episode, to *recipient) *facts {
	return &facts{e: e, origin: rights.Of(e), to: to, Facts: Facts{Tool: e.Tool.Name, Surface: string(e.Tool.Surface), Team: e.Local.Team,
		Repository: cmp.Or(e.Local.Repository, e.Repository), Developer: DeveloperOf(e)}}
}

// DeveloperOf returns whose a scrubbed episode is, as rules and preferences name people.
func DeveloperOf(e *episode.Episode) string {
	if e.Local != nil && e.Local.Developer != "" {
		return e.Local.Developer
	}
	return e.Developer
}

// textFact returns what reads a fact that is a string; nil where there is none of that name.
func textFact(name string) text {
	switch name {
	case "tool":
		return func(f *facts) string { return f.Tool }
	case "surface":
		return func(f *facts) string { return f.Surface }
	case "repository":
		return func(f *facts) string { return f.Repository }
	case "developer":
		return func(f *facts) string { return f.Developer }
	case "team":
		return func(f *facts) string { return f.Team }
	case "license":
		return func(f *facts) string {
			if f.e.Local.License == "" && f.e.Origin != nil {
				return f.e.Origin.License
			}
			return f.e.Local.License
		}
	case "provider":
		return func(f *facts) string { return f.origin.Provider }
	case "model":
		return func(f *facts) string { return f.e.Model.Name }
	case "contract_class":
		return func(f *facts) string { return f.origin.ContractClass }
	case "recipient":
		return func(f *facts) string { return f.to.name }
	case "recipient_kind":
		return func(f *facts) string { return f.to.kind }
	case "recipient_region":
		return func(f *facts) string { return f.to.region }
	}
	return nil
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
	if text := textFact(name); text != nil {
		return text(f)
	}
	return nil
}

// ResolveName gives CEL the facts by name.
func (f *facts) ResolveName(name string) (any, bool) {
	if v, ok := f.values[name]; ok {
		return v, true
	}
	x := f.fact(name)
	if x == nil {
		return nil, false
	}
	if f.values == nil {
		f.values = map[string]ref.Val{}
	}
	v := types.DefaultTypeAdapter.NativeToValue(x)
	f.values[name] = v
	return v, true
}

// Parent is there for CEL: facts have none.
func (f *facts) Parent() cel.Activation { return nil }

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
	r.quick = new(binder).condition(ast.NativeRep().Expr())
	var err error
	r.when, err = env.Program(ast, cel.EvalOptions(cel.OptOptimize))
	return err
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
