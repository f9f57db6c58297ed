// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/parts"
	"github.com/headrace/headrace/internal/sqlstore"
)

// follow finds out what became of suggestions in the repositories of which something new is known, or of which it is an hour
// ago that it was found out.
func (e *Edge) follow(ctx context.Context) error {
	defer func() { e.fresh = fresh{} }()
	if !e.git {
		return nil
	}
	now := e.cfg.Now()
	if err := e.db.ExpireGit(ctx, now.Add(-keepGit)); err != nil {
		return err
	}
	repos, err := e.db.ToFollow(ctx, now.Add(-followEvery))
	if err != nil {
		return err
	}
	for _, r := range repos {
		r.Followed = now
		if err := e.followRepository(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// printed is an episode with its lines.
type printed struct {
	row  sqlstore.PrintRow
	list []gitlog.Suggestion
	from int // its first among all
}

func (e *Edge) followRepository(ctx context.Context, r sqlstore.RepositoryRow) error {
	h, err := e.history(ctx, r)
	if err != nil {
		return err
	}
	rows, err := e.db.Prints(ctx, r.Name)
	if err != nil {
		return err
	}
	var all []gitlog.Suggestion
	var episodes []printed
	for _, row := range rows {
		p := printed{row: row, from: len(all)}
		if err := e.openGit("prints "+row.Episode, row.Sealed, &p.list); err != nil {
			e.setAside("the fingerprints of an episode are set aside", err)
			continue
		}
		all = append(all, p.list...)
		episodes = append(episodes, p)
	}
	if len(all) == 0 {
		return e.db.Followed(ctx, r, nil)
	}
	lines := gitlog.Follow(h, all)
	notices, err := e.reported(ctx, r.Name)
	if err != nil {
		return err
	}
	reports := gitlog.NewReports(h, notices)
	here := map[string]bool{} // sessions of which something is here
	for i, ls := range lines {
		for _, l := range ls {
			here[all[i].Session] = here[all[i].Session] || l.First.Commit != ""
		}
	}
	var tell []told
	var found []sqlstore.PrintRow
	for _, p := range episodes {
		if p.row.Repository == "" && !here[p.list[0].Session] {
			continue
		}
		ep := gitlog.Became(p.row.Episode, p.list, lines[p.from:p.from+len(p.list)])
		reports.Add(ep, p.list, lines[p.from:p.from+len(p.list)])
		if len(ep.Outcomes)+len(ep.Decisions) == 0 {
			continue
		}
		b, err := episode.Append(nil, ep)
		if err != nil {
			return err
		}
		p.row.Repository = r.Name
		if digest := keyed(e.ring.Derive("join"), b); digest != p.row.Told {
			p.row.Told = digest
			tell = append(tell, told{parts.Git, ep})
		}
		found = append(found, p.row)
	}
	if err := e.finals(ctx, tell, episodes, lines); err != nil {
		return err
	}
	if len(tell) > 0 {
		if err := e.tell(ctx, tell, 0, nil); err != nil {
			return err
		}
	}
	return e.db.Followed(ctx, r, found)
}

// history is what is known of a repository.
func (e *Edge) history(ctx context.Context, r sqlstore.RepositoryRow) (*gitlog.History, error) {
	rows, err := e.db.Commits(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	h := &gitlog.History{Main: r.Main, Now: e.cfg.Now().Unix()}
	for _, row := range rows {
		var c gitlog.Change
		if err := e.openGit("commit "+r.Name+" "+row.ID, row.Sealed, &c); err != nil {
			e.setAside("a commit is set aside", err)
			continue
		}
		h.Changes = append(h.Changes, c)
	}
	return h, nil
}

// finals adds the text that was committed to decisions on suggestions that were changed, where both texts are still at hand.
func (e *Edge) finals(ctx context.Context, tell []told, episodes []printed, lines [][]gitlog.Line) error {
	byID := map[string]printed{}
	for _, p := range episodes {
		byID[p.row.Episode] = p
	}
	var ids []string
	for _, t := range tell {
		if len(t.ep.Decisions) > 0 {
			ids = append(ids, t.ep.ID)
		}
	}
	if len(ids) == 0 || len(e.fresh.byID) == 0 {
		return nil
	}
	rows, err := e.db.EpisodesByID(ctx, ids)
	if err != nil {
		return err
	}
	print := e.printer()
	for _, t := range tell {
		row, known := rows[t.ep.ID]
		if !known || len(t.ep.Decisions) == 0 {
			continue
		}
		have, err := e.stored(ctx, row)
		if err != nil {
			continue // the raw text is gone
		}
		p := byID[t.ep.ID]
		print.Finals(t.ep, have.Episode(), p.list, lines[p.from:p.from+len(p.list)], e.fresh.byID)
	}
	return nil
}
