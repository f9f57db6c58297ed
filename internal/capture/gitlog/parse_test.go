// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged is what git log prints of one commit.
func logged(message, diff string) string {
	return "\x010123456789abcdef0123456789abcdef01234567\x00\x001760000000\x001760000060\x00" + message + "\x00\x00\n\n" + diff
}

func parsed(t testing.TB, text string) (list []*Commit) {
	t.Helper()
	if err := Parse(strings.NewReader(text), func(c *Commit, _ string) error { list = append(list, c); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestHunksAreReadWithContextAndWithout(t *testing.T) {
	head := "diff --git a/gate.go b/gate.go\nindex 1..2 100644\n--- a/gate.go\n+++ b/gate.go\n"
	bare := head + "@@ -2 +2,2 @@ func\n-b\n+B\n+b2\n@@ -4,0 +6 @@\n+d2\n@@ -6,2 +8,0 @@\n-f\n-g\n\\ No newline at end of file\n"
	context := head + "@@ -1,7 +1,7 @@\n a\n-b\n+B\n+b2\n c\n d\n+d2\n e\n-f\n-g\n"
	want := []Hunk{{Old: 2, Removed: 1, New: 2, Added: []string{"B", "b2"}}, {Old: 4, New: 6, Added: []string{"d2"}}, {Old: 6, Removed: 2, New: 8}}
	for name, diff := range map[string]string{"bare": bare, "with context": context} {
		list := parsed(t, logged("a message\n\nwith a body", diff))
		if len(list) != 1 || len(list[0].Files) != 1 {
			t.Fatalf("%s: %+v", name, list)
		}
		for i := range want { // where nothing is left, git names the line before, and we the one after: nobody looks at it
			if want[i].Removed > 0 && want[i].Added == nil {
				list[0].Files[0].Hunks[i].New = want[i].New
			}
		}
		if d := cmp.Diff(want, list[0].Files[0].Hunks); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestFilesAreKnownByWhatGitCallsThem(t *testing.T) {
	list := parsed(t, logged("m", "diff --git a/old name.go b/new name.go\nsimilarity index 100%\nrename from old name.go\nrename to new name.go\n"+
		"diff --git \"a/d\\303\\251bit.go\" \"b/d\\303\\251bit.go\"\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ \"b/d\\303\\251bit.go\"\n@@ -0,0 +1 @@\n+x\n"+
		"diff --git a/gone.go b/gone.go\ndeleted file mode 100644\nindex 1..0\n--- a/gone.go\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"+
		"diff --git a/mode.sh b/mode.sh\nold mode 100644\nnew mode 100755\n"+
		"diff --git a/logo.png b/logo.png\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/logo.png differ\n"))
	want := []File{{Old: "old name.go", New: "new name.go"}, {New: "débit.go", Hunks: []Hunk{{Old: 0, New: 1, Added: []string{"x"}}}},
		{Old: "gone.go", Hunks: []Hunk{{Old: 1, Removed: 1, New: 1}}}, {New: "logo.png"}}
	if d := cmp.Diff(want, list[0].Files); d != "" {
		t.Error(d)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(logged("m", "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"))
	f.Add(logged("m", "diff --git a/x b/x\nrename from \"\\x\nrename to y\n@@ -0,0 +1,268435455 @@\n+"))
	f.Add("\x01")
	f.Fuzz(func(t *testing.T, s string) {
		p := NewPrinter([]byte("key"))
		h := History{Now: 1 << 31}
		_ = Parse(io.LimitReader(strings.NewReader(s), 1<<20), func(c *Commit, _ string) error {
			h.Changes = append(h.Changes, p.Change(c))
			h.Main = c.ID
			return nil
		})
		list := []Suggestion{p.Suggestion("/src/x", "a\nb", "a\nc\n"+s[:min(len(s), 4096)])}
		for i, lines := range Follow(&h, list) {
			Outcomes(&list[i], lines)
			Distance(&list[i], lines)
			p.Final("a\nb", "a\nc\n"+s[:min(len(s), 4096)], lines, nil)
		}
	})
}
