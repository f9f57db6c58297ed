// SPDX-License-Identifier: Apache-2.0

package seen_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/seen"
)

// signer signs whatever checkpoints it is told to, as a hub could.
type signer struct {
	t    *testing.T
	key  note.Signer
	vkey string
}

func newSigner(t *testing.T, seed byte) signer {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	vkey, err := proof.VerifierKey("hub.example", key.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	skey := fmt.Sprintf("PRIVATE+KEY+hub.example+%08x+%s", v.KeyHash(), base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...)))
	s, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	return signer{t, s, vkey}
}

func (s signer) checkpoint(size int, root byte) []byte {
	s.t.Helper()
	b, err := note.Sign(&note.Note{Text: fmt.Sprintf("hub.example\n%d\n%s\n", size, base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{root}, 32)))}, s.key)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s signer) open(dir string) *seen.Log {
	s.t.Helper()
	known, err := proof.NewLog(s.vkey)
	if err != nil {
		s.t.Fatal(err)
	}
	return seen.Open(dir, known)
}

// grows is a proof that one of equal roots is of one log.
func grows(old, now proof.Checkpoint) error {
	if old.Size > 0 && !bytes.Equal(old.Root, now.Root) {
		return proof.Forked(old, now)
	}
	return nil
}

// newest is Newest of a log that shows a checkpoint.
func newest(l *seen.Log) func([]byte, seen.Prove) (proof.Checkpoint, error) {
	return func(signed []byte, prove seen.Prove) (proof.Checkpoint, error) {
		return l.Newest(func() ([]byte, error) { return signed, nil }, prove)
	}
}

// TestAnotherProcessThatSeesMoreMeanwhileIsNoRollback: an edge asks for the newest checkpoint while headrace push gets a
// receipt of the same log.
func TestAnotherProcessThatSeesMoreMeanwhileIsNoRollback(t *testing.T) {
	s, dir := newSigner(t, 1), t.TempDir()
	edge, push := s.open(dir), s.open(dir)
	for size := 1; size < 5; size += 2 {
		_, err := edge.Newest(func() ([]byte, error) {
			_, err := push.Advance(s.checkpoint(size+1, 1), grows)
			return s.checkpoint(size, 1), err
		}, grows)
		if err != nil {
			t.Error(err)
		}
	}
	if cp, err := edge.Last(); err != nil || cp.Size != 4 {
		t.Errorf("the last is of %d entries, %v; want 4", cp.Size, err)
	}
	if a, err := edge.Alarms(); err != nil || len(a) > 0 {
		t.Errorf("%v, %v", a, err)
	}
}

func TestTheLastCheckpointNeverGoesBackAndOutlivesAForkAndARestart(t *testing.T) {
	s, dir := newSigner(t, 1), filepath.Join(t.TempDir(), "log", "k")
	l := s.open(dir)
	if cp, err := l.Last(); err != nil || cp.Size != 0 || cp.Signed != nil {
		t.Fatalf("before anything: %+v, %v", cp, err)
	}
	unread := errors.New("no connection")
	for _, c := range []struct {
		what   string
		signed []byte
		take   func([]byte, seen.Prove) (proof.Checkpoint, error)
		prove  seen.Prove
		want   error
		last   uint64
		alarms int
	}{
		{"the first", s.checkpoint(3, 1), newest(l), grows, nil, 3, 0},
		{"a newer one", s.checkpoint(5, 1), newest(l), grows, nil, 5, 0},
		{"an older one that it holds", s.checkpoint(4, 1), l.Advance, grows, nil, 5, 0},
		{"a newer one that cannot be proven now", s.checkpoint(7, 1), newest(l), func(_, _ proof.Checkpoint) error { return unread }, unread, 5, 0},
		{"an older one as the newest", s.checkpoint(4, 1), newest(l), grows, proof.ErrRollback, 5, 1},
		{"a fork", s.checkpoint(9, 2), newest(l), grows, proof.ErrFork, 5, 2},
		{"the fork again", s.checkpoint(9, 2), l.Advance, grows, proof.ErrFork, 5, 2},
		{"an older fork", s.checkpoint(2, 2), l.Advance, grows, proof.ErrFork, 5, 3},
		{"another key", newSigner(t, 2).checkpoint(9, 1), newest(l), grows, proof.ErrCheckpoint, 5, 3},
		{"no checkpoint", []byte("<html>"), newest(l), grows, proof.ErrCheckpoint, 5, 3},
		{"something huge", bytes.Repeat([]byte("x"), 1<<20), newest(l), grows, proof.ErrCheckpoint, 5, 3},
		{"what it was", s.checkpoint(8, 1), newest(l), grows, nil, 8, 3},
	} {
		if _, err := c.take(c.signed, c.prove); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
		l = s.open(dir) // as after a restart
		if cp, err := l.Last(); err != nil || cp.Size != c.last {
			t.Errorf("%s: the last is of %d entries, %v; want %d", c.what, cp.Size, err, c.last)
		}
		if a, err := l.Alarms(); err != nil || len(a) != c.alarms {
			t.Errorf("%s: %d alarms, %v; want %d", c.what, len(a), err, c.alarms)
		}
	}
}

