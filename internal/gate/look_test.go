// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/ope"
)

// Thirty looks at a growing log in which there is nothing to be found: at 5 % each many hubs would find something in the end.
func TestLooksTogetherAreMistakenAsOftenAsOne(t *testing.T) {
	const hubs, looks, more = 300, 30, 40
	spent, fixed := 0, 0
	for hub := range uint64(hubs) {
		rng := rand.New(rand.NewPCG(hub, 7))
		r := ope.NewRatio(looks * more)
		var mistaken, mistakenAtFive bool
		for look := range looks {
			for k := range more {
				r.Add(look*more+k, rng.NormFloat64(), 1)
			}
			iv, ok := r.Interval()
			if !ok {
				t.Fatal("no interval")
			}
			l := Look{Number: look + 1}
			l.spend(iv)
			mistaken, mistakenAtFive = mistaken || *l.Bound > 0, mistakenAtFive || iv.Bound > 0
		}
		if mistaken {
			spent++
		}
		if mistakenAtFive {
			fixed++
		}
	}
	if spent > 24 || fixed < 45 {
		t.Errorf("of %d hubs %d release something worthless, at 5 %% a look %d would", hubs, spent, fixed)
	}
}

func TestALaterLookMustBeSurer(t *testing.T) {
	rows := routed(1, 200, 30)
	var before float64
	for _, number := range []int{1, 2, 30, 100_000_000} {
		r := Evaluate(rows, expects(0), Options{Look: Look{Kind: "route", Number: number}})
		if r.Look == nil || r.Look.Bound == nil || math.IsInf(*r.Look.Bound, 0) {
			t.Fatalf("look %d: %+v", number, r.Look)
		}
		if number > 1 && !(r.Look.Alpha < before) {
			t.Errorf("look %d spends %v, the one before %v", number, r.Look.Alpha, before)
		}
		before = r.Look.Alpha
		if (r.Verdict == Released) != (*r.Look.Bound > 0) || r.Look.Next() != number+1 {
			t.Errorf("look %d: %s with bound %v, next %d", number, r.Verdict, *r.Look.Bound, r.Look.Next())
		}
	}
	few := Evaluate(rows[:500], expects(0), Options{Look: Look{Kind: "route", Number: 3}})
	if few.Gain != nil || few.Look == nil || few.Look.Next() != 3 {
		t.Errorf("what was refused before the gain was looked at spends nothing: %+v", few.Look)
	}
}

func TestAReportMaySpendNoMoreThanItsLookHas(t *testing.T) {
	r := Evaluate(routed(1, 200, 30), expects(0), Options{Look: Look{Kind: "route", Number: 2}})
	for name, c := range map[string]struct {
		change func(*Look)
		ok     bool
	}{
		"as it is":                {func(*Look) {}, true},
		"as if it were the first": {func(l *Look) { l.Alpha = spends(1) }, false},
		"number 0":                {func(l *Look) { l.Number = 0 }, false},
		"without its bound":       {func(l *Look) { l.Bound = nil }, false},
		"a bound below 0":         {func(l *Look) { b := -0.01; l.Bound = &b }, false},
		"a bound above the gain":  {func(l *Look) { b := 1.0; l.Bound = &b }, false},
	} {
		changed, look := r, *r.Look
		c.change(&look)
		changed.Look = &look
		b, err := json.Marshal(&changed, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(b); c.ok != (err == nil) || !c.ok && !errors.Is(err, &episode.Problem{Code: "gate/bad-report"}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
