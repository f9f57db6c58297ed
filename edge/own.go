// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
	"github.com/headrace/headrace/scrub"
)

// asksYou is the state of an own record that waits for its developer.
const asksYou = "asks you"

func ownState(r sqlstore.EpisodeRow) string {
	if r.State == sqlstore.OutAsked {
		return asksYou
	}
	return shownStates[r.State]
}

// Own returns a page of a developer's own records, newest first.
func (e *Edge) Own(ctx context.Context, who, after string, limit int) (web.OwnPage, error) {
	p := web.OwnPage{Rows: []web.Own{}, TwoKeys: e.policy().TwoKeys()}
	if who == "" {
		return p, web.ErrNotFound // nobody in particular has no records
	}
	at, id, _ := strings.Cut(after, ".")
	var started time.Time
	if us, err := strconv.ParseInt(at, 10, 64); err == nil {
		started = time.UnixMicro(us).UTC()
	}
	rows, err := e.db.OwnEpisodes(ctx, who, started, id, limit+1)
	if err != nil {
		return p, err
	}
	if len(rows) > limit {
		rows = rows[:limit]
		last := rows[limit-1]
		p.Next = fmt.Sprintf("%d.%s", last.StartedAt.UnixMicro(), last.ID)
	}
	for _, r := range rows {
		p.Rows = append(p.Rows, ownRow(r, ownState(r)))
	}
	if p.Counts, err = (View{Edge: e}).Counts(ctx); err != nil {
		return p, err
	}
	said, err := e.Preferences(ctx, who)
	p.Agree = said.Agree
	return p, err
}

func ownRow(r sqlstore.EpisodeRow, state string) web.Own {
	return web.Own{ID: r.ID, StartedAt: r.StartedAt, Tool: r.Tool, Repository: r.Repository, Title: r.Title, Level: episode.Level(r.Level), State: state}
}

// ownEpisode is a developer's own episode; another's is as little there as one that never was.
func (e *Edge) ownEpisode(ctx context.Context, who, id string) (sqlstore.EpisodeRow, error) {
	rows, err := e.db.EpisodesByID(ctx, []string{id})
	if err != nil {
		return sqlstore.EpisodeRow{}, err
	}
	if r, ok := rows[id]; ok && who != "" && r.Developer == who {
		return r, nil
	}
	return sqlstore.EpisodeRow{}, web.ErrNotFound
}

// OwnRecord opens one of a developer's own records: what was captured while it lasts, what leaves, and where it went. The
// look at the raw text is audited, as anybody's is.
func (e *Edge) OwnRecord(ctx context.Context, who, id string) (*web.OwnView, error) {
	r, err := e.ownEpisode(ctx, who, id)
	if err != nil {
		return nil, err
	}
	v := &web.OwnView{Own: ownRow(r, shownStates[r.State]), Why: r.Note, Raw: web.RawShown, Leaves: []web.OwnLeaving{},
		Over: r.State == sqlstore.EpisodeVetoed || r.State == sqlstore.EpisodeWithdrawn}
	var rec web.BatchRecord
	if err := (View{Edge: e}).beside(ctx, who, r, &rec); err != nil {
		return nil, err
	}
	if v.Captured, v.RawSeen = rec.Raw, rec.RawSeen; rec.Raw == nil {
		v.Raw = web.RawExpired
	} else {
		v.RawTill = time.Unix(r.VaultDay*86400, 0).UTC().Add(e.cfg.RawRetention)
	}
	if err := e.leaves(ctx, r, v); err != nil {
		return nil, err
	}
	flag, err := e.db.FlagOf(ctx, id)
	if errors.Is(err, sqlstore.ErrNotFound) {
		return v, nil
	}
	v.Flag = &web.Flag{ID: id, Why: flag.Why, At: flag.At, SeenBy: flag.SeenBy}
	return v, err
}

