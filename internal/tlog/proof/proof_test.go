// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
)

func public(seed byte) ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
}

// FuzzOpen: whatever a hub sends as checkpoint or proof, the verifier answers and never accepts what it cannot: the
// key's private half was never used.
func FuzzOpen(f *testing.F) {
	witness, err := proof.VerifierKey("witness.example/w1", public(4))
	if err != nil {
		f.Fatal(err)
	}
	l, err := proof.Of("hub.example/log", public(3), witness)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("hub.example/log\n1\nAAAA\n\n— hub.example/log AAAA\n"), uint64(0), []byte("h"))
	f.Add([]byte(""), uint64(1<<63), bytes.Repeat([]byte{1}, 64))
	f.Fuzz(func(t *testing.T, checkpoint []byte, n uint64, hashes []byte) {
		var list [][]byte
		for len(hashes) >= 32 {
			list, hashes = append(list, hashes[:32]), hashes[32:]
		}
		in := proof.Inclusion{Index: n, Salt: make([]byte, proof.SaltSize), Checkpoint: checkpoint, Hashes: list}
		if cp, err := in.Verify(l, proof.KindBundle, ""); err == nil {
			t.Fatalf("accepted %+v", cp)
		}
		old := proof.Checkpoint{Size: n, Root: make([]byte, 32)}
		if cp, err := (proof.Consistency{Checkpoint: checkpoint, Hashes: list}).Verify(l, old); err == nil {
			t.Fatalf("accepted %+v", cp)
		}
	})
}

func TestOriginThatANoteCannotCarryIsRefused(t *testing.T) {
	for _, origin := range []string{"", "two words", "a+b", "line\nbreak"} {
		if v, err := proof.VerifierKey(origin, public(3)); err == nil {
			t.Errorf("origin %q gave %q", origin, v)
		}
	}
}

func TestALogCannotBeItsOwnWitness(t *testing.T) {
	key := func(name string, seed byte) string {
		v, err := proof.VerifierKey(name, public(seed))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for name, witnesses := range map[string][]string{
		"the log's key under another name": {key("witness.example", 3)},
		"one witness under two names":      {key("witness.example", 4), key("other.example", 4)},
		"not a key":                        {"witness.example"},
		"nothing":                          {""},
	} {
		_, err := proof.NewLog(key("hub.example/log", 3), witnesses...)
		if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != "log/witness" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := proof.NewLog(key("hub.example/log", 3), key("witness.example", 4), key("other.example", 5)); err != nil {
		t.Error(err)
	}
}

// TestWhoReadsTheLogAloneCannotTellWhatWasSent: an entry holds nothing of the digest, and guessing the digest does not
// help without the salt.
func TestWhoReadsTheLogAloneCannotTellWhatWasSent(t *testing.T) {
	digest := episode.Digest([]byte("what was sent"))
	one, two := bytes.Repeat([]byte{1}, proof.SaltSize), bytes.Repeat([]byte{2}, proof.SaltSize)
	a, b := proof.Entry(proof.KindBundle, proof.Commit(one, digest)), proof.Entry(proof.KindBundle, proof.Commit(two, digest))
	if bytes.Equal(a, b) || bytes.Contains(a, []byte(digest)) || bytes.Equal(a, proof.Entry(proof.KindBundle, proof.Commit(nil, digest))) {
		t.Error("an entry tells of its digest")
	}
	if !bytes.Equal(a, proof.Entry(proof.KindBundle, proof.Commit(one, digest))) {
		t.Error("the same salt and digest give another entry")
	}
}
