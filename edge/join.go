// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

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
	case kindGateway:
		return parts.Gateway
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
	keys  []string // by which it is known from now on
	told  []*episode.Episode
}

func (c *whole) developer() string { return c.parts.Episode().Developer }

// own gives the episode an id of its developer's, where the one that it is told by is another's episode, as of a session that
// was copied: both are kept.
func (c *whole) own() {
	c.id = ownID(c.developer(), c.id)
	c.folds, c.keys = nil, slices.DeleteFunc(c.keys, isIDKey)
	for _, ep := range c.told {
		ep.ID = c.id
	}
	for _, part := range c.parts {
		if part != nil {
			part.ID = c.id
		}
	}
}

// joined is a batch, by episode, and what was remembered before of which parts belong together.
type joined struct {
	whole  []*whole          // in the order in which they came
	stored map[string]string // the episode that a key was joined to
}

// ids are the episodes that the batch is about.
func (j *joined) ids() (all []string) {
	for _, c := range j.whole {
		all = append(append(all, c.id), c.folds...)
	}
	return all
}

// join puts together what belongs to one episode: what has the same id, and what shares a key, in this batch or with what
// came before. It does so for one developer only: nobody joins what another did. A key is kept as a keyed digest.
func (e *Edge) join(ctx context.Context, list []told) (*joined, error) {
	secret := e.ring.Derive("join")
	sets := newSets(len(list))
	developer := make([]string, len(list)) // of a set, by its root
	for i, t := range list {
		developer[i] = t.ep.Developer
	}
	first := map[string]int{} // of the list, that has an id or a key
	meet := func(k string, i int) {
		f, ok := first[k]
		if !ok {
			first[k] = i
			return
		}
		a, b := sets.root(f), sets.root(i)
		if foreign(developer[a], developer[b]) {
			return // what is told in nobody's name names something of each: it is no bridge between them
		}
		sets.join(a, b)
		developer[min(a, b)] = cmp.Or(developer[a], developer[b])
	}
	owner := map[string]string{} // of an id in this batch: the first developer who told of it
	for _, t := range list {
		if t.ep.Developer != "" && owner[t.ep.ID] == "" {
			owner[t.ep.ID] = t.ep.Developer
		}
	}
	same := func(i int, id string) { // a service that speaks for nobody may tell of anybody's
		meet("id\x00"+cmp.Or(list[i].ep.Developer, owner[id])+"\x00"+id, i)
	}
	keys, ids := make([][]string, len(list)), make([][]string, len(list)) // of ids, its own is the first
	var ask []string
	for i, t := range list {
		for _, k := range parts.Keys(t.kind, t.ep) {
			keys[i] = append(keys[i], keyed(secret, []byte(t.ep.Developer+"\x00"+k)))
		}
		slices.Sort(keys[i])
		keys[i] = slices.Compact(keys[i])
		for _, k := range keys[i] {
			meet(k, i)
		}
		ids[i] = append([]string{t.ep.ID}, parts.Episodes(t.kind, t.ep)...)
		ask = append(ask, keys[i]...)
		for _, id := range ids[i] {
			same(i, id)
			ask = append(ask, idKey(id))
		}
	}
	j := &joined{}
	if e.joins {
		slices.Sort(ask)
		var err error
		if j.stored, err = e.db.Joined(ctx, slices.Compact(ask)); err != nil {
			return nil, err
		}
	}
	before := func(i int) (all []string) { // the episodes that it was joined to
		for _, id := range ids[i] {
			if s, ok := j.stored[idKey(id)]; ok {
				all = append(all, s)
			}
		}
		for _, k := range keys[i] {
			if s, ok := j.stored[k]; ok {
				all = append(all, s)
			}
		}
		return all
	}
	for i := range list {
		for _, id := range before(i) {
			same(i, id)
		}
	}
	could := make([][]string, len(list)) // the ids that a set may go by: those joined before, then the histories' own
	candidate := func(root int, id string) {
		if !slices.Contains(could[root], id) {
			could[root] = append(could[root], id)
		}
	}
	for i := range list {
		for _, id := range before(i) {
			candidate(sets.root(i), id)
		}
	}
	for _, history := range [...]bool{true, false} {
		for i, t := range list {
			if (t.kind == parts.History) == history {
				candidate(sets.root(i), t.ep.ID)
			}
		}
	}
	for i := range list {
		for _, id := range ids[i][1:] {
			candidate(sets.root(i), id) // if it is stored already
		}
	}
	if err := e.settle(ctx, could, developer); err != nil {
		return nil, err
	}
	at := map[int]*whole{}
	for i, t := range list {
		root := sets.root(i)
		c := at[root]
		if c == nil {
			c = &whole{id: could[root][0], folds: could[root][1:]}
			at[root] = c
			j.whole = append(j.whole, c)
		}
		known := keys[i]
		for _, id := range ids[i] {
			if id != c.id { // its own id needs no entry
				known = append(known, idKey(id))
			}
		}
		t.ep.ID = c.id
		c.told = append(c.told, t.ep)
		if have := c.parts.Episode(); have != nil && unproven(t.ep) != unproven(have) {
			e.stats.SetAside.Add(1) // of what was told with an identity and without one, only the former counts
			if unproven(have) {
				c.parts, c.keys = parts.Of(t.kind, t.ep), known
			}
			continue
		}
		c.parts.Add(t.kind, t.ep)
		c.keys = append(c.keys, known...)
	}
	return j, nil
}

