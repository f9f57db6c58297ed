// SPDX-License-Identifier: Apache-2.0

package lax

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// sample is decoded in both ways: the types of this package through the library, and Reader.
type sample struct {
	S String         `json:"s"`
	B Bool           `json:"b"`
	N Number         `json:"n"`
	T Time           `json:"t"`
	R jsontext.Value `json:"r"`
	L List[inner]    `json:"l"`
	O Object[inner]  `json:"o"`
}

type inner struct {
	S String `json:"s"`
}

func (s *inner) read(d *Reader) bool {
	return d.Object(func(name []byte) {
		if string(name) == "s" {
			s.S = d.String()
		}
	})
}

func readSample(b []byte) (v sample, ok bool) {
	var d Reader
	if !d.Reset(b) {
		return v, false
	}
	d.Object(func(name []byte) {
		switch string(name) {
		case "s":
			v.S = d.String()
		case "b":
			v.B = d.Bool()
		case "n":
			v.N = d.Number()
		case "t":
			v.T = d.Time()
		case "r":
			v.R = d.Raw()
		case "l":
			v.L.V = nil
			v.L.OK = d.List(func() {
				var one inner
				if one.read(&d) {
					v.L.V = append(v.L.V, one)
				}
			})
		case "o":
			v.O = Object[inner]{}
			v.O.OK = v.O.V.read(&d)
		}
	})
	return v, d.End()
}

var samples = []string{
	`{}`, ` { } `, "\f{}", "{}\u00a0", `{"s":"x"}`, `{"s":"a\n\"\\\/\b\f\r\té\ud83d\ude00\ud83d x\ude00"}`, `{"s":1,"b":"true","n":"1.5","t":"2026-01-02T03:04:05Z"}`,
	`{"b":true,"n":-0.5e+3,"t":1767323045,"r":{"a":[1,2,{"b":null}]}}`, `{"l":[{"s":"1"},2,[],{"s":"3"}],"o":{"s":"x","y":{}}}`, `{"l":{},"o":[]}`,
	`{"s":"tab	"}`, `{"s":"x",}`, `{"s" "x"}`, `{"n":01}`, `{"n":1.}`, `{"n":.5}`, `{"n":+1}`, `{"n":1e}`, `{"b":tru}`, `{"s":"\x"}`, `{"s":"\u12g4"}`, `{"s":"`,
	`{"s":"x"} {}`, `[]`, `null`, "", `{"s":"` + "\xff" + `"}`, `{s:"x"}`, `{"a":{"b":[1,}}`, strings.Repeat(`{"a":`, 10001) + "1" + strings.Repeat("}", 10001),
	`{"a":` + strings.Repeat(`[`, 9990) + strings.Repeat("]", 9990) + "}", `{"s":"abcdefgh` + strings.Repeat("é", 20) + `\u0041"}`, `{"t":"no time","n":"no number"}`,
}

func TestReaderTakesWhatTheLibraryTakes(t *testing.T) {
	for _, s := range samples {
		same(t, []byte(s))
	}
}

func same(t *testing.T, b []byte) {
	t.Helper()
	var want sample
	wantOK := Decode(b, &want)
	got, ok := readSample(b)
	if ok != wantOK {
		t.Fatalf("%.200q: taken %v, by the library %v", b, ok, wantOK)
	}
	if !ok {
		return
	}
	if got.R = append(jsontext.Value(nil), got.R...); len(got.R) == 0 {
		got.R, want.R = nil, nil
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("%.200q: %s", b, d)
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range samples {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if strings.Count(string(b), `"o"`) > 1 || strings.Count(string(b), `\u00`) > 0 {
			return // a name twice: the library adds to the object it has, Reader begins anew
		}
		same(t, b)
	})
}
