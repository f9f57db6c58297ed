// SPDX-License-Identifier: Apache-2.0

// Package blob keeps bytes under the name of their content in one folder.
//
// A [Store] is the folder: DIR/sha256/HEX holds the bytes whose SHA-256 is HEX (the shape of an OCI layout's blobs/),
// DIR/tmp/ what is being written. [Store.Put] checks the digest while writing, so that a name never points at other
// bytes; [Store.Get] checks it again while reading, so that a bit that has flipped on disk is an error and never data.
// Bytes arrive once under a name and never change, so that readers need no lock.
//
// Each blob rests sealed under a random key of its own, a file of another folder. [Store.Delete] destroys the key first: what copies
// there may be of the blob's file are then of no use to anybody. Names stay the digests of what was put. Files of before
// blobs were sealed are read as they are.
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
	"sync"
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
	blobs, tmp, keys string
	readOnly         bool
	putting          [64]sync.Mutex // by the digest's first byte: one at a time decides which key a blob has
}

// Open makes the folder, and that of the keys, on first use and removes what an earlier process left half-written. Only one
// process at a time may have a folder open this way.
func Open(dir, keys string) (*Store, error) {
	s := &Store{blobs: filepath.Join(dir, "sha256"), tmp: filepath.Join(dir, "tmp"), keys: keys}
	if err := os.RemoveAll(s.tmp); err != nil {
		return nil, fmt.Errorf("open blobs: clear half-written files: %w", err)
	}
	for _, d := range []string{s.blobs, s.tmp, s.keys} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("open blobs: %w", err)
		}
	}
	// The folders themselves must outlive a crash before anything in them can.
	above := func(d string) error { return statedir.Sync(filepath.Dir(filepath.Clean(d))) }
	if err := errors.Join(statedir.Sync(dir), above(dir), above(keys), above(filepath.Dir(filepath.Clean(keys))), s.clearKeys(), s.keyed()); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return s, nil
}

// keyed refuses a folder of sealed blobs of which not one key is there: the keys were not put back, or not mounted, and whatever
// came in now would lie beside what can be read again once they are.
func (s *Store) keyed() error {
	if keys, err := os.ReadDir(s.keys); err != nil || len(keys) > 0 {
		return err
	}
	files, err := os.ReadDir(s.blobs)
	found := 0
	for _, f := range files {
		sealed, errHead := isSealed(filepath.Join(s.blobs, f.Name()))
		if sealed {
			found++
		}
		if err = errors.Join(err, errHead); found > 1 { // one may be left of a deletion that a crash cut off
			return &episode.Problem{Code: "blobs/no-keys", Message: "there are sealed blobs in " + s.blobs + " and no keys in " + s.keys,
				Hint: "put the folder of keys back, or mount it; if all of them were destroyed on purpose, remove the blobs, too"}
		}
	}
	return err
}

// clearKeys removes keys that were half-written.
func (s *Store) clearKeys() error {
	entries, err := os.ReadDir(s.keys)
	for _, e := range entries {
		if !Valid("sha256:" + e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(s.keys, e.Name())))
		}
	}
	return err
}

// View opens a folder that another process may be writing, for reading only.
func View(dir, keys string) (*Store, error) {
	s := &Store{blobs: filepath.Join(dir, "sha256"), keys: keys, readOnly: true}
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
	r, err := openFile(path, s.key(digest))
	if err != nil {
		return nil, s.missing(digest, err)
	}
	defer r.Close()
	b := make([]byte, r.Size())
	if _, err := io.ReadFull(r, b); err != nil && !errors.Is(err, ErrDigest) {
		return nil, fmt.Errorf("get blob %s: %w", digest, err)
	}
	if episode.Digest(b) != digest {
		return nil, fmt.Errorf("get blob %s: %w: the copy on disk is damaged", digest, ErrDigest)
	}
	return b, nil
}

// Open opens a blob for reading from any place in it. What it gives is not checked against the digest: that is for a
// receiver who checks anyway.
func (s *Store) Open(digest string) (*Reader, error) {
	path, err := s.path(digest)
	if err != nil {
		return nil, err
	}
	r, err := openFile(path, s.key(digest))
	if err != nil {
		return nil, s.missing(digest, err)
	}
	return r, nil
}

// Size returns the length of a blob in bytes.
func (s *Store) Size(digest string) (int64, error) {
	r, err := s.Open(digest)
	if err != nil {
		return 0, err
	}
	return r.Size(), r.Close()
}

// Sealed reports whether a blob rests under a key that Delete destroys.
func (s *Store) Sealed(digest string) (bool, error) {
	r, err := s.Open(digest)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return r.s != nil, r.Close()
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

// Delete destroys a blob's key and removes the blob, durably; deleting one that is not there is harmless.
func (s *Store) Delete(digest string) error {
	path, err := s.path(digest)
	if err != nil {
		return err
	}
	if s.readOnly {
		return errReadOnly
	}
	defer s.lock(digest)()
	// The key first: a crash between the two leaves a file that nobody can read, and that the next Delete removes.
	for _, f := range []string{s.key(digest), path} {
		if err := os.Remove(f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("delete blob: %w", err)
		}
		if err := statedir.Sync(filepath.Dir(f)); err != nil {
			return err
		}
	}
	return nil
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

// key is the file of a blob's key; the digest is valid.
func (s *Store) key(digest string) string {
	return filepath.Join(s.keys, digest[len("sha256:"):])
}

// lock waits for whoever puts or deletes the same blob, and returns how to leave.
func (s *Store) lock(digest string) func() {
	b, _ := hex.DecodeString(digest[len("sha256:") : len("sha256:")+2])
	m := &s.putting[int(b[0])%len(s.putting)]
	m.Lock()
	return m.Unlock
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
