// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// View is what the pages show of an edge, and the two things a person can do there.
type View struct {
	*Edge
	// Found are the tool histories of this machine, with their progress; nil where the edge reads none.
	Found func() []web.History
}

var _ web.EdgeSource = View{}

// Histories returns the tool histories found on this machine.
func (v View) Histories(context.Context) ([]web.History, error) {
	if v.Found == nil {
		return nil, nil
	}
	return v.Found(), nil
}

// EdgeStages returns the stages that run at the edge.
func (v View) EdgeStages(ctx context.Context) ([]web.Stage, error) {
	states, err := countMap(v.db.EpisodeCounts(ctx, "state"))
	if err != nil {
		return nil, err
	}
	out, err := countMap(v.db.OutboundCounts(ctx))
	if err != nil {
		return nil, err
	}
	bundles, err := v.db.Bundles(ctx, "")
	if err != nil {
		return nil, err
	}
	pulled, err := v.db.PulledReleases(ctx, "")
	if err != nil {
		return nil, err
	}
	decided, err := v.db.DecisionCount(ctx)
	if err != nil {
		return nil, err
	}
	decided += v.decisions.unrecorded()
	all := 0
	for _, n := range states {
		all += n
	}
	stage := func(name string, count int, unit string) web.Stage {
		s := web.Stage{Name: name, Count: count, Unit: unit, Health: web.HealthOK}
		if count == 0 {
			s.Health = web.HealthIdle
		}
		return s
	}
	capture := stage("capture", all, "episodes")
	capture.SetAside = int(v.stats.SetAside.Load())
	if waiting := v.inbox.Len(); waiting > 0 {
		capture.Note = fmt.Sprintf("%d payloads wait to be assembled", waiting)
	}
	scrubbed := stage("scrub", all-states[sqlstore.EpisodeAssembled], "episodes")
	if scrubbed.SetAside = states[sqlstore.EpisodeDropped]; scrubbed.SetAside > 0 {
		scrubbed.Health, scrubbed.Note = web.HealthTrouble, fmt.Sprintf("%d could not be made safe and stay here", scrubbed.SetAside)
	} else if n := states[sqlstore.EpisodeAssembled]; n > 0 {
		scrubbed.Note = fmt.Sprintf("%d are still settling", n)
	}
	consented := stage("consent", states[sqlstore.EpisodeReady]+states[sqlstore.EpisodeKept], "episodes")
	if n := out[sqlstore.OutWaiting] + out[sqlstore.OutHeld]; n > 0 {
		consented.Health, consented.Note = web.HealthWaiting, fmt.Sprintf("%d wait for a person", n)
	}
	packed := stage("bundle", len(bundles), "bundles")
	for _, b := range bundles {
		packed.Last = later(packed.Last, b.CreatedAt)
		if b.Note != "" {
			packed.Health, packed.Note = web.HealthTrouble, b.Note
		} else if b.State == "refused" {
			packed.Health, packed.Note = web.HealthTrouble, "the hub refused a bundle for what it found in it: see bundles"
		}
	}
	lever := stage("lever", decided, "decisions")
	edge := stage("edge", len(pulled), "releases")
	if len(pulled) > 0 {
		edge.Last = pulled[0].PulledAt
		edge.Note = v.following()
		lever.Health = web.HealthOK
	}
	return []web.Stage{capture, scrubbed, consented, packed, edge, lever}, nil
}

// oneOf is the name of a hub for a page to say which is meant, where there are several; else empty.
func (e *Edge) oneOf(hub string) string {
	if len(e.hubs) < 2 {
		return ""
	}
	return hub
}

