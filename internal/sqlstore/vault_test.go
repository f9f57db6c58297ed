// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/sqlstore"
)

var day1 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestSpoolsRememberTheirLastPayload(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		for _, done := range []uint64{0, 7, 9} {
			if done > 0 {
				ok(t, db.Assemble(t.Context(), nil, sqlstore.Joins{}, done))
				ok(t, db.LogDecisions(t.Context(), nil, 100+done))
			}
			got, err := db.SpoolDone(t.Context(), "inbox")
			ok(t, err)
			if got != done {
				t.Errorf("SpoolDone = %d, want %d", got, done)
			}
		}
	})
}

func TestFirstVaultKeyWins(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		var mu sync.Mutex
		seen := map[string]map[string]bool{"ada": {}, "bob": {}}
		var g errgroup.Group
		for w := range 16 {
			g.Go(func() error {
				fresh := [][]byte{fmt.Appendf(nil, "a%d", w), fmt.Appendf(nil, "b%d", w)}
				keys, err := db.VaultKeys(t.Context(), 7, []string{"ada", "bob"}, fresh)
				mu.Lock()
				defer mu.Unlock()
				for d, k := range keys {
					seen[d][string(k)] = true
				}
				return err
			})
		}
		ok(t, g.Wait())
		if len(seen["ada"]) != 1 || len(seen["bob"]) != 1 {
			t.Errorf("callers do not agree on the key: %v", seen)
		}
		keys, err := db.VaultKeys(t.Context(), 7, []string{"ada", "eve"}, nil)
		ok(t, err)
		if len(keys) != 1 || keys["ada"] == nil {
			t.Errorf("looking without making gave %d keys, want ada's alone", len(keys))
		}
		_, err = db.ExpireVault(t.Context(), 8)
		ok(t, err)
		if keys, err = db.VaultKeys(t.Context(), 7, []string{"ada"}, nil); err != nil || len(keys) != 0 {
			t.Errorf("an expired key is there still: %v, %v", keys, err)
		}
	})
}
