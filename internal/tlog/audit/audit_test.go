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
	"github.com/headrace/headrace/internal/tlog/tiles"
)

// write makes a real log with n entries more and returns its newest checkpoint.
func write(t testing.TB, dir string, from, n int) proof.Checkpoint {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	l, err := tlog.Open(t.Context(), tlog.Config{Dir: dir, Origin: "hub.example/log", Key: key})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	errs := make(chan error)
	for i := range n {
		go func() {
			_, err := l.Append(t.Context(), "bundle", fmt.Append(nil, "bundle-", from+i))
			errs <- err
		}()
	}
	for range n {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	known, err := proof.NewLog(l.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	signed, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	cp, err := known.Open(signed)
	if err != nil {
		t.Fatal(err)
	}
	return cp
}

func TestALogThatGrewVerifiesAgainstTheCheckpointKeptFromBefore(t *testing.T) {
	dir := t.TempDir()
	first := write(t, dir, 0, 5)
	if err := audit.Verify(t.Context(), tiles.At(dir), proof.Checkpoint{}, first, nil); err != nil {
		t.Fatal(err)
	}
	second := write(t, dir, 5, 300)
	seen := map[string]bool{}
	if err := audit.Verify(t.Context(), tiles.At(dir), first, second, func(_ uint64, b []byte) { seen[string(b)] = true }); err != nil {
		t.Fatal(err)
	}
	if first.Size != 5 || second.Size != 305 || len(seen) != 305 || !seen[string(proof.Entry("bundle", []byte("bundle-304")))] {
		t.Errorf("sizes %d and %d, %d entries seen", first.Size, second.Size, len(seen))
	}
}

func TestAChangedEntryALostEntryAndAnotherHistoryAreFound(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	five := write(t, dir, 0, 5)
	six := write(t, other, 100, 6) // the same key signs another history
	if err := audit.Verify(t.Context(), tiles.At(other), five, six, nil); !errors.Is(err, proof.ErrFork) {
		t.Errorf("another history: %v", err)
	}
	if err := audit.Verify(t.Context(), tiles.At(other), six, five, nil); !errors.Is(err, proof.ErrRollback) {
		t.Errorf("a shorter log: %v", err)
	}
	changed := func(ctx context.Context, path string) ([]byte, error) {
		b, err := tiles.At(dir)(ctx, path)
		return bytes.Replace(b, []byte("bundle-3"), []byte("bundle-9"), 1), err
	}
	if err := audit.Verify(t.Context(), changed, proof.Checkpoint{}, five, nil); !errors.Is(err, proof.ErrProof) {
		t.Errorf("a changed entry: %v", err)
	}
	if err := audit.Verify(t.Context(), tiles.At(dir), proof.Checkpoint{}, six, nil); err == nil {
		t.Error("a checkpoint that says more than there is")
	}
}

// FuzzVerify: whatever files a log serves under a true checkpoint, they are the true entries or an error.
func FuzzVerify(f *testing.F) {
	dir := f.TempDir()
	now := write(f, dir, 0, 3)
	good, err := os.ReadFile(filepath.Join(dir, "tile/entries/000.p/3"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{0, 200, 1})
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, entries []byte) {
		err := audit.Verify(t.Context(), func(ctx context.Context, path string) ([]byte, error) {
			if strings.HasPrefix(path, "tile/entries/") {
				return entries, nil
			}
			return tiles.At(dir)(ctx, path)
		}, proof.Checkpoint{}, now, nil)
		if (err == nil) != bytes.Equal(entries, good) {
			t.Errorf("%x: %v", entries, err)
		}
	})
}
