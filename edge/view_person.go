// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// What a person sees of an edge depends on who they are. Where nobody asks, it is this process itself, such as a command of
// whoever has its keys: who comes from outside does not get here without being somebody (access.Mux).

// ownOnly is the one developer of whom a request may see anything; false where it may see all.
func ownOnly(ctx context.Context) (developer string, only bool) {
	p, in := access.Of(ctx)
	return p.Name, in && p.OwnOnly()
}

// theirs says whether a request may see an episode at all. A developer has no name that is empty: what belongs to nobody is
// not theirs.
func theirs(ctx context.Context, r sqlstore.EpisodeRow) bool {
	developer, only := ownOnly(ctx)
	return !only || developer != "" && developer == r.Developer
}

// mayAudit says that a request may see what others did, though not what it was about.
func mayAudit(ctx context.Context) bool {
	p, _ := access.Of(ctx)
	return p.Has(access.Auditor)
}

// mayRaw says whether a request may see an episode's raw text: one's own, and others' where that is configured.
func mayRaw(ctx context.Context, r sqlstore.EpisodeRow) bool {
	p, in := access.Of(ctx)
	return !in || p.Raw || p.Has(access.Developer) && p.Name != "" && p.Name == r.Developer
}

// nameless takes out of an episode whose it is, unless it is theirs who look: what was asked and done is judged without it.
func (v View) nameless(ctx context.Context, ep *episode.Episode) *episode.Episode {
	if p, in := access.Of(ctx); in && !v.cfg.Own && p.Name != ep.Developer {
		ep.Developer = ""
	}
	return ep
}

// told is what a withdrawal is of and who asked for it, as a request may see it: that one of the developers takes back their own,
// or has it taken back, is nobody else's to know. The audit trail has it.
func (v View) told(ctx context.Context, w sqlstore.WithdrawalRow) (scope, asked string) {
	p, in := access.Of(ctx)
	if !in || v.cfg.Own || p.Name == w.RequestedBy {
		return w.Scope, w.RequestedBy
	}
	if strings.HasPrefix(w.Scope, "developer ") || strings.Contains(w.Scope, ", developer ") {
		return "records of one developer", ""
	}
	return w.Scope, ""
}

// few says that what a filter selects is of fewer than ten developers: then no figure of it is shown, unless it is one's own.
func (v View) few(ctx context.Context, f sqlstore.EpisodeFilter) (bool, error) {
	if _, only := ownOnly(ctx); only || v.cfg.Own {
		return false, nil
	}
	n, err := v.db.EpisodeDevelopers(ctx, f, web.FewDevelopers)
	return n < web.FewDevelopers, err
}

// within narrows what is taken back to a person's own. Everything is then all of theirs.
func within(ctx context.Context, s web.Scope) (web.Scope, error) {
	developer, only := ownOnly(ctx)
	if !only {
		return s, nil
	}
	if developer == "" || s.Developer != "" && s.Developer != developer {
		return s, badScope("that is not yours to take back", "you take back your own records; leave out the developer")
	}
	s.Developer, s.All, s.Confirm, s.Mine = developer, false, "", false
	return s, nil
}

// WouldWithdraw says what a withdrawal by a person would reach.
func (v View) WouldWithdraw(ctx context.Context, s web.Scope) (*web.Reach, error) {
	s, err := within(ctx, s)
	if err != nil {
		return nil, err
	}
	return v.Edge.WouldWithdraw(ctx, s)
}

// Withdraw takes back what a person asks for, as far as it is theirs to.
func (v View) Withdraw(ctx context.Context, who string, s web.Scope) ([]string, error) {
	s, err := within(ctx, s)
	if err != nil {
		return nil, err
	}
	return v.Edge.Withdraw(ctx, who, s)
}
