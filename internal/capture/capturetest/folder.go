// SPDX-License-Identifier: Apache-2.0

package capturetest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// FuzzFolder reads two files of any content that are one history by s, as Fuzz does one: they are named so, from one folder
// on, and s is given the first.
func FuzzFolder(f *testing.F, s capture.Source, names [2]string, seeds ...[2]string) {
	for _, seed := range seeds {
		f.Add([]byte(seed[0]), []byte(seed[1]))
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		dir := t.TempDir()
		for i, b := range [][]byte{one, two} {
			path := filepath.Join(dir, filepath.FromSlash(names[i]))
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, filepath.FromSlash(names[0]))
		s.Detect(one, path)
		var all []*episode.Episode
		// An error is an answer too.
		_, _ = capture.Read(context.Background(), []capture.Source{s}, s.Name(), path, func(e *episode.Episode) error { all = append(all, e); return nil })
		Check(t, s, all)
	})
}

// Seed is a file's content, to begin fuzzing with.
func Seed(f *testing.F, path string) string {
	f.Helper()
	return string(File(f, path))
}
