// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// sample is one line of the labelled data, as its SCHEMA.md describes it.
type sample struct {
	Text    string   `json:"text"`
	Label   string   `json:"label"`
	Kind    string   `json:"kind"`
	Span    *span    `json:"span"`
	Spans   []span   `json:"spans"`
	Types   []string `json:"types"`
	Grade   string   `json:"grade"`
	GT      string   `json:"gt"`
	File    string   `json:"file"`
	Line    int      `json:"line"`
	LineEnd int      `json:"line_end"`
}

// all are the labelled spans of a sample; none where it is known only that there is something.
func (s *sample) all() []span {
	if len(s.Spans) == 0 && s.Span != nil {
		return []span{*s.Span}
	}
	return s.Spans
}

// samples reads a file of the labelled data.
func (b *bench) samples(file string) ([]sample, error) {
	path, err := b.shared("privacy-corpus/" + file + ".jsonl.gz")
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []sample
	for in := json.NewDecoder(bufio.NewReader(z)); ; {
		var s sample
		if err := in.Decode(&s); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, s)
	}
}

// credFile is a real file with what is known of its values. Its text is valid UTF-8: what was not is a replacement character.
type credFile struct {
	document
	repo   string
	labels []credLabel
}

// credLabel is one labelled value: true (T), or only looking like one (F, X). Where no value is named, span is its lines.
type credLabel struct {
	gt, kind string
	span     span
	lines    bool // span is whole lines
}

// credFiles reads the files and puts each label where it stands. lost counts the labels whose text is not in the file.
func (b *bench) credFiles() (files []credFile, lost int, err error) {
	path, err := b.shared("privacy-corpus/creddata-files.tar.gz")
	if err != nil {
		return nil, 0, err
	}
	labels, err := b.samples("creddata")
	if err != nil {
		return nil, 0, err
	}
	byFile := map[string][]sample{}
	for _, s := range labels {
		byFile[s.File] = append(byFile[s.File], s)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, 0, err
	}
	for in := tar.NewReader(z); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, lost, nil
		} else if err != nil {
			return nil, 0, err
		}
		if h.Typeflag != tar.TypeReg || byFile[h.Name] == nil {
			continue
		}
		raw, err := io.ReadAll(in)
		if err != nil {
			return nil, 0, err
		}
		c := credFile{document: document{Text: string(bytes.ToValidUTF8(raw, []byte("\uFFFD"))), Path: h.Name}, repo: strings.Split(h.Name, "/")[1]}
		for _, s := range byFile[h.Name] {
			if at, whole, ok := standsAt(c.Text, &s); ok {
				c.labels = append(c.labels, credLabel{s.GT, s.Kind, at, whole})
			} else if s.GT == "T" {
				lost++
			}
		}
		files = append(files, c)
	}
}

// standsAt returns where in the file's text a label's value stands, or its lines where no value is named.
func standsAt(text string, s *sample) (at span, whole, ok bool) {
	start := lineAt(text, s.Line)
	n := strings.Index(text[start:], s.Text)
	if n < 0 {
		return span{}, false, false
	}
	if start += n; s.Span == nil {
		return span{start, start + len(s.Text)}, true, true
	}
	return span{start + s.Span[0], start + s.Span[1]}, false, true
}

// lineAt is where line n, from 1, begins.
func lineAt(text string, n int) int {
	at := 0
	for ; n > 1; n-- {
		i := strings.IndexByte(text[at:], '\n')
		if i < 0 {
			return at
		}
		at += i + 1
	}
	return at
}
