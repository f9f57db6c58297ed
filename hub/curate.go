// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/curate"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// snapshot is a dataset version with its rows in memory.
type snapshot struct {
	manifest *dataset.Manifest
	rows     []dataset.Row
}

// purposes are what this hub asks for: to train control models, and to evaluate them.
var purposes = []episode.Purpose{episode.PurposeReward, episode.PurposeEvaluate}

// curate makes a snapshot of all that is admitted, less what was withdrawn. fresh says that it is a new one; without
// anything admitted there is none.
func (h *Hub) curate(ctx context.Context) (s *snapshot, fresh bool, err error) {
	admitted, err := h.db.Admitted(ctx)
	if err != nil || len(admitted) == 0 {
		return nil, false, err
	}
	taken, err := h.db.Withdrawn(ctx)
	if err != nil {
		return nil, false, err
	}
	last, err := h.latestSnapshot(ctx)
	if err != nil {
		return nil, false, err
	}
	supersedes := ""
	var before *dataset.Manifest
	if last != nil {
		supersedes, before = last.manifest.ID, last.manifest
		if last.note == "" && h.sameInputs(ctx, last.manifest.Inputs, admitted) {
			if last.settled {
				return &snapshot{manifest: last.manifest}, false, nil
			}
			supersedes = last.manifest.Supersedes // a turn that was interrupted: make the same snapshot again
		}
	}
	start := time.Now()
	shards := make([]curate.Shard, len(admitted))
	g, reading := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, a := range admitted {
		g.Go(func() (err error) {
			shards[i], err = h.shard(reading, a)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	withdrawn := map[curate.Key]bool{}
	for contributor, ids := range taken {
		for id := range ids {
			withdrawn[curate.Key{Contributor: contributor, Episode: id}] = true
		}
	}
	result, err := curate.Curate(ctx, shards, curate.Options{Recipient: h.cfg.Name, Purposes: purposes, Rights: h.rights, Now: h.cfg.Now(), Withdrawn: withdrawn})
	if err != nil {
		return nil, false, err
	}
	result.Meta.Supersedes = supersedes
	m, err := dataset.Write(ctx, h.blobs, result.Rows, result.Meta, before)
	if err != nil {
		return nil, false, err
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, false, err
	}
	inclusion, err := h.logOnce(ctx, proof.KindSnapshot, m.ID)
	if err != nil {
		return nil, false, err
	}
	if err := h.db.SaveDocument(ctx, sqlstore.DocumentRow{Kind: sqlstore.DocSnapshot, ID: m.ID, Parent: m.Supersedes, Envelope: b, LogIndex: int64(inclusion.Index), MadeAt: h.cfg.Now()}); err != nil {
		return nil, false, err
	}
	h.stats.Curate.add(m.Rows, start)
	return &snapshot{manifest: m, rows: result.Rows}, true, nil
}

// What stands beside a snapshot in the store.
const (
	noteSettled    = "settled"     // the turn that made it went through
	noteIncomplete = "incomplete:" // followed by why
)

// stored is a snapshot as the store knows it.
type stored struct {
	manifest *dataset.Manifest
	settled  bool
	note     string // why it is incomplete, or empty
	madeAt   time.Time
}

func (h *Hub) latestSnapshot(ctx context.Context) (*stored, error) {
	docs, err := h.db.Documents(ctx, sqlstore.DocSnapshot)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	s, err := openStored(docs[0])
	return &s, err
}

func openStored(doc sqlstore.DocumentRow) (stored, error) {
	m := new(dataset.Manifest)
	if err := json.Unmarshal(doc.Envelope, m); err != nil {
		return stored{}, fmt.Errorf("snapshot %s: %w", doc.ID, err)
	}
	m.ID = doc.ID
	s := stored{manifest: m, settled: doc.Note == noteSettled, madeAt: doc.MadeAt}
	if strings.HasPrefix(doc.Note, noteIncomplete) {
		s.note = doc.Note
	}
	return s, nil
}

// sameInputs says whether a snapshot was made of all that is admitted and can be read.
func (h *Hub) sameInputs(ctx context.Context, inputs []dataset.Input, admitted []sqlstore.AdmittedRow) bool {
	if len(inputs) != len(admitted) {
		return false
	}
	have := map[string]dataset.Input{}
	for _, i := range inputs {
		have[i.Bundle] = i
	}
	return !slices.ContainsFunc(admitted, func(a sqlstore.AdmittedRow) bool {
		i, had := have[a.Bundle]
		if !had || !i.Unreadable {
			return !had
		}
		_, err := h.lines(ctx, a.Shard)
		return err == nil // it can be read again
	})
}

// maxShard bounds a shard when it is unpacked, as a bundle is when it is verified.
const maxShard = 1 << 30

// errUnreadable says that bytes that should be here are not, or are others. Only putting them back helps.
var errUnreadable = errors.New("its records cannot be read")

// shard reads the records that are left of a bundle. Where they cannot be read, it is set aside: everybody else's go on, and it
// does, too, once they are back.
func (h *Hub) shard(ctx context.Context, a sqlstore.AdmittedRow) (curate.Shard, error) {
	s := curate.Shard{Contributor: a.Contributor, Bundle: a.Bundle, Received: a.Received()}
	lines, err := h.lines(ctx, a.Shard)
	if errors.Is(err, errUnreadable) {
		h.log.Error("a bundle is set aside", "bundle", a.Bundle, "contributor", a.Contributor, "err", err, "hint", "put the hub's folders blobs and keys/blobs back from a backup")
		s.Unreadable, err = true, nil
	}
	s.Records = lines
	return s, err
}

func (h *Hub) lines(ctx context.Context, digest string) ([][]byte, error) {
	packed, err := h.blobs.Get(ctx, digest)
	if errors.Is(err, blob.ErrNotFound) || errors.Is(err, blob.ErrDigest) {
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxShard))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	raw, err := z.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: unpack %s: %w", errUnreadable, digest, err)
	}
	if len(raw) == 0 {
		return nil, nil // all of it was withdrawn
	}
	return bytes.Split(bytes.TrimSuffix(raw, []byte("\n")), []byte("\n")), nil
}
