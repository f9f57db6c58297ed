// SPDX-License-Identifier: Apache-2.0

// Package curate turns what contributors sent into the rows of a snapshot.
//
// [Curate] takes [Shard]s, each the records of one verified bundle, and applies one step after the other: schema,
// withdrawals and terms to each record by itself, then revisions and amendments to each episode, then duplicates
// across episodes. A record that a step refuses is set aside and counted by reason and contributor; the rest goes on.
//
// Every step is a pure function in a file of its own: no clock, no store, no network. The result depends on the set
// of records and the options only, never on the order of shards or of records in them. Nothing here checks
// signatures (package bundle has) or writes a snapshot (package dataset does).
package curate

import (
	"bytes"
	"cmp"
	"context"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/rights"
)

// Version names this code in a snapshot's manifest. Raise it when the same shards may give other rows.
const Version = "2"

// Shard is the records of one verified bundle.
type Shard struct {
	Contributor string
	Bundle      string // digest
	// Received is when the bundle arrived: retention counts from it. Zero leaves retention unchecked.
	Received time.Time
	// Records are episodes and amendments, one canonical JSON object each. Rows may keep pointing into them.
	Records [][]byte
	// Unreadable says that they are there and could not be read. It is noted beside the bundle.
	Unreadable bool
}

// Key names an episode: ids are unique within a contributor only.
type Key struct{ Contributor, Episode string }

// Options say for whom and when the rows are chosen.
type Options struct {
	// Recipient is whose terms must allow the row: the hub's own name.
	Recipient string
	// Purposes: a record is used if its terms allow at least one of them.
	Purposes []episode.Purpose
	// Rights say whose output may serve which purpose; without them no row is chosen.
	Rights rights.Use
	// Now is the time at which terms are judged.
	Now time.Time
	// Withdrawn are the episodes that were taken back, with their amendments.
	Withdrawn map[Key]bool
}

// Result is what Curate made of the shards.
type Result struct {
	// Rows are sorted as a snapshot's are.
	Rows []dataset.Row
	// Meta holds inputs, counts and the name of this code, ready for [dataset.Write].
	Meta dataset.Meta
}

// The reasons for which a record is set aside.
const (
	ReasonSchema         = "schema"           // not a record that this version reads, or one that contradicts itself
	ReasonWithdrawn      = "withdrawn"        // taken back by its contributor
	ReasonNoTerms        = "no_terms"         // carries no terms
	ReasonRecipient      = "recipient"        // terms name others
	ReasonPurpose        = "purpose"          // terms allow none of the purposes
	ReasonRights         = "rights"           // of an origin that may serve none of the purposes its terms allow
	ReasonExpired        = "expired"          // past its terms' expiry or retention
	ReasonDuplicate      = "duplicate"        // the same content is there once already
	ReasonConflict       = "conflict"         // the same episode and revision with other content
	ReasonOrphan         = "amendment_orphan" // its episode is not among the used
	ReasonAmendmentTerms = "amendment_terms"  // allows less than the episode it amends
)

// candidate is one record on its way through the steps.
type candidate struct {
	shard   *Shard
	line    []byte
	ep      *episode.Episode
	expires time.Time
	reason  string // why it is set aside; empty while it is not
	// bundles holds the digests of what was folded in, beside the shard's own.
	bundles []string
	folded  bool // ep is no longer what line says
}

// key is the episode that the record is or amends.
func (c *candidate) key() Key {
	if c.ep.Amends != "" {
		return Key{c.shard.Contributor, c.ep.Amends}
	}
	return Key{c.shard.Contributor, c.ep.ID}
}

// Curate chooses the rows. The only errors are the context's.
func Curate(ctx context.Context, shards []Shard, o Options) (Result, error) {
	cands, err := each(ctx, shards, func(c *candidate) {
		if c.reason = checkSchema(c); c.reason != "" {
			return
		}
		if o.Withdrawn[c.key()] {
			c.reason = ReasonWithdrawn
			return
		}
		c.reason = checkTerms(c, o)
	})
	if err != nil {
		return Result{}, err
	}
	good := make([]*candidate, 0, len(cands))
	for i := range cands {
		if cands[i].reason == "" {
			good = append(good, &cands[i])
		}
	}
	dataset.SortFunc(good, func(c **candidate) (string, int64, string) { k := (*c).key(); return k.Contributor, 0, k.Episode }, inOrder)
	used := foldRevisions(good)
	used, err = dropDuplicates(ctx, used)
	if err != nil {
		return Result{}, err
	}
	rows, err := toRows(ctx, used)
	if err != nil {
		return Result{}, err
	}
	dataset.Sort(rows)
	return Result{Rows: rows, Meta: meta(shards, cands, used, o)}, nil
}

