// SPDX-License-Identifier: Apache-2.0

// Package blob keeps bytes under the name of their content in one folder.
//
// A [Store] is the folder: DIR/sha256/HEX holds the bytes whose SHA-256 is HEX (the shape of an OCI layout's blobs/),
// DIR/tmp/ what is being written. [Store.Put] checks the digest while writing, so that a name never points at other
// bytes; [Store.Get] checks it again while reading, so that a bit that has flipped on disk is an error and never data.
// Bytes arrive once under a name and never change, so that readers need no lock.
//
// One process writes to a folder; any number may read it through [View]. Who may see which blob is not known here:
// package registry keeps that.
package blob

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

// Sentinels, for callers that decide.
var (
	ErrNotFound = errors.New("no such blob")
	ErrDigest   = errors.New("content does not match its digest")
	ErrName     = errors.New("not a digest")
)

// Store is a folder of blobs. It is safe for concurrent use.
type Store struct {
	blobs, tmp string
	readOnly   bool
}

// Open makes the folder on first use and removes what an earlier process left half-written. Only one process at a
// time may have a folder open this way.
func Open(dir string) (*Store, error) {
	s := &Store{blobs: filepath.Join(dir, "sha256"), tmp: filepath.Join(dir, "tmp")}
	if err := os.RemoveAll(s.tmp); err != nil {
		return nil, fmt.Errorf("open blobs: clear half-written files: %w", err)
	}
	for _, d := range []string{s.blobs, s.tmp} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("open blobs: %w", err)
		}
	}
	// The two folders themselves must outlive a crash before anything in them can.
	if err := errors.Join(statedir.Sync(dir), statedir.Sync(filepath.Dir(filepath.Clean(dir)))); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return s, nil
}

// View opens a folder that another process may be writing, for reading only.
func View(dir string) (*Store, error) {
	s := &Store{blobs: filepath.Join(dir, "sha256"), readOnly: true}
	if _, err := os.Stat(s.blobs); err != nil {
		return nil, fmt.Errorf("view blobs: %w", err)
	}
	return s, nil
}

// Put stores what r gives under digest and returns once it is durable. Bytes with another digest are refused with
// ErrDigest, and nothing is kept. Putting the same blob again is harmless, and reads r all the same: knowing a digest
// does not prove that one has the bytes.
func (s *Store) Put(ctx context.Context, digest string, r io.Reader) error {
	if _, err := s.path(digest); err != nil {
		return err
	}
	w, err := s.Create()
	if err != nil {
		return err
	}
	defer w.Abort()
	if _, err := io.Copy(w, &contextReader{ctx, r}); err != nil {
		return fmt.Errorf("put blob %s: %w", digest, err)
	}
	return w.Commit(digest)
}

// PutBytes stores b and returns its digest.
func (s *Store) PutBytes(ctx context.Context, b []byte) (digest string, err error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	w, err := s.Create()
	if err != nil {
		return "", err
	}
	defer w.Abort()
	if _, err := w.Write(b); err != nil {
		return "", err
	}
	digest = w.Digest()
	return digest, w.Commit(digest)
}

// Get returns a blob's bytes, checked against the digest: ErrDigest says that the copy on disk is damaged.
func (s *Store) Get(ctx context.Context, digest string) ([]byte, error) {
	path, err := s.path(digest)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, s.missing(digest, err)
	}
	if episode.Digest(b) != digest {
		return nil, fmt.Errorf("get blob %s: %w: the copy on disk is damaged", digest, ErrDigest)
	}
	return b, nil
}

// Open opens a blob for reading from any place in it. What it gives is not checked against the digest: that is for a
// receiver who checks anyway.
func (s *Store) Open(digest string) (*os.File, error) {
	path, err := s.path(digest)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, s.missing(digest, err)
	}
	return f, nil
}

// Size returns the length of a blob in bytes.
func (s *Store) Size(digest string) (int64, error) {
	path, err := s.path(digest)
	if err != nil {
		return 0, err
	}
	fi, err := os.Stat(path)
	if err != nil {
		return 0, s.missing(digest, err)
	}
	return fi.Size(), nil
}

// At returns when a blob was last put.
func (s *Store) At(digest string) (time.Time, error) {
	path, err := s.path(digest)
	if err != nil {
		return time.Time{}, err
	}
	fi, err := os.Stat(path)
	if err != nil {
		return time.Time{}, s.missing(digest, err)
	}
	return fi.ModTime(), nil
}

// Has reports whether the blob is there.
func (s *Store) Has(digest string) (bool, error) {
	_, err := s.Size(digest)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Delete removes a blob, durably; removing one that is not there is harmless.
func (s *Store) Delete(digest string) error {
	path, err := s.path(digest)
	if err != nil {
		return err
	}
	if s.readOnly {
		return errReadOnly
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete blob: %w", err)
	}
	return statedir.Sync(s.blobs)
}

// List yields every digest, in order.
func (s *Store) List() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, err := os.ReadDir(s.blobs)
		if err != nil {
			yield("", fmt.Errorf("list blobs: %w", err))
			return
		}
		for _, e := range entries {
			if d := "sha256:" + e.Name(); Valid(d) && !yield(d, nil) {
				return
			}
		}
	}
}

// Valid reports whether d is "sha256:" and 64 lower-case hex digits: the one form of digest that is taken.
func Valid(d string) bool {
	h, ok := strings.CutPrefix(d, "sha256:")
	if !ok || len(h) != 64 || strings.ToLower(h) != h {
		return false
	}
	_, err := hex.DecodeString(h)
	return err == nil
}

// path is the only place where a name from outside becomes a path.
func (s *Store) path(digest string) (string, error) {
	if !Valid(digest) {
		return "", fmt.Errorf("%w: %.80q (want sha256: and 64 lower-case hex digits)", ErrName, digest)
	}
	return filepath.Join(s.blobs, digest[len("sha256:"):]), nil
}

func (s *Store) missing(digest string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s", ErrNotFound, digest)
	}
	return fmt.Errorf("read blob %s: %w", digest, err)
}