// leaves adds what leaves of an episode, and where it went.
func (e *Edge) leaves(ctx context.Context, r sqlstore.EpisodeRow, v *web.OwnView) error {
	out, err := e.db.OutboundOf(ctx, r.ID)
	if err != nil {
		return err
	}
	var ids []string
	for _, o := range out {
		if o.Bundle != "" {
			ids = append(ids, o.Bundle)
		}
	}
	sent, err := e.db.SentAt(ctx, ids...)
	if err != nil {
		return err
	}
	for _, o := range out {
		l := web.OwnLeaving{Recipient: o.Recipient, Revision: o.Revision, Digest: o.Digest, Level: episode.Level(o.Level), State: shownStates[o.State], Rule: o.Rule, Note: o.Note,
			Record: o.Body, Bundle: o.Bundle, SentAt: sent[o.Bundle]}
		if o.State == sqlstore.OutAsked {
			l.State = asksYou
		}
		if r.State == sqlstore.EpisodeReady && o.Revision == r.Revision {
			v.State = l.State
		}
		for _, m := range scrub.Marks(o.Body) {
			l.Marks = append(l.Marks, web.Mark{Start: m.Start, End: m.End, Kind: m.Kind})
		}
		left, err := episode.Decode(o.Body)
		if err != nil {
			return err
		}
		l.Terms = left.Terms
		if l.Receipt, err = e.ownReceipt(ctx, o); err != nil {
			return err
		}
		v.Leaves = append(v.Leaves, l)
	}
	return nil
}

// ownReceipt is what a hub has signed for the bundle that a record left in; nil while it has not.
func (e *Edge) ownReceipt(ctx context.Context, o sqlstore.OutboundRow) (*web.OwnReceipt, error) {
	h, err := e.hubOf(o.Recipient)
	if o.Bundle == "" || err != nil {
		return nil, nil
	}
	b, err := e.db.Bundle(ctx, o.Bundle)
	if err != nil || b.State != "received" {
		return nil, err
	}
	var rec bundle.Receipt
	if err := h.link.Open(b.Receipt, bundle.TypeReceipt, &rec); err != nil {
		return nil, err
	}
	return &web.OwnReceipt{Signer: h.link.Signer(), LogIndex: int64(rec.LogIndex)}, nil
}

// OwnAct carries out what a developer says to one of their own records. What was said twice is done once.
func (e *Edge) OwnAct(ctx context.Context, who, id string, a web.OwnSaid) error {
	r, err := e.ownEpisode(ctx, who, id)
	if err != nil {
		return err
	}
	c, subject := a.Choice, id
	if c == web.OwnYes {
		subject += " as " + allDigest(slices.Sorted(slices.Values(a.Seen)))
	}
	now, db := e.cfg.Now(), e.db.Noting(e.entry(ctx, who, "own record: "+string(c), subject))
	if r.State == sqlstore.EpisodeVetoed || r.State == sqlstore.EpisodeWithdrawn {
		if c == web.OwnDelete {
			return e.deleteOwn(ctx, who, id)
		}
		return &episode.Problem{Code: "mine/over", Message: "nothing more leaves of this record", Hint: "it was vetoed or taken back before"}
	}
	var stopped []string
	left := false
	switch c {
	case web.OwnVeto:
		stopped, left, err = db.Veto(ctx, id, who, now)
	case web.OwnFlag:
		if a.Why == "" {
			return &episode.Problem{Code: "mine/reason", Message: "a flag says in a few words what is wrong", Hint: "say why, for the steward who sees it"}
		}
		stopped, err = db.AddFlag(ctx, sqlstore.Flag{Episode: id, Why: a.Why, At: now})
	case web.OwnYes:
		if err = db.AnswerAsked(ctx, id, a.Seen, now); errors.Is(err, sqlstore.ErrChanged) {
			return &episode.Problem{Code: "mine/changed", Message: "what you say yes to is not what waits for you", Err: web.ErrChanged,
				Hint: "look at the record again, it has changed or was decided meanwhile; a yes names the digest of what was shown (headrace mine yes ID --seen DIGEST)"}
		}
	case web.OwnDelete:
		return e.deleteOwn(ctx, who, id)
	default:
		return &episode.Problem{Code: "mine/choice", Message: fmt.Sprintf("%.20q is nothing that can be said to a record", c), Hint: "one of: veto, flag, delete, yes"}
	}
	if err != nil {
		return err
	}
	if err := e.forget(stopped); err != nil {
		return err
	}
	e.Wake()
	if left {
		return &episode.Problem{Code: "mine/left", Message: "what has not left of it stays here from now on; some of it had left before", Hint: "to take that back, delete the record"}
	}
	return nil
}

