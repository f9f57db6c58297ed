// SPDX-License-Identifier: Apache-2.0

// Command train makes scrub/internal/score/weights.bin from labelled data: what strict finds in the files of creddata,
// true or not by its labels, and in the lines of the other sets. It prints what each fifth of the repositories gets
// from a model that was trained on the rest, and then writes a model of all.
//
//	go run ./scrub/internal/score/train -corpus DIR -out weights.bin
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/scrub"
	"github.com/headrace/headrace/scrub/internal/score"
)

const (
	folds      = 5
	epochs     = 3 // more of them fit the repositories, not the world
	decay      = 2e-4
	others     = 0.05 // weight of findings that nobody labelled, which are mostly none
	lineWeight = 0.3  // of findings in the other sets
)

// example is one finding.
type example struct {
	features []uint32
	true     bool
	weight   float64
	fold     int   // of its repository; -1 for the other sets, which are always learned from
	rows     []int // the labels that it touches: values, or lines that only look like one
	kept     bool  // whatever the model says
}

type row struct {
	Text, Label, Kind, GT, File string
	Line                        int
	LineEnd                     int `json:"line_end"`
	Col                         int
	ColEnd                      int `json:"col_end"`
	Span                        *[2]int
	fold                        int
}

func main() {
	log.SetFlags(0)
	corpus := flag.String("corpus", "", "folder of the labelled data")
	out := flag.String("out", "", "file to write")
	flag.Parse()
	s, err := scrub.New(scrub.Config{Key: make([]byte, 32), Budget: time.Minute})
	if err != nil {
		log.Fatal(err)
	}
	rows := read(filepath.Join(*corpus, "creddata.jsonl.gz"))
	examples := creddata(s, *corpus, rows)
	for _, name := range []string{"hard-negatives", "gitleaks", "kingfisher", "noseyparker", "secretlint"} {
		examples = append(examples, lines(s, read(filepath.Join(*corpus, name+".jsonl.gz")))...)
	}
	log.Printf("%d examples", len(examples))
	var kept []scored
	for fold := range folds {
		m := learn(examples, fold)
		for _, e := range examples {
			if e.fold == fold {
				kept = append(kept, scored{m.sum(e.features), e})
			}
		}
	}
	report(kept, rows)
	m := learn(examples, -2)
	if err := os.WriteFile(*out, m.pack(), 0o644); err != nil {
		log.Fatal(err)
	}
}

// decided reports the kinds that the model decides about.
func decided(kind string) bool {
	switch kind {
	case "password", "secret", "token", "key", "credential", "opaque", "hash", "uuid", "url_password":
		return true
	}
	return false
}

func creddata(s *scrub.Scrubber, corpus string, rows []row) (examples []example) {
	byFile := map[string][]int{}
	for i, r := range rows {
		byFile[r.File] = append(byFile[r.File], i)
	}
	repositories := map[string]int{}
	for _, r := range rows {
		repositories[strings.Split(r.File, "/")[1]] = 0
	}
	names := make([]string, 0, len(repositories))
	for n := range repositories {
		names = append(names, n)
	}
	slices.Sort(names)
	for i, n := range names {
		repositories[n] = i % folds
	}
	each(filepath.Join(corpus, "creddata-files.tar.gz"), func(name string, text []byte) {
		of := byFile[name]
		fold, ok := repositories[strings.Split(name, "/")[1]]
		if !ok {
			return
		}
		_, found, err := s.Text(nil, text)
		if err != nil {
			return
		}
		starts := []int{0}
		for i, c := range text {
			if c == '\n' {
				starts = append(starts, i+1)
			}
		}
		starts = append(starts, len(text))
		for _, f := range found {
			e := example{fold: fold, weight: others, kept: !decided(f.Kind)}
			if !e.kept {
				e.features = score.Features(nil, text, f.Start, f.End, f.Kind)
			}
			for _, i := range of {
				r := &rows[i]
				r.fold = fold
				start, end := starts[r.Line-1], starts[r.LineEnd]
				if r.GT == "T" && r.Col >= 0 {
					start += column(text[start:starts[r.Line]], r.Col)
					end = starts[r.LineEnd-1] + column(text[starts[r.LineEnd-1]:end], r.ColEnd)
				}
				if f.Start >= end || f.End <= start {
					continue
				}
				e.rows, e.weight = append(e.rows, i), 1
				e.true = e.true || r.GT == "T"
			}
			examples = append(examples, e)
		}
	})
	return examples
}

