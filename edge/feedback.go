// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
)

// loneSuggestion is the id of the suggestion in an episode that is made of one decision alone.
const loneSuggestion = "s1"

// loneEpisode is the id of the episode that is made of a decision, where no other has it.
func loneEpisode(decision string) string { return episode.NewID("decision", decision) }

// flushWait bounds the wait for a decision that was given out a moment ago to be durable.
const flushWait = 2 * time.Second

// unlogged says why nothing can be learned from what is told of a decision.
func unlogged(id, why string) error {
	return &episode.Problem{Code: "decide/unlogged", Message: fmt.Sprintf("decision %.60s %s: what came of it is not taken", id, why),
		Hint: "send the decision_id that POST /v1/decide answered; where that was empty, or from before a crash, nothing can be learned from the decision"}
}

// logs reports whether a decision is in the log: durable, or recorded. It waits for one that was given out just now.
func (e *Edge) logs(ctx context.Context, id string) (bool, error) {
	d := &e.decisions
	if !d.ours(id) {
		return false, nil
	}
	if d.waitsForRow(id) {
		return true, nil
	}
	// What is asked for may become a row between the two looks, never the other way round.
	if _, err := e.db.Decision(ctx, id); !errors.Is(err, sqlstore.ErrNotFound) {
		return err == nil, err
	}
	ctx, stop := context.WithTimeout(ctx, flushWait)
	defer stop()
	if err := e.flushDecisions(ctx); err != nil {
		return false, fmt.Errorf("the decision log is behind: %w", err)
	}
	if d.waitsForRow(id) {
		return true, nil
	}
	_, err := e.db.Decision(ctx, id)
	if errors.Is(err, sqlstore.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// fillDecisions completes, from the log, what is told of Headrace's own decisions: the tool's word counts for what came of
// them, and the log's for what was asked, what could have been done, and how likely it was. What is told of a decision that
// is not in the log, or was another developer's, or belongs to another episode already, is taken out. A tool may have a policy of its
// own, with ids of its own; but what names a hub's release, and no decision of ours, was decided by no policy. It returns the episodes that
// still tell something.
func (e *Edge) fillDecisions(ctx context.Context, list []told) ([]told, error) {
	f := filling{closed: map[string]string{}, told: map[string]string{}}
	kept := list[:0]
	for _, t := range list {
		some := false
		decisions := t.ep.Decisions[:0]
		for _, d := range t.ep.Decisions {
			if !e.decisions.ours(d.DecisionID) {
				switch {
				case strings.HasPrefix(d.Release, "rel_"): // whatever it says, no hub's release decided that: no policy did
					d.DecisionID, d.Release, d.Actions, d.Chosen, d.Explore, d.Features = "", "", nil, "", false, nil
				case d.Release == "": // of a policy without a name; with an id it would be what we decide where no release is in force
					d.DecisionID = ""
				}
				decisions = append(decisions, d)
				continue
			}
			some = true
			why, err := e.fill(ctx, t.ep, &d, &f)
			if err != nil {
				return nil, err
			}
			if why != "" {
				e.setAside("what is told of a decision is set aside", unlogged(d.DecisionID, why))
				continue
			}
			decisions = append(decisions, d)
		}
		if t.ep.Decisions = decisions; some && len(decisions)+len(t.ep.Suggestions)+len(t.ep.Steps)+len(t.ep.Outcomes) == 0 {
			continue
		}
		kept = append(kept, t)
	}
	return kept, errors.Join(e.db.CloseDecisions(ctx, f.closed), e.db.TellDecisions(ctx, f.told))
}

// filling is what fillDecisions did so far.
type filling struct {
	closed   map[string]string // by decision, the episode
	caughtUp bool              // all decisions given out before it began are rows
	told     map[string]string // by decision, what a person said came of it
}

// fill completes one decision, or says why it cannot.
func (e *Edge) fill(ctx context.Context, ep *episode.Episode, d *episode.Decision, f *filling) (why string, err error) {
	row, err := e.db.Decision(ctx, d.DecisionID)
	if errors.Is(err, sqlstore.ErrNotFound) && !f.caughtUp { // it may have been given out since the turn began
		f.caughtUp = true
		wait, stop := context.WithTimeout(ctx, flushWait)
		_ = e.flushDecisions(wait) // where nobody writes the log there is nothing to wait for
		stop()
		if err := e.recordDecisions(ctx); err != nil {
			return "", err
		}
		row, err = e.db.Decision(ctx, d.DecisionID)
	}
	if errors.Is(err, sqlstore.ErrNotFound) {
		return "is not in the log", nil
	}
	if err != nil {
		return "", err
	}
	if by := f.closed[row.ID]; by != "" {
		row.Episode = by
	}
	switch {
	case row.Episode != "" && row.Episode != ep.ID:
		return "belongs to another episode", nil
	case row.Developer != "" && ep.Developer != "" && row.Developer != ep.Developer:
		return "was another developer's", nil
	}
	q, err := e.question(ctx, row)
	if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
		return "can no longer be read in the log", nil
	}
	if err != nil {
		return "", err
	}
	f.closed[row.ID] = ep.ID
	if ep.Developer == "" {
		ep.Developer = row.Developer
	}
	q.complete(ep, d, row)
	if what := toldOf(d); what != "" && row.Shown && row.Told == "" && f.told[row.ID] == "" {
		f.told[row.ID] = what
	}
	return "", nil
}

// question opens what was asked.
func (e *Edge) question(ctx context.Context, row sqlstore.DecisionRow) (q asked, err error) {
	if len(row.Sealed) < 8 {
		return q, errDamaged
	}
	plain, err := e.vault.unseal(ctx, "", int64(binary.BigEndian.Uint64(row.Sealed)), row.ID, row.Sealed[8:])
	if err != nil {
		return q, err
	}
	if json.Unmarshal(plain, &q) != nil {
		return q, errDamaged
	}
	return q, nil
}

// complete writes into a decision what the log says of it, and into its suggestion the context: that of the last decision, where there
// are several, so that what leaves says of each its own where it is another.
func (q *asked) complete(ep *episode.Episode, d *episode.Decision, row sqlstore.DecisionRow) {
	d.Release, d.Actions, d.Chosen, d.Explore, d.Shown, d.Features = row.Release, q.Actions, q.Chosen, row.Explore, &row.Shown, q.Features
	if d.Features == nil {
		d.Features = map[string]any{}
	}
	if d.At.IsZero() {
		d.At = row.At
	}
	if d.Suggestion == "" {
		d.Suggestion = loneSuggestion
	}
	for i := range ep.Suggestions {
		if s := &ep.Suggestions[i]; s.ID == d.Suggestion {
			s.Features = q.Features
			return
		}
	}
	step := 0 // the source that tells of the suggestion itself knows better
	if ep.ID == loneEpisode(row.ID) {
		step = -1
		if ep.StartedAt.IsZero() {
			ep.StartedAt = row.At
		}
	}
	ep.Suggestions = append(ep.Suggestions, episode.Suggestion{ID: d.Suggestion, Step: step, Features: q.Features})
}

// patienceWithTools is how long at least a decision stays open for what came of it.
const patienceWithTools = time.Hour

// closeDecisions makes episodes of decisions that nobody has told more of by the time that an episode settles: what was
// hidden, and what was shown without a word of what came of it, which is no rejection but says nothing. They come in like
// any other, and this turn assembles them. Closed decisions are forgotten a month after their raw text went: what becomes of a
// suggestion has shown by then.
func (e *Edge) closeDecisions(ctx context.Context) error {
	const most = 5000 // at a time
	for n := most; n == most; {
		rows, err := e.db.OpenDecisions(ctx, e.cfg.Now().Add(-max(e.cfg.Settle, patienceWithTools)), most)
		if err != nil {
			return err
		}
		if err := e.closeThese(ctx, rows); err != nil {
			return err
		}
		n = len(rows)
	}
	return e.db.ForgetDecisions(ctx, e.cfg.Now().Add(-e.cfg.RawRetention).AddDate(0, 0, -keepDecisions))
}

// keepDecisions is for how many days a decision that was closed stays in the log after its raw text went: so long what comes of it is
// taken.
const keepDecisions = 30

func (e *Edge) closeThese(ctx context.Context, rows []sqlstore.DecisionRow) error {
	lines := map[Principal]*bytes.Buffer{}
	var order []Principal
	closed := map[string]string{}
	for _, row := range rows {
		q, err := e.question(ctx, row)
		if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
			closed[row.ID] = "expired" // it stays in the log, and goes nowhere
			continue
		}
		if err != nil {
			return err
		}
		ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: loneEpisode(row.ID), Developer: row.Developer, StartedAt: row.At}
		d := episode.Decision{DecisionID: row.ID, Verdict: episode.TimedOut, By: episode.ByUnknown, At: row.At}
		if !row.Shown {
			d.Verdict, d.By = episode.Ignored, episode.ByRule
		}
		q.complete(ep, &d, row)
		ep.Decisions, closed[row.ID] = []episode.Decision{d}, ep.ID
		line, err := episode.Append(nil, ep)
		if err != nil {
			return err
		}
		who := Principal{Name: row.Developer, Authenticated: q.Authenticated}
		if lines[who] == nil {
			lines[who], order = new(bytes.Buffer), append(order, who)
		}
		lines[who].Write(append(line, '\n'))
	}
	for _, who := range order {
		if err := e.keep(ctx, kindEpisodes, who, lines[who].Bytes()); err != nil {
			return err
		}
	}
	return e.db.CloseDecisions(ctx, closed) // what a crash cuts off before comes in again, as the same episodes
}
