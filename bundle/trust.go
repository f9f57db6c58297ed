// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// KeyID names a public key: the SHA-256 of its 32 bytes in hex.
type KeyID string

// KeyIDOf returns the key's name.
func KeyIDOf(pub ed25519.PublicKey) KeyID {
	s := sha256.Sum256(pub)
	return KeyID(hex.EncodeToString(s[:]))
}

// Short returns the first twelve digits, for people.
func (k KeyID) Short() string { return string(k[:min(12, len(k))]) }

// TrustedKey is a key and the name of who holds it. A bundle must name that contributor; a key without a name (a
// machine's own) may sign for any.
type TrustedKey struct {
	Name string            `json:"name"`
	Key  ed25519.PublicKey `json:"key"`
}

// Trust is the set of keys whose signature counts. The zero Trust trusts nobody.
type Trust struct{ keys map[KeyID]TrustedKey }

// NewTrust returns the set of these keys; one that is not 32 bytes is left out.
func NewTrust(keys ...TrustedKey) Trust { return Trust{}.With(keys...) }

// With returns a set that has these keys too; a key that is there already takes the new name.
func (t Trust) With(keys ...TrustedKey) Trust {
	m := make(map[KeyID]TrustedKey, len(t.keys)+len(keys))
	maps.Copy(m, t.keys)
	for _, k := range keys {
		if len(k.Key) == ed25519.PublicKeySize {
			m[KeyIDOf(k.Key)] = k
		}
	}
	return Trust{m}
}

// Lookup returns the trusted key of that name.
func (t Trust) Lookup(id KeyID) (TrustedKey, bool) {
	k, ok := t.keys[id]
	return k, ok
}

// Keys returns the trusted keys by name, then by key.
func (t Trust) Keys() []TrustedKey {
	return slices.SortedFunc(maps.Values(t.keys), func(a, b TrustedKey) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return slices.Compare(a.Key, b.Key)
	})
}

// Encode returns the trust file: a JSON list of {"name", "key"}, the key in base64.
func (t Trust) Encode() []byte {
	b, err := json.Marshal(t.Keys(), jsontext.WithIndent("  "))
	if err != nil {
		panic(err) // names and bytes always encode
	}
	return append(b, '\n')
}

// DecodeTrust reads a trust file as Encode writes it; unknown keys, a key of the wrong length and a key twice are errors.
func DecodeTrust(b []byte) (Trust, error) {
	var keys []TrustedKey
	if err := json.Unmarshal(b, &keys, json.RejectUnknownMembers(true)); err != nil {
		return Trust{}, badTrust("trust file", err)
	}
	for i, k := range keys {
		if len(k.Key) != ed25519.PublicKeySize {
			return Trust{}, badTrust("trust file", fmt.Errorf("key %d (%q) has %d bytes, an ed25519 key has 32", i+1, k.Name, len(k.Key)))
		}
	}
	t := NewTrust(keys...)
	if len(t.keys) != len(keys) {
		return Trust{}, badTrust("trust file", fmt.Errorf("the same key is listed twice"))
	}
	return t, nil
}

// ReadTrust reads the trust file at path.
func ReadTrust(path string) (Trust, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return Trust{}, badTrust("read trust file", err)
	}
	t, err := DecodeTrust(b)
	if err != nil {
		return Trust{}, badTrust(path, err)
	}
	return t, nil
}

func badTrust(what string, err error) error {
	if p, ok := err.(*episode.Problem); ok {
		err = p.Err
	}
	return &episode.Problem{Code: CodeTrust, Message: what, Err: err,
		Hint: `a trust file is a JSON list such as [{"name": "alder-bank", "key": "<32 bytes in base64>"}]`}
}
