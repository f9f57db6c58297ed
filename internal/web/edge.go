// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
)

const episodesPerPage = 50

func (s *Site) edgePages(m *access.Mux) {
	m.Handle("GET /start", s.page("start", s.start))
	m.Handle("GET /episodes", s.page("episodes", s.episodes))
	m.Handle("GET /episodes/{id}", s.page("episode", s.episode))
	m.Handle("GET /preview", s.page("batches", s.batches))
	m.Handle("GET /preview/{id}", s.page("batch", s.batch))
	m.Handle("POST /preview/{id}", s.act(s.rule))
	m.Handle("GET /preview/{id}/rule", s.page("rule", s.ruleFrom))
	m.Handle("POST /preview/{id}/rule", s.act(s.proposeRule))
	m.Handle("GET /mine", s.page("own", s.own))
	m.Handle("GET /mine/{id}", s.page("ownrecord", s.ownRecord))
	m.Handle("POST /mine/{id}", s.act(s.ownAct))
	m.Handle("GET /mine/preferences", s.page("preferences", s.preferences))
	m.Handle("POST /mine/preferences", s.act(s.setPreferences))
	m.Handle("GET /policy", s.page("policies", s.policies))
	m.Handle("GET /policy/{version}", s.page("policy", s.policy))
	m.Handle("POST /policy/{version}", s.act(s.decidePolicy))
	m.Handle("GET /bundles", s.page("bundles", s.bundles))
	m.Handle("GET /bundles/{id}", s.page("bundle", s.bundle))
	m.Handle("GET /withdrawals", s.page("withdrawals", s.withdrawals))
	m.Handle("POST /withdrawals", s.act(s.withdraw))
	m.Handle("GET /withdrawals/{id}", s.page("withdrawal", s.withdrawal))
}

func (s *Site) start(r *http.Request) (view, error) {
	h, err := s.cfg.Edge.Histories(r.Context())
	return view{Title: "What is on this machine", Data: h}, err
}

type episodesData struct {
	EpisodePage
	Filter   EpisodeFilter
	Verdicts []episode.Verdict
	Levels   []episode.Level
	More     string // address of the next page
}

func (s *Site) episodes(r *http.Request) (view, error) {
	q := r.URL.Query()
	f := EpisodeFilter{Tool: q.Get("tool"), Verdict: episode.Verdict(q.Get("verdict")), Level: episode.Level(q.Get("level")),
		State: q.Get("state"), After: q.Get("after"), Limit: episodesPerPage}
	p, err := s.cfg.Edge.Episodes(r.Context(), f)
	d := episodesData{EpisodePage: p, Filter: f, Levels: episode.Levels(), Verdicts: []episode.Verdict{episode.Accepted,
		episode.Rejected, episode.Modified, episode.Ignored, episode.Cancelled, episode.TimedOut}}
	if p.Next != "" {
		q.Set("after", p.Next)
		d.More = "/episodes?" + q.Encode()
	}
	return view{Title: "Episodes", Data: d}, err
}

type bundlesData struct {
	List   []Bundle
	Alarms []Alarm
	Counts []Counts
}

// Counts is what a recipient is told of a period: how many suggestions were shown and taken, with noise, and nothing of anybody.
type Counts struct {
	ID        string       `json:"id,omitzero"` // digest of what is signed; empty where none was made
	Recipient string       `json:"recipient"`
	Period    string       `json:"period"`
	State     string       `json:"state"`
	Note      string       `json:"note,omitzero"` // why they are not told
	MadeAt    time.Time    `json:"made_at"`
	SentAt    time.Time    `json:"sent_at,omitzero"`
	Reports   []CountsTold `json:"reports,omitempty"`
}

// CountsTold is one of the reports: its counts, each by what it is of, how far the noise moves one in 95 of 100, and what it costs.
type CountsTold struct {
	Query   string      `json:"query"`
	Epsilon string      `json:"epsilon"`
	Within  int64       `json:"half_width_95"`
	Values  []CountTold `json:"values"`
}

// CountTold is one count.
type CountTold struct {
	Of    []string `json:"of"`
	Count int64    `json:"count"`
}

func (s *Site) bundles(r *http.Request) (view, error) {
	b, err := s.cfg.Edge.Bundles(r.Context())
	if err != nil {
		return view{}, err
	}
	a, err := s.cfg.Edge.Alarms(r.Context())
	if err != nil {
		return view{}, err
	}
	c, err := s.cfg.Edge.Counts(r.Context())
	return view{Title: "Bundles and receipts", Data: bundlesData{b, a, c}}, err
}

func (s *Site) bundle(r *http.Request) (view, error) {
	b, err := s.cfg.Edge.Bundle(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return view{Title: "One bundle", Data: b}, nil
}
