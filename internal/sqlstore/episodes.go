// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// Episode states at the edge.
const (
	EpisodeAssembled = "assembled" // waits to settle
	EpisodeReady     = "ready"     // screened: what may leave is in outbound
	EpisodeKept      = "kept"      // recorded, nothing leaves: the policy's answer
	EpisodeDropped   = "dropped"   // the filter could not make it safe
	EpisodeVetoed    = "vetoed"    // the developer or the steward said no
	EpisodeWithdrawn = "withdrawn"
)

// Verdicts counts an episode's decisions.
type Verdicts struct{ Accepted, Modified, Rejected, Ignored, Cancelled, TimedOut int }

// EpisodeRow is what the edge knows of an episode, and its raw text, sealed.
type EpisodeRow struct {
	ID, Developer, Session, Repository, Tool, Surface, Language string
	StartedAt, ReceivedAt, SettleAt                             time.Time
	VaultDay                                                    int64
	Revision                                                    int
	Steps, Suggestions, Outcomes                                int
	Verdicts                                                    Verdicts
	// CodeAccepted and CodeRejected are of Verdicts those on code: completions, edits, files. What was modified counts as accepted.
	CodeAccepted, CodeRejected int
	State, Note                string
	Level, Title               string // set once screened; the title is of the scrubbed text, and only where that leaves
	// Later says that Sealed holds only what came after the raw text had expired: it can leave as an amendment only.
	Later bool
	// Adds says that this revision only adds outcomes and ratings: an approval of the one before stands. Not stored.
	Adds   bool
	Digest string // keyed, of the raw bytes: unchanged input makes no new revision
	Sealed []byte // nil once expired
}

const episodeCols = `id, developer, session, repository, tool, surface, language, started_at, received_at, settle_at, vault_day, revision,
 steps, suggestions, accepted, modified, rejected, ignored, cancelled, timed_out, outcomes, state, note, level, title, later, digest,
 code_accepted, code_rejected`

func scanEpisode(sealed bool) func(*sql.Rows) (EpisodeRow, error) {
	return func(r *sql.Rows) (e EpisodeRow, err error) {
		var started, received, settle int64
		v := &e.Verdicts
		dst := []any{&e.ID, &e.Developer, &e.Session, &e.Repository, &e.Tool, &e.Surface, &e.Language, &started, &received, &settle, &e.VaultDay,
			&e.Revision, &e.Steps, &e.Suggestions, &v.Accepted, &v.Modified, &v.Rejected, &v.Ignored, &v.Cancelled, &v.TimedOut, &e.Outcomes,
			&e.State, &e.Note, &e.Level, &e.Title, &e.Later, &e.Digest, &e.CodeAccepted, &e.CodeRejected}
		if sealed {
			dst = append(dst, &e.Sealed)
		}
		err = r.Scan(dst...)
		e.StartedAt, e.ReceivedAt, e.SettleAt = fromMicros(started), fromMicros(received), fromMicros(settle)
		return e, err
	}
}

// EpisodesByID returns the stored rows among ids, with their seals.
func (d *DB) EpisodesByID(ctx context.Context, ids []string) (map[string]EpisodeRow, error) {
	out := make(map[string]EpisodeRow, len(ids))
	err := forParts(ids, func(part []any) error {
		rows, err := rowsOf(ctx, d.read, scanEpisode(true), `SELECT `+episodeCols+`, sealed FROM episodes LEFT JOIN raw ON episode=id WHERE id IN `+in(1, len(part)), part...)
		for _, r := range rows {
			out[r.ID] = r
		}
		return err
	})
	return out, err
}

