// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/tlog/proof"
)

func open(t *testing.T, dir string) *hub.Hub {
	t.Helper()
	h, err := hub.New(t.Context(), hub.Config{Dir: dir, Name: "loop-maker"})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestEachDigestIsInTheLogOnce: asked for by many at once, again after a restart, and after a crash on either side of the
// entry.
func TestEachDigestIsInTheLogOnce(t *testing.T) {
	dir := t.TempDir()
	h := open(t, dir)
	known, err := proof.Of("loop-maker", h.Public())
	if err != nil {
		t.Fatal(err)
	}
	const digests, each = 20, 4
	at := map[string]uint64{}
	ask := func() {
		t.Helper()
		got := make([]uint64, digests*each)
		var g errgroup.Group
		for i := range got {
			g.Go(func() error {
				digest := fmt.Sprint("sha256:", i%digests)
				p, err := h.LogOnce(t.Context(), proof.KindBundle, digest)
				if err == nil {
					_, err = p.Verify(known, proof.KindBundle, digest)
				}
				got[i] = p.Index
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
		for i, index := range got {
			digest := fmt.Sprint("sha256:", i%digests)
			if before, asked := at[digest]; asked && before != index {
				t.Errorf("%s is entry %d and entry %d", digest, before, index)
			}
			at[digest] = index
		}
	}
	for i, entered := range []bool{true, false} {
		if err := h.LogAndCrash(t.Context(), proof.KindBundle, fmt.Sprint("sha256:", i), entered); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		h = open(t, dir)
		ask()
	}
	defer h.Close()
	if size, err := h.LogSize(); err != nil || size != digests {
		t.Errorf("%d entries for %d digests, %v", size, digests, err)
	}
	// The kind is part of what an entry is.
	if p, err := h.LogOnce(t.Context(), proof.KindSnapshot, "sha256:1"); err != nil || p.Index != digests {
		t.Errorf("a digest of another kind is entry %d, %v", p.Index, err)
	}
}

// TestWhoHangsUpWhileAnEntryIsMadeDoesNotMakeItTwice: a contributor cancels its push, and pushes again at once.
func TestWhoHangsUpWhileAnEntryIsMadeDoesNotMakeItTwice(t *testing.T) {
	h := open(t, t.TempDir())
	defer h.Close()
	const digests = 5
	for i := range digests {
		digest := fmt.Sprint("sha256:", i)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		h.LogOnce(ctx, proof.KindBundle, digest) // whatever it answers
		cancel()
		if _, err := h.LogOnce(t.Context(), proof.KindBundle, digest); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := h.LogSize(); err != nil || size != digests {
		t.Errorf("%d entries for %d digests, %v", size, digests, err)
	}
}
