// SPDX-License-Identifier: Apache-2.0

// Package seal closes what an agent keeps on a developer's machine so that only the edge can open it: not the agent, not
// whoever takes the machine.
//
// It is HPKE in base mode (RFC 9180: DHKEM X25519, HKDF-SHA256, AES-256-GCM). [Derive] makes the edge's key of a secret it
// has already; [Parse] reads the public half, which agents hold; [Public.Seal] closes, [Key.Open] opens. It uses the
// standard library only, because the hook program does.
package seal

import (
	"crypto/ecdh"
	"crypto/hpke"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// info keeps what is sealed here apart from any other use of the key.
const info = "headrace spool 1"

// Overhead is how many bytes a sealed text is longer than the text.
const Overhead = 32 + 16

// ErrSealed says that a sealed text was not sealed to this key, or was changed.
var ErrSealed = errors.New("not sealed to this key, or changed since")

// Key opens.
type Key struct{ k hpke.PrivateKey }

// Public seals. The zero Public cannot.
type Public struct{ k hpke.PublicKey }

func kem() hpke.KEM { return hpke.DHKEM(ecdh.X25519()) }

// Derive makes the key that belongs to a secret of at least 32 bytes.
func Derive(secret []byte) (*Key, error) {
	if len(secret) < 32 {
		return nil, fmt.Errorf("derive a sealing key: the secret has %d bytes, not 32", len(secret))
	}
	k, err := kem().DeriveKeyPair(secret)
	if err != nil {
		return nil, fmt.Errorf("derive a sealing key: %w", err)
	}
	return &Key{k}, nil
}

// Public is the half that may be given away.
func (k *Key) Public() Public { return Public{k.k.PublicKey()} }

// Open opens what was sealed to the key.
func (k *Key) Open(sealed []byte) ([]byte, error) {
	plain, err := hpke.Open(k.k, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), sealed)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// String is the public key in base64, as agents keep it.
func (p Public) String() string { return base64.StdEncoding.EncodeToString(p.k.Bytes()) }

// Parse reads what String wrote; space around it is allowed.
func Parse(s string) (Public, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(s))
	if err != nil {
		return Public{}, fmt.Errorf("read a sealing key: %w", err)
	}
	k, err := kem().NewPublicKey(b)
	if err != nil {
		return Public{}, fmt.Errorf("read a sealing key: %w", err)
	}
	return Public{k}, nil
}

// Seal closes a text; each time gives other bytes.
func (p Public) Seal(plain []byte) ([]byte, error) {
	sealed, err := hpke.Seal(p.k, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte(info), plain)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return sealed, nil
}
