// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// maskedFiles is how many files of a language are masked.
const maskedFiles = 300

// grammar returns the grammar of tree-sitter for a file, empty where it is of no language that masking promises.
func grammar(name string) string {
	if path.Base(name) == "Dockerfile" {
		return "dockerfile"
	}
	return map[string]string{".go": "go", ".py": "python", ".ts": "typescript", ".tsx": "tsx", ".js": "javascript", ".mjs": "javascript",
		".java": "java", ".cs": "csharp", ".c": "c", ".h": "c", ".cpp": "cpp", ".rs": "rust", ".rb": "ruby", ".php": "php", ".sql": "sql",
		".sh": "bash", ".yml": "yaml", ".yaml": "yaml", ".json": "json", ".tf": "hcl"}[path.Ext(name)]
}

// measureMasked counts the files that parse masked as they did clean: with no more errors, by tree-sitter's grammars. The
// files are real ones, and for languages of which there are none the small ones of the filter's own tests.
func measureMasked(ctx context.Context, b *bench) ([]row, error) {
	most := maskedFiles
	if b.quick {
		most = 20
	}
	byLang, err := b.maskable(most)
	if err != nil {
		return nil, err
	}
	python, err := b.python(ctx)
	if err != nil {
		return nil, err
	}
	var rows []row
	for _, lang := range slices.Sorted(maps.Keys(byLang)) {
		docs := byLang[lang]
		clean, before, err := b.scrubbedText(ctx, docs)
		if err != nil {
			return rows, err
		}
		masked, after, err := b.scrubbedText(ctx, docs, "--level", "masked")
		if err != nil {
			return rows, err
		}
		var in bytes.Buffer
		for i := range docs {
			if clean.dropped[i] || masked.dropped[i] {
				before[i], after[i] = "", ""
			}
			line, err := json.Marshal(map[string]string{"lang": lang, "before": before[i], "after": after[i]})
			if err != nil {
				return rows, err
			}
			in.Write(append(line, '\n'))
		}
		cmd := exec.CommandContext(ctx, python, filepath.Join(b.root, "bench", "peers", "maskparse.py"))
		cmd.Stdin = &in
		out, err := cmd.Output()
		if err != nil {
			return rows, fmt.Errorf("count the errors of %s: %w", lang, err)
		}
		same, whole := 0, 0
		for i := range docs {
			var was, is int
			line, rest, _ := strings.Cut(string(out), "\n")
			if _, err := fmt.Sscan(line, &was, &is); err != nil {
				return rows, fmt.Errorf("errors of file %d: %w", i+1, err)
			}
			out = []byte(rest)
			if clean.dropped[i] || masked.dropped[i] {
				continue
			}
			if is <= was {
				same++
			}
			if was == 0 {
				whole++
			}
		}
		rows = append(rows, row{ID: "masked-parses/" + lang, Ours: figure(float64(same) / float64(len(docs))), Unit: "of files without new errors", N: len(docs),
			Note: fmt.Sprintf("%d parsed without an error before masking", whole)})
	}
	return rows, nil
}

// maskable returns at most so many files of each language.
func (b *bench) maskable(most int) (map[string][]document, error) {
	files, _, err := b.credFiles()
	if err != nil {
		return nil, err
	}
	byLang := map[string][]document{}
	add := func(name, text string) {
		if lang := grammar(name); lang != "" && len(byLang[lang]) < most {
			byLang[lang] = append(byLang[lang], document{Text: text})
		}
	}
	for _, f := range files {
		add(f.Path, f.Text)
	}
	own, err := filepath.Glob(filepath.Join(b.root, "scrub", "testdata", "mask", "*.txt"))
	if err != nil {
		return nil, err
	}
	for _, name := range own {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		add(strings.TrimSuffix(filepath.Base(name), ".txt"), string(text))
	}
	return byLang, nil
}