// Assemble stores new or changed episodes, what there is to remember of which parts belong to them, totals, and the number of
// the last inbox payload they came from (0: from none), in one commit. An approval of an earlier revision that has not left falls with it.
func (d *DB) Assemble(ctx context.Context, rows []EpisodeRow, joins Joins, done uint64, totals ...Total) error {
	return d.change(ctx, func(tx *changing) error {
		if err := d.storeJoins(ctx, tx.Tx, joins); err != nil {
			return err
		}
		if err := d.addTotals(ctx, tx.Tx, totals); err != nil {
			return err
		}
		err := d.insertMany(ctx, tx.Tx, `INSERT INTO episodes (`+episodeCols+`) VALUES `,
			` ON CONFLICT (id) DO UPDATE SET developer=excluded.developer, session=excluded.session, repository=excluded.repository, tool=excluded.tool,
 surface=excluded.surface, language=excluded.language, started_at=excluded.started_at, settle_at=excluded.settle_at, vault_day=excluded.vault_day,
 revision=excluded.revision, steps=excluded.steps, suggestions=excluded.suggestions, accepted=excluded.accepted, modified=excluded.modified,
 rejected=excluded.rejected, ignored=excluded.ignored, cancelled=excluded.cancelled, timed_out=excluded.timed_out, outcomes=excluded.outcomes,
 state=excluded.state, note=excluded.note, later=excluded.later, digest=excluded.digest, code_accepted=excluded.code_accepted,
 code_rejected=excluded.code_rejected WHERE episodes.state NOT IN ('withdrawn','vetoed')`, // since it was read: it stays so
			29, len(rows), func(i int, a []any) []any {
				e := &rows[i]
				v := &e.Verdicts
				return append(a, e.ID, e.Developer, e.Session, e.Repository, e.Tool, e.Surface, e.Language, micros(e.StartedAt), micros(e.ReceivedAt),
					micros(e.SettleAt), e.VaultDay, e.Revision, e.Steps, e.Suggestions, v.Accepted, v.Modified, v.Rejected, v.Ignored, v.Cancelled, v.TimedOut,
					e.Outcomes, e.State, e.Note, e.Level, e.Title, e.Later, e.Digest, e.CodeAccepted, e.CodeRejected)
			})
		if err != nil {
			return err
		}
		if err := d.insertMany(ctx, tx.Tx, `INSERT INTO raw (episode, sealed) VALUES `, ` ON CONFLICT (episode) DO UPDATE SET sealed=excluded.sealed`,
			2, len(rows), func(i int, a []any) []any { return append(a, rows[i].ID, rows[i].Sealed) }); err != nil {
			return err
		}
		// What is not packed gives way to the new revision, but for what must stand: an approval that still covers all it
		// said, and whatever can no longer be made again.
		var replaced, added []string
		for _, e := range rows {
			switch {
			case e.Revision == 1 || e.Later:
			case e.Adds:
				added = append(added, e.ID)
			default:
				replaced = append(replaced, e.ID)
			}
		}
		for keep, ids := range map[string][]string{`'packed'`: replaced, `'packed','approved'`: added} {
			if err := forParts(ids, func(part []any) error {
				return tx.drop(ctx, `outbound.state NOT IN (`+keep+`) AND outbound.episode IN `+in(1, len(part)), part...)
			}); err != nil {
				return err
			}
		}
		if done == 0 {
			return nil // nothing of the inbox
		}
		return setSpoolDone(ctx, tx.Tx, "inbox", done)
	})
}

// inPart is how many parameters an IN list has, for the same reason as maxParamsSQLite.
const inPart = 100

func forParts(ids []string, f func([]any) error) error {
	for start := 0; start < len(ids); start += inPart {
		if err := f(anys(ids[start:min(start+inPart, len(ids))])); err != nil {
			return err
		}
	}
	return nil
}

// Settled returns assembled episodes whose settling time has passed, oldest first, from the one after on: what it takes to
// open and screen them.
func (d *DB) Settled(ctx context.Context, now time.Time, after EpisodeRow, limit int) ([]EpisodeRow, error) {
	return rowsOf(ctx, d.read, func(r *sql.Rows) (e EpisodeRow, err error) {
		var at int64
		err = r.Scan(&e.ID, &e.Developer, &at, &e.VaultDay, &e.Revision, &e.Later, &e.Sealed)
		e.SettleAt = fromMicros(at)
		return e, err
	}, `SELECT id, developer, settle_at, vault_day, revision, later, sealed FROM episodes LEFT JOIN raw ON episode=id
 WHERE state=$1 AND settle_at <= $2 AND (settle_at, id) > ($3, $4) ORDER BY settle_at, id LIMIT $5`,
		EpisodeAssembled, micros(now), micros(after.SettleAt), after.ID, limit)
}

// Screened is the answer of filter and policy for one episode.
type Screened struct {
	ID       string
	Revision int
	State    string
	Note     string
	Level    string
	Title    string         // first words of the scrubbed instruction
	Out      []*OutboundRow // one for each hub that it may leave to
	// Counted is what may be counted of it, for each hub; with Recounted it takes the place of what was.
	Counted   []CountedRow
	Recounted bool
}

