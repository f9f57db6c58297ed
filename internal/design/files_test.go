// SPDX-License-Identifier: Apache-2.0

package design

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// long files, and why each is one idea all the same.
var long = map[string]string{
	"cmd/headrace/apart_test.go":     "two processes taken all the way round, and killed on it",
	"bundle/bundle_test.go":          "the attacks on a bundle, side by side",
	"internal/consent/lower_test.go": "the table of levels, field by field",
	"internal/web/views.go":          "the types of every page, which is a list",
}

const maxLines = 400

// files yields every file of the repository: what version control would ignore is left out.
func files(t *testing.T, each func(name string, text []byte)) {
	t.Helper()
	top := root(t)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(top, path)
		name = filepath.ToSlash(name)
		if d.IsDir() {
			if name == ".git" || name == "bin" || name == ".artifacts" || strings.HasSuffix(name, "/.venv") || name == "ocb/dist" {
				return filepath.SkipDir
			}
			return nil
		}
		if name == ".git" || !d.Type().IsRegular() || strings.HasSuffix(name, ".test") || strings.HasSuffix(name, ".prof") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			each(name, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLongFilesHaveAReason(t *testing.T) {
	seen := 0
	files(t, func(name string, text []byte) {
		if n := bytes.Count(text, []byte("\n")); !strings.HasSuffix(name, ".go") || n <= maxLines {
			return
		} else if long[name] == "" {
			t.Errorf("%s has %d lines: does it hold two ideas? If not, say why in internal/design/files_test.go", name, n)
		} else {
			seen++
		}
	})
	if seen < len(long) {
		t.Errorf("%d of the long files are not long any more: take them off the list", len(long)-seen)
	}
}

// TestNothingNamesAMachine: the repository builds anywhere, so nothing in it names a place that only one machine has.
func TestNothingNamesAMachine(t *testing.T) {
	// Written in parts, or this file would be the first to fail.
	named := regexp.MustCompile(`/wo` + `rk/(main|shared|\.)|/ro` + `ot/(go|\.)|proxy\.go` + `lang\.org|registry\.np` + `mjs\.org|py` + `pi\.org/|/ho` + `me/(user|ubuntu|runner)\b`)
	files(t, func(name string, text []byte) {
		if bytes.IndexByte(text, 0) >= 0 {
			return // not text
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if m := named.Find(line); m != nil {
				t.Errorf("%s:%d names %s", name, i+1, m)
			}
		}
	})
}

func TestEveryGoFileSaysItsLicence(t *testing.T) {
	files(t, func(name string, text []byte) {
		if strings.HasSuffix(name, ".go") && !bytes.HasPrefix(text, []byte("// SPDX-License-Identifier: Apache-2.0\n")) &&
			!bytes.HasPrefix(text, []byte("// Code generated ")) {
			t.Errorf("%s does not begin with its SPDX line", name)
		}
	})
}

// TestSizeOfTheProgram shows it; nothing fails for being large, but nobody should be surprised.
func TestSizeOfTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("links the program: not with -short")
	}
	out := filepath.Join(t.TempDir(), "headrace")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "./cmd/headrace")
	cmd.Dir, cmd.Env = root(t), append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("a program without C: %v\n%s", err, msg)
	}
	fi, err := os.Stat(out)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("headrace is %.1f MB", float64(fi.Size())/1e6)
}
