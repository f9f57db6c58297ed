// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// key is a key of its own for each byte.
func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// rekeyer makes the marks of newScrubber and masker anew under key(to).
func rekeyer(t testing.TB, to byte) *Rekeyer {
	t.Helper()
	r, err := NewRekeyer(key(7), key(to))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func anew(t testing.TB, r *Rekeyer, text string) string {
	t.Helper()
	out, err := r.Text(text)
	if err != nil {
		t.Fatalf("%v: %q", err, text)
	}
	return out
}

// ids are what a holder of the text could join by: of each mark the part that says which entity it is.
func ids(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range Marks([]byte(text)) {
		mark := text[m.Start:m.End]
		switch m.Kind {
		case kindWord:
			all[strings.ToLower(mark)] = true
		case "ip", "uuid":
			all[mark] = true
		default:
			all[mark[len(mark)-bodyLen:][:idLen]] = true
		}
	}
	return all
}

func shared(a, b map[string]bool) (both []string) {
	for id := range a {
		if b[id] {
			both = append(both, id)
		}
	}
	return both
}

// everyKind is a text with a replacement of each kind, and of a word.
func everyKind(t testing.TB, s *Scrubber) string {
	t.Helper()
	values := map[string]string{"person": "Jane Doe", "host": "db1.prod.corp", "email": "jane@prod.corp", "url": "https://u:p@a.corp/acme/b?q=1", "ip": "10.1.2.3",
		"uuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "path": "/home/jane/acme", "some_token": "x"}
	for kind := range kinds() {
		if values[kind] == "" {
			values[kind] = "Value7 of " + kind
		}
	}
	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(values)) {
		b.WriteString("a " + replaced(t, s, kind, values[kind]) + " b\n")
	}
	for _, w := range []string{"zorblatt", "Zorblatt", "ZORBLATT"} {
		b.WriteString(replaced(t, s, kindWord, w) + "\n")
	}
	return b.String()
}

func TestTwoRecipientsAndTwoEpochsHaveNoMarkInCommon(t *testing.T) {
	local := everyKind(t, newScrubber(t, Config{}))
	maker, other, next := anew(t, rekeyer(t, 8), local), anew(t, rekeyer(t, 9), local), anew(t, rekeyer(t, 10), local)
	all := []map[string]bool{ids(local), ids(maker), ids(other), ids(next)}
	for i, a := range all {
		if len(a) < 40 || len(a) != len(all[0]) {
			t.Errorf("%d ids, not %d", len(a), len(all[0]))
		}
		for _, b := range all[i+1:] {
			if both := shared(a, b); both != nil {
				t.Errorf("in common: %q", both)
			}
		}
	}
	if again := anew(t, rekeyer(t, 8), local); again != maker {
		t.Errorf("the same recipient gets another text:\n%s%s", maker, again)
	}
	// All but the marks is as it was, and anyone still counts them.
	was, is := Marks([]byte(local)), Marks([]byte(maker))
	if !slices.Equal(was, is) || len(local) != len(maker) {
		t.Fatalf("%v became %v", was, is)
	}
	end := 0
	for _, m := range append(is, Finding{Start: len(local)}) {
		if local[end:m.Start] != maker[end:m.Start] {
			t.Errorf("%q became %q", local[end:m.Start], maker[end:m.Start])
		}
		end = m.End
	}
}

func TestWhatWasOneEntityStaysOneForARecipient(t *testing.T) {
	s, r := newScrubber(t, Config{}), rekeyer(t, 8)
	made := func(kind, value string) string { return anew(t, r, replaced(t, s, kind, value)) }
	person := made("person", "Jane Doe")
	if handle, email := made("user", "jane.doe"), made("email", "Jane.Doe@db1.corp"); handle != person || !strings.HasPrefix(email, person+"@") {
		t.Errorf("person %s, handle %s, address %s", person, handle, email)
	}
	if a, b := made("password", "hunter2hunter2"), made("token", "hunter2hunter2"); ids(a) == nil || shared(ids(a), ids(b)) == nil {
		t.Errorf("one secret under two names: %s and %s", a, b)
	}
	a, b := made("host", "db1.prod.corp"), made("host", "db2.prod.corp")
	if a[strings.IndexByte(a, '.'):] != b[strings.IndexByte(b, '.'):] || shared(ids(a[:strings.IndexByte(a, '.')]), ids(b)) != nil {
		t.Errorf("two hosts of one domain: %s and %s", a, b)
	}
	if email := made("email", "x@prod.corp"); !strings.HasSuffix(a, email[strings.IndexByte(email, '@')+1:]) {
		t.Errorf("%s is not of the domain of %s", a, email)
	}
	x, y := made("ip", "10.1.2.3"), made("ip", "10.1.2.4")
	if x == y || x[:20] != y[:20] || made("ip", "10.1.9.9")[:15] != x[:15] || made("ip", "10.1.9.9")[:20] == x[:20] {
		t.Errorf("two addresses of one subnet: %s and %s", x, y)
	}
	small, title, capital := made(kindWord, "zorblatt"), made(kindWord, "Zorblatt"), made(kindWord, "ZORBLATT")
	if title != "X"+small[1:] || capital != strings.ToUpper(small) {
		t.Errorf("one word in three cases: %s %s %s", small, title, capital)
	}
}

// What was lowered passes as clean with the recipient's key, and with no other.
func TestARecipientsKeyProvesItsMarks(t *testing.T) {
	lowered := anew(t, rekeyer(t, 8), everyKind(t, newScrubber(t, Config{})))
	if out := scrubbed(t, newScrubber(t, Config{Key: key(8)}), lowered); out != lowered {
		t.Errorf("with the recipient's key %s became %s", lowered, out)
	}
	for _, other := range []byte{7, 9} {
		if both := shared(ids(scrubbed(t, newScrubber(t, Config{Key: key(other)}), lowered)), ids(lowered)); both != nil {
			t.Errorf("with another key these pass: %q", both)
		}
	}
	if back, err := rekeyer(t, 9).Text(lowered); !errors.Is(err, ErrForeign) {
		t.Errorf("a mark of another key became %q, %v", back, err)
	}
}

func TestMarksInJSONAreMadeAnewHoweverTheyAreWritten(t *testing.T) {
	s, r := newScrubber(t, Config{}), rekeyer(t, 8)
	mark := replaced(t, s, "person", "Jane Doe")
	want := anew(t, r, mark)
	escaped := `\u00` + hex.EncodeToString([]byte(mark[:1])) + mark[1:]
	for in, out := range map[string]string{
		`{"` + mark + `":["` + mark + `\n",1,{"a":"x"}]}`: `{"` + want + `":["` + want + `\n",1,{"a":"x"}]}`,
		`"` + escaped + `"`:             `"` + want + `"`,
		`{"a": 1, "b": "plain \u00e9"}`: `{"a": 1, "b": "plain \u00e9"}`,
	} {
		if got, err := r.JSON(jsontext.Value(in)); err != nil || string(got) != out {
			t.Errorf("%s became %s, not %s (%v)", in, got, out, err)
		}
	}
}

// In a code nobody could make them anew, and two recipients would share them.
func TestAMarkOfOursInsideACodeDoesNotStay(t *testing.T) {
	s := newScrubber(t, Config{})
	for kind, value := range map[string]string{"password": "hunter2hunter", "person": "Jane Doe", "ip": "10.1.2.3", "uuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff"} {
		mark := replaced(t, s, kind, value)
		half := len(mark) - 5
		for name, coded := range map[string]string{
			"base64":   base64.StdEncoding.EncodeToString([]byte("x = " + mark + " is it")),
			"hex":      hex.EncodeToString([]byte("x = " + mark + " is it")),
			"escape":   mark[:half] + `\u00` + hex.EncodeToString([]byte(mark[half:half+1])) + mark[half+1:],
			"percent":  mark[:half] + "%" + hex.EncodeToString([]byte(mark[half:half+1])) + mark[half+1:],
			"joined":   `"` + mark[:half] + `" + "` + mark[half:] + `"`,
			"no width": mark[:half] + "\u200b" + mark[half:],
		} {
			if out := scrubbed(t, s, "see "+coded+" there\n"); strings.Contains(out, coded) {
				t.Errorf("%s in %s stays: %s", kind, name, out)
			}
		}
		for _, text := range []string{`{\"a\":\"` + mark + `\"}`, mark + "%20x", "caf\u00e9 " + mark} { // written as it is, beside a code
			if out := scrubbed(t, s, text); out != text {
				t.Errorf("%s became %s", text, out)
			}
		}
	}
}

func TestTwoRecipientsOfRealFilesShareNoMark(t *testing.T) {
	files := creddataFiles(t)
	marks, texts := 0, 0
	for _, masked := range []bool{false, true} {
		s, maker, other := newScrubber(t, Config{Masked: masked}), rekeyer(t, 8), rekeyer(t, 9)
		for i, name := range slices.Sorted(maps.Keys(files)) {
			if i%40 != 0 {
				continue
			}
			out, _, err := s.Text(nil, files[name])
			if err != nil {
				continue
			}
			local := ids(string(out))
			a, b := ids(anew(t, maker, string(out))), ids(anew(t, other, string(out)))
			if both := slices.Concat(shared(a, b), shared(a, local), shared(b, local)); both != nil {
				t.Errorf("%s: in common: %q", name, both)
			}
			marks, texts = marks+len(a), texts+1
		}
	}
	if marks < 1000 {
		t.Errorf("only %d marks in %d texts", marks, texts)
	}
}

// FuzzRekey makes the marks of anything anew: what it takes keeps its length and all bytes but the marks, and holds none
// of the marks that it had. JSON without marks is not taken apart, and comes to the same.
func FuzzRekey(f *testing.F) {
	s := newScrubber(f, Config{})
	f.Add(everyKind(f, s))
	for _, text := range fixtures(f) {
		f.Add(mask(f, masker(f), text))
	}
	for _, v := range []string{"", "xq7", "host-xq7", "Xq5abcdefghijkl", docNet, "-8", "\xff\\u0078q7"} {
		f.Add(v)
	}
	r := rekeyer(f, 8)
	f.Add(`{"` + replaced(f, s, "person", "Jane Doe") + `\n":["\u0078q7\/",1e3,null]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if v := jsontext.Value(text); v.IsValid() {
			fast, err := r.JSON(v)
			slow, slowErr := visitJSON(v, "", func(_, text string) (string, error) { return r.Text(text) })
			if string(fast) != string(slow) || (err == nil) != (slowErr == nil) || err == nil && !fast.IsValid() {
				t.Fatalf("%s became %s (%v), not %s (%v)", v, fast, err, slow, slowErr)
			}
		}
		out, err := r.Text(text)
		if err != nil {
			if !errors.Is(err, ErrForeign) || out != "" {
				t.Fatalf("%q: %v", out, err)
			}
			return
		}
		if len(out) != len(text) {
			t.Fatalf("%q became %q", text, out)
		}
		for _, m := range r.own {
			if out[m.Start:m.End] == text[m.Start:m.End] {
				t.Fatalf("%q stays in %q", text[m.Start:m.End], out)
			}
		}
		end := 0
		for _, m := range append(slices.Clone(r.own), Finding{Start: len(text)}) {
			if out[end:m.Start] != text[end:m.Start] {
				t.Fatalf("%q became %q", text, out)
			}
			end = m.End
		}
	})
}

func BenchmarkRekey(b *testing.B) {
	for _, c := range []struct {
		name string
		text func(testing.TB) []byte
	}{
		{"code", func(t testing.TB) []byte { return mixedCode(t, 2<<20) }},
		{"secrets", func(t testing.TB) (all []byte) {
			files := creddataFiles(t)
			for i, name := range slices.Sorted(maps.Keys(files)) {
				if i%20 == 0 {
					all = append(all, files[name]...)
				}
			}
			return all
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			text := scrubbed(b, newScrubber(b, Config{}), string(c.text(b)))
			r := rekeyer(b, 8)
			b.SetBytes(int64(len(text)))
			b.ReportMetric(float64(len(Marks([]byte(text)))), "marks")
			for b.Loop() {
				anew(b, r, text)
			}
		})
	}
}
