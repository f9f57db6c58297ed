// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func masker(t testing.TB) *Scrubber {
	t.Helper()
	s, err := New(Config{Key: bytes.Repeat([]byte{7}, 32), Masked: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mask(t testing.TB, s *Scrubber, text string) string {
	t.Helper()
	out, _, err := s.Text(nil, []byte(text))
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return string(out)
}

// fixtures are small files of all languages, in each of which the made-up words zorblatt and kvistgard stand in names,
// strings, comments and paths.
func fixtures(t testing.TB) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := filepath.Glob("testdata/mask/*.txt")
	if err != nil || len(names) < 14 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".txt")] = string(b)
	}
	return all
}

func TestNoPrivateWordSurvivesMaskingInAnyLanguage(t *testing.T) {
	s := masker(t)
	marks := [...]string{mask(t, s, "zorblatt"), mask(t, s, "kvistgard")}
	for name, text := range fixtures(t) {
		out := mask(t, s, text)
		small := strings.ToLower(out)
		for i, word := range [...]string{"zorblatt", "kvistgard"} {
			if strings.Contains(small, word) || strings.Contains(small, word[1:]) {
				t.Errorf("%s: %s survives:\n%s", name, word, out)
			}
			if got, want := strings.Count(small, marks[i]), strings.Count(strings.ToLower(text), word); got != want {
				t.Errorf("%s: %d marks for the %d times that %s stands there:\n%s", name, got, want, word, out)
			}
		}
	}
}

// What is not a word stays where it is: lines, blanks, brackets, quotes, signs; and so do public words, keywords among
// them: with the marks put back, the text is what it was.
func TestMaskingTouchesNothingButPrivateWords(t *testing.T) {
	s := masker(t)
	for name, text := range fixtures(t) {
		out := mask(t, s, text)
		for _, word := range []string{"zorblatt", "Zorblatt", "ZORBLATT", "kvistgard", "Kvistgard", "KVISTGARD"} {
			out = strings.ReplaceAll(out, mask(t, s, word), word)
		}
		if out != text {
			t.Errorf("%s became\n%s", name, out)
		}
	}
}

func TestMaskedGoStillParses(t *testing.T) {
	names, err := filepath.Glob("../*/*.go")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	s, parsed := masker(t), 0
	clean, err := New(Config{Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		t.Fatal(err)
	}
	parses := func(name, text string) error {
		_, err := parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
		return err
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if parses(name, mask(t, clean, string(b))) != nil {
			continue // another promise
		}
		parsed++
		if err := parses(name, mask(t, s, string(b))); err != nil {
			t.Errorf("masked, it parses no more: %v", err)
		}
	}
	if parsed < len(names)/2 {
		t.Errorf("only %d of %d files say anything", parsed, len(names))
	}
}

func TestAMaskedDiffAppliesToTheMaskedFile(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not here")
	}
	dir := t.TempDir()
	s := masker(t)
	run := func(args ...string) string {
		c := exec.Command(git, append([]string{"-c", "core.autocrlf=false"}, args...)...)
		c.Dir = dir
		out, _ := c.CombinedOutput() // diff says 1 where files differ
		return string(out)
	}
	run("init", "-q")
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, old := range fixtures(t) {
		lines := strings.SplitAfter(old, "\n")
		fresh := strings.Join(lines[:2], "") + "  zorblatt(3f2a1bcd, \"a\\nzorblatt\")\n" + strings.Join(lines[3:], "")
		write("zorblatt.txt", old)
		run("add", "zorblatt.txt")
		write("zorblatt.txt", fresh)
		head, hunks, _ := strings.Cut(run("diff", "zorblatt.txt"), "\nindex ")
		_, hunks, _ = strings.Cut(hunks, "\n") // a line of digests, which are looked for as such
		diff := mask(t, s, head+"\n"+hunks)
		file := strings.TrimSuffix(mask(t, s, "b/zorblatt.txt"), "\n")[2:]
		write(file, mask(t, s, old))
		write("diff", diff)
		said := run("apply", "diff")
		got, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != mask(t, s, fresh) {
			t.Errorf("%s: git says %q of\n%s\nwhich gives\n%s\nnot\n%s", name, said, diff, got, mask(t, s, fresh))
		}
	}
}

func TestMaskingTwiceChangesNothing(t *testing.T) {
	s := masker(t)
	for name, text := range fixtures(t) {
		once := mask(t, s, text)
		if again := mask(t, s, once); again != once {
			t.Errorf("%s: %s\nagain: %s", name, once, again)
		}
	}
}