func lines(s *scrub.Scrubber, rows []row) (examples []example) {
	for _, r := range rows {
		text := []byte(r.Text)
		_, found, err := s.Text(nil, text)
		if err != nil || r.Label == "secret" && r.Span == nil {
			continue
		}
		for _, f := range found {
			if decided(f.Kind) {
				is := r.Label == "secret" && f.Start < r.Span[1] && f.End > r.Span[0]
				if is || r.Label == "clean" {
					examples = append(examples, example{features: score.Features(nil, text, f.Start, f.End, f.Kind), true: is, weight: lineWeight, fold: -1})
				}
			}
		}
	}
	return examples
}

// model is a weight for each bucket.
type model struct{ w, g [score.Buckets]float64 }

func (m *model) sum(features []uint32) (z float64) {
	for _, f := range features {
		z += m.w[f]
	}
	return z
}

// learn fits a logistic regression by AdaGrad, leaving one fold out.
func learn(examples []example, without int) *model {
	m, r := &model{}, rand.New(rand.NewPCG(1, 2))
	order := r.Perm(len(examples))
	for range epochs {
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, i := range order {
			e := &examples[i]
			if e.fold == without || e.kept {
				continue
			}
			y := 0.0
			if e.true {
				y = 1
			}
			d := (1/(1+math.Exp(-m.sum(e.features))) - y) * e.weight
			for _, f := range e.features {
				g := d + decay*m.w[f]*e.weight
				m.g[f] += g * g
				m.w[f] -= 0.08 * g / (math.Sqrt(m.g[f]) + 1e-6)
			}
		}
	}
	return m
}

// pack scales the weights to bytes.
func (m *model) pack() []byte {
	out := make([]byte, len(m.w))
	for i, w := range m.w {
		out[i] = byte(int8(max(-127, min(127, math.Round(w*score.Unit)))))
	}
	return out
}

type scored struct {
	z float64
	example
}

// report prints, for limits of the score, the share of true values and of lines that only look like them that findings
// above the limit touch, each scored by a model that has not seen its repository.
func report(kept []scored, rows []row) {
	for limit := -5.0; limit <= 1; limit += 0.25 {
		hit := map[int]bool{}
		var t, f [folds]float64
		var n, a [folds]float64
		for _, k := range kept {
			if k.z >= limit || k.kept {
				for _, i := range k.rows {
					hit[i] = true
				}
			}
		}
		truly := map[string]bool{}
		for _, r := range rows {
			if r.GT == "T" {
				truly[fmt.Sprint(r.File, r.Line)] = true
			}
		}
		seen := map[string]bool{}
		for i, r := range rows {
			line := fmt.Sprint(r.File, r.Line)
			if r.GT == "T" {
				n[r.fold]++
				if hit[i] {
					t[r.fold]++
				}
			} else if !truly[line] && !seen[line] {
				seen[line] = true
				a[r.fold]++
				if hit[i] {
					f[r.fold]++
				}
			}
		}
		fmt.Printf("%5.2f  true %.3f  alike %.3f  folds", limit, sum(t)/sum(n), sum(f)/sum(a))
		for i := range folds {
			fmt.Printf("  %.2f/%.2f", t[i]/n[i], f[i]/a[i])
		}
		fmt.Println()
	}
}

func sum(x [folds]float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

func column(line []byte, col int) int {
	n := 0
	for i := range string(line) {
		if n == col {
			return i
		}
		n++
	}
	return len(line)
}

func unzip(path string) io.Reader {
	f, err := os.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}
	return z
}

func read(path string) (rows []row) {
	s := bufio.NewScanner(unzip(path))
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var r row
		if err := json.Unmarshal(bytes.TrimSpace(s.Bytes()), &r); err != nil {
			log.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

func each(path string, do func(name string, text []byte)) {
	for r := tar.NewReader(unzip(path)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			log.Fatal(err)
		}
		do(h.Name, text)
	}
}
