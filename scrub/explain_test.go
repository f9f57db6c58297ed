// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"encoding/base64"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnExplanationSaysWhichRuleAndWhatStandsThereAndNeverTheValue(t *testing.T) {
	s := newScrubber(t, Config{Explain: true})
	text := "DB_PASSWORD=s3cr3t+v4lue\nmail jane.doe@corp.com\nhttps://svc:s3cr3t+v4lue@db/\n"
	out, found, err := s.Text(nil, []byte(text))
	if err != nil || len(found) < 4 {
		t.Fatal(found, err)
	}
	for _, f := range found {
		value := text[f.Start:f.End]
		if f.Rule == "" || !strings.Contains(string(out), f.Mark) || len(Marks([]byte(f.Mark))) == 0 {
			t.Errorf("%+v", f)
		}
		if why := f.Why(); why == "" || strings.Contains(why, value) || strings.Contains(f.Rule, value) || strings.Contains(f.Mark, value) {
			t.Errorf("%+v: %q", f, why)
		}
	}
	if got := found[0].Rule; got != `assigned "password"` {
		t.Errorf("the first was found by %s", got)
	}
	if got, want := found[0].Why(), `it stands beside "password", so it is taken for a password`; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	_, plain, _ := newScrubber(t, Config{}).Text(nil, []byte(text))
	for i := range found {
		found[i].Rule, found[i].Mark = "", ""
	}
	if d := cmp.Diff(plain, found); d != "" {
		t.Errorf("explaining changes what is found: %s", d)
	}
}

func TestEveryKindSaysWhyItGoes(t *testing.T) {
	for name := range kinds() {
		if why := (Finding{Kind: name, Rule: "form"}).Why(); !strings.HasPrefix(why, "it ") && !strings.HasPrefix(why, "an ") {
			t.Errorf("%s: %q", name, why)
		}
	}
}

func TestKeepIsToldEachReplacementAndItsOriginal(t *testing.T) {
	kept := map[string]string{}
	s := newScrubber(t, Config{Keep: func(replacement, original []byte) { kept[string(replacement)] = string(original) }})
	text := "DB_PASSWORD=s3cr3t+v4lue\nmail jane.doe@corp.com\n"
	out := scrubbed(t, s, text)
	for _, mark := range slices.Sorted(maps.Keys(kept)) {
		out = strings.ReplaceAll(out, mark, kept[mark])
	}
	if out != text || len(kept) != 2 {
		t.Errorf("put back: %q with %v", out, kept)
	}
}

func TestACanaryThatIsLeftIsUnsafe(t *testing.T) {
	s := newScrubber(t, Config{Canaries: [][]byte{[]byte("plainword planted here"), []byte("s3cr3t+v4lue")}})
	for text, safe := range map[string]bool{
		"nothing":                               true,
		"password = \"s3cr3t+v4lue\"":           true, // the filter takes it out: no reason to stop
		"a PLAINWORD planted here b":            false,
		"a@corp.com and plainword planted here": false,
		"see " + strings.ReplaceAll("plainword planted here", " ", "%20") + " and " + strings.Repeat("%20b", 3): false,
	} {
		_, _, err := s.Text(nil, []byte(text))
		if (err == nil) != safe || err != nil && !errors.Is(err, ErrUnsafe) {
			t.Errorf("%q: %v", text, err)
		}
		_, _, err = s.Field(nil, []byte(`{"t":"`+strings.ReplaceAll(text, `"`, `\"`)+`"}`), "t")
		if (err == nil) != safe || err != nil && !errors.Is(err, ErrUnsafe) {
			t.Errorf("a field with %q: %v", text, err)
		}
		var out strings.Builder
		if n, err := s.Stream(&out, strings.NewReader(text), nil); err != nil || (n == 0) != safe || !safe && strings.Contains(strings.ToLower(out.String()), "planted") {
			t.Errorf("a stream of %q: %d, %q, %v", text, n, out.String(), err)
		}
	}
	w := s.worker()
	defer s.done(w)
	if err := w.noCanary([]byte("see " + base64.StdEncoding.EncodeToString([]byte("there it is: plainword planted here, in base64")))); !errors.Is(err, ErrUnsafe) {
		t.Errorf("in base64: %v", err)
	}
	if _, err := New(Config{Key: make([]byte, 32), Canaries: [][]byte{[]byte("short")}}); err == nil {
		t.Error("a canary that ordinary text may hold is taken")
	}
}
