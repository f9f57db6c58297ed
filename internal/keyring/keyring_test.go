// SPDX-License-Identifier: Apache-2.0

package keyring_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/keyring"
)

func open(t *testing.T, dir string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestKeysAreMadeOnceAndForTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "keys")
	first := open(t, dir)
	again := open(t, dir)
	if !first.Created || again.Created {
		t.Errorf("created %v, then %v; want true, then false", first.Created, again.Created)
	}
	if !first.Public().Equal(again.Public()) || !bytes.Equal(first.Derive("x"), again.Derive("x")) {
		t.Error("the keys changed between two openings")
	}
	token, err := first.Token()
	if err != nil {
		t.Fatal(err)
	}
	if other, err := again.Token(); err != nil || other != token || len(token) < 20 {
		t.Errorf("tokens %q and %q, %v", token, other, err)
	}
	for name, want := range map[string]os.FileMode{".": 0o700, "root.key": 0o600, "signing.key": 0o600, "token": 0o600} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if err != nil || fi.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, fi.Mode().Perm(), err, want)
		}
	}
}

func TestNoTwoPurposesShareAKey(t *testing.T) {
	r := open(t, t.TempDir())
	seen := map[string][]string{}
	for _, purpose := range [][]string{{"a"}, {"a", ""}, {"", "a"}, {"a", "b"}, {"ab"}, {"a", "b", ""}, {"1:a;"}, {"a;1:b"}, {}} {
		key := string(r.Derive(purpose...))
		if other, ok := seen[key]; ok || len(key) != 32 {
			t.Errorf("%q and %q have the same key", purpose, other)
		}
		seen[key] = purpose
	}
}

func TestBrokenKeyIsToldAndNeverReplaced(t *testing.T) {
	for _, name := range []string{"root.key", "signing.key"} {
		for _, content := range []string{"", "AAAA\n", "not a key"} {
			dir := t.TempDir()
			open(t, dir)
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := keyring.Open(dir)
			if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "keys/broken" || p.Hint == "" {
				t.Errorf("%s holding %q: %v, want keys/broken with a hint", name, content, err)
			}
			if b, err := os.ReadFile(path); err != nil || string(b) != content {
				t.Errorf("%s was changed to %q, %v", name, b, err)
			}
		}
	}
}

func TestManyWhoOpenAtOnceGetTheSameKeys(t *testing.T) {
	dir := t.TempDir()
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			r, err := keyring.Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seen[string(r.Public())+string(r.Derive("x"))] = true
		})
	}
	wg.Wait()
	if len(seen) != 1 {
		t.Errorf("%d different sets of keys", len(seen))
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("%d files, %v; want the two keys", len(left), err)
	}
}
