// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// logOnce enters a digest into the log and returns the proof for whom it concerns. It is done once: a crash may come
// between the log and the row that remembers the entry, so what the log got since it was first asked is searched before
// anything is added. The salt is derived, not drawn, for the same reason. Entries of different digests are made beside each
// other, so that one checkpoint, and one round of witnesses, serves many.
func (h *Hub) logOnce(ctx context.Context, kind, digest string) (p proof.Inclusion, err error) {
	defer h.entering.lock(kind + " " + digest)()
	index, err := h.enter(ctx, kind, digest)
	if err != nil {
		return p, fmt.Errorf("enter %s %s into the log: %w", kind, digest, err)
	}
	if p, err = h.tlog.Inclusion(ctx, index); err != nil {
		return p, err
	}
	p.Salt = h.salt(kind, digest)
	return p, nil
}

// enterTimeout is how long an entry may take, witnesses included.
const enterTimeout = time.Minute

// enter goes on when whoever asked has gone away: an entry that was begun and not waited for is in no file yet, so that the
// next who asks would not find it and make another.
func (h *Hub) enter(ctx context.Context, kind, digest string) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enterTimeout)
	defer cancel()
	size, err := h.tlog.Size()
	if err != nil {
		return 0, err
	}
	e, err := h.db.LogEntry(ctx, kind, digest, size)
	if err != nil {
		return 0, err
	}
	if e.Index >= 0 {
		return uint64(e.Index), nil
	}
	commitment := proof.Commit(h.salt(kind, digest), digest)
	var index uint64
	found := false
	if !e.New {
		index, found, err = h.tlog.Find(ctx, e.Since, kind, commitment)
	}
	if err == nil && !found {
		index, err = h.tlog.Append(ctx, kind, commitment)
	}
	if err != nil {
		return 0, err
	}
	return index, h.db.SetLogIndex(ctx, kind, digest, index)
}

// continues checks that the log goes on from the checkpoint that a contributor has seen, so that what it sends can be
// answered with a proof. Where it does not, one of the two has another log than it believes, and nothing is taken in.
func (h *Hub) continues(ctx context.Context, seen []byte) error {
	now, err := h.tlog.Checkpoint()
	if err != nil {
		return err
	}
	if _, err := h.tlog.Consistency(ctx, seen, now); proof.Broken(err) {
		return &episode.Problem{Code: "intake/log", Message: "our log does not continue the one whose checkpoint the bundle carries", Err: err,
			Hint: "nothing was taken in; compare what both sides have seen: headrace log compare"}
	} else if err != nil {
		return err
	}
	return nil
}

// withProofs is an artifact's layers: a signed document and what proves that the log holds it.
func withProofs(envelope []byte, proofs ...any) ([][]byte, error) {
	layers := [][]byte{envelope}
	for _, p := range proofs {
		b, err := json.Marshal(p)
		if err != nil {
			return nil, err
		}
		layers = append(layers, b)
	}
	return layers, nil
}

// turnstile lets one through at a time by a name.
type turnstile struct {
	mu   sync.Mutex
	busy map[string]chan struct{} // closed when the one who is in has left
}

// lock waits until nobody else of that name is in, and returns how to leave.
func (t *turnstile) lock(name string) (leave func()) {
	for {
		t.mu.Lock()
		other := t.busy[name]
		if other == nil {
			break
		}
		t.mu.Unlock()
		<-other
	}
	defer t.mu.Unlock()
	if t.busy == nil {
		t.busy = map[string]chan struct{}{}
	}
	done := make(chan struct{})
	t.busy[name] = done
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.busy, name)
		close(done)
	}
}

func (h *Hub) salt(kind, digest string) []byte { return h.ring.Derive("log salt", kind, digest) }
