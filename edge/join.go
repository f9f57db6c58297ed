// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/parts"
	"github.com/headrace/headrace/internal/sqlstore"
)

// told is what one source tells of an episode.
type told struct {
	kind parts.Kind
	ep   *episode.Episode
}

// sourceOf is the kind of source that a payload is from.
func sourceOf(kind string) parts.Kind {
	switch kind {
	case kindEpisodes:
		return parts.History
	case kindProxied:
		return parts.Proxy
	case kindHook:
		return parts.Hooks
	}
	return parts.Events
}

// whole is all that a batch tells of one episode.
type whole struct {
	id    string
	parts parts.Parts
	folds []string // stored episodes that turn out to be this one
}

func (c *whole) developer() string { return c.parts.Episode().Developer }

// joined is a batch, by episode, and what there is to remember of which parts belong together.
type joined struct {
	whole []*whole // in the order in which they came
	joins sqlstore.Joins
}

// ids are the episodes that the batch is about.
func (j *joined) ids() (all []string) {
	for _, c := range j.whole {
		all = append(append(all, c.id), c.folds...)
	}
	return all
}

// join puts together what belongs to one episode: what has the same id, and what shares a key, in this batch or with what
// came before. A key counts for one developer only: nobody joins what another did. It is kept as a keyed digest.
func (e *Edge) join(ctx context.Context, list []told, now time.Time) (*joined, error) {
	secret := e.ring.Derive("join")
	sets := newSets(len(list))
	first := map[string]int{} // of the list, that has an id or a key
	meet := func(k string, i int) {
		if f, ok := first[k]; ok {
			sets.join(f, i)
		} else {
			first[k] = i
		}
	}
	keys := make([][]string, len(list)) // the id's first
	for i, t := range list {
		for _, k := range parts.Keys(t.kind, t.ep) {
			keys[i] = append(keys[i], keyed(secret, []byte(t.ep.Developer+"\x00"+k)))
		}
		slices.Sort(keys[i])
		keys[i] = append([]string{idKey(t.ep.ID)}, slices.Compact(keys[i])...)
		for _, id := range parts.Episodes(t.kind, t.ep) {
			if id != t.ep.ID {
				keys[i] = append(keys[i], idKey(id))
			}
		}
		for _, k := range keys[i] {
			meet(k, i)
		}
	}
	stored := map[string]string{} // the episode that a key was joined to before
	if e.joins {
		var err error
		if stored, err = e.db.Joined(ctx, slices.Sorted(maps.Keys(first))); err != nil {
			return nil, err
		}
		for _, k := range slices.Sorted(maps.Keys(stored)) {
			meet(idKey(stored[k]), first[k])
		}
	}
	could := make([][]string, len(list)) // the ids that a set may go by: those joined before, then the histories' own
	candidate := func(root int, id string) {
		if !slices.Contains(could[root], id) {
			could[root] = append(could[root], id)
		}
	}
	for i := range list {
		for _, k := range keys[i] {
			if id, ok := stored[k]; ok {
				candidate(sets.root(i), id)
			}
		}
	}
	for _, history := range [...]bool{true, false} {
		for i, t := range list {
			if (t.kind == parts.History) == history {
				candidate(sets.root(i), t.ep.ID)
			}
		}
	}
	for i, t := range list {
		for _, id := range parts.Episodes(t.kind, t.ep) {
			candidate(sets.root(i), id) // if it is stored already
		}
	}
	if err := e.settle(ctx, could); err != nil {
		return nil, err
	}
	j := &joined{joins: sqlstore.Joins{Day: day(now)}}
	at := map[int]*whole{}
	for i, t := range list {
		root := sets.root(i)
		c := at[root]
		if c == nil {
			c = &whole{id: could[root][0], folds: could[root][1:]}
			at[root] = c
			j.whole = append(j.whole, c)
			j.joins.Folded = append(j.joins.Folded, c.folds...)
			for _, id := range c.folds {
				j.joins.Keys = append(j.joins.Keys, sqlstore.Join{Key: idKey(id), Episode: c.id})
			}
		}
		if t.ep.ID == c.id {
			keys[i] = keys[i][1:] // its own id needs no entry
		}
		for _, k := range keys[i] {
			if stored[k] != c.id {
				j.joins.Keys = append(j.joins.Keys, sqlstore.Join{Key: k, Episode: c.id})
			}
		}
		t.ep.ID = c.id
		if have := c.parts.Episode(); have != nil && unproven(t.ep) != unproven(have) {
			e.stats.SetAside.Add(1) // of what was told with an identity and without one, only the former counts
			if unproven(have) {
				c.parts = parts.Of(t.kind, t.ep)
			}
			continue
		}
		c.parts.Add(t.kind, t.ep)
	}
	return j, nil
}

// settle decides by which id each set goes, where there are several: it puts that one first, and leaves of the others the
// stored ones that may be folded into it. What has left, or was forbidden, stays what it is.
func (e *Edge) settle(ctx context.Context, could [][]string) error {
	var ask []string
	for _, ids := range could {
		if len(ids) > 1 {
			ask = append(ask, ids...)
		}
	}
	fixed, err := e.db.Fixed(ctx, ask)
	if err != nil {
		return err
	}
	rank := func(id string) int {
		switch isFixed, isStored := fixed[id]; {
		case isFixed:
			return 0
		case isStored:
			return 1
		}
		return 2
	}
	for i, ids := range could {
		if len(ids) < 2 {
			continue
		}
		slices.SortStableFunc(ids, func(a, b string) int { return rank(a) - rank(b) })
		could[i] = append(ids[:1], slices.DeleteFunc(slices.Clone(ids[1:]), func(id string) bool { return rank(id) != 1 })...)
	}
	return nil
}

// idKey is how an episode's id is looked up: it is no secret, and no other key is as short.
func idKey(id string) string { return "id:" + id }

// sets are disjoint sets of numbers.
type sets []int

func newSets(n int) *sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return &s
}

func (s sets) root(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

// join makes one set of two; the smaller number stands for it, so that order is kept.
func (s sets) join(a, b int) {
	a, b = s.root(a), s.root(b)
	s[max(a, b)] = min(a, b)
}
