// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/headrace/headrace/internal/sqlstore"
)

// errExpired says that the key of what was sealed is gone, and with it the raw text.
var errExpired = errors.New("raw expired")

// errDamaged says that the sealed bytes were changed: their key opened, they did not.
var errDamaged = errors.New("sealed bytes are damaged")

// vault seals raw text before it reaches SQL. There is one AES-256-GCM key for each developer and day, itself sealed by a
// key derived from the ring and kept in a row: deleting the row erases all that it sealed. The inbox, which is part of
// the vault, uses the key of the day that belongs to no developer.
type vault struct {
	db     *sqlstore.DB
	master cipher.AEAD

	mu   sync.Mutex
	keys map[vaultKey]cipher.AEAD // opened keys; at most a few thousand a day
}

type vaultKey struct {
	developer string
	day       int64
}

func newVault(db *sqlstore.DB, master []byte) (*vault, error) {
	a, err := aead(master)
	return &vault{db: db, master: a, keys: map[vaultKey]cipher.AEAD{}}, err
}

func aead(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(b)
}

func day(t time.Time) int64 { return t.Unix() / 86400 }

// open returns the keys of developers on a day, making those that are missing.
func (v *vault) open(ctx context.Context, day int64, developers ...string) (map[string]cipher.AEAD, error) {
	return v.get(ctx, day, developers, true)
}

// inbox returns the key of the day that belongs to no developer.
func (v *vault) inbox(ctx context.Context, day int64) (cipher.AEAD, error) {
	v.mu.Lock()
	a := v.keys[vaultKey{"", day}]
	v.mu.Unlock()
	if a != nil {
		return a, nil
	}
	keys, err := v.open(ctx, day, "")
	return keys[""], err
}

// find returns the keys that still exist.
func (v *vault) find(ctx context.Context, day int64, developers ...string) (map[string]cipher.AEAD, error) {
	return v.get(ctx, day, developers, false)
}

func (v *vault) get(ctx context.Context, day int64, developers []string, make bool) (map[string]cipher.AEAD, error) {
	out := map[string]cipher.AEAD{}
	var missing []string
	v.mu.Lock()
	for _, d := range developers {
		if a := v.keys[vaultKey{d, day}]; a != nil {
			out[d] = a
		} else if _, twice := out[d]; !twice {
			missing = append(missing, d)
		}
	}
	v.mu.Unlock()
	if len(missing) == 0 {
		return out, nil
	}
	var fresh [][]byte
	if make {
		for _, d := range missing {
			var key [32]byte
			rand.Read(key[:])
			fresh = append(fresh, v.master.Seal(nil, nil, key[:], keyName(d, day)))
		}
	}
	wrapped, err := v.db.VaultKeys(ctx, day, missing, fresh)
	if err != nil {
		return nil, fmt.Errorf("vault keys: %w", err)
	}
	for d, w := range wrapped {
		key, err := v.master.Open(nil, nil, w, keyName(d, day))
		if err != nil {
			return nil, fmt.Errorf("open the vault key of day %d: the key in keys/ is not the one that sealed it", day)
		}
		if out[d], err = aead(key); err != nil {
			return nil, err
		}
	}
	v.mu.Lock()
	for d, a := range out {
		v.keys[vaultKey{d, day}] = a
	}
	v.mu.Unlock()
	return out, nil
}

func keyName(developer string, day int64) []byte { return fmt.Appendf(nil, "%s@%d", developer, day) }

// unseal opens what was sealed for a developer on a day; name is what the bytes are, as at sealing.
func (v *vault) unseal(ctx context.Context, developer string, day int64, name string, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, errExpired
	}
	keys, err := v.find(ctx, day, developer)
	if err != nil {
		return nil, err
	}
	a := keys[developer]
	if a == nil {
		return nil, errExpired
	}
	b, err := a.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, errDamaged)
	}
	return b, nil
}

// expire erases the keys and sealed bytes of all days before the one of t.
func (v *vault) expire(ctx context.Context, t time.Time) (int64, error) {
	n, err := v.db.ExpireVault(ctx, day(t))
	v.mu.Lock()
	for k := range v.keys {
		if k.day < day(t) {
			delete(v.keys, k)
		}
	}
	v.mu.Unlock()
	return n, err
}
