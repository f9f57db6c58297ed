// SPDX-License-Identifier: Apache-2.0

package curate

import (
	"bytes"
	"slices"

	"github.com/headrace/headrace/episode"
)

// foldRevisions takes candidates sorted by episode, episode before amendments, revision, and gives one candidate for
// each episode: its highest revision with every later amendment folded in, in order.
func foldRevisions(sorted []*candidate) []*candidate {
	used := make([]*candidate, 0, len(sorted))
	for len(sorted) > 0 {
		k, n := sorted[0].key(), 1
		for n < len(sorted) && sorted[n].key() == k {
			n++
		}
		if c := foldEpisode(sorted[:n]); c != nil {
			used = append(used, c)
		}
		sorted = sorted[n:]
	}
	return used
}

// foldEpisode folds the records of one episode. What is not set aside and not returned is part of what is returned.
func foldEpisode(recs []*candidate) *candidate {
	var base, prev *candidate
	for _, c := range recs {
		switch {
		case prev != nil && bytes.Equal(prev.line, c.line):
			c.reason = ReasonDuplicate
			continue
		case prev != nil && prev.ep.Amends == c.ep.Amends && prev.ep.Revision == c.ep.Revision:
			c.reason = ReasonConflict // the one that sorts first stays: arbitrary, but the same everywhere
			continue
		case c.ep.Amends == "":
			base = c
		case base == nil:
			c.reason = ReasonOrphan
		case c.ep.Revision <= base.ep.Revision:
			// The episode as we have it was made with this amendment.
		case !covers(c.ep.Terms, base.ep.Terms):
			c.reason = ReasonAmendmentTerms
		default:
			amend(base, c)
		}
		prev = c
	}
	return base
}

// covers reports whether a allows every purpose that b does.
func covers(a, b *episode.Terms) bool {
	for _, p := range b.Purposes {
		if !slices.Contains(a.Purposes, p) {
			return false
		}
	}
	return true
}

// amend adds later facts to an episode. The episode is copied first, so that amend never writes to what it was given.
func amend(base, a *candidate) {
	e := *base.ep
	e.Revision = a.ep.Revision
	e.Outcomes = slices.Clone(e.Outcomes)
	for _, o := range a.ep.Outcomes {
		if !slices.ContainsFunc(e.Outcomes, func(have episode.Outcome) bool { return sameOutcome(have, o) }) {
			e.Outcomes = append(e.Outcomes, o)
		}
	}
	e.Ratings = slices.Concat(e.Ratings, a.ep.Ratings)
	base.ep, base.folded = &e, true
	base.expires = earlier(base.expires, a.expires)
	base.bundles = append(base.bundles, a.shard.Bundle)
}

func sameOutcome(a, b episode.Outcome) bool {
	return a.Suggestion == b.Suggestion && a.Kind == b.Kind && a.Value == b.Value && a.Window == b.Window && a.ObservedAt.Equal(b.ObservedAt)
}
