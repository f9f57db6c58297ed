// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// ordinaryBytes is how much of each body of source is looked at.
const ordinaryBytes = 16 << 20

// sourceBody is a body of source that people install: nothing in it is secret but what its tests hold.
type sourceBody struct {
	name  string
	exts  []string
	roots []string
}

func sourceBodies(ctx context.Context) []sourceBody {
	said := func(args ...string) string {
		out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	java, _ := filepath.Glob("/usr/lib/jvm/*/lib/src.zip")
	return []sourceBody{
		{"go", []string{".go"}, []string{said("go", "env", "GOROOT") + "/src"}},
		{"python", []string{".py"}, []string{said("python3", "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))")}},
		{"javascript", []string{".js", ".mjs", ".ts"}, []string{said("npm", "root", "-g")}},
		{"java", []string{".java"}, java},
		{"c", []string{".h", ".c", ".hpp"}, []string{"/usr/include"}},
		{"perl", []string{".pl", ".pm"}, []string{"/usr/share/perl"}},
	}
}

// measureOrdinary counts the bytes of ordinary source that are replaced in profile strict, as far as there is any here.
func measureOrdinary(ctx context.Context, b *bench) ([]row, error) {
	most := ordinaryBytes
	if b.quick {
		most = 2 << 20
	}
	var rows []row
	var all, replaced, files int
	for _, body := range sourceBodies(ctx) {
		docs, err := body.read(most)
		if err != nil {
			return rows, err
		}
		if len(docs) == 0 {
			rows = append(rows, row{ID: "ordinary/" + body.name, Unit: "of bytes replaced", Note: "there is none here"})
			continue
		}
		s, err := b.scrubbed(ctx, docs)
		if err != nil {
			return rows, err
		}
		n, gone := 0, 0
		kinds := map[string]int{}
		for i, d := range docs {
			n += len(d.Text)
			if s.dropped[i] {
				gone += len(d.Text)
				kinds["set aside"] += len(d.Text)
				continue
			}
			union := s.union(i)
			gone += union.size()
			for _, f := range s.found[i] {
				kinds[f.Kind] += f.End - f.Start
			}
		}
		all, replaced, files = all+n, replaced+gone, files+len(docs)
		rows = append(rows, row{ID: "ordinary/" + body.name, Ours: figure(float64(gone) / float64(n)), Unit: "of bytes replaced", N: len(docs),
			Note: fmt.Sprintf("%.1f MB; most bytes: %s", float64(n)/1e6, largest(kinds, n))})
	}
	if all == 0 {
		return rows, errNothing
	}
	return append([]row{{ID: "ordinary", Ours: figure(float64(replaced) / float64(all)), Unit: "of bytes replaced", N: files,
		Note: fmt.Sprintf("profile strict, %.1f MB of source that is installed here", float64(all)/1e6)}}, rows...), nil
}

// largest names the three largest counts, as shares of n.
func largest(counts map[string]int, n int) string {
	var names []string
	for k := range counts {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := counts[b] - counts[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for i, k := range names {
		names[i] = fmt.Sprintf("%s %.2f %%", k, 100*float64(counts[k])/float64(n))
	}
	return strings.Join(names[:min(3, len(names))], ", ")
}

// read takes files evenly from all over the body, up to so many bytes.
func (s sourceBody) read(most int) ([]document, error) {
	type file struct {
		path string
		size int
		open func() (io.ReadCloser, error)
	}
	var files []file
	total := 0
	add := func(path string, size int, open func() (io.ReadCloser, error)) {
		if size > 0 && size < 1<<20 && slices.Contains(s.exts, filepath.Ext(path)) {
			files, total = append(files, file{path, size, open}), total+size
		}
	}
	for _, root := range s.roots {
		if filepath.Ext(root) == ".zip" {
			z, err := zip.OpenReader(root)
			if err != nil {
				continue
			}
			defer z.Close()
			for _, f := range z.File {
				add(f.Name, int(f.UncompressedSize64), f.Open)
			}
			break // one is enough: they hold the same
		}
		filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if info, err := d.Info(); err == nil {
					add(path, int(info.Size()), func() (io.ReadCloser, error) { return os.Open(path) })
				}
			}
			return nil // what cannot be read is left out
		})
	}
	var docs []document
	taken, seen := 0, 0
	for _, f := range files {
		seen += f.size
		if total > most && float64(taken) > float64(seen)/float64(total)*float64(most) {
			continue
		}
		r, err := f.open()
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(r)
		if r.Close(); err != nil {
			return nil, err
		}
		taken += len(raw)
		docs = append(docs, document{Text: string(bytes.ToValidUTF8(raw, []byte("\uFFFD"))), Path: filepath.Base(f.path)})
	}
	return docs, nil
}
