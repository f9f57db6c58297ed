// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/internal/sharedtest"
)

// label is one row of creddata: a value at lines and columns (of characters) of a file, true or only like one.
type label struct {
	GT      string `json:"gt"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	LineEnd int    `json:"line_end"`
	Col     int    `json:"col"`
	ColEnd  int    `json:"col_end"`
}

func creddataLabels(t testing.TB) (rows []label) {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedtest.Dir(t, "privacy-corpus"), "creddata.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r label
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func creddataFiles(t testing.TB) map[string][]byte {
	t.Helper()
	f, err := os.Open(filepath.Join(sharedtest.Dir(t, "privacy-corpus"), "creddata-files.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

// lineStarts returns where each line of b begins, and where the last one ends.
func lineStarts(b []byte) []int {
	starts := []int{0}
	for i, c := range b {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return append(starts, len(b))
}

// offset returns where character col of a line begins.
func offset(line []byte, col int) int {
	n := 0
	for i := range string(line) {
		if n == col {
			return i
		}
		n++
	}
	return len(line)
}

// span returns the bytes of the label; a label without columns is its lines.
func (l label) span(b []byte, starts []int) [2]int {
	start, end := starts[l.Line-1], starts[l.LineEnd]
	if l.ColEnd >= 0 {
		end = starts[l.LineEnd-1] + offset(b[starts[l.LineEnd-1]:end], l.ColEnd)
	}
	if l.Col >= 0 {
		start += offset(b[start:starts[l.Line]], l.Col)
	}
	return [2]int{start, end}
}

// measured is what one profile does to the files of creddata.
type measured struct {
	rows, touched, whole int
	outside, replaced    int // bytes that no label of a true value covers
	alike, alikeTouched  int // lines with only what looks like a secret
}

func measure(t *testing.T, s *Scrubber, files map[string][]byte, labels []label) (m measured) {
	byFile := map[string][]label{}
	for _, l := range labels {
		byFile[l.File] = append(byFile[l.File], l)
	}
	for name, b := range files {
		_, found, err := s.Text(nil, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		starts, secret := lineStarts(b), make([]bool, len(b))
		truly := map[int]bool{}
		for _, l := range byFile[name] {
			if l.GT != "T" {
				continue
			}
			span := l.span(b, starts)
			whole, touched := covered(found, span)
			m.rows++
			m.touched += one(touched)
			m.whole += one(whole || touched && l.Col < 0)
			for i := span[0]; i < span[1]; i++ {
				secret[i] = true
			}
			for i := l.Line; i <= l.LineEnd; i++ {
				truly[i] = true
			}
		}
		for _, l := range byFile[name] {
			if l.GT != "T" && !truly[l.Line] {
				truly[l.Line] = true
				_, touched := covered(found, [2]int{starts[l.Line-1], starts[l.Line]})
				m.alike++
				m.alikeTouched += one(touched)
			}
		}
		for _, f := range found {
			for i := f.Start; i < f.End; i++ {
				m.replaced += one(!secret[i])
			}
		}
		for _, is := range secret {
			m.outside += one(!is)
		}
	}
	return m
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

func share(n, of int) float64 { return float64(n) / float64(max(1, of)) }

func TestRealFilesLoseTheirSecretsAndKeepTheRest(t *testing.T) {
	labels, files := creddataLabels(t), creddataFiles(t)
	m := measure(t, newScrubber(t, Config{Budget: time.Minute}), files, labels)
	t.Logf("strict: of %d true values %.3f touched, %.3f whole; %.4f of other bytes kept; %.3f of look-alike lines touched", m.rows,
		share(m.touched, m.rows), share(m.whole, m.rows), 1-share(m.replaced, m.outside), share(m.alikeTouched, m.alike))
	if share(m.touched, m.rows) < 0.965 || share(m.whole, m.rows) < 0.965 || share(m.replaced, m.outside) > 0.028 {
		t.Error("strict is worse than it was")
	}
	m = measure(t, newScrubber(t, Config{Profile: Balanced, Budget: time.Minute}), files, labels)
	t.Logf("balanced: of %d true values %.3f touched, %.3f whole; %.4f of other bytes kept; %.3f of look-alike lines touched", m.rows,
		share(m.touched, m.rows), share(m.whole, m.rows), 1-share(m.replaced, m.outside), share(m.alikeTouched, m.alike))
	if share(m.touched, m.rows) < 0.95 || share(m.alikeTouched, m.alike) > 0.08 { // seen repositories; others are said in train
		t.Error("balanced is worse than it was")
	}
}

// TestOrdinarySourceStaysAsItIs: what is replaced in source that holds no secrets is lost to those who learn from it.
func TestOrdinarySourceStaysAsItIs(t *testing.T) {
	s, src := newScrubber(t, Config{}), mixedCode(t, 8<<20)
	_, found, err := s.Text(nil, src)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range found {
		n += f.End - f.Start
	}
	if share(n, len(src)) > 0.01 {
		t.Errorf("%.4f of %d bytes of Go's own source are replaced", share(n, len(src)), len(src))
	}
}

// BenchmarkRealFiles detects and replaces in files as they are, secrets and all.
func BenchmarkRealFiles(b *testing.B) {
	s := newScrubber(b, Config{Budget: time.Minute})
	var all []byte
	for name, text := range creddataFiles(b) {
		if !strings.HasSuffix(name, ".lock") {
			all = append(append(all, text...), '\n')
		}
	}
	b.SetBytes(int64(len(all)))
	var out bytes.Buffer
	for b.Loop() {
		out.Reset()
		if _, err := s.Stream(&out, bytes.NewReader(all), nil); err != nil {
			b.Fatal(err)
		}
	}
}
