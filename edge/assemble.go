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

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/otlp"
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
	var order []string
	byID := map[string]*episode.Episode{}
	parts := map[string]bool{} // ids that came as telemetry events, which arrive in any order
	for _, sealed := range payloads {
		p, err := e.openPayload(ctx, sealed)
		if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
			e.setAside("a payload of the inbox is set aside", err)
			continue
		}
		if err != nil {
			return err
		}
		for _, ep := range e.unpack(p) {
			if p.Kind == kindOTLPLogs {
				parts[ep.ID] = true
			}
			if have := byID[ep.ID]; have != nil {
				e.merge(have, ep, parts[ep.ID])
				continue
			}
			byID[ep.ID] = ep
			order = append(order, ep.ID)
		}
	}
	known, err := e.db.EpisodesByID(ctx, order)
	if err != nil {
		return err
	}
	now := e.cfg.Now()
	developers := map[string]bool{}
	var names []string
	for _, id := range order {
		if d := byID[id].Developer; !developers[d] {
			developers[d] = true
			names = append(names, d)
		}
	}
	keys, err := e.vault.open(ctx, day(now), names...)
	if err != nil {
		return err
	}
	join := e.ring.Derive("join")
	var rows []sqlstore.EpisodeRow
	var raw []byte
	for _, id := range order {
		row, ep := sqlstore.EpisodeRow{}, byID[id]
		if old, isKnown := known[id]; isKnown {
			if row, ep, err = e.add(ctx, old, ep, parts[id], now); err != nil {
				return err
			}
		} else {
			row = e.row(ep, now)
			row.Revision, row.ReceivedAt, row.VaultDay = 1, now, day(now)
		}
		if ep == nil {
			continue // nothing new, or nothing of it is wanted any more
		}
		if raw, err = episode.Append(raw[:0], ep); err != nil {
			return err
		}
		if row.Digest = keyed(join, raw); row.Digest == known[id].Digest {
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
		row.Sealed = key.Seal(nil, nil, raw, []byte(id))
		rows = append(rows, row)
	}
	return e.db.Assemble(ctx, rows, last)
}

// add makes the row of a known episode with later facts, and the episode to be sealed: all of it, or only the later facts
// where its raw text is gone. It returns no episode where the facts are not wanted.
func (e *Edge) add(ctx context.Context, old sqlstore.EpisodeRow, later *episode.Episode, parts bool, now time.Time) (sqlstore.EpisodeRow, *episode.Episode, error) {
	if old.State == sqlstore.EpisodeVetoed || old.State == sqlstore.EpisodeWithdrawn {
		return old, nil, nil
	}
	// The developer and the session an episode belongs to were settled when it first came; nobody moves it to another.
	later.Developer = old.Developer
	ep, err := e.stored(ctx, old)
	if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
		row := old
		row.Later, row.State, row.VaultDay, row.Outcomes = true, sqlstore.EpisodeAssembled, day(now), old.Outcomes+len(later.Outcomes)
		row.SettleAt = now
		if old.State != sqlstore.EpisodeAssembled {
			row.Revision++
		}
		return row, later, nil
	}
	if err != nil {
		return old, nil, err
	}
	later.Session = cmp.Or(ep.Session, later.Session)
	adds := !parts && ep.GainsOnly(later)
	if !e.merge(ep, later, parts) {
		return old, nil, nil
	}
	row := e.row(ep, now)
	row.Revision, row.ReceivedAt, row.VaultDay, row.Later = old.Revision, old.ReceivedAt, old.VaultDay, old.Later
	row.Adds = adds
	if old.State != sqlstore.EpisodeAssembled {
		row.Revision++ // it was screened: an approval of what it was does not cover what it is
	}
	return row, ep, nil
}

// stored opens the vault's copy of an episode.
func (e *Edge) stored(ctx context.Context, r sqlstore.EpisodeRow) (*episode.Episode, error) {
	b, err := e.vault.unseal(ctx, r.Developer, r.VaultDay, r.ID, r.Sealed)
	if err != nil {
		return nil, err
	}
	ep, err := episode.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("the vault's copy of %s: %w", r.ID, err)
	}
	return ep, nil
}

// merge adds later facts to an episode: parts of one from telemetry are put in order by their events. It refuses facts
// without a proven identity about an episode that has one.
func (e *Edge) merge(into, later *episode.Episode, parts bool) bool {
	unproven := func(ep *episode.Episode) bool { return ep.Local != nil && ep.Local.Unauthenticated }
	if unproven(later) && !unproven(into) {
		e.stats.SetAside.Add(1)
		return false
	}
	if parts {
		otlp.Merge(into, later)
	} else {
		into.Merge(later)
	}
	return true
}

// unpack reads the episodes of one payload and keeps what the policy lets be recorded. What does not read is set aside.
func (e *Edge) unpack(p payload) []*episode.Episode {
	var list []*episode.Episode
	switch p.Kind {
	case kindEpisodes:
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
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(p.body)
		if err != nil {
			e.setAside("logs that were taken in do not decode any more and are set aside", err)
			return nil
		}
		list, _ = otlp.Episodes(logs)
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
		records, err := e.policy.Records(consent.Facts{Tool: ep.Tool.Name, Surface: string(ep.Tool.Surface), Repository: ep.Repository, Developer: ep.Developer})
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
