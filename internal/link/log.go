// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/seen"
	"github.com/headrace/headrace/internal/tlog/tiles"
)

// hubLog is the hub's transparency log, as we know it, have seen it, and read it.
type hubLog struct {
	known *proof.Log
	seen  *seen.Log
	fetch tiles.Fetch
}

// LogDir is the folder below dir that keeps what was seen of the log that a key signs.
func LogDir(dir string, key []byte) string {
	return filepath.Join(dir, "log", string(bundle.KeyIDOf(key)))
}

// hubLog returns the log of our hub. Its name is the one that terms call the hub, whatever the hub says.
func (l *Link) hubLog() (*hubLog, error) {
	known, err := proof.Of(l.Name, l.Public, l.Witnesses...)
	if err != nil {
		return nil, err
	}
	c, err := l.speak()
	if err != nil {
		return nil, err
	}
	return &hubLog{known: known, seen: seen.Open(LogDir(l.dir, l.Public), known), fetch: tiles.Through(l.URL, c.http.Transport)}, nil
}

// Watch asks the hub for its log's newest checkpoint and makes sure that the log still holds all that it held when we
// last looked. Where the hub does not show it, or an alarm of before stands, nothing may be sent there.
func (l *Link) Watch(ctx context.Context) error {
	h, err := l.hubLog()
	if err != nil {
		return err
	}
	if l.Visit != nil {
		err = l.watchExchange(ctx, h)
	} else {
		_, err = h.seen.Newest(func() ([]byte, error) { return h.fetch(ctx, "checkpoint") }, l.holds(ctx, h))
	}
	if proof.Broken(err) {
		l.log.Error("the hub's log breaks its promise; nothing is sent there until it is explained", "hub", l.Name, "err", err)
		return fmt.Errorf("the hub's log: %w", err)
	}
	if err != nil {
		return err
	}
	alarms, err := h.seen.Alarms()
	if err != nil || len(alarms) == 0 {
		return err
	}
	return &episode.Problem{Code: "log/alarm", Message: "nothing is sent to the hub, because its log broke its promise: " + alarms[0].Why,
		Hint: "both checkpoints are in " + alarms[0].Dir + "; move that folder away once the hub's operator has explained it"}
}

// Alarms are the proofs that were kept of where the hub's log broke its promise.
func (l *Link) Alarms() ([]seen.Alarm, error) {
	if l.Public == nil {
		return nil, nil
	}
	h, err := l.hubLog()
	if err != nil {
		return nil, err
	}
	return h.seen.Alarms()
}

// LastSeen is the checkpoint that a bundle carries, so that the hub must answer with a log that continues it; empty for none.
func (l *Link) LastSeen() (string, error) {
	if l.Public == nil {
		return "", nil
	}
	h, err := l.hubLog()
	if err != nil {
		return "", err
	}
	cp, err := h.seen.Last()
	return string(cp.Signed), err
}

// Checkpoint opens one of the hub's, as a receipt has it.
func (l *Link) Checkpoint(signed string) (cp proof.Checkpoint, err error) {
	h, err := l.hubLog()
	if err != nil {
		return cp, err
	}
	return h.known.Open([]byte(signed))
}

// inLog makes sure that the hub's log holds a digest, and that it is the log seen before. grown, where not nil, is the
// hub's own proof of the latter; without it the log's files are asked.
func (l *Link) inLog(ctx context.Context, kind, digest string, inclusion []byte, grown *proof.Consistency) (proof.Inclusion, proof.Checkpoint, error) {
	var p proof.Inclusion
	if err := json.Unmarshal(inclusion, &p); err != nil {
		return p, proof.Checkpoint{}, proof.NotProven("the hub's proof cannot be read: %w", err)
	}
	h, err := l.hubLog()
	if err != nil {
		return p, proof.Checkpoint{}, err
	}
	cp, err := p.Verify(h.known, kind, digest)
	if err != nil {
		return p, cp, err
	}
	_, err = h.seen.Advance(cp.Signed, func(old, now proof.Checkpoint) error {
		if grown != nil && bytes.Equal(now.Root, cp.Root) && proof.Grown(old, now, grown.Hashes) == nil {
			return nil
		}
		return l.holds(ctx, h)(old, now)
	})
	return p, cp, err
}

// holds proves that the log of one checkpoint goes on to another: from the log's files, or, where an exchange stands in the
// hub's place, from what the hub left there.
func (l *Link) holds(ctx context.Context, h *hubLog) seen.Prove {
	if l.Visit == nil {
		return func(old, now proof.Checkpoint) error { return tiles.Holds(ctx, h.fetch, old, now) }
	}
	return func(old, now proof.Checkpoint) error {
		if old.Size == 0 || old.Size >= now.Size {
			return proof.Grown(old, now, nil)
		}
		if told := l.Visit.told; told != nil {
			if newest, err := h.known.Open(told.Checkpoint); err == nil && newest.Size == now.Size && bytes.Equal(newest.Root, now.Root) {
				for _, g := range told.From {
					if from, err := h.known.Open(g.Checkpoint); err == nil && from.Size == old.Size {
						return proof.Grown(old, now, g.Hashes)
					}
				}
			}
		}
		return &episode.Problem{Code: "exchange/not-shown", Message: fmt.Sprintf("%s does not show that the hub's log of %d entries goes on from that of %d", l.Visit, now.Size, old.Size),
			Hint: "have the hub receive from there once more (headrace hub receive); nothing more is sent until it is shown"}
	}
}

// grownSince checks the hub's proof that the log of cp continues that of the checkpoint which a bundle carried.
func (l *Link) grownSince(carried string, cp proof.Checkpoint, grown proof.Consistency) error {
	h, err := l.hubLog()
	if err != nil {
		return err
	}
	var old proof.Checkpoint
	if carried != "" {
		if old, err = h.known.Open([]byte(carried)); err != nil {
			return fmt.Errorf("the checkpoint that the bundle carried: %w", err)
		}
	}
	return proof.Grown(old, cp, grown.Hashes)
}
