// SPDX-License-Identifier: Apache-2.0

package proof_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/headrace/headrace/internal/tlog/proof"
)

// FuzzOpen: whatever a hub sends as checkpoint or proof, the verifier answers and never accepts what it cannot: the
// key's private half was never used.
func FuzzOpen(f *testing.F) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize))
	vkey, err := proof.VerifierKey("hub.example/log", key.Public().(ed25519.PublicKey))
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
		if cp, err := (proof.Inclusion{Index: n, Checkpoint: checkpoint, Hashes: list}).Verify(vkey, "receipt", nil); err == nil {
			t.Fatalf("accepted %+v", cp)
		}
		old := proof.Checkpoint{Size: n, Root: make([]byte, 32)}
		if cp, err := (proof.Consistency{Checkpoint: checkpoint, Hashes: list}).Verify(vkey, old); err == nil {
			t.Fatalf("accepted %+v", cp)
		}
	})
}

func TestOriginThatANoteCannotCarryIsRefused(t *testing.T) {
	pub := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{3}, ed25519.SeedSize)).Public().(ed25519.PublicKey)
	for _, origin := range []string{"", "two words", "a+b", "line\nbreak"} {
		if v, err := proof.VerifierKey(origin, pub); err == nil {
			t.Errorf("origin %q gave %q", origin, v)
		}
	}
}
