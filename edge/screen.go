// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/risk"
	"github.com/headrace/headrace/internal/sqlstore"
)

// screenBatch is how many episodes are screened in one commit.
const screenBatch = 8000

// candidate is one episode on its way through filter and policy.
type candidate struct {
	row     sqlstore.EpisodeRow
	prefs   *consent.Preferences // its developer's; nil where they have said nothing
	clean   *episode.Episode
	said    []ruled // for each recipient, in order
	answer  sqlstore.Screened
	settled bool // the answer stands
}

// ruled is what policy and levels make of an episode for one recipient.
type ruled struct {
	state, note string
	level       episode.Level
	out         *sqlstore.OutboundRow // nil where nothing leaves
	stands      risk.Facts            // what stands out in it
}

// answers are those of one batch, under the policy that was in force when it began.
type answers struct {
	under *consent.Policy
	list  []sqlstore.Screened
}

// screen takes settled episodes through the filter and puts them before the policy. What may leave is stored as the exact
// bytes that would leave, for each hub its own; what the filter cannot make safe is dropped, and said to be. One batch is stored while
// the next is scrubbed. While there is no hub nothing is screened: it waits for the first as long as there is raw text.
func (e *Edge) screen(ctx context.Context) error {
	if len(e.recipients()) == 0 || e.PolicyHeld() != nil {
		return nil // it waits, as long as its raw text rests
	}
	g, ctx := errgroup.WithContext(ctx)
	screened := make(chan answers)
	g.Go(func() error {
		for a := range screened {
			stored, err := e.underPolicy(a.under, func() error { return e.db.Screen(ctx, a.list) })
			if err != nil {
				return err
			}
			if !stored {
				e.Wake() // they are still to be screened, under the policy that has come in force meanwhile
			}
		}
		return nil
	})
	g.Go(func() error {
		defer close(screened)
		return e.scrubAndConsent(ctx, screened)
	})
	return g.Wait()
}