// forget deletes the folders of bundles that are no more. After a crash, sweep does.
func (e *Edge) forget(bundles []string) error {
	for _, id := range bundles {
		if err := os.RemoveAll(e.bundleDir(id)); err != nil {
			return err
		}
	}
	return nil
}

// deleteOwn erases what is kept here of a developer's record and takes back what has left of it.
func (e *Edge) deleteOwn(ctx context.Context, who, id string) error {
	_, err := e.Withdraw(ctx, who, web.Scope{Records: []string{id}, Developer: who})
	if p, ok := errors.AsType[*episode.Problem](err); ok && p.Code == codeNothingLeft {
		err = nil
	}
	// It is erased even where what has left to another hub cannot be taken back yet, which the error says.
	return errors.Join(err, e.db.Noting(e.entry(ctx, who, "own record: delete", id)).EraseEpisode(ctx, id))
}

// Preferences are what a developer has said of all their records.
func (e *Edge) Preferences(ctx context.Context, who string) (p web.Preferences, err error) {
	said, err := e.db.PreferencesOf(ctx, who)
	if err != nil || said[who] == "" {
		return p, err
	}
	c, err := consent.DecodePreferences([]byte(said[who]))
	if err != nil {
		return p, err
	}
	choices, all := c.Choices()
	p = web.Preferences{Agree: choices.Agree, Level: choices.Level, Ask: choices.Ask, Text: said[who], More: !all}
	for _, r := range choices.Repositories {
		p.Repositories = append(p.Repositories, web.RepositoryLimit(r))
	}
	return p, nil
}

// SetPreferences takes what a developer says of all their records. What of theirs has not left is screened again under it.
func (e *Edge) SetPreferences(ctx context.Context, who string, p web.Preferences) error {
	if who == "" {
		return web.ErrNotFound
	}
	text := p.Text
	if text == "" {
		c := consent.Choices{Agree: p.Agree, Level: p.Level, Ask: p.Ask}
		for _, r := range p.Repositories {
			c.Repositories = append(c.Repositories, consent.RepositoryChoice(r))
		}
		text = string(c.Text(who))
	}
	c, err := consent.DecodePreferences([]byte(text))
	if err != nil {
		return err
	}
	if c.Developer != who {
		return &episode.Problem{Code: "mine/another", Message: fmt.Sprintf("the preferences are of %q", c.Developer), Hint: "yours say developer: " + who}
	}
	stopped, err := e.db.Noting(e.entry(ctx, who, "own preferences", episode.Digest([]byte(text)))).SetPreferences(ctx, who, text, e.cfg.Now())
	if errors.Is(err, sqlstore.ErrChanged) {
		return nil // they were said before
	}
	if err := errors.Join(err, e.forget(stopped)); err != nil {
		return err
	}
	e.Wake()
	return nil
}

// Flags are the open flags of developers, oldest first.
func (v View) Flags(ctx context.Context) ([]web.Flag, error) {
	list, err := v.db.OpenFlags(ctx, 50)
	flags := make([]web.Flag, len(list))
	for i, f := range list {
		flags[i] = web.Flag{ID: f.Episode, Why: f.Why, At: f.At}
	}
	return flags, err
}

// SeeFlag says that a steward has seen to a flag.
func (v View) SeeFlag(ctx context.Context, who, id string) error {
	err := v.db.Noting(v.entry(ctx, who, "see flag", id)).SeeFlag(ctx, id, who, v.cfg.Now())
	if errors.Is(err, sqlstore.ErrChanged) {
		return nil // somebody has seen to it
	}
	return err
}
