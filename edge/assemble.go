// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/hook"
	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/capture/parts"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

// demoProvider is the origin of synthetic records, as spec/rights.tsv names it.
const demoProvider = "demo"

// assemble opens what waits in the inbox and makes episodes of it: new ones, or new revisions of known ones. The episodes
// and the number of their last payload are one commit, so a crash repeats the work and never the episode.
func (e *Edge) assemble(ctx context.Context) error {
	return e.drain(e.inbox, func(payloads [][]byte, last uint64) error { return e.assembleBatch(ctx, payloads, last) })
}

func (e *Edge) assembleBatch(ctx context.Context, payloads [][]byte, last uint64) error {
	var list []told
	var totals []sqlstore.Total
	for _, sealed := range payloads {
		p, err := e.openPayload(ctx, sealed)
		if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
			e.setAside("a payload of the inbox is set aside", err)
			continue
		}
		if err != nil {
			return err
		}
		if p.Kind == kindOTLPMetrics {
			totals = append(totals, e.unpackTotals(p)...)
			continue
		}
		if p.Kind == kindCommits {
			if err := e.unpackCommits(ctx, p); err != nil {
				return err
			}
			continue
		}
		if p.Kind == kindReports {
			if err := e.unpackReports(ctx, p); err != nil {
				return err
			}
			continue
		}
		kind := sourceOf(p.Kind)
		for _, ep := range e.unpack(p) {
			if kind == parts.History && otlp.Tells(ep) {
				list = append(list, told{parts.Events, ep}) // telemetry that was kept in a file
				continue
			}
			list = append(list, told{kind, ep})
		}
	}
	list, err := e.fillDecisions(ctx, list)
	if err != nil {
		return err
	}
	return e.tell(ctx, list, last, totals)
}

// tell stores what sources tell: new episodes, or new revisions of known ones.
func (e *Edge) tell(ctx context.Context, list []told, last uint64, totals []sqlstore.Total) error {
	now := e.cfg.Now()
	j, err := e.join(ctx, list)
	if err != nil {
		return err
	}
	known, err := e.known(ctx, j)
	if err != nil {
		return err
	}
	joins := sqlstore.Joins{Day: day(now)}
	developers := map[string]bool{}
	var names []string
	for _, c := range j.whole {
		if d := c.developer(); !developers[d] {
			developers[d] = true
			names = append(names, d)
		}
	}
	keys, err := e.vault.open(ctx, day(now), names...)
	if err != nil {
		return err
	}
	joinKey := e.ring.Derive("join")
	var rows []sqlstore.EpisodeRow
	var prints []sqlstore.PrintRow
	var raw []byte
	for _, c := range j.whole {
		var row sqlstore.EpisodeRow
		tell := &c.parts
		if old, isKnown := known[c.id]; isKnown {
			a, err := e.add(ctx, old, c, known, now)
			if err != nil {
				return err
			}
			if row, tell = a.row, a.parts; !a.refused {
				j.remember(&joins, c, a.folded)
			}
		} else if tell[parts.Git] != nil {
			continue // an episode that is not there any more
		} else {
			row = e.row(tell.Episode(), now)
			row.Revision, row.ReceivedAt, row.VaultDay = 1, now, day(now)
			j.remember(&joins, c, nil)
		}
		if tell == nil {
			continue // nothing new, or nothing of it is wanted any more
		}
		if raw, err = tell.Append(raw[:0]); err != nil {
			return err
		}
		if row.Digest = keyed(joinKey, raw); row.Digest == known[c.id].Digest {
			continue
		}
		key := keys[row.Developer]
		if key == nil || row.VaultDay != day(now) {
			// Raw text rests no longer because something was added to it: it stays under the key of its day.
			more, err := e.vault.open(ctx, row.VaultDay, row.Developer)
			if err != nil {
				return err
			}
			key = more[row.Developer]
		}
		row.Sealed = key.Seal(nil, nil, raw, []byte(c.id))
		rows = append(rows, row)
		if e.git {
			if prints, err = e.print(prints, tell.Episode()); err != nil {
				return err
			}
		}
	}
	if err := e.db.StorePrints(ctx, prints); err != nil {
		return err
	}
	if err := e.db.Assemble(ctx, rows, joins, last, totals...); err != nil {
		return err
	}
	e.joins = e.joins || len(joins.Keys) > 0
	return nil
}

