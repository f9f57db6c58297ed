// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/otlp"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

// demoProvider is the origin of synthetic records, as spec/rights.tsv names it.
const demoProvider = "demo"

// inboxBatch is how many payloads are assembled in one commit.
const inboxBatch = 64

// assemble opens what waits in the inbox and makes episodes of it: new ones, or new revisions of known ones. An episode
// and the removal of its payload are one commit, so a crash repeats the work and never the episode.
func (e *Edge) assemble(ctx context.Context) error {
	for {
		items, err := e.db.Inbox(ctx, inboxBatch)
		if err != nil || len(items) == 0 {
			return err
		}
		if err := e.assembleBatch(ctx, items); err != nil {
			return err
		}
	}
}

func (e *Edge) assembleBatch(ctx context.Context, items []sqlstore.InboxItem) error {
	var order []string
	byID := map[string]*episode.Episode{}
	parts := map[string]bool{} // ids that came as telemetry events, which arrive in any order
	var done []string
	for _, it := range items {
		done = append(done, it.ID)
		list, err := e.unpack(ctx, it)
		if errors.Is(err, errExpired) {
			e.log.Warn("a payload waited in the inbox for longer than raw text may rest; it is gone", "received", it.ReceivedAt)
			e.stats.SetAside.Add(1)
			continue
		}
		if err != nil {
			return err
		}
		for _, ep := range list {
			if it.Kind == kindOTLPLogs {
				parts[ep.ID] = true
			}
			if have := byID[ep.ID]; have != nil {
				merge(have, ep, parts[ep.ID])
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
	today := day(now)
	developers := map[string]bool{}
	var names []string
	for _, id := range order {
		if d := byID[id].Developer; !developers[d] {
			developers[d] = true
			names = append(names, d)
		}
	}
	keys, err := e.vault.open(ctx, today, names...)
	if err != nil {
		return err
	}
	join := e.ring.Derive("join")
	var rows []sqlstore.EpisodeRow
	for _, id := range order {
		ep := byID[id]
		old, isKnown := known[id]
		if isKnown {
			// The developer an episode belongs to was settled when it first came; nobody moves it to another.
			ep.Developer = old.Developer
			if ep, err = e.addTo(ctx, old, ep, parts[id]); err != nil {
				return err
			}
		}
		var raw []byte
		if raw, err = episode.Append(nil, ep); err != nil {
			return err
		}
		row := e.row(ep, now)
		row.Digest = keyed(join, raw)
		if isKnown && (old.Digest == row.Digest || old.State == sqlstore.EpisodeVetoed || old.State == sqlstore.EpisodeWithdrawn) {
			continue // nothing new, or nothing of it is wanted any more
		}
		row.Revision, row.ReceivedAt = 1, now
		if isKnown {
			row.Revision, row.ReceivedAt = old.Revision, old.ReceivedAt
			if old.State != sqlstore.EpisodeAssembled {
				row.Revision++ // it was screened: an approval of what it was does not cover what it is
			}
		}
		key := keys[ep.Developer]
		if key == nil {
			more, err := e.vault.open(ctx, today, ep.Developer)
			if err != nil {
				return err
			}
			key = more[ep.Developer]
		}
		row.Sealed = key.Seal(nil, nil, raw, []byte(id))
		rows = append(rows, row)
	}
	return e.db.Assemble(ctx, rows, done)
}

// unpack opens one payload.
func (e *Edge) unpack(ctx context.Context, it sqlstore.InboxItem) ([]*episode.Episode, error) {
	b, err := e.vault.unseal(ctx, "", day(it.ReceivedAt), it.ID, it.Sealed)
	if err != nil {
		return nil, err
	}
	var list []*episode.Episode
	switch it.Kind {
	case kindEpisodes:
		r := episode.NewReader(bytes.NewReader(b))
		for {
			ep, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("a line that was taken in does not decode any more: %w", err)
			}
			list = append(list, ep)
		}
	case kindOTLPLogs:
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(b)
		if err != nil {
			return nil, fmt.Errorf("logs that were taken in do not decode any more: %w", err)
		}
		list, _ = otlp.Episodes(logs)
	}
	kept := list[:0]
	for _, ep := range list {
		if it.Principal != "" {
			ep.Developer = it.Principal // identity is proven, never the payload's word
		}
		if ep.Origin != nil && ep.Origin.Provider == demoProvider && !e.cfg.Demo {
			ep.Origin = nil // the rights table opens everything for synthetic records: nobody claims that from outside
		}
		if !it.Authenticated {
			if ep.Local == nil {
				ep.Local = &episode.Local{}
			}
			ep.Local.Unauthenticated = true
		}
		records, err := e.policy.Records(consent.Facts{Tool: ep.Tool.Name, Surface: string(ep.Tool.Surface), Repository: ep.Repository, Developer: ep.Developer})
		if err != nil {
			return nil, err
		}
		if records { // else off: nothing of it is kept
			kept = append(kept, ep)
		}
	}
	return kept, nil
}

// addTo merges later facts into a known episode. Where its raw text is gone, the later facts stand alone.
func (e *Edge) addTo(ctx context.Context, old sqlstore.EpisodeRow, later *episode.Episode, parts bool) (*episode.Episode, error) {
	b, err := e.vault.unseal(ctx, old.Developer, old.VaultDay, old.ID, old.Sealed)
	if errors.Is(err, errExpired) {
		return later, nil
	}
	if err != nil {
		return nil, err
	}
	ep, err := episode.Decode(b)
	if err != nil {
		return nil, fmt.Errorf("the vault's copy of %s: %w", old.ID, err)
	}
	merge(ep, later, parts)
	return ep, nil
}

// merge adds later facts to an episode: parts of one from telemetry are put in order by their events.
func merge(into, later *episode.Episode, parts bool) {
	if parts {
		otlp.Merge(into, later)
	} else {
		into.Merge(later)
	}
}

// row is what we know of an episode without opening its seal.
func (e *Edge) row(ep *episode.Episode, now time.Time) sqlstore.EpisodeRow {
	r := sqlstore.EpisodeRow{ID: ep.ID, Developer: ep.Developer, Session: ep.Session, Repository: ep.Repository, Tool: ep.Tool.Name,
		Surface: string(ep.Tool.Surface), StartedAt: ep.StartedAt, VaultDay: day(now), Steps: len(ep.Steps), Suggestions: len(ep.Suggestions),
		Outcomes: len(ep.Outcomes), State: sqlstore.EpisodeAssembled}
	if len(ep.Languages) > 0 {
		r.Language = ep.Languages[0]
	} else if len(ep.Suggestions) > 0 {
		r.Language = ep.Suggestions[0].Language
	}
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
