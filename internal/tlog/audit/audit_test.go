// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/tlog/audit"
	"github.com/headrace/headrace/internal/tlog/proof"
)

var seed = bytes.Repeat([]byte{7}, ed25519.SeedSize)

// write makes a real log with n entries more and returns its public key.
func write(t testing.TB, dir string, from, n int) ed25519.PublicKey {
	t.Helper()
	key := ed25519.NewKeyFromSeed(seed)
	l, err := tlog.Open(t.Context(), tlog.Config{Dir: dir, Origin: "hub.example/log", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	errs := make(chan error)
	for i := range n {
		go func() {
			_, err := l.Append(t.Context(), "receipt", fmt.Append(nil, "bundle-", from+i))
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	return key.Public().(ed25519.PublicKey)
}

func folder(dir string) audit.Fetch {
	return func(_ context.Context, path string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, path)) }
}

func TestALogThatGrewVerifiesAgainstTheCheckpointKeptFromBefore(t *testing.T) {
	dir := t.TempDir()
	key := write(t, dir, 0, 5)
	first, err := audit.Verify(t.Context(), folder(dir), key, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, 5, 300)
	seen := map[string]bool{}
	second, err := audit.Verify(t.Context(), folder(dir), key, first.Signed, func(_ uint64, b []byte) { seen[string(b)] = true })
	if err != nil {
		t.Fatal(err)
	}
	if first.Size != 5 || second.Size != 305 || len(seen) != 305 || !seen[string(proof.Entry("receipt", []byte("bundle-304")))] {
		t.Errorf("sizes %d and %d, %d entries seen", first.Size, second.Size, len(seen))
	}
}

func TestAChangedEntryALostEntryAndAnotherKeyAreFound(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	key := write(t, dir, 0, 5)
	longer, err := audit.Verify(t.Context(), folder(dir), key, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	write(t, other, 100, 6) // the same key signs another history
	if _, err := audit.Verify(t.Context(), folder(other), key, longer.Signed, nil); !errors.Is(err, proof.ErrProof) {
		t.Errorf("another history: %v", err)
	}
	short := t.TempDir()
	write(t, short, 0, 2)
	if _, err := audit.Verify(t.Context(), folder(short), key, longer.Signed, nil); !errors.Is(err, proof.ErrProof) {
		t.Errorf("a shorter log: %v", err)
	}
	changed := func(ctx context.Context, path string) ([]byte, error) {
		b, err := folder(dir)(ctx, path)
		return bytes.Replace(b, []byte("bundle-3"), []byte("bundle-9"), 1), err
	}
	if _, err := audit.Verify(t.Context(), changed, key, nil, nil); !errors.Is(err, proof.ErrProof) {
		t.Errorf("a changed entry: %v", err)
	}
	stranger := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	if _, err := audit.Verify(t.Context(), folder(dir), stranger, nil, nil); !errors.Is(err, proof.ErrCheckpoint) {
		t.Errorf("another key: %v", err)
	}
}

// FuzzVerify: whatever files a log serves under a true checkpoint, they are the true entries or an error.
func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	key := write(f, dir, 0, 3)
	good, err := os.ReadFile(filepath.Join(dir, "tile/entries/000.p/3"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{0, 200, 1})
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, entries []byte) {
		_, err := audit.Verify(t.Context(), func(ctx context.Context, path string) ([]byte, error) {
			if strings.HasPrefix(path, "tile/entries/") {
				return entries, nil
			}
			return folder(dir)(ctx, path)
		}, key, nil, nil)
		if (err == nil) != bytes.Equal(entries, good) {
			t.Errorf("%x: %v", entries, err)
		}
	})
}
