// SPDX-License-Identifier: Apache-2.0

package patch

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func text(t *rapid.T, name string) []byte {
	lines := rapid.SliceOfN(rapid.SampledFrom([]string{"", "one", "two", "three", "- dash", "+ plus", "@@", "\\ odd", " blank"}), 0, 30).Draw(t, name)
	s := strings.Join(lines, "\n")
	if rapid.Bool().Draw(t, name+" ends its line") && s != "" {
		s += "\n"
	}
	return []byte(s)
}

func TestAChangeMadeIsTheChangeApplied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, after := text(t, "before"), text(t, "after")
		d := Unified("a/x.md", "b/x.md", before, after)
		if string(before) == string(after) {
			return
		}
		p, err := Parse(d)
		if err != nil {
			t.Fatalf("%v:\n%s", err, d)
		}
		got, err := p.Apply(before)
		if err != nil || string(got) != string(after) {
			t.Fatalf("%q becomes %q, want %q: %v\n%s", before, got, after, err, d)
		}
	})
}

func TestADiffIsWhatGitApplies(t *testing.T) {
	dir := t.TempDir()
	before := strings.Repeat("same\n", 10) + "old\n" + strings.Repeat("more\n", 10)
	after := strings.Replace(before, "old\n", "new\nand newer\n", 1)
	if err := os.WriteFile(filepath.Join(dir, "x.md"), []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(Unified("a/x.md", "b/x.md", []byte(before), []byte(after)))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "x.md")); string(got) != after {
		t.Errorf("git makes %q of it", got)
	}
}

func TestAHunkMayMoveToTheOnePlaceWhereItsLinesStand(t *testing.T) {
	p, err := Parse("diff --git a/r.md b/r.md\nindex 1..2 100644\n--- a/r.md\n+++ b/r.md\n@@ -2,2 +2,3 @@ heading\n b\n+new\n c\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Apply([]byte("x\ny\na\nb\nc\n")); err != nil || string(got) != "x\ny\na\nb\nnew\nc\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, not := range []string{"b\nx\n", "z\nz\nz\nb\nc\nb\nc\n", ""} {
		if got, err := p.Apply([]byte(not)); !errors.Is(err, ErrConflict) {
			t.Errorf("of %q it makes %q, %v", not, got, err)
		}
	}
	if added, ok := p.Adds(); !ok || added != "new\n" {
		t.Errorf("it adds %q, %v", added, ok)
	}
}

func TestAFileComesAndGoes(t *testing.T) {
	p, err := Parse(Unified(DevNull, "b/docs/r.md", nil, []byte("one\ntwo")))
	if err != nil || p.Old != "" || p.New != "docs/r.md" {
		t.Fatalf("%+v, %v", p, err)
	}
	if got, err := p.Apply(nil); err != nil || string(got) != "one\ntwo" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := p.Apply([]byte("here\n")); !errors.Is(err, ErrConflict) {
		t.Errorf("over a file that is there: %v", err)
	}
	p, err = Parse(Unified("a/r.md", DevNull, []byte("one\n"), nil))
	if err != nil || p.New != "" {
		t.Fatalf("%+v, %v", p, err)
	}
	if got, err := p.Apply([]byte("one\n")); err != nil || len(got) != 0 {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := p.Apply([]byte("one\ntwo\n")); !errors.Is(err, ErrConflict) {
		t.Errorf("a file with more in it: %v", err)
	}
	if _, ok := p.Adds(); ok {
		t.Error("what takes lines away adds nothing alone")
	}
}

func TestWhatIsNoDiffOfOneTextFileIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":        "",
		"words":          "please change it\n",
		"no change":      "--- a/x\n+++ b/x\n",
		"no file":        "--- /dev/null\n+++ /dev/null\n@@ -0,0 +1 @@\n+x\n",
		"a rename":       "--- a/x\n+++ b/y\n@@ -1 +1 @@\n-x\n+y\n",
		"out of it":      "--- a/../x\n+++ b/../x\n@@ -1 +1 @@\n-x\n+y\n",
		"absolute":       "--- /etc/x\n+++ /etc/x\n@@ -1 +1 @@\n-x\n+y\n",
		"git's own":      "--- a/.git/config\n+++ b/.git/config\n@@ -1 +1 @@\n-x\n+y\n",
		"cut off":        "--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n-x\n",
		"two files":      "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+y\n--- a/z\n+++ b/z\n@@ -1 +1 @@\n-x\n+y\n",
		"binary":         "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n+\x00\n",
		"too many lines": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-x\n-y\n",
		"another mode":   "new file mode 120000\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+y\n",
	} {
		if p, err := Parse(text); err == nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("--- a/x.md\n+++ b/x.md\n@@ -1,2 +1,3 @@\n a\n+b\n c\n", "a\nc\n")
	f.Add("--- /dev/null\n+++ b/x.md\n@@ -0,0 +1 @@\n+b\n\\ No newline at end of file\n", "")
	f.Fuzz(func(t *testing.T, diff, before string) {
		p, err := Parse(diff)
		if err != nil {
			return
		}
		after, err := p.Apply([]byte(before))
		if err != nil {
			return
		}
		if again := Unified("a/"+p.Old, "b/"+p.Old, []byte(before), after); p.Old != "" && p.New != "" && again != "" {
			q, err := Parse(again)
			if err != nil {
				t.Fatalf("%v:\n%s", err, again)
			}
			if got, err := q.Apply([]byte(before)); err != nil || string(got) != string(after) {
				t.Fatalf("%q, want %q: %v", got, after, err)
			}
		}
	})
}