func (e *Edge) scrubAndConsent(ctx context.Context, screened chan<- answers) error {
	var last sqlstore.EpisodeRow
	for {
		rows, err := e.db.Settled(ctx, e.cfg.Now(), last, screenBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		last = rows[len(rows)-1]
		under := e.policy()
		batch := make([]candidate, len(rows))
		for i, r := range rows {
			batch[i] = candidate{row: r, answer: sqlstore.Screened{ID: r.ID, Revision: r.Revision, Recounted: !r.Later}}
		}
		if err := e.scrubBatch(ctx, batch); err != nil {
			return err
		}
		if err := e.consentBatch(ctx, under, batch); err != nil {
			return err
		}
		list := make([]sqlstore.Screened, len(batch))
		for i := range batch {
			list[i] = batch[i].answer
		}
		select {
		case screened <- answers{under, list}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// parallel runs f over the batch, a range for each processor.
func parallel(batch []candidate, f func([]candidate) error) error {
	var g errgroup.Group
	n := runtime.GOMAXPROCS(0)
	for part := range slices.Chunk(batch, (len(batch)+n-1)/n) {
		g.Go(func() error { return f(part) })
	}
	return g.Wait()
}

func (e *Edge) scrubBatch(ctx context.Context, batch []candidate) error {
	defer e.stats.Scrub.add(len(batch), time.Now())
	return parallel(batch, func(part []candidate) error {
		for i := range part {
			c := &part[i]
			told, err := e.stored(ctx, c.row)
			if errors.Is(err, errExpired) {
				c.set(sqlstore.EpisodeDropped, "raw text expired before it was screened")
				continue
			}
			if errors.Is(err, errDamaged) {
				c.set(sqlstore.EpisodeDropped, "the vault's copy is damaged")
				e.stats.Dropped.Add(1)
				continue
			}
			if err != nil {
				return err
			}
			ep := told.Episode()
			e.mark(ep, c.row.Developer)
			if _, err := e.filter.Episode(ep); err != nil {
				// The filter's word says which rule or field, never the value.
				c.set(sqlstore.EpisodeDropped, "filter: "+err.Error())
				e.stats.Dropped.Add(1)
				continue
			}
			c.clean = ep
		}
		return nil
	})
}

func (e *Edge) consentBatch(ctx context.Context, under *consent.Policy, batch []candidate) error {
	defer e.stats.Consent.add(len(batch), time.Now())
	var changed []string
	for _, c := range batch {
		if c.row.Revision > 1 {
			changed = append(changed, c.row.ID)
		}
	}
	earlier, err := e.db.OutboundOf(ctx, changed...)
	if err != nil {
		return err
	}
	prefs, err := e.preferences(ctx, batch)
	if err != nil {
		return err
	}
	type to struct{ episode, recipient string }
	left := map[to][]sqlstore.OutboundRow{}
	for _, o := range earlier {
		if o.State != sqlstore.OutRefused {
			left[to{o.Episode, o.Recipient}] = append(left[to{o.Episode, o.Recipient}], o)
		}
	}
	for i := range batch {
		batch[i].prefs = prefs[batch[i].row.Developer]
	}
	recipients := e.recipients()
	err = parallel(batch, func(part []candidate) error {
		for _, recipient := range recipients {
			lower, err := e.Lowerer(recipient)
			if err != nil {
				return err
			}
			for i := range part {
				c := &part[i]
				if c.settled {
					continue
				}
				r, err := e.consent(under, recipient, lower, c, left[to{c.row.ID, recipient}])
				if err != nil {
					return err
				}
				c.said = append(c.said, r)
			}
		}
		for i := range part {
			if c := &part[i]; !c.settled {
				e.conclude(c, recipients)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.rank(ctx, batch)
}

// conclude makes one answer of what was said for each recipient: an episode is ready that leaves to any.
func (e *Edge) conclude(c *candidate, recipients []string) {
	order := []string{sqlstore.EpisodeKept, sqlstore.EpisodeDropped, sqlstore.EpisodeReady}
	var state, note string
	var level episode.Level
	for i, r := range c.said {
		if slices.Index(order, r.state) > slices.Index(order, state) {
			state = r.state
		}
		if len(recipients) == 1 {
			note = r.note
		} else if note += recipients[i] + ": " + r.note; i < len(recipients)-1 {
			note += "; "
		}
		if r.level.Rank() > level.Rank() {
			level = r.level
		}
		if r.out != nil {
			c.answer.Out = append(c.answer.Out, r.out)
		}
	}
	if c.set(state, note); state == sqlstore.EpisodeDropped {
		e.stats.Dropped.Add(1)
	}
	if len(c.answer.Out) == 0 {
		return
	}
	c.answer.Level = string(level)
	if level == episode.LevelClean {
		c.answer.Title = title(c.clean.Instruction) // else no word of it rests outside the vault: the filter may have missed one
	}
}

// consent asks the policy about one clean episode and lowers it to what may leave to a recipient. earlier is what has left of it or is
// to leave there.
func (e *Edge) consent(under *consent.Policy, recipient string, lower *consent.Lowerer, c *candidate, earlier []sqlstore.OutboundRow) (r ruled, err error) {
	now := e.cfg.Now()
	d, err := under.Decide(c.clean, consent.Request{Recipient: recipient, Now: now, Audited: e.cfg.Audited, Preferences: c.prefs})
	if err != nil {
		return ruled{state: sqlstore.EpisodeKept, note: "policy: " + err.Error()}, nil
	}
	if err := e.mayCount(under, recipient, c, d); err != nil {
		return r, err
	}
	if !d.Leaves() {
		why := d.Rule
		if len(d.Notices) > 0 {
			why += " (" + strings.Join(d.Notices, ", ") + ")"
		}
		return ruled{state: sqlstore.EpisodeKept, note: why}, nil
	}
	out, err := lower.Lower(c.clean, d)
	if err != nil {
		return ruled{state: sqlstore.EpisodeDropped, note: "lower: " + err.Error()}, nil
	}
	kind := bundle.KindEpisodes
	out.Revision = c.row.Revision
	if len(earlier) > 0 {
		kind = bundle.KindAmendments
		if out, err = amendment(earlier, out); err != nil {
			return r, err
		}
		if out == nil {
			return ruled{state: sqlstore.EpisodeReady, note: "nothing new since it left"}, nil
		}
	} else if c.row.Later {
		return ruled{state: sqlstore.EpisodeKept, note: "it came after the raw text had expired, and nothing of the episode leaves"}, nil
	}
	body, err := episode.AppendCanonical(nil, out)
	if err != nil {
		return r, err
	}
	state, by, drawn := sqlstore.OutWaiting, "", false
	if d.Approval == consent.ApprovalAuto {
		if drawn = e.drawn(recipient, d, c.row.ID); !drawn {
			state, by = sqlstore.OutApproved, sqlstore.ByRule(d.Rule)
		}
	}
	if d.Ask {
		state = sqlstore.OutAsked // and then as by says
	}
	findings := 0
	for n := range maps.Values(c.clean.Privacy.Findings) {
		findings += n
	}
	r = ruled{state: sqlstore.EpisodeReady, note: d.Rule, level: d.Level}
	r.out = &sqlstore.OutboundRow{Episode: c.row.ID, Revision: c.row.Revision, Recipient: recipient, Kind: string(kind),
		Digest: episode.Digest(body), Level: string(d.Level), Rule: d.Rule, Findings: findings, Found: c.clean.Privacy.Findings, State: state, DecidedBy: by, Audited: drawn, CreatedAt: now, Body: body}
	r.stands.Replaced = findings
	r.stands.Runs, r.stands.LookAlikes = risk.Text(out)
	if by != "" {
		r.out.DecidedAt = now
	}
	return r, nil
}

// amendment keeps of a lowered episode only the outcomes and ratings that are not in what left earlier or is to leave, or
// returns nil.
func amendment(earlier []sqlstore.OutboundRow, out *episode.Episode) (*episode.Episode, error) {
	known := map[string]bool{}
	rated := map[string]bool{}
	for _, o := range earlier {
		was, err := episode.Decode(o.Body)
		if err != nil {
			return nil, err
		}
		for _, x := range was.Outcomes {
			known[outcomeKey(x)] = true
		}
		for _, x := range was.Ratings {
			rated[ratingKey(x)] = true
		}
	}
	a := &episode.Episode{SchemaVersion: out.SchemaVersion, ID: out.ID, Amends: out.ID, Revision: out.Revision, Privacy: out.Privacy, Terms: out.Terms}
	for _, x := range out.Outcomes {
		if !known[outcomeKey(x)] {
			a.Outcomes = append(a.Outcomes, x)
		}
	}
	for _, x := range out.Ratings {
		if x.Comment = ""; !rated[ratingKey(x)] {
			a.Ratings = append(a.Ratings, x)
		}
	}
	if len(a.Outcomes) == 0 && len(a.Ratings) == 0 {
		return nil, nil
	}
	return a, nil
}

func outcomeKey(o episode.Outcome) string {
	return fmt.Sprint(o.Suggestion, "/", o.Kind, "/", o.Window, "/", o.Value)
}

func ratingKey(r episode.Rating) string { return fmt.Sprint(r.By, r.Target, r.Scale, r.Value) }

func (c *candidate) set(state, note string) {
	c.settled = true
	c.answer.State, c.answer.Note = state, note
}

// title is the first words of a scrubbed instruction, for lists.
func title(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	return printable(s, 80)
}

// printable is text for a column: without control characters, which PostgreSQL refuses in part, and of at most n
// characters.
func printable(s string, n int) string {
	var out []rune
	for _, r := range s {
		if len(out) == n {
			out[n-1] = '…'
			break
		}
		if !unicode.IsControl(r) && r != unicode.ReplacementChar {
			out = append(out, r)
		}
	}
	return string(out)
}
