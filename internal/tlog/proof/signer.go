// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"crypto"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	f_note "github.com/transparency-dev/formats/note"
)

// Signer signs checkpoints with an ed25519 key that may be in a device, as package note asks for it.
type Signer struct {
	name, vkey string
	hash       uint32
	sign       func(text []byte) ([]byte, error)
}

// NewSigner is a log's own signer.
func NewSigner(origin string, key crypto.Signer) (*Signer, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("log key: not an ed25519 key")
	}
	vkey, err := VerifierKey(origin, public)
	if err != nil {
		return nil, err
	}
	return newSigner(vkey, func(text []byte) ([]byte, error) { return key.Sign(nil, text, crypto.Hash(0)) })
}

// NewCosigner is a witness's: it signs the text with the time (C2SP tlog-cosignature, cosignature/v1).
func NewCosigner(name string, key crypto.Signer) (*Signer, error) {
	plain, err := NewSigner(name, key)
	if err != nil {
		return nil, err
	}
	vkey, err := f_note.VKeyToCosignatureV1(plain.vkey)
	if err != nil {
		return nil, fmt.Errorf("witness key: %w", err)
	}
	return newSigner(vkey, func(text []byte) ([]byte, error) {
		now := time.Now().Unix()
		signature, err := plain.sign(fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", now, text))
		return append(binary.BigEndian.AppendUint64(nil, uint64(now)), signature...), err
	})
}

func newSigner(vkey string, sign func([]byte) ([]byte, error)) (*Signer, error) {
	part := strings.SplitN(vkey, "+", 3)
	hash, err := strconv.ParseUint(part[1], 16, 32)
	if err != nil {
		return nil, fmt.Errorf("log key: %w", err)
	}
	return &Signer{name: part[0], vkey: vkey, hash: uint32(hash), sign: sign}, nil
}

// VerifierKey is what others verify with.
func (s *Signer) VerifierKey() string { return s.vkey }

// Name is the signer's in its verifier key.
func (s *Signer) Name() string { return s.name }

// KeyHash tells keys of one name apart.
func (s *Signer) KeyHash() uint32 { return s.hash }

// Sign signs the text of a note.
func (s *Signer) Sign(text []byte) ([]byte, error) { return s.sign(text) }
