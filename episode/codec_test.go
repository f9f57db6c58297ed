// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// everywhere has a field of the future at every depth of the record.
const everywhere = `{"schema_version":"1.7","id":"ep_1","new":{"a":[1,null]},"tool":{"name":"x","new":1},"model":{"name":"m","new":1},` +
	`"artifacts":[{"digest":"sha256:00","new":1}],"steps":[{"source":"agent","tool_calls":[{"id":"c","arguments":{"k":1.50},"new":1}],"observation":{"results":[{"call":"c","new":1}],"new":1},"new":1}],` +
	`"suggestions":[{"id":"s1","step":0,"new":1}],"decisions":[{"suggestion":"s1","verdict":"accepted","actions":[{"id":"show","new":1}],"new":1}],` +
	`"outcomes":[{"suggestion":"s1","value":1,"new":1}],"ratings":[{"by":"x","value":2,"new":1}],"usage":{"input_tokens":1,"new":1},"links":{"commit":"c","new":1},` +
	`"origin":{"provider":"p","new":1},"privacy":{"level":"clean","new":1},"terms":{"region":"eu","new":1},"local":{"team":"t","new":1}}`

func TestUnknownFieldsAreKeptAtEveryDepth(t *testing.T) {
	e, err := Decode([]byte(everywhere))
	if err != nil {
		t.Fatal(err)
	}
	for _, encode := range []func([]byte, *Episode) ([]byte, error){Append, AppendCanonical} {
		out, err := encode(nil, e.Clone())
		if err != nil {
			t.Fatal(err)
		}
		if want, got := strings.Count(everywhere, `"new":`), strings.Count(string(out), `"new":`); got != want {
			t.Errorf("%d of %d unknown fields are left in %s", got, want, out)
		}
	}
}

func TestWhatIsNoEpisodeIsAnError(t *testing.T) {
	for name, line := range map[string]string{
		"duplicate key":         `{"schema_version":"1.0","id":"a","id":"b"}`,
		"duplicate unknown key": `{"schema_version":"1.0","id":"a","x":1,"x":2}`,
		"deep duplicate":        `{"schema_version":"1.0","id":"a","new":{"x":1,"x":2}}`,
		"bad UTF-8":             "{\"schema_version\":\"1.0\",\"id\":\"\xff\"}",
		"half a surrogate":      `{"schema_version":"1.0","id":"\ud800"}`,
		"other case":            `{"Schema_version":"1.0","ID":"a"}`,
		"no id":                 `{"schema_version":"1.0"}`,
		"no version":            `{"id":"a"}`,
		"another major version": `{"schema_version":"2.0","id":"a"}`,
		"wrong type":            `{"schema_version":"1.0","id":7}`,
		"torn":                  `{"schema_version":"1.0","id":"a"`,
		"two on a line":         `{"schema_version":"1.0","id":"a"}{"schema_version":"1.0","id":"b"}`,
		"a list":                `[]`,
		"null":                  `null`,
		"a bad time":            `{"schema_version":"1.0","id":"a","started_at":"yesterday"}`,
	} {
		if _, err := Decode([]byte(line)); err == nil {
			t.Errorf("%s: %s was taken", name, line)
		}
	}
}

