// SPDX-License-Identifier: Apache-2.0

package curate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"hash/maphash"
	"slices"

	"github.com/headrace/headrace/episode"
)

// dropDuplicates keeps one of the episodes with the same content under different ids, such as one session that two
// readers captured: the first in order of contributor and id.
//
// Only an episode with text or with the id of a policy's decision is compared: at level signal, times and numbers are
// so coarse that two honest decisions often look the same, and dropping one of them would bias every rate.
func dropDuplicates(ctx context.Context, in []*candidate) ([]*candidate, error) {
	seed := maphash.MakeSeed() // two that differ and have one sum by chance are told apart by their digests
	sums, alike := make([]uint64, len(in)), make(map[uint64]int32, len(in))
	for i, c := range in {
		if g, ok := glanceAt(c.ep); ok {
			sums[i] = maphash.Comparable(seed, g) | 1
			alike[sums[i]]++
		}
	}
	type job struct {
		c   *candidate
		sum [sha256.Size]byte
	}
	var jobs []job // few: digesting every episode would cost as much as all the rest
	for i, c := range in {
		if alike[sums[i]] > 1 {
			jobs = append(jobs, job{c: c})
		}
	}
	err := parallel(ctx, jobs, func(j *job) (err error) {
		j.sum, err = contentSum(j.c.ep)
		return err
	})
	if err != nil {
		return nil, err
	}
	seen := make(map[[sha256.Size]byte]bool, len(jobs))
	for i := range jobs {
		if seen[jobs[i].sum] {
			jobs[i].c.reason = ReasonDuplicate
		}
		seen[jobs[i].sum] = true
	}
	return slices.DeleteFunc(in, func(c *candidate) bool { return c.reason != "" }), nil
}

// glance is what two episodes with the same content surely share.
type glance struct {
	developer, session, instruction string
	after, final, decision          string // of the first that has one
	started                         int64
}

// glanceAt reports false where the episode holds nothing that does not repeat by chance.
func glanceAt(e *episode.Episode) (glance, bool) {
	g := glance{developer: e.Developer, session: e.Session, instruction: e.Instruction, started: e.StartedAt.UnixNano()}
	for i := range e.Suggestions {
		g.after = cmp.Or(g.after, e.Suggestions[i].After)
	}
	for i := range e.Decisions {
		g.final = cmp.Or(g.final, e.Decisions[i].Final)
		g.decision = cmp.Or(g.decision, e.Decisions[i].DecisionID)
	}
	return g, g.instruction != "" || g.after != "" || g.final != "" || g.decision != ""
}

// contentSum digests what happened: everything but ids, revision, and how and for what the record was sent.
func contentSum(e *episode.Episode) ([sha256.Size]byte, error) {
	c := *e
	c.ID, c.Revision, c.Privacy, c.Terms = "", 0, nil, nil
	b, err := episode.Append(nil, &c)
	if err != nil {
		return [sha256.Size]byte{}, err
	}
	return sha256.Sum256(b), nil
}
