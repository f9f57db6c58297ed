// SPDX-License-Identifier: Apache-2.0

package sqlstore_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/sqlstore"
)

func TestALoginIsGoodOnceAndIsForgottenWhenItIsOver(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		var taken atomic.Int64
		var wg sync.WaitGroup
		for range 8 { // whoever has the token may try at the same moment
			wg.Go(func() {
				err := db.UseLogin(t.Context(), "d", day1.Add(time.Minute), day1)
				if err == nil {
					taken.Add(1)
				} else if !errors.Is(err, sqlstore.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := taken.Load(); n != 1 {
			t.Errorf("taken %d times", n)
		}
		ok(t, db.UseLogin(t.Context(), "another", day1.Add(time.Hour), day1))
		if err := db.UseLogin(t.Context(), "d", day1.Add(time.Minute), day1.Add(time.Minute)); !errors.Is(err, sqlstore.ErrNotFound) {
			t.Errorf("to the last moment: %v", err)
		}
		ok(t, db.UseLogin(t.Context(), "d", day1.Add(time.Minute), day1.Add(time.Minute+1000)))
	})
}

func TestADeviceComesBackWithItsLogin(t *testing.T) {
	engines(t, func(t *testing.T, dsn string) {
		db := open(t, dsn, sqlstore.RoleEdge)
		for _, login := range []time.Time{{}, day1} {
			want := sqlstore.Device{Serial: "s" + login.String(), Developer: "ada", Machine: "mill", IssuedAt: day1, ExpiresAt: day1.Add(time.Hour), LoginAt: login}
			ok(t, db.AddDevice(t.Context(), want))
			got, err := db.DeviceBySerial(t.Context(), want.Serial)
			ok(t, err)
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		}
	})
}