func TestWhatIsPublicAndWhatIsNot(t *testing.T) {
	s := masker(t)
	const m = "\x00" // where a mark must stand
	for text, want := range map[string]string{
		"ZorblattLedgerClient":           m + "LedgerClient",
		"getHTTPServerURLs":              "getHTTPServerURLs",
		"\"\\tzorblatt\\x41zorblatt\"":   "\"\\t" + m + "\\x41" + m + "\"",
		"'%szorblatt' % kvistgard":       "'%" + m + "' % " + m,
		"%sname %2Fzorblatt":             "%sname %2F" + m,
		"App\\Nordlys\\Zorblatt":         "App\\" + m + "\\" + m,
		"see 3f2a1bc0 and #ff00aa":       "see " + m + " and #ff00aa",
		"0xdeadbeef 1e1000000 16777216f": "0xdeadbeef 1e1000000 16777216f",
		"acct9918273 id_9918273 65536":   "acct" + m + " id_" + m + " 65536",
		"https://github.com/zorblatt/x":  "https://github.com/" + m + "/x",
		"“zorblatt”, größe: 北京市":         "“" + m + "”, " + m + ": " + m,
		"zor\u00adblatt":                 m,
		"'ß' 'é'":                        "'ß' 'é'",
	} {
		out := mask(t, s, text)
		for _, f := range Marks([]byte(out)) {
			if f.Kind == kindWord {
				out = strings.Replace(out, mask(t, s, text)[f.Start:f.End], m, 1)
			}
		}
		if out != want {
			t.Errorf("%s became %q, want %q", text, out, want)
		}
	}
}

// A list whose first name has become a mark looks like one of keys: nothing of it is, and the record leaves.
func TestARecordWithMaskedNamesBesideWordsOfSecretsLeaves(t *testing.T) {
	s := masker(t)
	text := "import (\n\t\"github.com/zorblatt/kvistgard/keyring\"\n\t\"github.com/grafana/grafana/pkg/api/keyring\"\n)\nvar keys = []string{\"zorblatt\", \"github.com/golang/mock/gomock\"}\n"
	found, err := s.Texts(func(visit func(key, text string) (string, error)) (err error) {
		text, err = visit("", text)
		return err
	})
	if err != nil || len(found) == 0 || strings.Contains(text, "orblatt") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestMarksOfWordsAreKeyedAndCounted(t *testing.T) {
	s := masker(t)
	other, err := New(Config{Key: bytes.Repeat([]byte{8}, 32), Masked: true})
	if err != nil {
		t.Fatal(err)
	}
	text := "zorblatt(ZORBLATT(Zorblatt()))"
	out := mask(t, s, text)
	small, rest, _ := strings.Cut(out, "(")
	if rest != strings.ToUpper(small)+"("+strings.ToUpper(small[:1])+small[1:]+"()))" {
		t.Errorf("the case is lost: %s", out)
	}
	if mask(t, other, text) == out {
		t.Error("another key gives the same marks")
	}
	if n := Count([]byte(out))[kindWord]; n != 3 {
		t.Errorf("%d marks are counted, not 3", n)
	}
	// Another's mark is replaced like anything that only looks like one.
	if got := mask(t, other, out); strings.Contains(got, small) {
		t.Errorf("a mark of another key survives: %s", got)
	}
}

func FuzzMask(f *testing.F) {
	for _, text := range fixtures(f) {
		f.Add([]byte(text))
	}
	f.Add([]byte("\\N{zorb \\u{ %%2\xff\xc3 xq5 Xq5abcdefghijkl"))
	clean, err := New(Config{Key: bytes.Repeat([]byte{7}, 32)})
	if err != nil {
		f.Fatal(err)
	}
	s := masker(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		before, _, err := clean.Text(nil, b)
		if err != nil {
			return
		}
		out, _, err := s.Text(nil, b)
		if err != nil {
			return // nothing leaves
		}
		for _, sign := range []byte("\n\t (){}[]<>\"'`;,=") {
			if n := bytes.Count(before, []byte{sign}); bytes.Count(out, []byte{sign}) != n {
				t.Fatalf("%q has not %d of %q, as %q has", out, n, sign, before)
			}
		}
		w := s.worker()
		defer s.done(w)
		w.scan(out)
		if left := wordsBeside(nil, w.own, out); len(left) > 0 {
			t.Fatalf("%q still holds %q", out, out[left[0].start:left[0].end])
		}
	})
}
