// SPDX-License-Identifier: Apache-2.0

package trail_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/trail"
)

// memory is a store whose rows a test can change behind the keeper's back.
type memory struct {
	mu    sync.Mutex
	rows  []trail.Row
	sent  map[string]int64
	noted chan struct{}
}

func newMemory() *memory { return &memory{sent: map[string]int64{}, noted: make(chan struct{}, 1)} }

func (m *memory) add(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		var last trail.Row
		if len(m.rows) > 0 {
			last = m.rows[len(m.rows)-1]
		}
		m.rows = append(m.rows, trail.Next(last.Seq, last.Hash, trail.Entry{At: time.Unix(1e9, 0), Who: "ada", What: "see raw", Subject: fmt.Sprint("ep_", last.Seq)}))
	}
	select {
	case m.noted <- struct{}{}:
	default:
	}
}

func (m *memory) TrailHead(context.Context) (h trail.Head, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.rows) > 0 {
		last := m.rows[len(m.rows)-1]
		h = trail.Head{Seq: last.Seq, Hash: last.Hash, At: last.At}
	}
	return h, nil
}

func (m *memory) TrailAfter(_ context.Context, seq int64) iter.Seq2[trail.Row, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var after []trail.Row
	for _, r := range m.rows {
		if r.Seq > seq {
			after = append(after, r)
		}
	}
	return rows(after)
}

func (m *memory) Trail(_ context.Context, f trail.Filter) (list []trail.Row, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := len(m.rows) - 1; i >= 0 && len(list) < f.Limit; i-- {
		if f.Below == 0 || m.rows[i].Seq < f.Below {
			list = append(list, m.rows[i])
		}
	}
	return list, nil
}

func (m *memory) TrailWords(context.Context) (who, what []string, err error) { return nil, nil, nil }

func (m *memory) TrailSent(_ context.Context, server string) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent[server], nil
}

func (m *memory) SetTrailSent(_ context.Context, server string, seq int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent[server] = seq
	return nil
}

func (m *memory) Noted() <-chan struct{} { return m.noted }

func newKeeper(t *testing.T, m *memory) *trail.Keeper {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &trail.Keeper{Store: m, Of: "edge", Path: filepath.Join(t.TempDir(), "audit.head"), Key: key, Log: slog.New(slog.DiscardHandler)}
}

// TestASignedHeadOutlivesWhatWasDone: after rows were cut off or written anew the keeper says so at once and does not sign what
// is there now, however much is noted after.
func TestASignedHeadOutlivesWhatWasDone(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*memory)
		want string
	}{
		"cut off": {func(m *memory) { m.rows = m.rows[:3] }, trail.CodeCut},
		"cut off and filled": {func(m *memory) {
			m.rows = m.rows[:3]
			m.rows[2].Who = "eve"
			m.rows[2] = trail.Next(2, m.rows[1].Hash, m.rows[2].Entry)
			m.add(9)
		}, trail.CodeChanged},
		"all gone": {func(m *memory) { m.rows = nil }, trail.CodeCut},
		"written anew": {func(m *memory) {
			before := trail.Row{}
			for i, r := range m.rows {
				r.Who = "eve"
				m.rows[i] = trail.Next(before.Seq, before.Hash, r.Entry)
				before = m.rows[i]
			}
		}, trail.CodeChanged},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			k := newKeeper(t, m)
			m.add(5)
			if err := k.Sign(t.Context()); err != nil {
				t.Fatal(err)
			}
			if h, err := k.Verify(t.Context()); err != nil || h.Seq != 5 {
				t.Fatal(h, err)
			}
			kept, err := os.ReadFile(k.Path)
			if err != nil {
				t.Fatal(err)
			}
			c.do(m)
			if err := k.Sign(t.Context()); code(err) != c.want {
				t.Errorf("sign: %v, want %s", err, c.want)
			}
			if s, err := k.State(t.Context()); err != nil || code(s.Broken) != c.want {
				t.Errorf("state: %+v, %v", s, err)
			}
			if _, err := k.Verify(t.Context()); code(err) != c.want {
				t.Errorf("verify: %v, want %s", err, c.want)
			}
			// Whoever can write the file, too, does not have the copies that others keep.
			if err := os.Remove(k.Path); err != nil {
				t.Fatal(err)
			}
			if _, err := k.Verify(t.Context(), kept); code(err) != c.want {
				t.Errorf("verify by a copy: %v, want %s", err, c.want)
			}
			if _, err := k.Verify(t.Context()); err == nil && len(m.rows) > 0 {
				t.Error("without its head the trail counts as whole")
			}
		})
	}
}

func TestAHeadOfAnotherKeyOrAnotherTrailIsRefused(t *testing.T) {
	m := newMemory()
	m.add(2)
	k := newKeeper(t, m)
	if err := k.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, other := range []*trail.Keeper{newKeeper(t, m), {Store: m, Of: "hub", Key: k.Key}} {
		other.Path = k.Path
		if _, err := other.Verify(t.Context()); code(err) != "audit/head" {
			t.Errorf("%v", err)
		}
		if err := other.Sign(t.Context()); code(err) != "audit/head" {
			t.Errorf("signed over it: %v", err)
		}
	}
}

func TestPagesShowEachRowOnce(t *testing.T) {
	m := newMemory()
	m.add(25)
	k := newKeeper(t, m)
	want := int64(25)
	f := trail.Filter{Limit: 10}
	for {
		p, err := k.Page(t.Context(), f)
		if err != nil || p.Head.Seq != 25 {
			t.Fatal(p, err)
		}
		for _, r := range p.Rows {
			if r.Seq != want {
				t.Errorf("row %d, want %d", r.Seq, want)
			}
			want--
		}
		if f.Below = p.Next; p.Next == 0 {
			break
		}
	}
	if want != 0 {
		t.Errorf("%d rows were not shown", want)
	}
}