// added is what becomes of a known episode when more is told of it.
type added struct {
	row     sqlstore.EpisodeRow
	parts   *parts.Parts // to be sealed: all of them, or only what came later where its raw text is gone; nil where nothing is
	folded  []string     // episodes all of which is in it now
	refused bool         // nothing that was told counts
}

// add works out what becomes of a known episode with what came later.
func (e *Edge) add(ctx context.Context, old sqlstore.EpisodeRow, c *whole, known map[string]sqlstore.EpisodeRow, now time.Time) (added, error) {
	if old.State == sqlstore.EpisodeVetoed || old.State == sqlstore.EpisodeWithdrawn {
		return added{row: old, folded: c.folds}, nil // what turns out to be part of it is not wanted either
	}
	later := &c.parts
	for _, part := range later {
		if part != nil { // the developer an episode belongs to was settled when it first came; nobody moves it to another
			part.Developer = cmp.Or(old.Developer, part.Developer)
		}
	}
	have, err := e.stored(ctx, old)
	if gone := errors.Is(err, errExpired) || errors.Is(err, errDamaged); err != nil && !gone {
		return added{}, err
	} else if gone {
		folded, err := e.fold(ctx, later, c.folds, known, old, "")
		if err != nil {
			return added{}, err
		}
		row := old
		row.Later, row.State, row.VaultDay, row.Outcomes = true, sqlstore.EpisodeAssembled, day(now), old.Outcomes+len(later.Episode().Outcomes)
		row.SettleAt = now
		if old.State != sqlstore.EpisodeAssembled {
			row.Revision++
		}
		return added{row, later, folded, false}, nil
	}
	before := have.Episode()
	for _, part := range later {
		if part != nil { // nor to another session
			part.Session = cmp.Or(before.Session, part.Session)
		}
	}
	if unproven(later.Episode()) && !unproven(before) {
		e.stats.SetAside.Add(1) // facts without a proven identity about an episode that has one
		return added{row: old, refused: true}, nil
	}
	adds := len(c.folds) == 0 && later.Single() && (later[parts.History] != nil || later[parts.Git] != nil) && before.GainsOnly(later.Episode())
	have.Join(*later)
	folded, err := e.fold(ctx, have, c.folds, known, old, before.Session)
	if err != nil {
		return added{}, err
	}
	row := e.row(have.Episode(), now)
	row.Revision, row.ReceivedAt, row.VaultDay, row.Later = old.Revision, old.ReceivedAt, old.VaultDay, old.Later
	row.Adds = adds
	if old.State != sqlstore.EpisodeAssembled {
		row.Revision++ // it was screened: an approval of what it was does not cover what it is
	}
	return added{row, have, folded, false}, nil
}

// fold takes up what stored episodes hold that turned out to be part of another, as far as it can still be read, and names
// those of which it did.
func (e *Edge) fold(ctx context.Context, into *parts.Parts, ids []string, known map[string]sqlstore.EpisodeRow, old sqlstore.EpisodeRow, session string) (folded []string, err error) {
	for _, id := range ids {
		other, err := e.stored(ctx, known[id])
		if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, part := range other {
			if part != nil {
				part.ID, part.Developer, part.Session = old.ID, cmp.Or(old.Developer, part.Developer), cmp.Or(session, part.Session)
			}
		}
		into.Join(*other)
		folded = append(folded, id)
	}
	return folded, nil
}

func unproven(ep *episode.Episode) bool { return ep.Local != nil && ep.Local.Unauthenticated }

// stored opens the vault's copy of an episode: what each kind of source tells of it.
func (e *Edge) stored(ctx context.Context, r sqlstore.EpisodeRow) (*parts.Parts, error) {
	b, err := e.vault.unseal(ctx, r.Developer, r.VaultDay, r.ID, r.Sealed)
	if err != nil {
		return nil, err
	}
	p, err := parts.Decode(b)
	if err == nil && p.Episode() == nil {
		err = errDamaged
	}
	if err != nil {
		return nil, fmt.Errorf("the vault's copy of %s: %w", r.ID, err)
	}
	return &p, nil
}

