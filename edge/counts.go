// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// countsWait is how long after its end a period is counted: machines that were away tell late what was done.
const countsWait = 7 * 24 * time.Hour

// closes is when a period that ended is counted. What is screened later belongs to no count.
func (e *Edge) closes(end time.Time) time.Time { return end.Add(countsWait + e.cfg.Settle) }

// mayCount keeps what may be counted of a clean episode for a recipient: where the policy has counts told and lets this one be
// counted, or more, and nobody is to be asked first. What was long over when it came is not counted, so that an old history is not told
// of; that of a demo is.
func (e *Edge) mayCount(under *consent.Policy, recipient string, c *candidate, d consent.Decision) error {
	terms, now := under.Counts(), e.cfg.Now()
	if terms == nil || d.Level.Rank() < episode.LevelAggregate.Rank() || d.Ask || !c.answer.Recounted {
		return nil
	}
	_, end, err := aggregate.Period(aggregate.PeriodOf(terms.Period, c.clean.StartedAt))
	if err != nil || !e.cfg.Demo && !now.Before(e.closes(end)) {
		return nil // of no time, or of one that is closed
	}
	bare := aggregate.Bare(c.clean)
	if bare == nil {
		return nil
	}
	body, err := episode.Append(nil, bare)
	if err != nil {
		return err
	}
	c.answer.Counted = append(c.answer.Counted, sqlstore.CountedRow{Recipient: recipient, Episode: c.row.ID, Developer: c.row.Developer, Rule: d.Rule,
		StartedAt: c.clean.StartedAt, CountedAt: now, Body: body})
	return nil
}

