// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

// A sealed file is sealMagic and chunks of AES-256-GCM, so that reading can begin anywhere. Each file has a key of its own that
// seals nothing else, so a chunk's number is all the nonce that it needs. Whether chunks are missing at the end the digest tells.
const (
	sealMagic = "hrsealed"
	chunkSize = 64 << 10
	tagSize   = 16
	keySize   = 32
)

// isSealed says whether a file begins as sealed ones do.
func isSealed(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, len(sealMagic))
	_, err = io.ReadFull(f, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return string(head) == sealMagic, err
}

// sealer seals chunks under a blob's key.
type sealer struct{ aead cipher.AEAD }

func newSealer(key []byte) (sealer, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCM(block)
	return sealer{aead}, err
}

func (s sealer) nonce(chunk int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 4, 12), uint64(chunk))
}

// plainSize is how many bytes a sealed file of this size holds.
func plainSize(file int64) int64 {
	body := file - int64(len(sealMagic))
	whole, rest := body/(chunkSize+tagSize), body%(chunkSize+tagSize)
	return whole*chunkSize + max(0, rest-tagSize)
}

// Reader reads a blob from any place in it. Chunks that were changed are an error; that none is missing, the digest tells.
type Reader struct {
	f     *os.File
	s     *sealer // nil: a file of before blobs were sealed
	size  int64
	at    int64
	chunk int64  // that is in plain; -1 for none
	plain []byte // of that chunk
}

// openFile opens a blob's file; a sealed one whose key is gone is not there.
func openFile(path, key string) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{f: f, chunk: -1}
	if err := r.open(key); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

func (r *Reader) open(key string) error {
	fi, err := r.f.Stat()
	if err != nil {
		return err
	}
	head := make([]byte, len(sealMagic))
	if _, err := r.f.ReadAt(head, 0); err != nil && err != io.EOF {
		return err
	}
	if r.size = fi.Size(); string(head) != sealMagic {
		return nil
	}
	k, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	s, err := newSealer(k)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	r.s, r.size = &s, plainSize(r.size)
	return nil
}

// Size is the blob's length.
func (r *Reader) Size() int64 { return r.size }

// Read reads on.
func (r *Reader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if r.s == nil {
		n, err := r.f.ReadAt(p[:min(int64(len(p)), r.size-r.at)], r.at)
		r.at += int64(n)
		return n, err
	}
	if c := r.at / chunkSize; c != r.chunk {
		n := int(min(chunkSize, r.size-c*chunkSize)) + tagSize
		sealed := slices.Grow(r.plain[:0], n)[:n]
		r.chunk = -1 // what was there goes
		if _, err := r.f.ReadAt(sealed, int64(len(sealMagic))+c*(chunkSize+tagSize)); err != nil {
			return 0, err
		}
		plain, err := r.s.aead.Open(sealed[:0], r.s.nonce(c), sealed, nil)
		if err != nil {
			return 0, fmt.Errorf("%w: the copy on disk is damaged", ErrDigest)
		}
		r.chunk, r.plain = c, plain
	}
	n := copy(p, r.plain[r.at%chunkSize:])
	r.at += int64(n)
	return n, nil
}

// Seek goes to a place.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, fs.ErrInvalid
	}
	r.at = offset
	return offset, nil
}

// Close closes the file.
func (r *Reader) Close() error { return r.f.Close() }
