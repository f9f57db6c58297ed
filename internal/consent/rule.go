// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/headrace/headrace/episode"
)

// rule is one compiled rule of a policy.
type rule struct {
	name          string
	level         episode.Level
	prose         bool // at level masked
	purposes      []episode.Purpose
	recipients    []string
	region        string
	retentionDays int
	expires       time.Time
	approval      Approval
	when          cel.Program
}

// matches evaluates the rule's condition; anything but a plain yes or no is an error, and the record stays.
func (r *rule) matches(vars cel.Activation) (bool, error) {
	v, _, err := r.when.Eval(vars)
	if err != nil {
		return false, &episode.Problem{Code: "consent/rule-error", Message: fmt.Sprintf("rule %q cannot be evaluated", r.name), Err: err,
			Hint: "guard the expression, for example with findings.?email.orValue(0) or \"email\" in findings"}
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
		cel.Variable("paths", cel.ListType(cel.StringType)),
		cel.Variable("languages", cel.ListType(cel.StringType)),
		cel.Variable("license", cel.StringType),
		cel.Variable("provider", cel.StringType),
		cel.Variable("model", cel.StringType),
		cel.Variable("contract_class", cel.StringType),
		cel.Variable("time", cel.TimestampType),
		cel.Variable("findings", cel.MapType(cel.StringType, cel.IntType)),
		cel.Variable("unauthenticated", cel.BoolType),
	)
}

const (
	captureNames = "tool, surface, repository, developer, team"
	recordNames  = captureNames + ", paths, languages, license, provider, model, contract_class, time, findings, unauthenticated"
)

// ResolveName gives CEL the facts by name.
func (f *Facts) ResolveName(name string) (any, bool) {
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
	return nil, false
}

// Parent is there for CEL: facts have none.
func (f *Facts) Parent() cel.Activation { return nil }

// facts are those of a whole record.
type facts struct {
	Facts
	e             *episode.Episode
	provider      string
	contractClass string
}

func factsOf(e *episode.Episode) *facts {
	l := e.Local
	f := &facts{e: e, provider: e.Model.Provider, Facts: Facts{
		Tool: e.Tool.Name, Surface: string(e.Tool.Surface), Team: l.Team,
		Repository: cmp.Or(l.Repository, e.Repository), Developer: cmp.Or(l.Developer, e.Developer),
	}}
	if o := e.Origin; o != nil {
		f.provider, f.contractClass = cmp.Or(o.Provider, f.provider), o.ContractClass
	}
	return f
}

func (f *facts) ResolveName(name string) (any, bool) {
	switch name {
	case "paths":
		return f.e.Local.Paths, true
	case "languages":
		return f.e.Languages, true
	case "license":
		if f.e.Local.License == "" && f.e.Origin != nil {
			return f.e.Origin.License, true
		}
		return f.e.Local.License, true
	case "provider":
		return f.provider, true
	case "model":
		return f.e.Model.Name, true
	case "contract_class":
		return f.contractClass, true
	case "time":
		return f.e.StartedAt, true
	case "findings":
		return f.e.Local.Findings, true
	case "unauthenticated":
		return f.e.Local.Unauthenticated, true
	}
	return f.Facts.ResolveName(name)
}

// compile makes a program of the condition, or says in one line what is wrong with it.
func compile(env *cel.Env, expr string) (cel.Program, error) {
	ast, issues := env.Compile(expr)
	if err := issues.Err(); err != nil {
		first := issues.Errors()[0]
		return nil, fmt.Errorf("at column %d: %s", first.Location.Column()+1, strings.TrimSpace(first.Message))
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fmt.Errorf("gives %s, not true or false", ast.OutputType())
	}
	return env.Program(ast, cel.EvalOptions(cel.OptOptimize))
}
