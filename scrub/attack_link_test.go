// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sources returns Go's own source files, which anyone has.
func sources(t testing.TB, most int) (names []string, texts [][]byte) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("no go command to ask for its sources")
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "src")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || len(names) == most {
			return fs.SkipAll
		}
		if d.IsDir() && d.Name() == "testdata" {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil && len(text) < 64<<10 {
			names, texts = append(names, path), append(texts, text)
		}
		return err
	})
	if err != nil || len(names) < 100 {
		t.Skip("no sources of Go here")
	}
	return names, texts
}

// prints are the fingerprints of a text (winnowing, Schleimer and others 2003): of each window of hashes of twelve
// letters, blanks left out, the least.
func prints(b []byte) map[uint32]bool {
	var text []byte
	for _, c := range b {
		if c > ' ' {
			text = append(text, c)
		}
	}
	var hashes []uint32
	for i := 0; i+12 <= len(text); i++ {
		h := fnv.New32a()
		h.Write(text[i : i+12])
		hashes = append(hashes, h.Sum32())
	}
	const width = 8
	found := map[uint32]bool{}
	for i := 0; i+width <= len(hashes); i++ {
		found[slices.Min(hashes[i:i+width])] = true
	}
	return found
}

// TestWhoHoldsThePublicCodeKnowsItAgain reports what the level clean does not hide: code that is public stays
// recognisable by its structure and its words. The level masked and a project's policy are for that.
func TestWhoHoldsThePublicCodeKnowsItAgain(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(41, 42))
	most := 400
	if long() {
		most = 4000
	}
	_, texts := sources(t, most)
	index := map[uint32][]int{}
	for i, text := range texts {
		for h := range prints(text) {
			index[h] = append(index[h], i)
		}
	}
	tried, right := 0, 0
	for range 100 {
		i := r.IntN(len(texts))
		lines := bytes.SplitAfter(texts[i], []byte("\n"))
		if len(lines) < 60 {
			continue
		}
		at := r.IntN(len(lines) - 30)
		out, _, err := s.Text(nil, bytes.Join(lines[at:at+30], nil))
		if err != nil {
			continue
		}
		votes := map[int]int{}
		for h := range prints(out) {
			for _, f := range index[h] {
				votes[f]++
			}
		}
		best := -1
		for f, n := range votes {
			if best < 0 || n > votes[best] || n == votes[best] && f < best {
				best = f
			}
		}
		tried++
		if best == i {
			right++
		}
	}
	t.Logf("of %d pieces of 30 lines of %d public files, %d are known again from their clean form", tried, len(texts), right)
	if right == 0 {
		t.Error("the attack does not work: it says nothing")
	}
}

// TestMarksGiveNothingToWhoHasNoKey attacks marks by a dictionary and by frequency. A mark is the same for the same value within
// an epoch: who knows how often each value is used can order the marks by it. That is reported; what must not work is to
// test a guess, and to join across keys.
func TestMarksGiveNothingToWhoHasNoKey(t *testing.T) {
	r := rand.New(rand.NewPCG(43, 44))
	var values, texts []string
	for i := range 50 {
		values = append(values, of(alnum, 12)(r))
		for range 1 + 200/(i+1) { // as Zipf has it
			texts = append(texts, fmt.Sprintf("password = %q\n", values[i]))
		}
	}
	r.Shuffle(len(texts), func(i, j int) { texts[i], texts[j] = texts[j], texts[i] })
	ids := func(key byte, texts []string) (order []string) {
		s := newScrubber(t, Config{Key: bytes.Repeat([]byte{key}, 32)})
		n := map[string]int{}
		for _, x := range texts {
			m := markOf(t, s, x)
			if n[m]++; n[m] == 1 {
				order = append(order, m)
			}
		}
		slices.SortStableFunc(order, func(a, b string) int { return n[b] - n[a] })
		return order
	}
	theirs := ids(1, texts)
	var guesses []string
	for _, v := range values {
		guesses = append(guesses, fmt.Sprintf("password = %q\n", v))
	}
	for key := byte(2); key < 8; key++ { // without the key: every guess under any other key
		for _, g := range ids(key, guesses) {
			if slices.Contains(theirs, g) {
				t.Errorf("a guess under key %d gives a mark of key 1: %s", key, g)
			}
		}
	}
	right := 0
	for i, m := range ids(1, guesses) {
		if i < len(theirs) && theirs[i] == m {
			right++
		}
	}
	t.Logf("who knows how often each of 50 values is used orders %d of their marks rightly, by frequency alone", right)
}

// What leaves is still code: it parses, line by line, bracket by bracket, and a diff still applies.
func TestScrubbedSourceStillParses(t *testing.T) {
	s := newScrubber(t, Config{})
	most := 300
	if long() {
		most = 5000
	}
	names, texts := sources(t, most)
	broken, changed := 0, 0
	for i, text := range texts {
		out, found, err := s.Text(nil, text)
		if err != nil {
			t.Errorf("%s: %v", names[i], err)
			continue
		}
		if len(found) > 0 {
			changed++
		}
		if a, b := bytes.Count(text, []byte("\n")), bytes.Count(out, []byte("\n")); a != b {
			t.Errorf("%s: %d lines became %d", names[i], a, b)
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", text, parser.SkipObjectResolution); err != nil {
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), "", out, parser.SkipObjectResolution); err != nil {
			if broken++; broken <= 5 {
				t.Logf("%s: %v", names[i], err)
			}
		}
	}
	t.Logf("%d of %d files changed, %d of them no longer parse", changed, len(texts), broken)
	if broken*100 > len(texts) {
		t.Errorf("%d of %d files no longer parse", broken, len(texts))
	}
}

func TestAScrubbedDiffAppliesToTheScrubbedFile(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git to apply it")
	}
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(45, 46))
	secret, next := of(alnum, 18)(r), of(alnum, 22)(r)
	before := "package a\n\n// ask jane.doe@corp.example.org\nconst password = \"" + secret + "\"\n\nfunc f() string {\n\treturn password\n}\n"
	after := strings.Replace(before, secret, next, 1)
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) (string, error) {
		c := exec.Command("git", append([]string{"-c", "core.autocrlf=false"}, args...)...)
		c.Dir = dir
		out, err := c.Output()
		return string(out), err
	}
	write("a.go", before)
	write("b.go", after)
	diff, _ := git("diff", "--no-index", "--no-color", "a.go", "b.go") // exits 1 where they differ
	if !strings.Contains(diff, "@@") {
		t.Fatalf("no diff: %q", diff)
	}
	_, hunks, _ := strings.Cut(diff, "+++ b/b.go\n")
	write("a.go", scrubbed(t, s, before))
	write("d.patch", "--- a/a.go\n+++ b/a.go\n"+scrubbed(t, s, hunks))
	if out, err := git("apply", "d.patch"); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(dir, "a.go"))
	if want := scrubbed(t, s, after); err != nil || string(got) != want {
		t.Fatalf("%v: %q, want %q", err, got, want)
	}
}
