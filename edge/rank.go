// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/risk"
	"github.com/headrace/headrace/internal/sqlstore"
)

// What records have in common, as the store counts it.
const (
	knownRepository = "repository"
	knownDeveloper  = "developer"
	knownKind       = "kind"
	knownField      = "field"
)

// rank says of each record that may leave how much there is to look at, and what: among others, whether it is one of the
// first of its repository, of its developer, with a kind of finding, with a field. The records count in their order.
func (e *Edge) rank(ctx context.Context, batch []candidate) error {
	names := make([][]sqlstore.Name, len(batch))
	all := map[sqlstore.Name]bool{}
	key, digests := e.ring.Derive("join"), map[string]string{}
	digest := func(name string) string {
		if digests[name] == "" {
			digests[name] = keyed(key, []byte(name))
		}
		return digests[name]
	}
	for i := range batch {
		c := &batch[i]
		if len(c.answer.Out) == 0 {
			continue
		}
		if name := c.clean.Local.Repository; name != "" {
			names[i] = append(names[i], sqlstore.Name{What: knownRepository, Name: digest(name)})
		}
		names[i] = append(names[i], sqlstore.Name{What: knownDeveloper, Name: digest(c.row.Developer)})
		for _, kind := range slices.Sorted(maps.Keys(c.answer.Out[0].Found)) {
			names[i] = append(names[i], sqlstore.Name{What: knownKind, Name: printable(kind, maxName)})
		}
		for _, field := range risk.Fields(c.clean) {
			names[i] = append(names[i], sqlstore.Name{What: knownField, Name: printable(field, maxName)})
		}
		for _, n := range names[i] {
			all[n] = true
		}
	}
	seen, err := e.db.Known(ctx, slices.Collect(maps.Keys(all)))
	if err != nil {
		return err
	}
	for i := range batch {
		c := &batch[i]
		if len(c.answer.Out) == 0 {
			continue
		}
		var known risk.Facts
		for _, n := range names[i] {
			few := seen[n]
			seen[n]++
			switch n.What {
			case knownRepository:
				known.NewRepository = few < risk.FewOfWhom
			case knownDeveloper:
				known.NewDeveloper = few < risk.FewOfWhom
			case knownKind:
				if few < risk.FewOfWhat {
					known.RareKinds = append(known.RareKinds, n.Name)
				}
			case knownField:
				if few < risk.FewOfWhat {
					known.RareFields = append(known.RareFields, n.Name)
				}
			}
		}
		c.answer.Out[0].Names = names[i] // once, to however many it leaves
		for _, r := range c.said {
			if r.out == nil {
				continue
			}
			facts := known
			facts.Replaced, facts.Runs, facts.LookAlikes = r.stands.Replaced, r.stands.Runs, r.stands.LookAlikes
			points, why := facts.Score()
			r.out.Risk, r.out.Why = points, strings.Join(why, "; ")
		}
	}
	return nil
}

// drawn reports whether a record that a rule approves is one of the share that a person looks at all the same. Who has not
// this edge's key cannot foresee which, and an episode that is drawn stays so however it changes.
func (e *Edge) drawn(recipient string, d consent.Decision, id string) bool {
	if d.AuditShare == 0 {
		return false
	}
	m := hmac.New(sha256.New, e.ring.Derive("audit-share", recipient))
	m.Write([]byte(id))
	const one = 1 << 53 // a float64 holds each number below
	return float64(binary.BigEndian.Uint64(m.Sum(nil))>>11)/one < d.AuditShare
}

// preferences returns what the developers of a batch say of their own records. What was read once is kept while it stays
// the same.
func (e *Edge) preferences(ctx context.Context, batch []candidate) (map[string]*consent.Preferences, error) {
	developers := map[string]bool{}
	for i := range batch {
		developers[batch[i].row.Developer] = true
	}
	said, err := e.db.PreferencesOf(ctx, slices.Sorted(maps.Keys(developers))...)
	if err != nil {
		return nil, err
	}
	now := make(map[string]*consent.Preferences, len(said))
	for developer, text := range said {
		p := e.prefs[developer]
		if p == nil || string(p.Text()) != text {
			if p, err = consent.DecodePreferences([]byte(text)); err != nil {
				// It was read when it was set: another version of this program did. Nothing of theirs leaves meanwhile.
				e.log.Error("a developer's preferences cannot be read; nothing of theirs leaves", "err", err)
				no := false
				p = &consent.Preferences{Developer: developer, Agree: &no}
			}
		}
		now[developer] = p
	}
	e.prefs = now
	return now, nil
}
