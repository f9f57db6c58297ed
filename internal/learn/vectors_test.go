// SPDX-License-Identifier: Apache-2.0

package learn_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/learn/bandit"
	"github.com/headrace/headrace/internal/learn/portable"
	"github.com/headrace/headrace/internal/learn/rank"
)

var update = flag.Bool("update", false, "write spec/models/vectors.json anew")

const models = "../../spec/models"

// vectors are what every evaluator must give, bit for bit: numbers are written so that they read back the same, null is NaN.
type vectors struct {
	Functions []function  `json:"functions"`
	Models    []evaluated `json:"models"`
}

type function struct {
	Name string      `json:"name"`
	At   [][2]number `json:"at"` // x and f(x)
}

type evaluated struct {
	Name  string          `json:"name"`
	Model json.RawMessage `json:"model"`
	Cases []oneCase       `json:"cases"`
}

type oneCase struct {
	Context map[string]any `json:"context"`
	Actions []action       `json:"actions"`
	Values  []number       `json:"values"`
}

type action struct {
	ID       string         `json:"id"`
	Features map[string]any `json:"features,omitempty"`
}

type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if n != n {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

func (n *number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

func same(a, b number) bool { return a == b || a != a && b != b }

func functions() map[string]func(float64) float64 {
	return map[string]func(float64) float64{"exp": portable.Exp, "log1p": portable.Log1p, "sigmoid": portable.Sigmoid}
}

func TestEvaluatorsGiveTheBitsOfTheSharedVectors(t *testing.T) {
	path := filepath.Join(models, "vectors.json")
	if *update {
		b, err := json.MarshalIndent(drawVectors(t), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(compact(b), '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Functions) != 3 || len(v.Models) != 6 {
		t.Fatalf("%d functions and %d models", len(v.Functions), len(v.Models))
	}
	for _, f := range v.Functions {
		for _, at := range f.At {
			if got := number(functions()[f.Name](float64(at[0]))); !same(got, at[1]) {
				t.Errorf("%s(%v) is %v, want %v", f.Name, at[0], got, at[1])
			}
		}
	}
	for _, e := range v.Models {
		m, err := learn.Decode(e.Model)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range e.Cases {
			got := m.Values(nil, c.Context, c.actions())
			for k := range c.Values {
				if !same(number(got[k]), c.Values[k]) {
					t.Errorf("%s, case %d, action %d: %v, want %v", e.Name, i, k, got[k], c.Values[k])
				}
			}
		}
	}
}

// compact puts lists of numbers on one line each.
func compact(b []byte) []byte {
	var out bytes.Buffer
	depth := 0
	for _, line := range strings.SplitAfter(string(b), "\n") {
		text := strings.TrimSpace(line)
		switch {
		case depth == 0 && (strings.HasSuffix(text, "[") || strings.HasSuffix(text, "{")) && strings.Count(line, "\t") >= 4:
			out.WriteString(strings.TrimRight(line, "\n"))
			depth = 1
		case depth > 0:
			if strings.HasSuffix(text, "[") || strings.HasSuffix(text, "{") {
				depth++
			} else if strings.HasPrefix(text, "]") || strings.HasPrefix(text, "}") {
				depth--
			}
			out.WriteString(text)
			if depth == 0 {
				out.WriteString("\n")
			}
		default:
			out.WriteString(line)
		}
	}
	return out.Bytes()
}

func (c *oneCase) actions() []episode.Action {
	all := make([]episode.Action, len(c.Actions))
	for i, a := range c.Actions {
		all[i] = episode.Action{ID: a.ID, Features: a.Features}
	}
	return all
}

func drawVectors(t *testing.T) (v vectors) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, name := range []string{"exp", "log1p", "sigmoid"} {
		f := function{Name: name}
		for i := range 60 {
			x := float64(rng.Float64()*40) - 20
			if i%4 == 0 {
				x = math.Ldexp(x, rng.IntN(60)-40)
			}
			if name == "log1p" {
				x = math.Abs(x)
			}
			f.At = append(f.At, [2]number{number(x), number(functions()[name](x))})
		}
		v.Functions = append(v.Functions, f)
	}
	features := func() map[string]any {
		f := map[string]any{"lines": float64(rng.IntN(40)), "mean_logprob": -3 * rng.Float64(), "mid_line": rng.IntN(2) == 0,
			"language": []string{"go", "rust", "zig", "日本"}[rng.IntN(4)]}
		for _, name := range []string{"lines", "mean_logprob", "mid_line", "language"} {
			if rng.IntN(8) == 0 {
				delete(f, name)
			}
		}
		return f
	}
	rows := decisions(3000, func(_ *rand.Rand, d *dataset.Decision) float64 {
		d.Features = features()
		lines, _ := d.Features["lines"].(float64)
		logprob, _ := d.Features["mean_logprob"].(float64)
		return 1 / (1 + math.Exp(1-lines/20-logprob))
	})
	add := func(name string, m learn.Model, actions func() []action) {
		e := evaluated{Name: name}
		var err error
		if e.Model, err = m.MarshalBinary(); err != nil {
			t.Fatal(err)
		}
		for range 12 {
			c := oneCase{Context: features(), Actions: actions()}
			for _, x := range m.Values(nil, c.Context, c.actions()) {
				c.Values = append(c.Values, number(x))
			}
			e.Cases = append(e.Cases, c)
		}
		v.Models = append(v.Models, e)
	}
	showHide := func() []action { return []action{{ID: "show"}, {ID: "hide"}, {ID: "other"}} }
	for _, kind := range []learn.Kind{learn.Logistic, learn.Trees} {
		f, _, err := learn.Fit(t.Context(), rows, learn.Options{Kind: kind})
		if err != nil {
			t.Fatal(err)
		}
		if f.Trees != nil {
			f.Trees.Trees = f.Trees.Trees[:min(8, len(f.Trees.Trees))]
			if err := f.Trees.Check(); err != nil {
				t.Fatal(err)
			}
		}
		add("filter of "+string(kind), f, showHide)
		scaled := *f
		scaled.Scale = 1.75 // of another reward
		add("filter of "+string(kind)+", scaled", &scaled, showHide)
	}
	pairs := make([]rank.Pair, 300)
	for i := range pairs {
		pairs[i] = rank.Pair{A: rank.Side{Features: features()}, B: rank.Side{Features: features(), Slot: 1}, Won: float64(rng.IntN(2))}
	}
	r, _, err := rank.Fit(t.Context(), pairs, rank.Options{})
	if err != nil {
		t.Fatal(err)
	}
	several := func() (all []action) {
		for _, id := range []string{"small", "large", "new"} {
			all = append(all, action{ID: id, Features: features()})
		}
		return all
	}
	add("rank", r, several)
	route := &bandit.Route{Format: bandit.RouteFormat, Reward: "immediate", Actions: []string{"large", "small"}, Bits: 7}
	for at := range uint32(1 << 7) {
		route.Slots, route.Weights = append(route.Slots, at), append(route.Weights, rng.Float32()-0.5)
	}
	b, err := route.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	m, err := learn.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	add("route", m, several)
	return v
}

// checkVectors evaluates the vectors in JavaScript, and prints what differs.
const checkVectors = `
import { readFileSync } from "node:fs";
const it = await import(process.argv[1]);
const v = JSON.parse(readFileSync(process.argv[2], "utf8"));
let count = 0;
const check = (what, got, want) => {
	count++;
	if (!Object.is(got, want === null ? NaN : want) && !(got === 0 && want === 0)) console.log(what, got, "want", want);
};
for (const f of v.functions) for (const [x, y] of f.at) check(f.name + " of " + x, it[f.name](x), y);
for (const e of v.models) {
	const m = it.load(JSON.stringify(e.model));
	e.cases.forEach((c, i) => it.evaluate(m, c.context, c.actions).forEach((got, k) => check(e.name + " " + i + " " + k, got, c.values[k])));
}
console.log("checked " + count);
`

// evaluate.mjs is evaluate.ts without its types. Whoever changes that makes it again, in spec/models:
//
//	npx esbuild@0.25.10 evaluate.ts --banner:js="// SPDX-License-Identifier: Apache-2.0
//	// evaluate.ts without its types: sha256:$(sha256sum evaluate.ts | cut -c1-64)" --outfile=evaluate.mjs
func TestJavaScriptGivesTheBitsOfTheSharedVectors(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(models, "evaluate.ts"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile(filepath.Join(models, "evaluate.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("sha256:%x\n", sha256.Sum256(source)); !strings.Contains(string(made), want) {
		t.Fatalf("evaluate.mjs was made of another evaluate.ts than that of %s", want)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node here: what JavaScript gives is not looked at")
	}
	out, err := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", checkVectors, "--", "file://"+absolute(t, "evaluate.mjs"), absolute(t, "vectors.json")).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "checked 396" {
		t.Errorf("%v: %.2000s", err, out)
	}
}

func absolute(t *testing.T, name string) string {
	t.Helper()
	p, err := filepath.Abs(filepath.Join(models, name))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