// Screen stores the answers of filter and policy, in one commit. An episode that changed meanwhile is left for the next
// time. What a rule approves of an episode that is held is held, too. It is noted which version of the policy answered.
func (d *DB) Screen(ctx context.Context, answers []Screened) error {
	return d.change(ctx, func(tx *changing) error {
		var policy int64
		if err := tx.QueryRowContext(ctx, `SELECT COALESCE(MAX(version), 0) FROM policies WHERE state=$1`, PolicyInForce).Scan(&policy); err != nil {
			return err
		}
		// A prepared UPDATE a row: on SQLite it costs a microsecond or two, and a set-based one cannot carry the titles.
		st, err := tx.PrepareContext(ctx, `UPDATE episodes SET state=$1, note=$2, level=$3, title=$4, policy=$5 WHERE id=$6 AND revision=$7 AND state='assembled'`)
		if err != nil {
			return err
		}
		defer st.Close()
		var out []*OutboundRow
		var stored []Screened
		for _, s := range answers {
			r, err := st.ExecContext(ctx, s.State, s.Note, s.Level, s.Title, policy, s.ID, s.Revision)
			if err != nil {
				return err
			}
			if n, err := r.RowsAffected(); err != nil {
				return err
			} else if n > 0 {
				out, stored = append(out, s.Out...), append(stored, s)
			}
		}
		if err := d.recount(ctx, tx.Tx, stored); err != nil {
			return err
		}
		if err := stopBack(ctx, tx.Tx, out); err != nil {
			return err
		}
		if err := holdBack(ctx, tx.Tx, out); err != nil {
			return err
		}
		if err := d.addKnown(ctx, tx.Tx, out); err != nil {
			return err
		}
		return d.insertOutbound(ctx, tx, out)
	})
}

// EpisodeFilter selects episodes for a list; empty fields select all. State is one of the episode states, or of the
// outbound states for an episode that is ready.
type EpisodeFilter struct {
	Tool, State, Verdict, Level, Developer string
	Offset, Limit                          int
}

// shownState is an episode's state as people see it: once screened, that of what may leave of it.
const shownState = `CASE WHEN e.state='ready' THEN COALESCE((SELECT MAX(o.state) FROM outbound o WHERE o.episode=e.id AND o.revision=e.revision), 'packed') ELSE e.state END`

// ListEpisodes returns a page of episodes without their seals, newest first, with State as people see it, and how many
// match in all.
func (d *DB) ListEpisodes(ctx context.Context, f EpisodeFilter) ([]EpisodeRow, int, error) {
	w, args, ok := f.where()
	if !ok {
		return nil, 0, nil
	}
	var total int
	if err := d.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM episodes e WHERE `+w, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	n := len(args)
	cols := strings.Replace(episodeCols, " state,", " "+shownState+",", 1)
	rows, err := rowsOf(ctx, d.read, scanEpisode(false), fmt.Sprintf(`SELECT %s FROM episodes e WHERE %s ORDER BY e.started_at DESC, e.id LIMIT $%d OFFSET $%d`,
		cols, w, n+1, n+2), append(args, f.Limit, f.Offset)...)
	return rows, total, err
}

// EpisodeDevelopers counts the developers of the episodes that f selects, up to most.
func (d *DB) EpisodeDevelopers(ctx context.Context, f EpisodeFilter, most int) (n int, err error) {
	w, args, ok := f.where()
	if !ok {
		return 0, nil
	}
	err = d.read.QueryRowContext(ctx, fmt.Sprintf(`SELECT COUNT(*) FROM (SELECT e.developer FROM episodes e WHERE %s AND e.developer <> '' GROUP BY e.developer LIMIT $%d) few`, w, len(args)+1), append(args, most)...).Scan(&n)
	return n, err
}

// where is the filter as a condition on episodes e; false where nothing can meet it.
func (f EpisodeFilter) where() (condition string, args []any, ok bool) {
	where := []string{"1=1"}
	add := func(col, v string) {
		if v != "" {
			args = append(args, v)
			where = append(where, fmt.Sprintf("%s=$%d", col, len(args)))
		}
	}
	add("e.tool", f.Tool)
	add("e.level", f.Level)
	add("e.developer", f.Developer)
	add(shownState, f.State)
	switch f.Verdict {
	case "":
	case "accepted", "modified", "rejected", "ignored", "cancelled", "timed_out":
		where = append(where, "e."+f.Verdict+" > 0")
	default:
		return "", nil, false
	}
	return strings.Join(where, " AND "), args, true
}

// Count is how many rows have a value.
type Count struct {
	Key string
	N   int
}

// EpisodeCounts counts episodes by one column: "state", "tool" or "language".
func (d *DB) EpisodeCounts(ctx context.Context, column string) ([]Count, error) {
	switch column {
	case "state", "tool", "language":
	default:
		return nil, fmt.Errorf("count episodes by %q: no such column", column)
	}
	return counts(ctx, d.read, `SELECT `+column+`, COUNT(*) FROM episodes GROUP BY `+column+` ORDER BY `+column)
}

func counts(ctx context.Context, db *sql.DB, query string, args ...any) ([]Count, error) {
	return rowsOf(ctx, db, func(r *sql.Rows) (c Count, err error) { return c, r.Scan(&c.Key, &c.N) }, query, args...)
}

// SetEpisodeState marks one episode, unless it is already in that state.
func (d *DB) SetEpisodeState(ctx context.Context, id, state, note string) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE episodes SET state=$1, note=$2 WHERE id=$3`, state, note, id)
		return err
	})
}
