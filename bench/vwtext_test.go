// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"strconv"
	"testing"
)

func TestVWTextIsReadAsItWasWritten(t *testing.T) {
	rows := routed(500, 3)
	r := vwReader{rest: routerText(rows)}
	for i := range rows {
		ex, ok, err := r.next()
		if err != nil || !ok {
			t.Fatalf("example %d: %v, %v", i, ok, err)
		}
		if len(ex.actions) != routerModels || ex.chosen != rows[i].chosen || ex.cost != -rows[i].reward || ex.prob != 0.25 || len(ex.context) != 1+routerNumbers {
			t.Fatalf("example %d: %+v, want %+v", i, ex, rows[i])
		}
		for j, x := range rows[i].numbers {
			if ex.context[1+j].Value != x {
				t.Fatalf("example %d: number %d is %v, want %v", i, j, ex.context[1+j].Value, x)
			}
		}
	}
	if _, ok, err := r.next(); ok || err != nil {
		t.Errorf("after the end: %v, %v", ok, err)
	}
	for _, bad := range []string{"shared |s a\n|a b\nshared |s c\n", "no bar", "0:1 |a b", "|a b:x"} {
		r := vwReader{rest: []byte(bad)}
		if _, ok, err := r.next(); ok || err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

// Whether text is read beside learning or before it, the same is learned.
func TestReadingApartLearnsTheSame(t *testing.T) {
	text := routerText(routed(2000, 4))
	var sums [2]float64
	for i, each := range []func(use func(*vwExample)) error{
		func(use func(*vwExample)) error { return readApart(text, use) },
		func(use func(*vwExample)) error {
			r := vwReader{rest: text}
			for {
				ex, ok, err := r.next()
				if !ok {
					return err
				}
				use(ex)
			}
		},
	} {
		n := 0.0
		if err := each(func(ex *vwExample) {
			n++
			sums[i] += n * (ex.cost + float64(ex.chosen) + float64(ex.context[1].Value) + float64(ex.actions[2][0].Index))
		}); err != nil {
			t.Fatal(err)
		}
	}
	if sums[0] != sums[1] || sums[0] == 0 {
		t.Errorf("%v and %v", sums[0], sums[1])
	}
}

func FuzzVWText(f *testing.F) {
	f.Add([]byte("shared |s l7 f0:0.5\n0:-1:0.25 |a m0\n|a m1\n\n|a m2:1e3 |b x\n"))
	f.Add([]byte("-12.345"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := vwReader{rest: b}
		for {
			ex, ok, err := r.next()
			if !ok || err != nil {
				break
			}
			if ex.chosen >= len(ex.actions) {
				t.Fatalf("chosen %d of %d", ex.chosen, len(ex.actions))
			}
		}
		got, ok := number(b)
		want, err := strconv.ParseFloat(string(b), 64)
		if finite := err == nil && want-want == 0; ok != finite || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("number %q: %v, %v; strconv %v, %v", b, got, ok, want, err)
		}
	})
}
