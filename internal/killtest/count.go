// SPDX-License-Identifier: Apache-2.0

package killtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/spool"
	"github.com/headrace/headrace/internal/sqlstore"
)

// stores are the databases of a state folder.
type stores struct{ edge, hub *sqlstore.DB }

func openStores(ctx context.Context, dir string) (s stores, err error) {
	if s.edge, err = sqlstore.Open(ctx, filepath.Join(dir, "state", "edge", "edge.db"), sqlstore.RoleEdge); err != nil {
		return s, err
	}
	if s.hub, err = sqlstore.Open(ctx, filepath.Join(dir, "state", "hub", "hub.db"), sqlstore.RoleHub); err != nil {
		return s, errors.Join(err, s.edge.Close())
	}
	return s, nil
}

func (s stores) close() error { return errors.Join(s.edge.Close(), s.hub.Close()) }

// unfinished says what work the stores know of that is not done.
func unfinished(ctx context.Context, dir string) (left []string, err error) {
	s, err := openStores(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	done, err := s.edge.SpoolDone(ctx, "inbox")
	if err != nil {
		return nil, err
	}
	waits, err := spool.Count(filepath.Join(dir, "state", "edge", "inbox"), done)
	if err != nil {
		return nil, err
	}
	if waits > 0 {
		left = append(left, "intake")
	}
	settled, err := s.edge.Settled(ctx, time.Now(), sqlstore.EpisodeRow{}, 1)
	if err != nil {
		return nil, err
	}
	if len(settled) > 0 {
		left = append(left, "screen")
	}
	waiting, err := s.edge.OutboundCounts(ctx)
	if err != nil {
		return nil, err
	}
	approved := slices.ContainsFunc(waiting, func(c sqlstore.Count) bool { return c.Key == sqlstore.OutApproved && c.N > 0 })
	bundles, err := s.edge.Bundles(ctx, "")
	if err != nil {
		return nil, err
	}
	folders, err := os.ReadDir(filepath.Join(dir, "state", "edge", "bundles"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if approved || len(folders) > len(bundles) {
		left = append(left, "pack")
	}
	packed, err := s.edge.Bundles(ctx, "packed")
	if err != nil {
		return nil, err
	}
	if len(packed) > 0 {
		left = append(left, "push")
	}
	return s.unfinishedAtHub(ctx, left)
}

func (s stores) unfinishedAtHub(ctx context.Context, left []string) ([]string, error) {
	admitted, err := s.hub.Admitted(ctx)
	if err != nil {
		return nil, err
	}
	docs, err := s.hub.Documents(ctx, sqlstore.DocSnapshot)
	if err != nil {
		return nil, err
	}
	inputs, finished := 0, true
	if len(docs) > 0 {
		var m dataset.Manifest
		if err := json.Unmarshal(docs[0].Envelope, &m); err != nil {
			return nil, err
		}
		inputs, finished = len(m.Inputs), docs[0].Note != ""
	}
	if len(admitted) > inputs {
		left = append(left, "curate")
	}
	if !finished {
		left = append(left, "release") // a snapshot whose training, gate, release and statements are not all made
	}
	return left, nil
}

// settled waits until nothing is left to do.
func settled(ctx context.Context, dir string, atMost time.Duration) error {
	var left []string
	for end := time.Now().Add(atMost); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var err error
		if left, err = unfinished(ctx, dir); err != nil || len(left) == 0 {
			return err
		}
	}
	return fmt.Errorf("after %v there is still work left: %v", atMost, left)
}

// count compares what was acknowledged with what the hub has.
func (r *Report) count(ctx context.Context, dir string, ids []string) error {
	s, err := openStores(ctx, dir)
	if err != nil {
		return err
	}
	defer s.close()
	blobs, err := blob.View(filepath.Join(dir, "state", "hub", "blobs"), filepath.Join(dir, "state", "hub", "keys", "blobs"))
	if err != nil {
		return err
	}
	admitted, err := s.hub.Admitted(ctx)
	if err != nil {
		return err
	}
	times, outcomes := map[string]int{}, map[string]int{}
	for _, a := range admitted {
		packed, err := blobs.Get(ctx, a.Shard)
		if err != nil {
			return err
		}
		if err := tally(packed, times, outcomes); err != nil {
			return fmt.Errorf("bundle %s: %w", a.Bundle, err)
		}
	}
	ring, err := keyring.Open(filepath.Join(dir, "state", "edge", "keys"))
	if err != nil {
		return err
	}
	lower, err := consent.NewLowerer(recipient, ring.Derive)
	if err != nil {
		return err
	}
	for _, id := range ids {
		sent := lower.EpisodeID(id)
		if times[sent] == 0 {
			r.Lost = append(r.Lost, id)
		}
		if times[sent] > 1 {
			r.Twice = append(r.Twice, id)
		}
	}
	late := 0
	for what, n := range outcomes {
		if n > 1 {
			r.Twice = append(r.Twice, what)
		}
		late++
	}
	if want := lateOutcomes * r.Outcomes; late < want {
		r.Lost = append(r.Lost, fmt.Sprintf("%d of %d later outcomes", want-late, want))
	}
	for kind, n := range map[string]*int{sqlstore.DocSnapshot: &r.Snapshots, sqlstore.DocRelease: &r.Releases} {
		docs, err := s.hub.Documents(ctx, kind)
		if err != nil {
			return err
		}
		*n = len(docs)
	}
	return nil
}

// lateOutcomes is how many outcomes the simulator learns later of a suggestion that was taken: merged and reverted.
const lateOutcomes = 2

// tally counts the episodes of a shard, and the outcomes that were learned later.
func tally(packed []byte, times, outcomes map[string]int) error {
	z, err := zstd.NewReader(nil)
	if err != nil {
		return err
	}
	defer z.Close()
	raw, err := z.DecodeAll(packed, nil)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(raw) {
		ep, err := episode.Decode(line)
		if err != nil {
			return err
		}
		id := ep.Amends
		if id == "" {
			id = ep.ID
			times[id]++
		}
		for _, x := range ep.Outcomes {
			if x.Kind == episode.OutcomeMerged || x.Kind == episode.OutcomeReverted {
				outcomes[fmt.Sprint(id, " ", x.Suggestion, " ", x.Kind, " ", x.Window)]++
			}
		}
	}
	return nil
}
