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

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// countsWait is how long after its end a period is counted: machines that were away tell late what was done.
const countsWait = 7 * 24 * time.Hour

// closes is when a period that ended is counted. What is screened later belongs to no count.
func (e *Edge) closes(end time.Time) time.Time { return end.Add(countsWait + e.cfg.Settle) }

// mayCount keeps what may be counted of a clean episode for a recipient: where the policy has counts told and lets releases be judged
// by this one, and nobody is to be asked first. What was long over when it came is not counted, so that an old history is not told
// of; that of a demo is.
func (e *Edge) mayCount(under *consent.Policy, recipient string, c *candidate, d consent.Decision) error {
	terms, now := under.Counts(), e.cfg.Now()
	if terms == nil || !d.Judges || d.Ask || !c.answer.Recounted {
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
	e.versions.mu.RLock()
	p, since := e.versions.force, e.versions.row.DecidedAt
	e.versions.mu.RUnlock()
	terms := p.Counts()
	if terms == nil {
		if _, err := e.db.OldestCounted(ctx, ""); err != nil {
			return notFound(err)
		}
		return e.db.ForgetCounted(ctx, "", e.cfg.Now())
	}
	var errs []error
	for _, h := range e.hubs {
		err := h.count(ctx, p, terms, since)
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

// count counts what is over. Since is when the policy came in force.
func (h *hub) count(ctx context.Context, p *consent.Policy, terms *consent.Counts, since time.Time) error {
	hears := h.link.Joined() && !h.link.Left && slices.Contains(p.Recipients(), h.link.Name)
	for {
		oldest, err := h.db.OldestCounted(ctx, h.link.Name)
		if errors.Is(err, sqlstore.ErrNotFound) {
			break
		}
		if err != nil {
			return err
		}
		period := aggregate.PeriodOf(terms.Period, oldest)
		start, end, err := aggregate.Period(period)
		if err != nil {
			return err
		}
		if h.cfg.Now().Before(h.closes(end)) {
			break
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
	if !hears {
		return nil
	}
	return h.countNothing(ctx, p, terms, since)
}

// countNothing counts the periods that are over of which there was nothing to count, from the last that the hub was told of, or the last
// one, on: that nothing comes would say that there was nothing.
func (h *hub) countNothing(ctx context.Context, p *consent.Policy, terms *consent.Counts, since time.Time) error {
	wait := countsWait + h.cfg.Settle
	open, _, err := aggregate.Period(aggregate.PeriodOf(terms.Period, h.cfg.Now().Add(-wait))) // the first that is not closed
	if err != nil {
		return err
	}
	rows, err := h.db.Counts(ctx, h.link.Name)
	if err != nil {
		return err
	}
	from := open.Add(-time.Nanosecond)
	for i, r := range rows {
		_, end, err := aggregate.Period(r.Period)
		if err != nil {
			return err
		}
		if i == 0 || from.Before(end) {
			from = end
		}
	}
	if on := since.Add(-wait); from.Before(on) {
		from = on // what was closed before was not to be counted
	}
	for from.Before(open) {
		period := aggregate.PeriodOf(terms.Period, from)
		start, end, err := aggregate.Period(period)
		if err != nil {
			return err
		}
		told, err := h.told(ctx, start, end)
		if err == nil && !told {
			err = h.countUnder(ctx, p, terms, period)
		}
		if err != nil {
			return fmt.Errorf("counts of %s for %s: %w", period, h.link.Name, err)
		}
		from = end
	}
	return nil
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
	c := aggregate.Counts{Format: aggregate.CountsFormat, Contributor: h.link.Contributor, Recipient: h.link.Name, Period: period}
	row := sqlstore.CountsRow{Recipient: h.link.Name, Period: period, Envelope: []byte{}, State: sqlstore.CountsSpent, MadeAt: now}
	if c.Reports, row.Note, err = h.draw(tallies, terms, period); err != nil {
		return err
	}
	what := "counts not told"
	if row.Note == "" {
		row.State, what = sqlstore.CountsMade, "counts made"
		if row.Envelope, err = bundle.SealDocument(bundle.TypeCounts, c, h.ring.Signing()); err == nil {
			row.ID = episode.Digest(row.Envelope)
		} else if errors.Is(err, keyring.ErrUnsigned) { // what was drawn stands, and is signed when it is sent
			row.Envelope, err = json.Marshal(c)
		}
		if err != nil {
			return err
		}
	}
	return h.db.Noting(h.entry(ctx, "edge", what, strings.TrimSpace(fmt.Sprintf("%s for %s %s", period, h.link.Name, row.ID)))).SaveCounts(ctx, row, start, end, of)
}

// draw has the ledger draw the noise over tallies of a period. Where nothing of it may be told, note says why.
func (h *hub) draw(tallies []*aggregate.Tally, terms *consent.Counts, period string) (reports []aggregate.Report, note string, err error) {
	ledger, err := aggregate.OpenLedger(filepath.Join(h.cfg.Dir, "aggregate"), terms.Budget)
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	queries := aggregate.Shares()
	for _, r := range ledger.Reports() {
		if r.Recipient == h.link.Name && r.Period == period && slices.ContainsFunc(queries, func(q aggregate.Query) bool { return q.Name == r.Query }) {
			return nil, "its noise was drawn, and before that was noted the edge stopped or somebody said no: what was drawn may be of more than may be told", nil
		}
	}
	for _, t := range tallies {
		r, err := ledger.Report(t, h.link.Name, period, aggregate.SharesParams(terms.Epsilon), h.cfg.Now())
		if spent, ok := errors.AsType[*episode.Problem](err); ok && spent.Code == aggregate.CodeBudget {
			h.log.Error("what was shown and taken is not counted: the privacy budget is spent", "hub", h.link.Name, "period", period, "err", spent,
				"hint", "counts: budget in the policy is the most that all counts together may cost a developer")
			return nil, spent.Message, nil
		}
		if err != nil {
			return nil, "", err
		}
		reports = append(reports, *r)
	}
	return reports, "", nil
}

// sign signs counts that wait to be sent, where no signature of the key that is this edge's now is on them: it was away when they were
// made, or is another since.
func (h *hub) sign(ctx context.Context, r *sqlstore.CountsRow) error {
	payload := r.Envelope
	if r.ID != "" {
		if _, _, err := bundle.OpenDocument(r.Envelope, bundle.TypeCounts, h.ownTrust()); err == nil {
			return nil
		}
		var under struct {
			Payload []byte `json:"payload"`
		}
		if err := json.Unmarshal(r.Envelope, &under); err != nil {
			return fmt.Errorf("counts of %s: %w", r.Period, err)
		}
		payload = under.Payload
	}
	var c aggregate.Counts
	if err := json.Unmarshal(payload, &c); err != nil {
		return fmt.Errorf("counts of %s: %w", r.Period, err)
	}
	envelope, err := bundle.SealDocument(bundle.TypeCounts, c, h.ring.Signing())
	if err != nil {
		return err
	}
	was := r.ID
	r.ID, r.Envelope = episode.Digest(envelope), envelope
	return h.db.SignCounts(ctx, was, *r)
}

// finally are the codes with which a hub refuses counts for good.
var finally = []string{"counts/told", "counts/withdrawn", "counts/not-ours", "counts/too-old"}

// tellCounts sends the hub the counts that were made for it, if the policy in force still has any told. What it refuses for now is sent
// again an hour later, or when it says.
func (h *hub) tellCounts(ctx context.Context) error {
	p := h.policy()
	if h.PolicyHeld() != nil || p.Counts() == nil || !slices.Contains(p.Recipients(), h.link.Name) {
		return nil
	}
	for _, until := range []time.Time{h.waitUntil, h.tellUntil} {
		if now := h.cfg.Now(); now.Before(until) && until.Sub(now) <= link.LongestWait {
			return nil
		}
	}
	rows, err := h.db.Counts(ctx, h.link.Name)
	errs := []error{err}
	for _, r := range slices.Backward(rows) { // oldest first
		if r.State != sqlstore.CountsMade {
			continue
		}
		if err := h.sign(ctx, &r); err != nil {
			if !errors.Is(err, sqlstore.ErrChanged) {
				errs = append(errs, err)
			}
			continue
		}
		err := h.link.TellCounts(ctx, r.ID, r.Envelope)
		if w, ok := errors.AsType[*link.WaitError](err); ok {
			h.waitUntil = h.cfg.Now().Add(w.After)
			return errors.Join(append(errs, err)...)
		}
		refused, ok := errors.AsType[*episode.Problem](err)
		if ok && !slices.Contains(finally, refused.Code) {
			h.tellUntil = h.cfg.Now().Add(link.LongestWait)
		}
		if ok = ok && slices.Contains(finally, refused.Code); err != nil && !ok {
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
