// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/sqlstore"
)

// Quotas limit what one contributor may send. Zero is no limit. Withdrawals are counted by their uploads only: taking data
// back is never put off to another day.
type Quotas struct {
	// Bundles is how many bundles are taken in on one day (UTC).
	Bundles int `yaml:"bundles_a_day"`
	// Bytes is how much may be uploaded on one day.
	Bytes int64 `yaml:"bytes_a_day"`
	// Uploads is how many uploads may be open at one time.
	Uploads int `yaml:"waiting_uploads"`
}

// DefaultQuotas is ten times what an enterprise of 8,000 developers sends in a day.
func DefaultQuotas() Quotas { return Quotas{Bundles: 1000, Bytes: 20 << 30, Uploads: 16} }

// quotas counts what contributors send. What arrives counts at once in memory, so that many uploads beside each other do not
// each get the whole of what is left; the store has it when the upload ends.
type quotas struct {
	limits Quotas
	db     *sqlstore.DB
	now    func() time.Time

	mu    sync.Mutex // guards what follows
	day   string     // today
	spent map[spender]*spent
}

// spender is a contributor on a day: an upload may end on another day than its bytes arrived.
type spender struct{ name, day string }

type spent struct {
	sqlstore.Usage
	unsaved int64
}

func newQuotas(limits Quotas, db *sqlstore.DB, now func() time.Time) *quotas {
	return &quotas{limits: limits, db: db, now: now, spent: map[spender]*spent{}}
}

// of returns what a contributor has sent today. mu is held.
func (q *quotas) of(ctx context.Context, name string) (*spent, error) {
	if day := q.now().UTC().Format(time.DateOnly); day != q.day {
		q.day = day
		maps.DeleteFunc(q.spent, func(_ spender, s *spent) bool { return s.unsaved == 0 })
	}
	who := spender{name, q.day}
	if s := q.spent[who]; s != nil {
		return s, nil
	}
	u, err := q.db.Usage(ctx, name, q.day)
	if err != nil {
		return nil, err
	}
	q.spent[who] = &spent{Usage: u}
	return q.spent[who], nil
}

// wait says that a quota is used up.
func (q *quotas) wait(code, what string, after time.Duration) error {
	return &registry.Wait{Problem: &episode.Problem{Code: "quota/" + code, Message: what, Hint: "send the rest later; ask the hub's operator where this is too little"}, After: after}
}

func (q *quotas) tomorrow() time.Duration {
	now := q.now().UTC()
	return now.Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(now)
}

func (q *quotas) tooMuch() error {
	return q.wait("bytes", fmt.Sprintf("the %d bytes that may be uploaded in one day are used up", q.limits.Bytes), q.tomorrow())
}

// Begin answers whether one more upload may begin beside those that are open.
func (q *quotas) Begin(ctx context.Context, repo string, open int) error {
	if q.limits.Uploads > 0 && open >= q.limits.Uploads {
		return q.wait("uploads", fmt.Sprintf("%d uploads are open, and no more may be at one time", open), time.Minute)
	}
	return q.Take(ctx, repo, 1)
}

// Take counts bytes that arrived.
func (q *quotas) Take(ctx context.Context, repo string, n int) error {
	name, place, _ := splitRepo(repo)
	if q.limits.Bytes <= 0 || place == "withdrawals" {
		return nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	s, err := q.of(ctx, name)
	if err != nil {
		return err
	}
	if s.Bytes+int64(n) > q.limits.Bytes {
		return q.tooMuch()
	}
	s.Bytes += int64(n)
	s.unsaved += int64(n)
	return nil
}

// Save stores what was counted, each byte on the day on which it arrived.
func (q *quotas) Save(ctx context.Context, repo string) error {
	name, _, _ := splitRepo(repo)
	unsaved := map[string]int64{} // by day
	q.mu.Lock()
	for who, s := range q.spent {
		if who.name == name && s.unsaved > 0 {
			unsaved[who.day], s.unsaved = s.unsaved, 0
		}
	}
	q.mu.Unlock()
	var errs []error
	for day, n := range unsaved {
		errs = append(errs, q.db.Spend(ctx, name, day, sqlstore.Usage{Bytes: n}))
	}
	return errors.Join(errs...)
}

// mayAdmit answers whether one more bundle may come in today.
func (q *quotas) mayAdmit(ctx context.Context, name string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	s, err := q.of(ctx, name)
	if err == nil && q.limits.Bundles > 0 && s.Bundles >= q.limits.Bundles {
		err = q.wait("bundles", fmt.Sprintf("the %d bundles of one day are taken in", q.limits.Bundles), q.tomorrow())
	}
	return err
}

// admitted counts one that came in.
func (q *quotas) admitted(ctx context.Context, name string) error {
	q.mu.Lock()
	s, err := q.of(ctx, name)
	if err == nil {
		s.Bundles++
	}
	day := q.day
	q.mu.Unlock()
	if err != nil {
		return err
	}
	return q.db.Spend(ctx, name, day, sqlstore.Usage{Bundles: 1})
}
