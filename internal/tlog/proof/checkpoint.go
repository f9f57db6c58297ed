// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/headrace/headrace/episode"
)

// Checkpoint is the state of a log that its key signed.
type Checkpoint struct {
	Size uint64
	Root []byte
	// Witnesses are the names of the witnesses that cosigned it, of those whose word counts here. Empty: not witnessed.
	Witnesses []string
	// Signed is the signed note, with the signatures that count and no others.
	Signed []byte
}

// Log is how to know a log: its key, and the witnesses whose word counts.
type Log struct {
	key       note.Verifier
	witnesses []note.Verifier
}

// NewLog returns the log of a verifier key. Each witness is a verifier key too; one that has the log's own key is refused,
// because a log cannot vouch for itself.
func NewLog(vkey string, witnesses ...string) (*Log, error) {
	key, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("log key %.100q: %w", vkey, err)
	}
	l := &Log{key: key}
	seen := map[string]bool{string(PublicKey(vkey)): true}
	for _, w := range witnesses {
		v, err := f_note.NewVerifierForCosignatureV1(w)
		if err != nil {
			return nil, &episode.Problem{Code: "log/witness", Message: fmt.Sprintf("%.100q is not the key of a witness", w), Err: err,
				Hint: "copy it as headrace witness prints it: a name, a plus, eight digits, a plus, a key in base64"}
		}
		if public := string(PublicKey(w)); seen[public] {
			return nil, &episode.Problem{Code: "log/witness", Message: fmt.Sprintf("%s has the log's own key, or that of another witness", v.Name()),
				Hint: "a witness is run by somebody else, and counts once"}
		} else {
			seen[public] = true
		}
		l.witnesses = append(l.witnesses, v)
	}
	return l, nil
}

// Of is the log that a hub's public key signs under a name.
func Of(origin string, key ed25519.PublicKey, witnesses ...string) (*Log, error) {
	vkey, err := VerifierKey(origin, key)
	if err != nil {
		return nil, err
	}
	return NewLog(vkey, witnesses...)
}

// PublicKey is the ed25519 key within a verifier key, whatever it signs; nil where there is none.
func PublicKey(vkey string) ed25519.PublicKey {
	part := strings.SplitN(vkey, "+", 3) // name, hash, and the key in base64, which may have a plus itself
	b, err := base64.StdEncoding.DecodeString(part[len(part)-1])
	if err != nil || len(part) != 3 || len(b) != 1+ed25519.PublicKeySize {
		return nil
	}
	return b[1:] // after the algorithm
}

// VerifierKey returns the public name of a log's key ("origin+hash+base64"), by which anyone verifies its checkpoints.
func VerifierKey(origin string, key ed25519.PublicKey) (string, error) {
	vkey, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return "", fmt.Errorf("log key: %w", err)
	}
	if _, err := note.NewVerifier(vkey); err != nil {
		return "", fmt.Errorf("log key of %q: %w", origin, err)
	}
	return vkey, nil
}

// Origin is the name that the log's checkpoints begin with.
func (l *Log) Origin() string { return l.key.Name() }

// HasWitnesses reports whether any witness's word counts.
func (l *Log) HasWitnesses() bool { return len(l.witnesses) > 0 }

// maxCheckpoint bounds a signed checkpoint: three lines, the log's signature, and those of many witnesses.
const maxCheckpoint = 64 << 10

// Open checks a checkpoint's signature and origin and returns what it says. One with more than origin, size and root is
// refused: it travels in every bundle and is kept as evidence, so a log may not write more there. A cosignature of an unknown witness counts
// for nothing, one of a known witness must hold.
func (l *Log) Open(checkpoint []byte) (Checkpoint, error) {
	if len(checkpoint) > maxCheckpoint {
		return Checkpoint{}, because(ErrCheckpoint, fmt.Errorf("%d bytes", len(checkpoint)))
	}
	cp, more, n, err := log.ParseCheckpoint(checkpoint, l.key.Name(), l.key, l.witnesses...)
	if err != nil {
		return Checkpoint{}, because(ErrCheckpoint, err)
	}
	if len(more) > 0 {
		return Checkpoint{}, because(ErrCheckpoint, fmt.Errorf("it goes on after the root: %.40q", more))
	}
	if len(cp.Hash) != rfc6962.DefaultHasher.Size() {
		return Checkpoint{}, because(ErrCheckpoint, fmt.Errorf("root of %d bytes", len(cp.Hash)))
	}
	if cp.Size == 0 && !bytes.Equal(cp.Hash, rfc6962.DefaultHasher.EmptyRoot()) {
		return Checkpoint{}, because(ErrCheckpoint, errors.New("no entries, and not the root of nothing"))
	}
	c := Checkpoint{Size: cp.Size, Root: cp.Hash, Signed: []byte(n.Text + "\n")}
	for _, s := range n.Sigs {
		c.Signed = fmt.Appendf(c.Signed, "— %s %s\n", s.Name, s.Base64)
		if s.Name != l.key.Name() || s.Hash != l.key.KeyHash() {
			c.Witnesses = append(c.Witnesses, s.Name)
		}
	}
	return c, nil
}

// OriginOf is the name that a checkpoint says it is of, whoever signed it.
func OriginOf(checkpoint []byte) string {
	origin, _, _ := strings.Cut(string(checkpoint), "\n")
	return origin
}
