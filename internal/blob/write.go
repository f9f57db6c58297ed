// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"time"

	"github.com/headrace/headrace/internal/statedir"
)

var errReadOnly = errors.New("this view of the blobs is for reading only")

// Writer is a blob on its way in: write the bytes, then Commit under their digest. It belongs to one goroutine.
type Writer struct {
	s   *Store
	f   *os.File // nil once committed or aborted
	sum hash.Hash
	n   int64

	key    []byte
	sealer sealer
	chunk  int64  // number of the one that waits to be whole
	plain  []byte // of it
}

// Create starts a blob whose digest is known only at the end. The caller ends it with Commit or Abort.
func (s *Store) Create() (*Writer, error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	f, err := os.CreateTemp(s.tmp, "blob-") // 0600
	if err != nil {
		return nil, fmt.Errorf("create blob: %w", err)
	}
	w := &Writer{s: s, f: f, sum: sha256.New(), key: make([]byte, keySize)}
	rand.Read(w.key)
	if w.sealer, err = newSealer(w.key); err == nil {
		_, err = f.WriteString(sealMagic)
	}
	if err != nil {
		w.Abort()
		return nil, fmt.Errorf("create blob: %w", err)
	}
	return w, nil
}

// Write appends p.
func (w *Writer) Write(p []byte) (int, error) {
	if w.f == nil {
		return 0, os.ErrClosed
	}
	w.sum.Write(p)
	w.n += int64(len(p))
	for rest := p; len(rest) > 0; {
		n := min(chunkSize-len(w.plain), len(rest))
		w.plain, rest = append(w.plain, rest[:n]...), rest[n:]
		if len(w.plain) == chunkSize {
			if err := w.flush(); err != nil {
				return len(p) - len(rest), err
			}
		}
	}
	return len(p), nil
}

// flush seals what waits as a chunk.
func (w *Writer) flush() error {
	if len(w.plain) == 0 {
		return nil
	}
	_, err := w.f.Write(w.sealer.aead.Seal(nil, w.sealer.nonce(w.chunk), w.plain, nil))
	w.chunk, w.plain = w.chunk+1, w.plain[:0]
	return err
}

// Size returns how many bytes were written so far.
func (w *Writer) Size() int64 { return w.n }

// Digest returns the digest of what was written so far.
func (w *Writer) Digest() string { return "sha256:" + hex.EncodeToString(w.sum.Sum(nil)) }

// Commit makes the blob visible under digest and returns once it is durable. Where the bytes have another digest it
// returns ErrDigest and keeps nothing.
//
// It relies on this order: fsync(file), close, the key in the same way, rename over the final name, fsync(folder). The rename is
// atomic, so a reader sees the whole blob or none; without the first fsync a crash could leave the name with missing bytes,
// without the last it could lose the name. A blob that is there and whole keeps its key: another would make it unreadable until
// the rename. After an error the state on disk is unknown: the caller must not acknowledge anything.
func (w *Writer) Commit(digest string) error {
	defer w.Abort()
	path, err := w.s.path(digest)
	if err != nil {
		return err
	}
	if w.f == nil {
		return os.ErrClosed
	}
	if got := w.Digest(); got != digest {
		return fmt.Errorf("put blob %s: %w: got %s", digest, ErrDigest, got)
	}
	if err := errors.Join(w.flush(), w.f.Sync(), w.f.Close()); err != nil {
		return fmt.Errorf("put blob %s: %w", digest, err)
	}
	defer w.s.lock(digest)()
	if _, err := w.s.Get(context.Background(), digest); err == nil {
		now := time.Now()
		return os.Chtimes(path, now, now) // when it was last put
	} else if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrDigest) {
		return fmt.Errorf("put blob %s: see what is there: %w", digest, err) // its key must not go while it may be good
	}
	if err := statedir.Write(w.s.key(digest), w.key); err != nil {
		return fmt.Errorf("put blob %s: %w", digest, err)
	}
	if err := os.Rename(w.f.Name(), path); err != nil {
		return fmt.Errorf("put blob %s: %w", digest, err)
	}
	w.f = nil
	return statedir.Sync(w.s.blobs)
}

// Abort drops what was written; after Commit it does nothing.
func (w *Writer) Abort() {
	if w.f != nil {
		w.f.Close()
		os.Remove(w.f.Name())
		w.f = nil
	}
}

// contextReader stops a long copy when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