func TestALogCannotFillTheDiskWithEvidence(t *testing.T) {
	s, dir := newSigner(t, 1), t.TempDir()
	l := s.open(dir)
	if _, err := newest(l)(s.checkpoint(3, 1), grows); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := newest(l)(s.checkpoint(9, byte(i+2)), grows); !errors.Is(err, proof.ErrFork) {
			t.Fatal(err)
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) > 40 {
		t.Errorf("%d files, %v", len(list), err)
	}
}

// TestACheckpointThatWasNotProvenMustBeHeldByWhatComesLater: what a hub signed and does not explain is not forgotten.
func TestACheckpointThatWasNotProvenMustBeHeldByWhatComesLater(t *testing.T) {
	withheld := errors.New("not found")
	for _, c := range []struct {
		what string
		then []byte
		want error
		last uint64
	}{
		{"the log of before, which is smaller", newSigner(t, 1).checkpoint(4, 1), proof.ErrRollback, 3},
		{"another log of the same size", newSigner(t, 1).checkpoint(9, 1), proof.ErrFork, 3},
		{"one that goes on from the other log", newSigner(t, 1).checkpoint(12, 2), proof.ErrFork, 3},
	} {
		s := newSigner(t, 1)
		l := s.open(t.TempDir())
		if _, err := newest(l)(s.checkpoint(3, 1), grows); err != nil {
			t.Fatal(err)
		}
		if _, err := newest(l)(s.checkpoint(9, 2), func(_, _ proof.Checkpoint) error { return withheld }); !errors.Is(err, withheld) {
			t.Fatal(err)
		}
		if a, err := l.Alarms(); err != nil || len(a) != 0 {
			t.Errorf("%s: not proven is no alarm yet: %v, %v", c.what, a, err)
		}
		if _, err := newest(l)(c.then, grows); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, err, c.want)
		}
		if a, err := l.Alarms(); err != nil || len(a) != 1 {
			t.Errorf("%s: %d alarms, %v", c.what, len(a), err)
		}
		if cp, err := l.Last(); err != nil || cp.Size != c.last {
			t.Errorf("%s: the last is of %d entries, %v", c.what, cp.Size, err)
		}
	}
}

// TestNoHandleSetsTheLastCheckpointBack: one is still proving while another process takes up a newer one.
func TestNoHandleSetsTheLastCheckpointBack(t *testing.T) {
	s, dir := newSigner(t, 1), t.TempDir()
	slow, fast := s.open(dir), s.open(dir)
	asked := 0
	_, err := slow.Advance(s.checkpoint(5, 1), func(old, now proof.Checkpoint) error {
		if asked++; asked == 1 {
			if _, err := fast.Advance(s.checkpoint(8, 1), grows); err != nil {
				return err
			}
		}
		return grows(old, now)
	})
	if err != nil || asked != 2 {
		t.Errorf("%v; proven %d times, want again against what was taken up meanwhile", err, asked)
	}
	if cp, err := slow.Last(); err != nil || cp.Size != 8 {
		t.Errorf("the last is of %d entries, %v; want 8", cp.Size, err)
	}
}

// TestALogCannotPadItsCheckpoint: it would be carried in every bundle, and be too much to keep as evidence.
func TestALogCannotPadItsCheckpoint(t *testing.T) {
	s := newSigner(t, 1)
	l := s.open(t.TempDir())
	if _, err := newest(l)(s.checkpoint(3, 1), grows); err != nil {
		t.Fatal(err)
	}
	root := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
	for _, pad := range []string{"x\n", strings.Repeat("y", 900<<10) + "\n"} {
		padded, err := note.Sign(&note.Note{Text: "hub.example\n5\n" + root + "\n" + pad}, s.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newest(l)(padded, grows); !errors.Is(err, proof.ErrCheckpoint) {
			t.Errorf("with %d bytes more: %v", len(pad), err)
		}
	}
	full := append(s.checkpoint(5, 1), strings.Repeat("— witness.example/w AAAAAAAAAAAA\n", 4000)...)
	if _, err := newest(l)(full, grows); !errors.Is(err, proof.ErrCheckpoint) {
		t.Errorf("with signatures of anybody: %v", err)
	}
	if cp, err := l.Last(); err != nil || cp.Size != 3 {
		t.Errorf("the last is of %d entries, %v", cp.Size, err)
	}
}

func TestADamagedFileIsSaidToBe(t *testing.T) {
	s, dir := newSigner(t, 1), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "checkpoint"), []byte("half a chec"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newest(s.open(dir))(s.checkpoint(3, 1), grows); !errors.Is(err, proof.ErrCheckpoint) {
		t.Errorf("got %v", err)
	}
	if a, err := s.open(dir).Alarms(); err != nil || len(a) != 0 {
		t.Errorf("our own file is no evidence: %v, %v", a, err)
	}
}