// inOrder compares as [foldRevisions] needs it: by episode, the episode itself before its amendments, and revision.
func inOrder(x, y **candidate) int {
	a, b := *x, *y
	ka, kb := a.key(), b.key()
	if c := cmp.Or(cmp.Compare(ka.Contributor, kb.Contributor), cmp.Compare(ka.Episode, kb.Episode),
		cmp.Compare(a.ep.Amends, b.ep.Amends), cmp.Compare(a.ep.Revision, b.ep.Revision)); c != 0 {
		return c
	}
	return cmp.Or(bytes.Compare(a.line, b.line), cmp.Compare(a.shard.Bundle, b.shard.Bundle))
}

// each decodes every record and runs step on it, on all processors.
func each(ctx context.Context, shards []Shard, step func(*candidate)) ([]candidate, error) {
	n := 0
	for i := range shards {
		n += len(shards[i].Records)
	}
	cands := make([]candidate, 0, n)
	for i := range shards {
		for _, line := range shards[i].Records {
			cands = append(cands, candidate{shard: &shards[i], line: line})
		}
	}
	return cands, parallel(ctx, cands, func(c *candidate) error { step(c); return nil })
}

// parallel runs f on every element, in chunks on all processors.
func parallel[T any](ctx context.Context, all []T, f func(*T) error) error {
	const chunk = 256
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for part := range slices.Chunk(all, chunk) {
		g.Go(func() error {
			for i := range part {
				if err := f(&part[i]); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return g.Wait()
}

func toRows(ctx context.Context, used []*candidate) ([]dataset.Row, error) {
	rows := make([]dataset.Row, len(used))
	type job struct {
		c   *candidate
		row *dataset.Row
	}
	jobs := make([]job, len(used))
	for i, c := range used {
		jobs[i] = job{c, &rows[i]}
	}
	return rows, parallel(ctx, jobs, func(j *job) error {
		c := j.c
		c.bundles = append(c.bundles, c.shard.Bundle)
		slices.Sort(c.bundles)
		r := dataset.Row{Contributor: c.shard.Contributor, Bundles: slices.Compact(c.bundles), Episode: c.ep, Record: c.line}
		if c.folded {
			var err error
			if r, err = dataset.NewRow(r.Contributor, r.Bundles, c.ep); err != nil {
				return err
			}
		}
		r.ExpiresAt = c.expires
		*j.row = r
		return nil
	})
}

func meta(shards []Shard, cands []candidate, used []*candidate, o Options) dataset.Meta {
	m := dataset.Meta{Curation: dataset.Curation{Version: Version, Recipient: o.Recipient, Purposes: slices.Sorted(slices.Values(o.Purposes))},
		Counts: map[string]dataset.Count{}}
	taken := map[*Shard]int{}
	for i := range cands {
		if cands[i].reason == "" {
			taken[cands[i].shard]++
		}
	}
	for i := range shards {
		m.Inputs = append(m.Inputs, dataset.Input{Bundle: shards[i].Bundle, Contributor: shards[i].Contributor, Records: len(shards[i].Records), Used: taken[&shards[i]], Unreadable: shards[i].Unreadable})
	}
	slices.SortFunc(m.Inputs, dataset.Input.Compare)
	for i := range cands {
		n := m.Counts[cands[i].shard.Contributor]
		n.In++
		if r := cands[i].reason; r != "" {
			if n.SetAside == nil {
				n.SetAside = map[string]int{}
			}
			n.SetAside[r]++
		} else {
			n.Folded++ // taken back for the used ones below
		}
		m.Counts[cands[i].shard.Contributor] = n
	}
	for _, c := range used {
		n := m.Counts[c.shard.Contributor]
		n.Used++
		n.Folded--
		m.Counts[c.shard.Contributor] = n
	}
	return m
}
