// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/headrace/headrace/internal/blob"
)

// traces says in which files below dir one of the needles stands, looking into what is compressed too.
func traces(t testing.TB, dir string, needles []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b := plainly(t, path)
		if bytes.HasPrefix(b, []byte{0x28, 0xB5, 0x2F, 0xFD}) {
			b = append(b, unpack(t, b)...)
		}
		for _, n := range needles {
			if bytes.Contains(b, []byte(n)) {
				found[path] = n
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// plainly is what a file holds, a hub's blob as whoever has its key reads it; nothing where the key is destroyed.
func plainly(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b, []byte("hrsealed")) {
		return b
	}
	dir := filepath.Dir(filepath.Dir(path))
	blobs, err := blob.View(dir, filepath.Join(filepath.Dir(dir), "keys", "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err = blobs.Get(context.Background(), "sha256:"+filepath.Base(path)); err != nil && !errors.Is(err, blob.ErrNotFound) {
		t.Fatal(err)
	}
	return b
}
