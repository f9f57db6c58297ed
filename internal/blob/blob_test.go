// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
)

func open(t testing.TB) (*blob.Store, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	s, err := blob.Open(dir, dir+".keys")
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func file(dir, digest string) string {
	return filepath.Join(dir, "sha256", strings.TrimPrefix(digest, "sha256:"))
}

func TestWhatIsPutComesBackAfterReopening(t *testing.T) {
	s, dir := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(rt, "bytes")
		d := episode.Digest(b)
		if err := s.Put(t.Context(), d, bytes.NewReader(b)); err != nil {
			rt.Fatal(err)
		}
		if same, err := s.PutBytes(t.Context(), b); err != nil || same != d {
			rt.Fatalf("again: %s, %v", same, err)
		}
		v, err := blob.View(dir, dir+".keys")
		if err != nil {
			rt.Fatal(err)
		}
		got, err := v.Get(t.Context(), d)
		if err != nil || !bytes.Equal(got, b) {
			rt.Fatalf("got %d bytes of %d, %v", len(got), len(b), err)
		}
		if n, err := v.Size(d); err != nil || n != int64(len(b)) {
			rt.Fatalf("size %d, %v", n, err)
		}
	})
}

func TestBytesOfAnotherDigestAreRefusedAndLeaveNothing(t *testing.T) {
	s, dir := open(t)
	d := episode.Digest([]byte("right"))
	if err := s.Put(t.Context(), d, strings.NewReader("wrong")); !errors.Is(err, blob.ErrDigest) {
		t.Errorf("got %v", err)
	}
	if err := s.Put(t.Context(), d, io.MultiReader(strings.NewReader("right"), errReader{})); err == nil {
		t.Error("a read that broke off was taken")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, d, strings.NewReader("right")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if ok, err := s.Has(d); err != nil || ok {
		t.Errorf("has: %v, %v", ok, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestKnowingADigestDoesNotProveTheBytes(t *testing.T) {
	s, _ := open(t)
	d, err := s.PutBytes(t.Context(), []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), d, strings.NewReader("")); !errors.Is(err, blob.ErrDigest) {
		t.Errorf("got %v, want ErrDigest", err)
	}
}

func TestFlippedBitIsAnErrorAndPuttingAgainHeals(t *testing.T) {
	s, dir := open(t)
	b := bytes.Repeat([]byte("x"), 1000)
	d, err := s.PutBytes(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 500, 999} {
		bad := bytes.Clone(b)
		bad[at] ^= 1
		if err := os.WriteFile(file(dir, d), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), d); !errors.Is(err, blob.ErrDigest) {
			t.Errorf("bit at %d: got %v", at, err)
		}
	}
	if _, err := s.PutBytes(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), d); err != nil {
		t.Error(err)
	}
}

func TestOpenClearsWhatWasHalfWrittenAndKeepsTheRest(t *testing.T) {
	s, dir := open(t)
	d, err := s.PutBytes(t.Context(), []byte("whole"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("hal")); err != nil {
		t.Fatal(err)
	}
	// The process dies here: neither Commit nor Abort. A view by another process leaves the file alone.
	if _, err := blob.View(dir, dir+".keys"); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 1 {
		t.Fatalf("%d half-written files, want 1", len(left))
	}
	s, err = blob.Open(dir, dir+".keys")
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if got, err := s.Get(t.Context(), d); err != nil || string(got) != "whole" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNamesThatAreNoDigestsNeverBecomePaths(t *testing.T) {
	s, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	hex64 := strings.Repeat("a", 64)
	for _, d := range []string{"", "sha256:", "sha256:../secret", "sha512:" + hex64, hex64, "sha256:" + hex64 + "a", "sha256:" + strings.Repeat("A", 64),
		"sha256:" + strings.Repeat("../", 21) + "a", "sha256:" + hex64[:63] + "g", " sha256:" + hex64, "sha256:" + hex64 + "\n"} {
		_, get := s.Get(t.Context(), d)
		_, open := s.Open(d)
		_, size := s.Size(d)
		for _, err := range []error{get, open, size, s.Delete(d), s.Put(t.Context(), d, strings.NewReader("x"))} {
			if !errors.Is(err, blob.ErrName) {
				t.Errorf("%q: %v", d, err)
			}
		}
	}
}

func TestDeletedBlobIsGoneAndListIsInOrder(t *testing.T) {
	s, dir := open(t)
	var want []string
	for _, c := range []string{"a", "b", "c"} {
		d, err := s.PutBytes(t.Context(), []byte(c))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, d)
	}
	for range 2 { // the second time it is gone already
		if err := s.Delete(want[1]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), want[1]); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	want = slices.Delete(want, 1, 2)
	slices.Sort(want)
	var got []string
	for d, err := range s.List() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	v, err := blob.View(dir, dir+".keys")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.PutBytes(t.Context(), []byte("d")); err == nil {
		t.Error("a view was written to")
	}
	if err := v.Delete(got[0]); err == nil {
		t.Error("a view was deleted from")
	}
}

func TestManyMayPutTheSameBlobAtOnce(t *testing.T) {
	s, _ := open(t)
	b := bytes.Repeat([]byte("same"), 10000)
	d := episode.Digest(b)
	var g errgroup.Group
	for range 16 {
		g.Go(func() error {
			if err := s.Put(t.Context(), d, bytes.NewReader(b)); err != nil {
				return err
			}
			_, err := s.Get(t.Context(), d)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