// count makes for each hub, of each period that is over, what it is told of how many suggestions were shown and taken here, with
// noise; then what it was made of goes. The noise is drawn once, by the ledger that [aggregate.Ledger] keeps; where the budget is
// spent nothing is told.
func (e *Edge) count(ctx context.Context) error {
	if e.PolicyHeld() != nil {
		return nil
	}
	p, now := e.policy(), e.cfg.Now()
	terms := p.Counts()
	if terms == nil {
		if _, err := e.db.OldestCounted(ctx, ""); err != nil {
			return notFound(err)
		}
		return e.db.ForgetCounted(ctx, "", now)
	}
	var errs []error
	for _, h := range e.hubs {
		err := h.count(ctx, p, terms)
		if errors.Is(err, sqlstore.ErrChanged) {
			e.Wake() // somebody took back what was being counted, or another policy has come in force: it is looked at anew
			err = nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// notFound is an error that is none where it says that there is nothing.
func notFound(err error) error {
	if errors.Is(err, sqlstore.ErrNotFound) {
		return nil
	}
	return err
}

func (h *hub) count(ctx context.Context, p *consent.Policy, terms *consent.Counts) error {
	hears := h.link.Joined() && !h.link.Left && slices.Contains(p.Recipients(), h.link.Name)
	for {
		oldest, err := h.db.OldestCounted(ctx, h.link.Name)
		if err != nil {
			return notFound(err)
		}
		period := aggregate.PeriodOf(terms.Period, oldest)
		start, end, err := aggregate.Period(period)
		if err != nil {
			return err
		}
		if h.cfg.Now().Before(h.closes(end)) {
			return nil
		}
		told, err := h.told(ctx, start, end)
		if err != nil {
			return err
		}
		if told || !hears {
			err = h.db.ForgetCounted(ctx, h.link.Name, end)
		} else {
			err = h.countUnder(ctx, p, terms, period)
		}
		if err != nil {
			return fmt.Errorf("counts of %s for %s: %w", period, h.link.Name, err)
		}
	}
}

// told reports whether the hub was told of a part of this time before, or something came in between.
func (h *hub) told(ctx context.Context, start, end time.Time) (bool, error) {
	rows, err := h.db.Counts(ctx, h.link.Name)
	for _, r := range rows {
		from, to, err := aggregate.Period(r.Period)
		if err != nil {
			return false, err
		}
		if from.Before(end) && start.Before(to) {
			return true, nil
		}
	}
	return false, err
}

// countUnder counts a period while its policy stays in force. ErrChanged says that another has come in force.
func (h *hub) countUnder(ctx context.Context, p *consent.Policy, terms *consent.Counts, period string) error {
	held, err := h.underPolicy(p, func() error { return h.countPeriod(ctx, p, terms, period) })
	if err == nil && !held {
		return sqlstore.ErrChanged
	}
	return err
}

func (h *hub) countPeriod(ctx context.Context, p *consent.Policy, terms *consent.Counts, period string) error {
	start, end, err := aggregate.Period(period)
	if err != nil {
		return err
	}
	now, queries := h.cfg.Now(), aggregate.Shares()
	tallies := make([]*aggregate.Tally, len(queries))
	for i, q := range queries {
		tallies[i] = aggregate.NewTally(q)
	}
	of, err := h.db.CountedOf(ctx, h.link.Name, start, end, func(rule string, body []byte) error {
		if p.Lapsed(rule, now) {
			return nil
		}
		ep, err := episode.Decode(body)
		for _, t := range tallies {
			if err == nil {
				t.Add(ep)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	ledger, err := aggregate.OpenLedger(filepath.Join(h.cfg.Dir, "aggregate"), terms.Budget)
	if err != nil {
		return err
	}
	c := aggregate.Counts{Format: aggregate.CountsFormat, Contributor: h.link.Contributor, Recipient: h.link.Name, Period: period}
	var spent *episode.Problem
	for _, t := range tallies {
		r, failed := ledger.Report(t, h.link.Name, period, aggregate.SharesParams(terms.Epsilon), now)
		if failed != nil {
			if p, ok := errors.AsType[*episode.Problem](failed); ok && p.Code == aggregate.CodeBudget {
				spent = p
			}
			err = failed
			break
		}
		c.Reports = append(c.Reports, *r)
	}
	if closed := ledger.Close(); closed != nil || err != nil && spent == nil {
		return errors.Join(err, closed)
	}
	row := sqlstore.CountsRow{Recipient: h.link.Name, Period: period, Envelope: []byte{}, State: sqlstore.CountsSpent, MadeAt: now}
	what := "counts not told"
	if spent != nil {
		row.Note = spent.Message
		h.log.Error("what was shown and taken is not counted: the privacy budget is spent", "hub", h.link.Name, "period", period, "err", spent,
			"hint", "counts: budget in the policy is the most that all counts together may cost a developer")
	} else {
		if row.Envelope, err = bundle.SealDocument(bundle.TypeCounts, c, h.ring.Signing()); err != nil {
			return err
		}
		row.ID, row.State, what = episode.Digest(row.Envelope), sqlstore.CountsMade, "counts made"
	}
	return h.db.Noting(h.entry(ctx, "edge", what, strings.TrimSpace(fmt.Sprintf("%s for %s %s", period, h.link.Name, row.ID)))).SaveCounts(ctx, row, start, end, of)
}

// tellCounts sends the hub the counts that were made for it, if the policy in force still has any told.
func (h *hub) tellCounts(ctx context.Context) error {
	p := h.policy()
	if h.PolicyHeld() != nil || p.Counts() == nil || !slices.Contains(p.Recipients(), h.link.Name) {
		return nil
	}
	rows, err := h.db.Counts(ctx, h.link.Name)
	errs := []error{err}
	for _, r := range slices.Backward(rows) { // oldest first
		if r.State != sqlstore.CountsMade {
			continue
		}
		err := h.link.TellCounts(ctx, r.ID, r.Envelope)
		refused, ok := errors.AsType[*episode.Problem](err)
		if ok = ok && strings.HasPrefix(refused.Code, "counts/"); err != nil && !ok {
			errs = append(errs, err) // it is tried again
			continue
		}
		r.State, r.SentAt = sqlstore.CountsSent, h.cfg.Now()
		what := "counts sent"
		if h.link.Visit != nil {
			h.done.Counts++
		}
		if ok {
			r.State, r.Note, what = sqlstore.CountsRefused, refused.Message, "counts refused"
			h.log.Error("the hub does not take the counts of a period", "hub", h.link.Name, "period", r.Period, "err", refused, "hint", refused.Hint)
		}
		err = h.db.Noting(h.entry(ctx, "edge", what, fmt.Sprintf("%s for %s %s", r.Period, h.link.Name, r.ID))).MoveCounts(ctx, r)
		if !errors.Is(err, sqlstore.ErrChanged) { // taken back meanwhile: the withdrawal names them
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// countsBack are the counts that a hub was told, or may have been.
func countsBack(rows []sqlstore.CountsRow) []sqlstore.CountsRow {
	return slices.DeleteFunc(rows, func(r sqlstore.CountsRow) bool {
		return r.State != sqlstore.CountsMade && r.State != sqlstore.CountsSent
	})
}

// Counts are what hubs are told of periods that are over, for pages: of all developers together.
func (v View) Counts(ctx context.Context) ([]web.Counts, error) {
	rows, err := v.db.Counts(ctx, "")
	if err != nil {
		return nil, err
	}
	list := make([]web.Counts, len(rows))
	for i, r := range rows {
		list[i] = web.Counts{ID: r.ID, Recipient: r.Recipient, Period: r.Period, State: shownCounts[r.State], Note: r.Note, MadeAt: r.MadeAt, SentAt: r.SentAt}
		if r.ID == "" {
			continue
		}
		payload, _, err := bundle.OpenDocument(r.Envelope, bundle.TypeCounts, v.ownTrust())
		if err != nil {
			continue // under an earlier key
		}
		c, err := aggregate.DecodeCounts(payload)
		if err != nil {
			return nil, err
		}
		for _, told := range c.Reports {
			one := web.CountsTold{Query: told.Query, Epsilon: told.Epsilon, Within: told.HalfWidth95}
			for _, value := range told.Values {
				one.Values = append(one.Values, web.CountTold{Of: value.Cell, Count: value.Count})
			}
			list[i].Reports = append(list[i].Reports, one)
		}
	}
	return list, nil
}

// shownCounts are the states of counts as people see them.
var shownCounts = map[string]string{sqlstore.CountsMade: "waiting", sqlstore.CountsSent: "sent", sqlstore.CountsRefused: "refused", sqlstore.CountsSpent: "stays", sqlstore.CountsBack: "withdrawn"}
