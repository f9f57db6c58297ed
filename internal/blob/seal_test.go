// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
)

// seals is a blob of several chunks, and its store.
func seals(t *testing.T) (s *blob.Store, dir, digest string, b []byte) {
	t.Helper()
	s, dir = open(t)
	b = bytes.Repeat([]byte("what a contributor wrote; "), 10_000)
	digest, err := s.PutBytes(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir, digest, b
}

func TestACopyOfABlobIsOfNoUseOnceItsKeyIsDestroyed(t *testing.T) {
	s, dir, d, b := seals(t)
	kept, err := os.ReadFile(file(dir, d)) // a backup of the folder
	if err != nil || bytes.Contains(kept, b[:26]) {
		t.Fatalf("the blob rests as it is, %v", err)
	}
	if sealed, err := s.Sealed(d); err != nil || !sealed {
		t.Errorf("sealed: %v, %v", sealed, err)
	}
	if err := s.Delete(d); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir + ".keys"); err != nil || len(left) > 0 {
		t.Errorf("keys left: %v, %v", left, err)
	}
	if err := os.WriteFile(file(dir, d), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err = blob.Open(dir, dir+".keys"); err != nil {
		t.Fatal(err)
	}
	_, get := s.Get(t.Context(), d)
	_, opened := s.Open(d)
	if has, err := s.Has(d); has || err != nil || !errors.Is(get, blob.ErrNotFound) || !errors.Is(opened, blob.ErrNotFound) {
		t.Errorf("a blob without its key: %v, %v, has %v, %v", get, opened, has, err)
	}
	// Put anew it has a new key, with which the old copy cannot be read.
	if _, err := s.PutBytes(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), d); err != nil || !bytes.Equal(got, b) {
		t.Errorf("put anew: %d bytes, %v", len(got), err)
	}
	if err := os.WriteFile(file(dir, d), kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), d); !errors.Is(err, blob.ErrDigest) {
		t.Errorf("the old copy under the new key: %v", err)
	}
}

func TestABlobIsReadFromAnyPlace(t *testing.T) {
	s, _ := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 70), rapid.IntRange(65_500, 65_600), rapid.IntRange(131_000, 131_200)).Draw(rt, "size")
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(i * 7 >> 3)
		}
		d, err := s.PutBytes(t.Context(), b)
		if err != nil {
			rt.Fatal(err)
		}
		r, err := s.Open(d)
		if err != nil {
			rt.Fatal(err)
		}
		defer r.Close()
		if end, err := r.Seek(0, io.SeekEnd); err != nil || end != int64(size) || r.Size() != end {
			rt.Fatalf("ends at %d of %d, %v", end, size, err)
		}
		for range 4 {
			at := rapid.IntRange(0, size).Draw(rt, "at")
			n := rapid.IntRange(0, size-at).Draw(rt, "n")
			if _, err := r.Seek(int64(at), io.SeekStart); err != nil {
				rt.Fatal(err)
			}
			got := make([]byte, n)
			if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, b[at:at+n]) {
				rt.Fatalf("%d bytes at %d: %v", n, at, err)
			}
		}
	})
}

func TestASealedFileThatWasChangedIsAnErrorAndPuttingAgainHeals(t *testing.T) {
	s, dir, d, b := seals(t)
	whole, err := os.ReadFile(file(dir, d))
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string][]byte{"cut": whole[:len(whole)-1], "cut to a chunk": whole[:8+64<<10+16], "empty": nil, "longer": append(bytes.Clone(whole), 0)}
	for _, at := range []int{0, 8, 9, 70_000, len(whole) - 1} {
		bad := bytes.Clone(whole)
		bad[at] ^= 1
		changed[fmt.Sprint("bit at ", at)] = bad
	}
	swapped := bytes.Clone(whole)
	copy(swapped[8:], whole[8+64<<10+16:8+2*(64<<10+16)])
	copy(swapped[8+64<<10+16:], whole[8:8+64<<10+16])
	changed["two chunks swapped"] = swapped
	for what, bad := range changed {
		if err := os.WriteFile(file(dir, d), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), d); !errors.Is(err, blob.ErrDigest) {
			t.Errorf("%s: got %v", what, err)
		}
		if _, err := s.PutBytes(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), d); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: not healed, %v", what, err)
		}
	}
}

// A crash leaves a key without its blob, a blob without its key, or half a key.
func TestWhatACrashLeavesOfKeysIsHarmless(t *testing.T) {
	_, dir, d, b := seals(t)
	other := episode.Digest([]byte("other"))
	for name, content := range map[string]string{strings.TrimPrefix(other, "sha256:"): "a key whose blob never came to be", strings.TrimPrefix(d, "sha256:") + ".123": "half"} {
		if err := os.WriteFile(filepath.Join(dir+".keys", name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := blob.Open(dir, dir+".keys")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), d); err != nil || !bytes.Equal(got, b) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if has, err := s.Has(other); has || err != nil {
		t.Errorf("has %v, %v", has, err)
	}
	if _, err := s.PutBytes(t.Context(), []byte("other")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), other); err != nil || string(got) != "other" {
		t.Errorf("%q, %v", got, err)
	}
	if keys, err := os.ReadDir(dir + ".keys"); err != nil || len(keys) != 2 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	// Destroyed, and not deleted yet.
	if err := os.Remove(filepath.Join(dir+".keys", strings.TrimPrefix(d, "sha256:"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(d); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file(dir, d)); err == nil {
		t.Error("the file is still there")
	}
}

func TestFilesOfBeforeBlobsWereSealedAreRead(t *testing.T) {
	s, dir := open(t)
	d := episode.Digest([]byte("plain"))
	if err := os.WriteFile(file(dir, d), []byte("plain"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), d); err != nil || string(got) != "plain" {
		t.Errorf("%q, %v", got, err)
	}
	if sealed, err := s.Sealed(d); err != nil || sealed {
		t.Errorf("sealed: %v, %v", sealed, err)
	}
	if n, err := s.Size(d); err != nil || n != 5 {
		t.Errorf("size %d, %v", n, err)
	}
}

func BenchmarkPut(b *testing.B) {
	s, _ := open(b)
	body := bytes.Repeat([]byte("0123456789abcdef"), 16<<10)
	b.SetBytes(int64(len(body)))
	for i := 0; b.Loop(); i++ {
		copy(body, fmt.Sprintf("%016d", i))
		if _, err := s.PutBytes(b.Context(), body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s, _ := open(b)
	body := bytes.Repeat([]byte("0123456789abcdef"), 16<<10)
	d, err := s.PutBytes(b.Context(), body)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := s.Get(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAFolderWhoseKeysAreNotThereIsNotOpened: a restore without them, or a volume that was not mounted.
func TestAFolderWhoseKeysAreNotThereIsNotOpened(t *testing.T) {
	s, dir, d, b := seals(t)
	if _, err := s.PutBytes(t.Context(), []byte("another")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir+".keys", dir+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.Open(dir, dir+".keys"); !errors.Is(err, &episode.Problem{Code: "blobs/no-keys"}) {
		t.Fatalf("without its keys: %v", err)
	}
	if err := errors.Join(os.Remove(dir+".keys"), os.Rename(dir+".away", dir+".keys")); err != nil {
		t.Fatal(err)
	}
	s, err := blob.Open(dir, dir+".keys")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Get(t.Context(), d); err != nil || !bytes.Equal(got, b) {
		t.Errorf("with its keys back: %v", err)
	}
}