// unpack reads the episodes of one payload and keeps what the policy lets be recorded. What does not read is set aside.
func (e *Edge) unpack(p payload) []*episode.Episode {
	var list []*episode.Episode
	switch p.Kind {
	case kindEpisodes, kindProxied, kindGateway:
		for line := range bytes.Lines(p.body) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			ep, err := episode.Decode(line)
			if err != nil { // it was checked when it came in: another version of this program did
				e.setAside("a line of the inbox is set aside", err)
				continue
			}
			list = append(list, ep)
		}
	case kindOTLPLogs:
		list = e.unpackLogs(p)
	case kindOTLPTraces:
		list = e.unpackTraces(p)
	case kindHook:
		var err error
		if list, err = hook.Kept(p.Tool, p.Event, p.body, p.At); err != nil {
			e.setAside("what a hook told is set aside", err)
		}
	}
	kept := list[:0]
	for _, ep := range list {
		if p.Principal != "" {
			ep.Developer = p.Principal // identity is proven, never the payload's word
		}
		ep.Developer = printable(ep.Developer, maxName) // a key in the store
		if ep.Origin != nil && ep.Origin.Provider == demoProvider && !e.cfg.Demo {
			ep.Origin = nil // the rights table opens everything for synthetic records: nobody claims that from outside
		}
		if !p.Authenticated {
			if ep.Local == nil {
				ep.Local = &episode.Local{}
			}
			ep.Local.Unauthenticated = true
		}
		records, err := e.policy().Records(consent.Facts{Tool: ep.Tool.Name, Surface: string(ep.Tool.Surface), Repository: ep.Repository, Developer: ep.Developer})
		if err != nil {
			e.setAside("a record is set aside: the policy cannot say whether it may be recorded", err)
			continue
		}
		if records { // else off: nothing of it is kept
			kept = append(kept, ep)
		}
	}
	return kept
}

// row is what we know of an episode without opening its seal.
func (e *Edge) row(ep *episode.Episode, now time.Time) sqlstore.EpisodeRow {
	r := sqlstore.EpisodeRow{ID: ep.ID, Developer: ep.Developer, Session: e.plain(ep.Session), Repository: e.plain(ep.Repository), Tool: e.plain(ep.Tool.Name),
		Surface: printable(string(ep.Tool.Surface), maxName), StartedAt: ep.StartedAt, Steps: len(ep.Steps), Suggestions: len(ep.Suggestions),
		Outcomes: len(ep.Outcomes), State: sqlstore.EpisodeAssembled}
	if len(ep.Languages) > 0 {
		r.Language = ep.Languages[0]
	} else if len(ep.Suggestions) > 0 {
		r.Language = ep.Suggestions[0].Language
	}
	r.Language = printable(r.Language, 64)
	r.CodeAccepted, r.CodeRejected = onCode(ep)
	for _, d := range ep.Decisions {
		v := &r.Verdicts
		switch d.Verdict {
		case episode.Accepted:
			v.Accepted++
		case episode.Modified:
			v.Modified++
		case episode.Rejected:
			v.Rejected++
		case episode.Ignored:
			v.Ignored++
		case episode.Cancelled:
			v.Cancelled++
		case episode.TimedOut:
			v.TimedOut++
		}
	}
	last := ep.EndedAt
	if last.IsZero() {
		last = ep.StartedAt
	}
	if last.IsZero() || last.After(now) {
		last = now
	}
	r.SettleAt = last.Add(e.cfg.Settle)
	return r
}

// keyed is a digest that nobody without the key can test a guess against.
func keyed(key, b []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// plain is a name as it may rest outside the vault: a secret in it, such as credentials in a remote's address, is not
// part of the name.
func (e *Edge) plain(name string) string {
	if name == "" {
		return ""
	}
	b, _, err := e.filter.Text(nil, []byte(name))
	if err != nil {
		return keyed(e.ring.Derive("join"), []byte(name))
	}
	return printable(string(b), maxName)
}

// maxName is the longest name in a column, in characters: PostgreSQL's indexes take no more than 2,700 bytes.
const maxName = 512