func TestBadLineConcernsItselfOnly(t *testing.T) {
	in := "{\"schema_version\":\"1.0\",\"id\":\"a\"}\n\n  \n{torn\n{\"schema_version\":\"1.0\",\"id\":\"b\"}\r\nnull\n{\"schema_version\":\"1.0\",\"id\":\"c\"}"
	r := NewReader(strings.NewReader(in))
	var got []string
	var bad []int
	for {
		e, err := r.Next()
		if err == io.EOF {
			break
		}
		if line, ok := errors.AsType[*LineError](err); ok {
			bad = append(bad, line.Line)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(r.Line(), []byte(`"id":"`+e.ID)) {
			t.Errorf("Line is %q after %s", r.Line(), e.ID)
		}
		got = append(got, e.ID)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int{4, 6}, bad); diff != "" {
		t.Error(diff)
	}
}

func TestLineThatIsTooLongIsSetAside(t *testing.T) {
	long := `{"schema_version":"1.0","id":"` + strings.Repeat("x", MaxLine) + `"}` + "\n"
	r := NewReader(strings.NewReader(long + `{"schema_version":"1.0","id":"after"}`))
	_, err := r.Next()
	if line, ok := errors.AsType[*LineError](err); !ok || line.Line != 1 {
		t.Errorf("got %v, want an error about line 1", err)
	}
	if e, err := r.Next(); err != nil || e.ID != "after" {
		t.Errorf("after the long line: %v", err)
	}
}

// The examples of RFC 8785, section 3.2: numbers, escapes and the order of keys by UTF-16.
func TestCanonicalFormIsThatOfRFC8785(t *testing.T) {
	in := `{"schema_version":"1.0","id":"a","new":{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],` +
		`"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","\ufb33":1,"\ud83d\ude00":2,"\u20ac":3,"\r":4,"1":5}}`
	want := `{"id":"a","new":{"\r":4,"1":5,"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/","€":3,"😀":2,"` + "\ufb33" + `":1},"schema_version":"1.0"}`
	e, err := Decode([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	got, err := AppendCanonical([]byte("before "), e)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("before "+want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestLinesAreTheCanonicalForms(t *testing.T) {
	var l Lines
	var want [][]byte
	size := 0
	for i := range 300 {
		e := &Episode{SchemaVersion: "1.0", ID: strings.Repeat("x", 1+i), Instruction: strings.Repeat("y", (i*7919)%30_000)}
		if i%100 == 7 {
			e.Instruction = strings.Repeat("long ", pieceSize/4)
		}
		if err := l.Add(e); err != nil {
			t.Fatal(err)
		}
		form, err := AppendCanonical(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		want, size = append(want, form), size+len(form)+1
	}
	if l.Add(&Episode{ID: "\xff"}) == nil {
		t.Error("what has no form was added")
	}
	if !slices.EqualFunc(want, l.All(), bytes.Equal) || l.Size() != size {
		t.Errorf("%d lines of %d bytes, or others; want %d of %d", len(l.All()), l.Size(), len(want), size)
	}
}

func TestIDsNeverChange(t *testing.T) {
	if NewID("a", "bc") == NewID("ab", "c") {
		t.Error("tool and native id run into each other")
	}
	if got, want := NewID("demo", "x"), "ep_"+Digest([]byte("demo\x00x"))[len("sha256:"):][:32]; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTruncateCutsBetweenCharacters(t *testing.T) {
	for _, unit := range []string{"x", "é", "€", "😀"} {
		for shift := range 4 {
			s := strings.Repeat("a", shift) + strings.Repeat(unit, maxText/len(unit)+1)
			got, cut := Truncate(s)
			if !cut || !utf8.ValidString(got) || len(got) > 2*keepText+8 {
				t.Errorf("%q shifted by %d: cut %v, valid %v, %d bytes", unit, shift, cut, utf8.ValidString(got), len(got))
			}
			if again, cut := Truncate(got); cut || again != got {
				t.Errorf("what was cut is cut again")
			}
		}
	}
	if s, cut := Truncate(strings.Repeat("x", maxText)); cut || len(s) != maxText {
		t.Error("a string that fits was cut")
	}
}

func TestProblemsAreToldApartByCode(t *testing.T) {
	err := error(&Problem{Code: "a/b", Message: "it broke", Err: io.ErrUnexpectedEOF})
	if !errors.Is(err, &Problem{Code: "a/b"}) || errors.Is(err, &Problem{Code: "a/c"}) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("errors.Is does not see code and cause")
	}
	if err.Error() != "it broke: unexpected EOF" {
		t.Errorf("%q", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(everywhere))
	f.Add([]byte(`{"schema_version":"1.0","id":"a","started_at":"2026-11-02T09:00:00.5+02:00","suggestions":[{"features":{"x":1e400}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := Decode(b)
		if err != nil {
			return
		}
		first, err := Append(nil, e)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		e2, err := Decode(first)
		if err != nil {
			t.Fatalf("what was encoded does not decode: %v\n%s", err, first)
		}
		if again, err := Append(nil, e2); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("not the same bytes again: %v\n%s\n%s", err, first, again)
		}
		canonical, err := AppendCanonical(nil, e)
		if err != nil {
			return // a number that no double holds has no canonical form
		}
		if e2, err = Decode(canonical); err != nil {
			t.Fatalf("the canonical form does not decode: %v\n%s", err, canonical)
		}
		if again, err := AppendCanonical(nil, e2); err != nil || !bytes.Equal(canonical, again) {
			t.Fatalf("not the same canonical bytes again: %v\n%s\n%s", err, canonical, again)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("{\"schema_version\":\"1.0\",\"id\":\"a\"}\n\n{torn\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := NewReader(bytes.NewReader(b))
		n := 0
		for {
			_, err := r.Next()
			if err == io.EOF {
				break
			}
			if _, ok := errors.AsType[*LineError](err); err != nil && !ok {
				t.Fatal(err)
			}
			n++
		}
		if most := bytes.Count(b, []byte("\n")) + 1; n > most {
			t.Fatalf("%d results from %d lines", n, most)
		}
	})
}
