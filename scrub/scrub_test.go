// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func newScrubber(t testing.TB, cfg Config) *Scrubber {
	t.Helper()
	if cfg.Key == nil {
		cfg.Key = bytes.Repeat([]byte{7}, 32)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scrubbed(t testing.TB, s *Scrubber, text string) string {
	t.Helper()
	out, _, err := s.Text(nil, []byte(text))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return string(out)
}

// mixedCode is real code: Go's own library, its tests, assembly, HTML and Markdown.
func mixedCode(t testing.TB, size int) []byte {
	var b []byte
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("no go command to ask for its sources")
	}
	root := filepath.Join(strings.TrimSpace(string(goroot)), "src")
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || len(b) >= size {
			return fs.SkipAll
		}
		if !d.IsDir() && !strings.Contains(path, "testdata") {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b = append(b, text...)
		}
		return nil
	})
	if err != nil || len(b) < size {
		t.Skip("no sources of Go here")
	}
	return b[:size]
}

func BenchmarkText(b *testing.B) {
	s, src := newScrubber(b, Config{}), mixedCode(b, 16<<20)
	var out []byte
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		var found []Finding
		var err error
		if out, found, err = s.Text(out[:0], src); err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, f := range found {
			n += f.End - f.Start
		}
		b.ReportMetric(100*float64(n)/float64(len(src)), "%replaced")
	}
}
