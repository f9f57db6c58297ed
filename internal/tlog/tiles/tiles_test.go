// SPDX-License-Identifier: Apache-2.0

package tiles_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/tiles"
)

// grown is a real log that grew to each of the sizes, and its checkpoint at each.
func grown(t testing.TB, dir string, seed byte, sizes ...int) (*tlog.Log, []proof.Checkpoint) {
	t.Helper()
	l, err := tlog.Open(t.Context(), tlog.Config{Dir: dir, Origin: "hub.example/log", Key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	known, err := proof.NewLog(l.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	var list []proof.Checkpoint
	n := 0
	for _, size := range sizes {
		var g errgroup.Group
		for ; n < size; n++ {
			entry := fmt.Append(nil, seed, n)
			g.Go(func() error {
				_, err := l.Append(t.Context(), "bundle", entry)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		signed, err := l.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		cp, err := known.Open(signed)
		if err != nil || cp.Size != uint64(size) {
			t.Fatalf("%d entries, %v", cp.Size, err)
		}
		list = append(list, cp)
	}
	return l, list
}

func TestTheTilesProveThatALogOnlyGrew(t *testing.T) {
	dir := t.TempDir()
	l, cps := grown(t, dir, 1, 1, 3, 256, 300, 700)
	srv := httptest.NewServer(prefixed{l})
	defer srv.Close()
	known, err := proof.NewLog(l.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{dir, srv.URL} {
		for i, now := range cps {
			for _, old := range append(cps[:i+1:i+1], proof.Checkpoint{}) {
				if err := tiles.Holds(t.Context(), tiles.At(place), old, now); err != nil {
					t.Errorf("%s: %d in %d: %v", place, old.Size, now.Size, err)
				}
				p, err := tiles.Consistency(t.Context(), tiles.At(place), old.Size, now)
				if err != nil {
					t.Errorf("%s: %d in %d: %v", place, old.Size, now.Size, err)
				}
				if cp, err := p.Verify(known, old); err != nil || cp.Size != now.Size {
					t.Errorf("%s: proof of %d in %d: %v", place, old.Size, now.Size, err)
				}
			}
			if i > 0 {
				if err := tiles.Holds(t.Context(), tiles.At(place), now, cps[i-1]); !errors.Is(err, proof.ErrProof) {
					t.Errorf("%d in %d: %v", now.Size, cps[i-1].Size, err)
				}
			}
		}
	}
}

func TestAForkIsToldFromFilesThatShowNothing(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	_, cps := grown(t, dir, 1, 3, 300)
	_, forks := grown(t, other, 2, 3, 300)
	fetch := tiles.At(dir)
	changed := func(change func(b []byte) []byte) tiles.Fetch {
		return func(ctx context.Context, path string) ([]byte, error) {
			b, err := fetch(ctx, path)
			return change(b), err
		}
	}
	for what, c := range map[string]struct {
		fetch    tiles.Fetch
		old, now proof.Checkpoint
		want     error
	}{
		"another history, of one size": {fetch, forks[0], cps[0], proof.ErrFork},
		"another history":              {fetch, forks[0], cps[1], proof.ErrFork},
		"tiles of another history":     {tiles.At(other), cps[0], cps[1], proof.ErrProof},
		"cut tiles":                    {changed(func(b []byte) []byte { return b[:len(b)/2] }), cps[0], cps[1], proof.ErrProof},
		"longer tiles":                 {changed(func(b []byte) []byte { return append(b, b...) }), cps[0], cps[1], proof.ErrProof},
		"no tiles":                     {changed(func([]byte) []byte { return nil }), cps[0], cps[1], proof.ErrProof},
		"more than a log has":          {fetch, cps[0], proof.Checkpoint{Size: 1 << 62, Root: cps[1].Root}, proof.ErrProof},
	} {
		if err := tiles.Holds(t.Context(), c.fetch, c.old, c.now); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", what, err, c.want)
		}
	}
	empty := t.TempDir()
	if err := tiles.Holds(t.Context(), tiles.At(empty), cps[0], cps[1]); err == nil || proof.Broken(err) {
		t.Errorf("a log that cannot be read: %v", err)
	}
}

// TestAPartialTileThatHasFilledUpIsReadFromTheFullOne: a log takes partial files away once the full one is there.
func TestAPartialTileThatHasFilledUpIsReadFromTheFullOne(t *testing.T) {
	dir := t.TempDir()
	_, cps := grown(t, dir, 1, 2, 5, 256)
	if err := os.RemoveAll(filepath.Join(dir, "tile/0/000.p")); err != nil {
		t.Fatal(err)
	}
	if err := tiles.Holds(t.Context(), tiles.At(dir), cps[0], cps[1]); err != nil {
		t.Error(err)
	}
}

// FuzzHolds: whatever tiles a log serves, they prove the truth or nothing.
func FuzzHolds(f *testing.F) {
	dir := f.TempDir()
	_, cps := grown(f, dir, 1, 3, 9)
	good, err := os.ReadFile(filepath.Join(dir, "tile/0/000.p/9"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:64])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, tile []byte) {
		fetch := func(context.Context, string) ([]byte, error) { return tile, nil }
		if err := tiles.Holds(t.Context(), fetch, cps[0], cps[1]); (err == nil) != bytes.Equal(tile, good) {
			t.Errorf("%x: %v", tile, err)
		}
		forged := proof.Checkpoint{Size: 3, Root: make([]byte, 32)}
		if err := tiles.Holds(t.Context(), fetch, forged, cps[1]); err == nil {
			t.Errorf("%x proves a fork to be the log", tile)
		}
	})
}

// prefixed serves a log below /log/, as a hub does.
type prefixed struct{ http.Handler }

func (p prefixed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.URL.Path = strings.TrimPrefix(r.URL.Path, "/log")
	p.Handler.ServeHTTP(w, r)
}
