// SPDX-License-Identifier: Apache-2.0

// Package keyring keeps the keys of one place (an agent, an edge or a hub) in one folder and derives the others from
// them.
//
// [Open] makes the folder and the keys on first use. The signing key (ed25519) signs bundles, receipts and releases;
// every symmetric key is derived from one 32-byte root with HKDF-SHA256 (RFC 5869) by purpose, so that there is one
// thing to back up and nothing to keep in step. The signing key may be elsewhere ([Signing]): in a device that a program speaks
// to, or in Vault. Nothing here knows what is signed or sealed.
package keyring

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
)

// Ring is the keys of one place. It is safe for concurrent use.
type Ring struct {
	root    []byte
	signing crypto.Signer // of an ed25519 key
	// Created says that Open made the keys: the caller tells the person.
	Created bool
	// Dir is the folder that holds them.
	Dir string
}

// Open reads the keys in dir, making folder (0700) and files (0600) on first use.
func Open(dir string) (*Ring, error) { return OpenWith(dir, Signing{}) }

// OpenWith is Open where the signing key is elsewhere.
func OpenWith(dir string, signing Signing) (*Ring, error) {
	r := &Ring{Dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make key folder: %w", err)
	}
	root, err := r.file("root.key", func() ([]byte, error) {
		b := make([]byte, 32)
		rand.Read(b)
		return []byte(base64.StdEncoding.EncodeToString(b) + "\n"), nil
	})
	if err != nil {
		return nil, err
	}
	r.root, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(root)))
	if err != nil || len(r.root) != 32 {
		return nil, broken(filepath.Join(dir, "root.key"), "32 bytes in base64")
	}
	if r.signing, err = r.signer(signing); err != nil {
		return nil, err
	}
	return r, nil
}

// file reads one key file, or makes it: written whole to a temporary name, synced, then renamed, so that a crash never
// leaves half a key.
func (r *Ring) file(name string, make func() ([]byte, error)) ([]byte, error) {
	path := filepath.Join(r.Dir, name)
	b, err := os.ReadFile(path)
	if err == nil {
		return b, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read key: %w", err)
	}
	if b, err = make(); err != nil {
		return nil, fmt.Errorf("make key %s: %w", name, err)
	}
	f, err := os.CreateTemp(r.Dir, name+".*") // 0600
	if err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("write key %s: %w", path, err)
	}
	// Link fails where the file exists by now: whoever came first wins, and both use the same key.
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return os.ReadFile(path)
	} else if err != nil {
		return nil, fmt.Errorf("write key %s: %w", path, err)
	}
	r.Created = true
	return b, nil
}

func broken(path, want string) error {
	return &episode.Problem{Code: "keys/broken", Message: fmt.Sprintf("%s does not hold %s", path, want),
		Hint: "put the file back from a backup; without it, what was sealed cannot be opened and pseudonyms change"}
}

// Token returns the secret that local tools send as "Authorization: Bearer", made on first use and kept in the file
// "token" beside the keys.
func (r *Ring) Token() (string, error) {
	b, err := r.file("token", func() ([]byte, error) { return []byte(rand.Text() + "\n"), nil })
	return strings.TrimSpace(string(b)), err
}

// Signing returns the ed25519 key that signs what leaves this place. Where it is elsewhere, signing may fail, with [ErrUnsigned].
func (r *Ring) Signing() crypto.Signer { return r.signing }

// Public returns the key that others verify with.
func (r *Ring) Public() ed25519.PublicKey { return r.signing.Public().(ed25519.PublicKey) }

// Derive returns the 32-byte key for a purpose, such as Derive("id", recipient) or Derive("pseudonym", recipient,
// epoch). Parts are length-prefixed, so that no two purposes share a key.
func (r *Ring) Derive(purpose ...string) []byte {
	var info strings.Builder
	for _, p := range purpose {
		fmt.Fprintf(&info, "%d:%s;", len(p), p)
	}
	key, err := hkdf.Key(sha256.New, r.root, nil, info.String(), 32)
	if err != nil {
		panic(err) // 32 bytes is within HKDF-SHA256's limit
	}
	return key
}
