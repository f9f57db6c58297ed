// SPDX-License-Identifier: Apache-2.0

package tlog_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/tlog/proof"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func open(t testing.TB, dir string) *tlog.Log {
	t.Helper()
	l, err := tlog.Open(t.Context(), tlog.Config{Dir: dir, Origin: "hub.example/log", Key: key(1)})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func salt() []byte { return bytes.Repeat([]byte{5}, proof.SaltSize) }

// known is the log of a verifier key.
func known(t testing.TB, vkey string) *proof.Log {
	t.Helper()
	l, err := proof.NewLog(vkey)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// inclusion is the proof as a contributor gets it.
func inclusion(t testing.TB, l *tlog.Log, index uint64) proof.Inclusion {
	t.Helper()
	p, err := l.Inclusion(t.Context(), index)
	if err != nil {
		t.Fatal(err)
	}
	p.Salt = salt()
	return p
}

func checkpoint(t testing.TB, l *tlog.Log) []byte {
	t.Helper()
	b, err := l.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func add(t testing.TB, l *tlog.Log, kind, what string) uint64 {
	t.Helper()
	i, err := l.Append(t.Context(), kind, proof.Commit(salt(), what))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestAppendedEntryIsProvenByTheVerifierAlone(t *testing.T) {
	l := open(t, t.TempDir())
	defer l.Close()
	var g errgroup.Group
	at := make([]uint64, 40)
	for i := range at {
		g.Go(func() (err error) {
			at[i], err = l.Append(t.Context(), "receipt", proof.Commit(salt(), fmt.Sprintf("bundle %d", i)))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, index := range at {
		cp, err := inclusion(t, l, index).Verify(known(t, l.VerifierKey()), "receipt", fmt.Sprintf("bundle %d", i))
		if err != nil || cp.Size < 40 {
			t.Fatalf("entry %d: size %d, %v", i, cp.Size, err)
		}
	}
}

func TestTamperedProofIsRefused(t *testing.T) {
	l := open(t, t.TempDir())
	defer l.Close()
	for i := range 5 {
		add(t, l, "receipt", fmt.Sprint(i))
	}
	good := inclusion(t, l, 3)
	if _, err := good.Verify(known(t, l.VerifierKey()), "receipt", "3"); err != nil {
		t.Fatal(err)
	}
	other, err := proof.VerifierKey("hub.example/log", key(2).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	renamed, err := proof.VerifierKey("else.example/log", key(1).Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(p *proof.Inclusion)) proof.Inclusion {
		p := good
		p.Checkpoint, p.Salt = bytes.Clone(good.Checkpoint), bytes.Clone(good.Salt)
		p.Hashes = nil
		for _, h := range good.Hashes {
			p.Hashes = append(p.Hashes, bytes.Clone(h))
		}
		f(&p)
		return p
	}
	same := func(*proof.Inclusion) {}
	for name, c := range map[string]struct {
		p          proof.Inclusion
		vkey       string
		kind, what string
		want       error
	}{
		"another commitment": {change(same), l.VerifierKey(), "receipt", "4", proof.ErrProof},
		"another kind":       {change(same), l.VerifierKey(), "release", "3", proof.ErrProof},
		"kind moved over":    {change(same), l.VerifierKey(), "receip", "t3", proof.ErrProof},
		"another index":      {change(func(p *proof.Inclusion) { p.Index = 2 }), l.VerifierKey(), "receipt", "3", proof.ErrProof},
		"index beyond":       {change(func(p *proof.Inclusion) { p.Index = 5 }), l.VerifierKey(), "receipt", "3", proof.ErrProof},
		"a flipped bit":      {change(func(p *proof.Inclusion) { p.Hashes[0][7] ^= 1 }), l.VerifierKey(), "receipt", "3", proof.ErrProof},
		"a hash too few":     {change(func(p *proof.Inclusion) { p.Hashes = p.Hashes[1:] }), l.VerifierKey(), "receipt", "3", proof.ErrProof},
		"another root":       {change(func(p *proof.Inclusion) { p.Checkpoint[len("hub.example/log\n5\n")] ^= 1 }), l.VerifierKey(), "receipt", "3", proof.ErrCheckpoint},
		"another salt":       {change(func(p *proof.Inclusion) { p.Salt = bytes.Repeat([]byte{6}, proof.SaltSize) }), l.VerifierKey(), "receipt", "3", proof.ErrProof},
		"salt moved over":    {change(func(p *proof.Inclusion) { p.Salt = append(p.Salt, '3') }), l.VerifierKey(), "receipt", "", proof.ErrProof},
		"no salt":            {change(func(p *proof.Inclusion) { p.Salt = nil }), l.VerifierKey(), "receipt", "3", proof.ErrProof},
		"another key":        {change(same), other, "receipt", "3", proof.ErrCheckpoint},
		"another origin":     {change(same), renamed, "receipt", "3", proof.ErrCheckpoint},
	} {
		if _, err := c.p.Verify(known(t, c.vkey), c.kind, c.what); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestLaterCheckpointIsConsistentAndAForkIsNot(t *testing.T) {
	l := open(t, t.TempDir())
	defer l.Close()
	fork := open(t, t.TempDir())
	defer fork.Close()
	now := known(t, l.VerifierKey())
	seen := []proof.Checkpoint{{}}
	for i := range 4 {
		add(t, l, "receipt", fmt.Sprint(i))
		cp, err := now.Open(checkpoint(t, l))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, cp)
		add(t, fork, "receipt", fmt.Sprint(-i))
	}
	for _, old := range seen[1:] {
		p, err := l.Consistency(t.Context(), old.Signed, checkpoint(t, l))
		if err != nil {
			t.Fatal(err)
		}
		if cp, err := p.Verify(now, old); err != nil || cp.Size != 4 {
			t.Errorf("from %d: size %d, %v", old.Size, cp.Size, err)
		}
		if cp, err := p.Verify(now, proof.Checkpoint{}); old.Size == 4 && (err != nil || cp.Size != 4) {
			t.Errorf("from nothing: size %d, %v", cp.Size, err)
		}
		if old.Size < 2 { // the first entry, "0", is the same in both
			continue
		}
		// The fork cannot prove that it continues what the log signed, and says so itself.
		if _, err := fork.Consistency(t.Context(), old.Signed, checkpoint(t, fork)); !proof.Broken(err) {
			t.Errorf("fork from %d: got %v", old.Size, err)
		}
		p.Checkpoint = checkpoint(t, fork)
		if _, err := p.Verify(now, old); !proof.Broken(err) {
			t.Errorf("fork from %d: got %v", old.Size, err)
		}
	}
	if _, err := l.Consistency(t.Context(), checkpoint(t, l), seen[1].Signed); !errors.Is(err, proof.ErrProof) {
		t.Errorf("from more than it has: %v", err)
	}
}

func TestReopenedLogGoesOnAndFindsWhatItHad(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for i := range 300 { // more than one entry bundle
		if i < 299 {
			go l.Append(t.Context(), "receipt", fmt.Appendf(nil, "%d", i))
		}
	}
	for size := uint64(0); size < 299; size, _ = l.Size() {
		time.Sleep(time.Millisecond)
	}
	last := add(t, l, "receipt", "last")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	defer l.Close()
	if i, ok, err := l.Find(t.Context(), 10, "receipt", proof.Commit(salt(), "last")); err != nil || !ok || i != last {
		t.Errorf("find: %d, %v, %v; want %d", i, ok, err, last)
	}
	if _, ok, err := l.Find(t.Context(), 0, "release", proof.Commit(salt(), "last")); err != nil || ok {
		t.Errorf("found an entry of another kind: %v, %v", ok, err)
	}
	if next := add(t, l, "receipt", "next"); next != last+1 {
		t.Errorf("next index %d, want %d", next, last+1)
	}
}

func TestLogOfAnotherKeyIsNotContinued(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, "receipt", "a")
	l.Close()
	if _, err := tlog.Open(t.Context(), tlog.Config{Dir: dir, Origin: "hub.example/log", Key: key(2)}); !errors.Is(err, proof.ErrCheckpoint) {
		t.Errorf("got %v, want %v", err, proof.ErrCheckpoint)
	}
}

func TestOnlyTheLogsFilesAreServed(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer l.Close()
	add(t, l, "receipt", "a")
	if _, err := os.Stat(filepath.Join(dir, ".state", "treeState")); err != nil {
		t.Fatal(err) // the test below would prove nothing
	}
	for path, want := range map[string]int{
		"/checkpoint": 200, "/tile/0/000.p/1": 200, "/tile/entries/000.p/1": 200, "/tile/0/000": 404, "/tile": 404, "/": 404,
		"/.state/treeState": 404, "/tile/../.state/treeState": 404, "/checkpoint/": 404,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("GET %s: %d, want %d", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequest("PUT", "/checkpoint", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", w.Code)
	}
}

func BenchmarkAppendAlone(b *testing.B) {
	l := open(b, b.TempDir())
	defer l.Close()
	for b.Loop() {
		add(b, l, "receipt", "x")
	}
}
