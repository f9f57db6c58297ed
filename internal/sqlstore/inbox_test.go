// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/internal/sqlstore"
)

var day1 = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func item(id string) sqlstore.InboxItem {
	return sqlstore.InboxItem{ID: id, Kind: "episodes", Principal: "ada", Authenticated: true, ReceivedAt: day1, Sealed: []byte("sealed " + id)}
}

func TestInboxGivesBackWhatItTookInOrder(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		var want []sqlstore.InboxItem
		for i := range 5 {
			want = append(want, item(fmt.Sprintf("%016x-%d", i, 9-i)))
		}
		for _, i := range []int{3, 0, 4, 2, 1} {
			ok(t, db.Receive(t.Context(), want[i]))
			ok(t, db.Receive(t.Context(), want[i])) // a retry is no second item
		}
		got, err := db.Inbox(t.Context(), 3)
		ok(t, err)
		if diff := cmp.Diff(want[:3], got); diff != "" {
			t.Error(diff)
		}
		ok(t, db.Assemble(t.Context(), nil, []string{want[0].ID, want[1].ID}))
		got, err = db.Inbox(t.Context(), 100)
		ok(t, err)
		if diff := cmp.Diff(want[2:], got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEachOfManyWritersIsAcknowledgedExactlyOnce(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		const writers, each = 64, 10
		var g errgroup.Group
		var acknowledged atomic.Int64
		for w := range writers {
			g.Go(func() error {
				for i := range each {
					if err := db.Receive(t.Context(), item(fmt.Sprintf("%02d-%02d", w, i))); err != nil {
						return err
					}
					acknowledged.Add(1)
				}
				return nil
			})
		}
		ok(t, g.Wait())
		n, err := db.InboxLen(t.Context())
		ok(t, err)
		if n != writers*each || acknowledged.Load() != writers*each {
			t.Errorf("%d acknowledged, %d stored; want %d", acknowledged.Load(), n, writers*each)
		}
	})
}

// A commit belongs to many callers: one who gives up takes nobody's record with it.
func TestCallerWhoLeavesUndoesNoOther(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		var wg sync.WaitGroup
		var mu sync.Mutex
		acknowledged := map[string]bool{}
		for w := range 32 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if w%2 == 0 {
					time.AfterFunc(time.Duration(w)*100*time.Microsecond, cancel)
				}
				for i := range 20 {
					id := fmt.Sprintf("%02d-%02d", w, i)
					err := db.Receive(ctx, item(id))
					if err == nil {
						mu.Lock()
						acknowledged[id] = true
						mu.Unlock()
					} else if w%2 == 1 {
						t.Errorf("%s: %v, although its caller stayed", id, err)
					}
				}
			})
		}
		wg.Wait()
		got, err := db.Inbox(t.Context(), 10_000)
		ok(t, err)
		for _, it := range got {
			if !bytes.Equal(it.Sealed, []byte("sealed "+it.ID)) {
				t.Errorf("%s holds %q", it.ID, it.Sealed)
			}
			delete(acknowledged, it.ID)
		}
		if len(acknowledged) > 0 {
			t.Errorf("acknowledged and not stored: %v", acknowledged)
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

func BenchmarkReceive(b *testing.B) {
	db := open(b, filepath.Join(b.TempDir(), "x.db"), sqlstore.RoleEdge)
	var n atomic.Int64
	b.SetParallelism(8) // 16 goroutines on two cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			it := item(fmt.Sprintf("%016x", n.Add(1)))
			if err := db.Receive(context.Background(), it); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
