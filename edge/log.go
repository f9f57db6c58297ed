// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/tlog/seen"
	"github.com/headrace/headrace/internal/tlog/tiles"
)

// hubLog is the hub's transparency log, as this edge knows it, has seen it, and reads it.
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
func (e *Edge) hubLog() (*hubLog, error) {
	known, err := proof.Of(e.cfg.Recipient, e.cfg.Hub.Public, e.cfg.Witnesses...)
	if err != nil {
		return nil, err
	}
	c, err := e.speak()
	if err != nil {
		return nil, err
	}
	return &hubLog{known: known, seen: seen.Open(LogDir(e.cfg.Dir, e.cfg.Hub.Public), known), fetch: tiles.Through(e.cfg.Hub.URL, c.http.Transport)}, nil
}

// watch asks the hub for its log's newest checkpoint and makes sure that the log still holds all that it held when we
// last looked. Where the hub does not show it, or an alarm of before stands, nothing may be sent there.
func (e *Edge) watch(ctx context.Context) error {
	l, err := e.hubLog()
	if err != nil {
		return err
	}
	if e.visiting != nil {
		err = e.watchExchange(ctx, l)
	} else {
		_, err = l.seen.Newest(func() ([]byte, error) { return l.fetch(ctx, "checkpoint") }, e.holds(ctx, l))
	}
	if proof.Broken(err) {
		e.log.Error("the hub's log breaks its promise; nothing is sent there until it is explained", "err", err)
		return fmt.Errorf("the hub's log: %w", err)
	}
	if err != nil {
		return err
	}
	alarms, err := l.seen.Alarms()
	if err != nil || len(alarms) == 0 {
		return err
	}
	return &episode.Problem{Code: "log/alarm", Message: "nothing is sent to the hub, because its log broke its promise: " + alarms[0].Why,
		Hint: "both checkpoints are in " + alarms[0].Dir + "; move that folder away once the hub's operator has explained it"}
}

// lastSeen is the checkpoint that a bundle carries, so that the hub must answer with a log that continues it.
func (e *Edge) lastSeen() (string, error) {
	if e.cfg.Hub == nil {
		return "", nil
	}
	l, err := e.hubLog()
	if err != nil {
		return "", err
	}
	cp, err := l.seen.Last()
	return string(cp.Signed), err
}

// inLog makes sure that the hub's log holds a digest, and that it is the log seen before. grown, where not nil, is the
// hub's own proof of the latter; without it the log's files are asked.
func (e *Edge) inLog(ctx context.Context, kind, digest string, inclusion []byte, grown *proof.Consistency) (proof.Inclusion, proof.Checkpoint, error) {
	var p proof.Inclusion
	if err := json.Unmarshal(inclusion, &p); err != nil {
		return p, proof.Checkpoint{}, proof.NotProven("the hub's proof cannot be read: %w", err)
	}
	l, err := e.hubLog()
	if err != nil {
		return p, proof.Checkpoint{}, err
	}
	cp, err := p.Verify(l.known, kind, digest)
	if err != nil {
		return p, cp, err
	}
	_, err = l.seen.Advance(cp.Signed, func(old, now proof.Checkpoint) error {
		if grown != nil && bytes.Equal(now.Root, cp.Root) && proof.Grown(old, now, grown.Hashes) == nil {
			return nil
		}
		return e.holds(ctx, l)(old, now)
	})
	return p, cp, err
}

// holds proves that the log of one checkpoint goes on to another: from the log's files, or, where an exchange stands in the
// hub's place, from what the hub left there.
func (e *Edge) holds(ctx context.Context, l *hubLog) seen.Prove {
	if e.visiting == nil {
		return func(old, now proof.Checkpoint) error { return tiles.Holds(ctx, l.fetch, old, now) }
	}
	return func(old, now proof.Checkpoint) error {
		if old.Size == 0 || old.Size >= now.Size {
			return proof.Grown(old, now, nil)
		}
		if told := e.visiting.told; told != nil {
			if newest, err := l.known.Open(told.Checkpoint); err == nil && newest.Size == now.Size && bytes.Equal(newest.Root, now.Root) {
				for _, g := range told.From {
					if from, err := l.known.Open(g.Checkpoint); err == nil && from.Size == old.Size {
						return proof.Grown(old, now, g.Hashes)
					}
				}
			}
		}
		return &episode.Problem{Code: "exchange/not-shown", Message: fmt.Sprintf("%s does not show that the hub's log of %d entries goes on from that of %d", e.visiting, now.Size, old.Size),
			Hint: "have the hub receive from there once more (headrace hub receive); nothing more is sent until it is shown"}
	}
}

// checkReceipt makes sure that the hub signed for exactly this bundle, that its log holds it, and that the log continues
// the one whose checkpoint the bundle carried.
func (e *Edge) checkReceipt(ctx context.Context, id string, m bundle.Manifest, layers [][]byte) (*Receipt, error) {
	if len(layers) != 3 {
		return nil, &episode.Problem{Code: "receipt/no-proof", Message: fmt.Sprintf("the hub's answer to bundle %s is not a receipt and its two proofs", id), Hint: "ask the hub's operator"}
	}
	var r bundle.Receipt
	if err := e.openFromHub(layers[0], bundle.TypeReceipt, &r); err != nil {
		return nil, err
	}
	if r.Bundle != id || r.Contributor != e.cfg.Contributor || r.Records != m.Records || r.MerkleRoot != m.MerkleRoot {
		return nil, &episode.Problem{Code: "receipt/mismatch", Message: fmt.Sprintf("the hub signed a receipt for %s of %s with %d records", r.Bundle, r.Contributor, r.Records),
			Hint: "ask the hub's operator: the receipt does not speak of what was sent"}
	}
	var grown proof.Consistency
	if err := json.Unmarshal(layers[2], &grown); err != nil {
		return nil, proof.NotProven("the hub's proof cannot be read: %w", err)
	}
	p, cp, err := e.inLog(ctx, proof.KindBundle, id, layers[1], &grown)
	if err != nil {
		return nil, err
	}
	if p.Index != r.LogIndex || string(p.Checkpoint) != r.Checkpoint || r.LogOrigin != e.cfg.Recipient {
		return nil, proof.NotProven("the proof is of entry %d in the log of %s, the receipt names %d in that of %s", p.Index, e.cfg.Recipient, r.LogIndex, r.LogOrigin)
	}
	if err := e.grownSince(m.Checkpoint, cp, grown); err != nil {
		return nil, err
	}
	return &Receipt{Receipt: layers[0], Proof: layers[1], Consistency: layers[2], WitnessedBy: cp.Witnesses}, nil
}

// grownSince checks the hub's proof that the log of cp continues that of the checkpoint which a bundle carried.
func (e *Edge) grownSince(carried string, cp proof.Checkpoint, grown proof.Consistency) error {
	l, err := e.hubLog()
	if err != nil {
		return err
	}
	var old proof.Checkpoint
	if carried != "" {
		if old, err = l.known.Open([]byte(carried)); err != nil {
			return fmt.Errorf("the checkpoint that the bundle carried: %w", err)
		}
	}
	return proof.Grown(old, cp, grown.Hashes)
}

// receiptFile is where a bundle's receipt is kept with its proofs, as headrace push prints it: for auditors.
func (e *Edge) receiptFile(id string) string {
	return filepath.Join(e.cfg.Dir, "receipts", filepath.Base(e.bundleDir(id))+".json")
}

// keepReceipt writes a receipt before the commit that says that the bundle was received.
func (e *Edge) keepReceipt(id string, r *Receipt) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return statedir.Write(e.receiptFile(id), append(b, '\n'))
}