// known are the stored episodes that a batch is about. What a developer tells of under the id of another's is of its own.
func (e *Edge) known(ctx context.Context, j *joined) (map[string]sqlstore.EpisodeRow, error) {
	ids := j.ids()
	known, err := e.db.EpisodesByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, c := range j.whole {
		if foreign(known[c.id].Developer, c.developer()) {
			c.own()
		}
	}
	j.part()
	asked := map[string]bool{}
	for _, id := range ids {
		asked[id] = true
	}
	var more []string
	for _, id := range j.ids() {
		if !asked[id] {
			more = append(more, id)
		}
	}
	if len(more) > 0 {
		rest, err := e.db.EpisodesByID(ctx, more)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, rest)
	}
	return known, nil
}

// part sees to it that no two have one id: what is another's gets an id of its own, and what is not goes together.
func (j *joined) part() {
	byID := map[string]*whole{}
	j.whole = slices.DeleteFunc(j.whole, func(c *whole) bool {
		if first := byID[c.id]; first != nil && foreign(first.developer(), c.developer()) {
			c.own()
		}
		first := byID[c.id]
		if first == nil {
			byID[c.id] = c
			return false
		}
		if unproven(first.parts.Episode()) == unproven(c.parts.Episode()) { // else the first one's word counts
			first.parts.Join(c.parts)
			first.keys, first.folds, first.told = append(first.keys, c.keys...), append(first.folds, c.folds...), append(first.told, c.told...)
		}
		return true
	})
}

// remember adds to the joins what is known of an episode from now on: by which keys, and which others are part of it.
func (j *joined) remember(joins *sqlstore.Joins, c *whole, folded []string) {
	for _, k := range c.keys {
		if j.stored[k] != c.id {
			joins.Keys = append(joins.Keys, sqlstore.Join{Key: k, Episode: c.id})
		}
	}
	for _, id := range folded {
		joins.Keys = append(joins.Keys, sqlstore.Join{Key: idKey(id), Episode: c.id})
	}
	joins.Folded = append(joins.Folded, folded...)
}

// foreign reports whether a stored episode is another's than who tells of it.
func foreign(stored, tells string) bool { return stored != "" && tells != "" && stored != tells }

// ownID is the id of an episode that a developer tells of under the id of another's.
func ownID(developer, id string) string { return episode.NewID("told by "+developer, id) }

// settle decides by which id each set goes, where there are several: it puts that one first, and leaves of the others the
// stored ones that may be folded into it. What has left, or was forbidden, stays what it is, and so does what is another's.
func (e *Edge) settle(ctx context.Context, could [][]string, developer []string) error {
	var ask []string
	for _, ids := range could {
		if len(ids) > 1 {
			ask = append(ask, ids...)
		}
	}
	stored, err := e.db.Standing(ctx, ask)
	if err != nil {
		return err
	}
	rank := func(id string) int {
		switch s, isStored := stored[id]; {
		case s.Fixed:
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
		own := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return foreign(stored[id].Developer, developer[i]) })
		if len(own) == 0 {
			own = []string{ownID(developer[i], ids[0])}
		}
		ids = own
		slices.SortStableFunc(ids, func(a, b string) int { return rank(a) - rank(b) })
		who := cmp.Or(developer[i], stored[ids[0]].Developer)
		could[i] = append(ids[:1], slices.DeleteFunc(slices.Clone(ids[1:]), func(id string) bool { return rank(id) != 1 || foreign(stored[id].Developer, who) })...)
	}
	return nil
}

// idKey is how an episode's id is looked up: it is no secret, and no other key is as short.
func idKey(id string) string { return idPrefix + id }

const idPrefix = "id:"

func isIDKey(k string) bool { return strings.HasPrefix(k, idPrefix) }

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
