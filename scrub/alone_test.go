// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// agreementOn returns how many findings in the positives of a labelled set are right, and how many labelled spans are
// found, half of each at least.
func agreementOn(t *testing.T, s *Scrubber, file string) (precision, recall float64) {
	t.Helper()
	var right, predicted, found, labelled int
	eachSample(t, file, func(x sample) {
		if x.Label == "pii" && len(x.Spans) == 0 || x.Grade == "rule-negative" {
			return
		}
		_, all, err := s.Text(nil, []byte(x.Text))
		if err != nil {
			t.Fatal(err)
		}
		inside := func(start, end int) (n int) {
			for _, f := range all {
				n += max(0, min(end, f.End)-max(start, f.Start))
			}
			return n
		}
		for _, at := range x.Spans {
			labelled++
			if 2*inside(at[0], at[1]) >= at[1]-at[0] {
				found++
			}
		}
		for _, f := range all {
			n := 0
			for _, at := range x.Spans {
				n += max(0, min(at[1], f.End)-max(at[0], f.Start))
			}
			predicted++
			if 2*n >= f.End-f.Start {
				right++
			}
		}
	})
	return float64(right) / float64(predicted), float64(found) / float64(labelled)
}

// The floors are what was reached when they were written, rounded down.
func TestIdentifiersByThemselvesAreFoundAtTheMeasuredRate(t *testing.T) {
	s := newScrubber(t, Config{})
	for file, floor := range map[string]float64{"presidio-tests.jsonl.gz": 0.85, "presidio-research.jsonl.gz": 0.84} {
		p, r := agreementOn(t, s, file)
		f1 := 2 * p * r / (p + r)
		t.Logf("%s: precision %.3f, recall %.3f, F1 %.3f", file, p, r, f1)
		if f1 < floor {
			t.Errorf("%s: F1 %.3f is below %.2f", file, f1, floor)
		}
	}
}

// identifier makes one of a shape.
func identifier(r *rand.Rand, shape string) string {
	sign := byte(" -"[r.IntN(2)])
	v := []byte(shape)
	for i, c := range v {
		switch {
		case c == '9', c == '*' && r.IntN(2) == 0:
			v[i] = '0' + byte(r.IntN(10))
		case c == 'A', c == '*':
			v[i] = 'A' + byte(r.IntN(26))
		case c == '-':
			v[i] = sign
		}
	}
	return string(v)
}

// bare returns the capitals and digits of an identifier.
func bare(v string) []byte {
	var u []byte
	for i := range len(v) {
		if class[v[i]]&isAlnum != 0 {
			u = append(u, v[i])
		}
	}
	return u
}

// eachIdentifier makes an identifier of each shape.
func eachIdentifier(t *testing.T, f func(form issued, shape, v string)) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, form := range issuedForms() {
		for shape := range strings.FieldsSeq(form.shapes) {
			v, ok := "", false
			for range 1 << 20 {
				v = identifier(r, shape)
				if ok = !sameSign([]byte(v)) && (form.valid == nil || form.valid(bare(v))); ok {
					break
				}
			}
			if !ok && shape != "AAA-9AA" && shape != "AAA9AA" { // one post code only
				t.Fatalf("no %s is valid", shape)
			}
			if ok {
				f(form, shape, v)
			}
		}
	}
}

func TestAnIdentifierByItselfIsFoundByItsForm(t *testing.T) {
	strict, balanced := newScrubber(t, Config{}), newScrubber(t, Config{Profile: Balanced})
	look := func(s *Scrubber, text, v string) bool {
		out, found, err := s.Text(nil, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		again, _, err := s.Text(nil, out)
		if err != nil || string(again) != string(out) {
			t.Errorf("%q becomes %q and then %q, %v", text, out, again, err)
		}
		at := strings.Index(text, v)
		whole, _ := covered(found, [2]int{at, at + len(v)})
		return whole
	}
	eachIdentifier(t, func(form issued, shape, v string) {
		if !look(strict, " "+v+"\n", v) {
			t.Errorf("%s by itself stays: %q", shape, v)
		}
		if text := "we have " + v + " on file"; form.trust > onlyAlone && !look(strict, text, v) {
			t.Errorf("%s stays: %q", shape, text)
		}
		if form.trust == always && !look(balanced, v, v) {
			t.Errorf("%s stays in balanced: %q", shape, v)
		}
	})
}

func TestAnIdentifierWithAWrongCheckIsNone(t *testing.T) {
	eachIdentifier(t, func(form issued, shape, v string) {
		if form.trust != always {
			return
		}
		u := bare(v)
		last, valid := len(u)-1, 0
		from, to := byte('0'), byte('9')
		if class[u[last]]&isAlpha != 0 {
			from, to = 'A', 'Z'
		}
		for c := from; c <= to; c++ {
			if u[last] = c; form.valid(u) {
				valid++
			}
		}
		if valid > 1 && shape[:2] != "AA" || valid > 4 { // Britain has four letters and no check
			t.Errorf("%s: %d of the signs that may end %q make it valid", shape, valid, v)
		}
	})
}

func TestAnIdentifierIsFoundInAFieldOfARecord(t *testing.T) {
	s := newScrubber(t, Config{})
	eachIdentifier(t, func(form issued, shape, v string) {
		line := `{"cells":["total","` + v + `"]}`
		out, _, err := s.Field(nil, []byte(line), "cells")
		if err != nil || strings.Contains(string(out), v) {
			t.Errorf("%s: %s became %s, %v", shape, line, out, err)
		}
	})
}

func TestShortTextsThatOnlyLookLikeIdentifiersStay(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, text := range []string{
		"1700000000", "1700000000000", "2026112701", "20261127093000", "20261127-1", "20261127", "2026-11-27", "12:34:56", "27 Nov 2026",
		"1.2.3", "v22.3.1", "3.141592653", "0.1234567891", "8080", "1048576", "2147483648", "4294967295", "3221225472", "port 8080", "took 1234 ms", "4 GB", "T4 8GB", "M1 MAX", "A100 GPU",
		"GPT-4o", "gpt-4o-2024-08-06", "claude-3-5-sonnet-20241022", "RTX 4090", "AVX512F", "AVX512BW", "UTF-8", "ISO-8859-1", "SHA-256",
		"ES2022", "H1 2026", "120 45 6789", "20 30 40 50 60", "300 400 5000", "100 000 000 000", "0 1 2 3 4 5 6 7 8 9", "0000000000", "x86_64", "exit code 137",
	} {
		if got := kindsAt(t, s, text); len(got) > 0 {
			t.Errorf("%q: found %q", text, got)
		}
	}
}
