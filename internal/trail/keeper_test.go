// SPDX-License-Identifier: Apache-2.0

package trail_test

import (
	"context"
	"crypto/ed25519"
	"errors"
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
	sent  map[string]trail.Head
	hold  func() // called before SetTrailSent; nil: nothing
	noted chan struct{}
}

func newMemory() *memory {
	return &memory{sent: map[string]trail.Head{}, noted: make(chan struct{}, 1)}
}

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

func (m *memory) TrailSent(_ context.Context, server string) (trail.Head, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sent[server], nil
}

func (m *memory) SetTrailSent(_ context.Context, server string, last trail.Head) error {
	if m.hold != nil {
		m.hold()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent[server] = last
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

// TestATrailThatWasSentAndCutOffAlarms, also where the signed head was put back as it was, and when as many rows have come since.
func TestATrailThatWasSentAndCutOffAlarms(t *testing.T) {
	c := collect(t, "tcp", "127.0.0.1:0")
	m := newMemory()
	k := newKeeper(t, m)
	var err error
	if k.Syslog, err = trail.ParseSyslog("tcp://"+c.address, "headrace-edge"); err != nil {
		t.Fatal(err)
	}
	sign := func() error { return k.Sign(t.Context()) }
	m.add(3)
	if err := sign(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(k.Path)
	if err != nil {
		t.Fatal(err)
	}
	m.add(2)
	if err := errors.Join(sign(), k.Forward(t.Context()), sign()); err != nil {
		t.Fatal(err)
	}
	m.rows = m.rows[:3]
	if err := os.WriteFile(k.Path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	for rows, want := range map[int]string{0: trail.CodeCut, 7: trail.CodeChanged} {
		m.rows = m.rows[:3]
		for range rows {
			last := m.rows[len(m.rows)-1]
			m.rows = append(m.rows, trail.Next(last.Seq, last.Hash, trail.Entry{Who: "eve"}))
		}
		if err := sign(); code(err) != want {
			t.Errorf("sign with %d others in their place: %v, want %s", rows, err, want)
		}
		if s, err := k.State(t.Context()); err != nil || code(s.Broken) != want || s.Unsent < 0 {
			t.Errorf("state with %d others in their place: %+v, %v", rows, s, err)
		}
		if _, err := k.Verify(t.Context()); code(err) != want {
			t.Errorf("verify with %d others in their place: %v, want %s", rows, err, want)
		}
	}
}

// TestAServerThatHangsHoldsUpNoSignature: what is noted while rows are on their way is signed before they have arrived.
func TestAServerThatHangsHoldsUpNoSignature(t *testing.T) {
	c := collect(t, "tcp", "127.0.0.1:0")
	m := newMemory()
	k := newKeeper(t, m)
	var err error
	if k.Syslog, err = trail.ParseSyslog("tcp://"+c.address, "headrace-edge"); err != nil {
		t.Fatal(err)
	}
	began, answer := make(chan struct{}), make(chan struct{})
	m.hold = sync.OnceFunc(func() { close(began); <-answer })
	m.add(1)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { k.Run(ctx) })
	defer wg.Wait()
	defer stop()
	defer close(answer)
	<-began
	m.add(1)
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if b, err := os.ReadFile(k.Path); err == nil {
			h, err := trail.OpenHead(b, k.Key.Public().(ed25519.PublicKey))
			if err != nil {
				t.Fatal(err)
			}
			if h.Seq == 2 {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatal("nothing is signed while a server hangs")
		}
	}
}