// following says which channels are followed, of which hubs where there are several.
func (e *Edge) following() string {
	var words []string
	for _, h := range e.hubs {
		if h.link.Joined() && len(e.hubs) > 1 {
			words = append(words, h.link.Channel+" of "+h.link.Name)
		} else if h.link.Joined() {
			words = append(words, h.link.Channel)
		}
	}
	return "following " + strings.Join(words, ", ")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func countMap(list []sqlstore.Count, err error) (map[string]int, error) {
	m := map[string]int{}
	for _, c := range list {
		m[c.Key] = c.N
	}
	return m, err
}

// shownStates are the states of an episode as people see them.
var shownStates = map[string]string{
	sqlstore.EpisodeAssembled: "settling", sqlstore.OutAsked: "asks its developer", sqlstore.OutWaiting: "waiting", sqlstore.OutHeld: "held", sqlstore.OutApproved: "approved",
	sqlstore.OutRefused: "refused", sqlstore.OutPacked: "sent", sqlstore.EpisodeKept: "stays", sqlstore.EpisodeDropped: "dropped",
	sqlstore.EpisodeVetoed: "vetoed", sqlstore.EpisodeWithdrawn: "withdrawn",
}

// Episodes returns a page of the list.
func (v View) Episodes(ctx context.Context, f web.EpisodeFilter) (web.EpisodePage, error) {
	var page web.EpisodePage
	for state, shown := range shownStates {
		page.States = append(page.States, shown)
		if f.State == shown {
			f.State = state
		}
	}
	slices.Sort(page.States)
	offset, _ := strconv.Atoi(f.After)
	offset = max(0, offset)
	selected := sqlstore.EpisodeFilter{Tool: f.Tool, State: f.State, Verdict: string(f.Verdict), Level: string(f.Level), Offset: offset, Limit: f.Limit}
	developer, only := ownOnly(ctx)
	if selected.Developer = developer; !only {
		selected.Developer = ""
	} else if developer == "" {
		return page, nil
	}
	rows, total, err := v.db.ListEpisodes(ctx, selected)
	if err != nil {
		return page, err
	}
	if page.Few, err = v.few(ctx, selected); err != nil {
		return page, err
	}
	tools, err := v.db.EpisodeCounts(ctx, "tool")
	if err != nil {
		return page, err
	}
	for _, t := range tools {
		page.Tools = append(page.Tools, t.Key)
		page.All += t.N
	}
	if only {
		if _, page.All, err = v.db.ListEpisodes(ctx, sqlstore.EpisodeFilter{Developer: developer}); err != nil {
			return page, err
		}
	}
	page.Total = total
	if offset+len(rows) < total {
		page.Next = strconv.Itoa(offset + len(rows))
	}
	for _, r := range rows {
		page.Rows = append(page.Rows, web.EpisodeRow{ID: r.ID, StartedAt: r.StartedAt, Tool: r.Tool, Surface: episode.Surface(r.Surface), Repository: r.Repository,
			Title: r.Title, Suggestions: r.Suggestions, Verdicts: verdicts(r.Verdicts), Level: episode.Level(r.Level), State: shownStates[r.State]})
	}
	return page, nil
}

func verdicts(v sqlstore.Verdicts) map[episode.Verdict]int {
	m := map[episode.Verdict]int{}
	for k, n := range map[episode.Verdict]int{episode.Accepted: v.Accepted, episode.Modified: v.Modified, episode.Rejected: v.Rejected,
		episode.Ignored: v.Ignored, episode.Cancelled: v.Cancelled, episode.TimedOut: v.TimedOut} {
		if n > 0 {
			m[k] = n
		}
	}
	return m
}

// raw opens the seal of an episode, and audits the look.
func (v View) raw(ctx context.Context, who string, r sqlstore.EpisodeRow) (*episode.Episode, error) {
	told, err := v.stored(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := v.db.Note(ctx, v.entry(ctx, who, "see raw", r.ID)); err != nil {
		return nil, err
	}
	return v.nameless(ctx, told.Episode()), nil
}

// Episode opens one episode.
func (v View) Episode(ctx context.Context, who, id string) (*web.EpisodeView, error) {
	rows, err := v.db.EpisodesByID(ctx, []string{id})
	if err != nil {
		return nil, err
	}
	r, ok := rows[id]
	if !ok || !theirs(ctx, r) {
		return nil, web.ErrNotFound
	}
	out, err := v.db.OutboundOf(ctx, id)
	if err != nil {
		return nil, err
	}
	e := &web.EpisodeView{Raw: web.RawShown, RawTill: time.Unix(r.VaultDay*86400, 0).UTC().Add(v.cfg.RawRetention), State: shownStates[r.State], Level: episode.Level(r.Level), Why: r.Note}
	if mayRaw(ctx, r) {
		e.Episode, err = v.raw(ctx, who, r)
	} else {
		e.Raw = web.RawForbidden
	}
	if errors.Is(err, errExpired) {
		e.Raw, err = web.RawExpired, nil
	}
	if e.Raw != web.RawShown {
		e.Episode = &episode.Episode{ID: r.ID, StartedAt: r.StartedAt, Tool: episode.Tool{Name: r.Tool, Surface: episode.Surface(r.Surface)}}
	}
	if err != nil {
		return nil, err
	}
	e.History = append(e.History, web.Event{At: r.ReceivedAt, What: "recorded"})
	for _, o := range out {
		to := ""
		if name := v.oneOf(o.Recipient); name != "" {
			to = " for " + name
		}
		if r.State == sqlstore.EpisodeReady {
			e.State = shownStates[o.State]
		}
		left, err := episode.Decode(o.Body)
		if err != nil {
			return nil, err
		}
		if e.Terms = left.Terms; e.Raw != web.RawShown && o.Kind == string(bundle.KindEpisodes) {
			e.Episode = left
		}
		e.History = append(e.History, web.Event{At: o.CreatedAt, What: fmt.Sprintf("filtered and lowered to %s%s: revision %d", o.Level, to, o.Revision), Who: "rule " + o.Rule})
		if !o.DecidedAt.IsZero() {
			what := o.State
			if what == sqlstore.OutPacked {
				what = "approved"
			}
			e.History = append(e.History, web.Event{At: o.DecidedAt, What: what + to, Who: o.DecidedBy})
		}
		if o.Bundle != "" {
			e.Bundle = o.Bundle
			e.History = append(e.History, web.Event{At: o.DecidedAt, What: "packed for " + o.Recipient})
		}
	}
	if r.State == sqlstore.EpisodeWithdrawn {
		e.State = "withdrawn"
	}
	return e, nil
}

// Withdrawals returns what was taken back.
func (v View) Withdrawals(ctx context.Context) ([]web.Withdrawal, error) {
	rows, err := v.db.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	if who, only := ownOnly(ctx); only && !mayAudit(ctx) {
		rows = slices.DeleteFunc(rows, func(w sqlstore.WithdrawalRow) bool { return who == "" || w.RequestedBy != who })
	}
	list := make([]web.Withdrawal, len(rows))
	for i, w := range rows {
		scope, asked := v.told(ctx, w)
		list[i] = web.Withdrawal{ID: w.ID, Hub: v.oneOf(w.Recipient), Scope: scope, At: w.RequestedAt, Who: asked, Records: w.Records, State: "under way"}
		if w.Unsigned {
			list[i].State = "not signed yet"
		}
		if w.Certificate == nil {
			continue
		}
		list[i].State, list[i].Certificate = "done", w.Certificate
		h, err := v.hubOf(w.Recipient)
		if err != nil {
			continue // signed by a hub whose key is not here any more
		}
		var c bundle.Certificate
		if err := h.link.Open(w.Certificate, bundle.TypeCertificate, &c); err != nil {
			return nil, err
		}
		list[i].Signer = h.link.Signer()
		for _, f := range c.Fates {
			list[i].Fates = append(list[i].Fates, web.Fate{Artifact: f.Artifact, Kind: f.Kind, Fate: f.Fate})
		}
	}
	slices.Reverse(list)
	return list, nil
}

// Withdrawal returns one.
func (v View) Withdrawal(ctx context.Context, id string) (*web.Withdrawal, error) {
	list, err := v.Withdrawals(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, web.ErrNotFound
}
