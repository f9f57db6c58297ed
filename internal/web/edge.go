// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
)

const (
	episodesPerPage = 50
	recordsPerPage  = 10 // each is shown byte for byte
)

func (s *Site) edgePages(m *access.Mux) {
	m.Handle("GET /start", s.page("start", s.start))
	m.Handle("GET /episodes", s.page("episodes", s.episodes))
	m.Handle("GET /episodes/{id}", s.page("episode", s.episode))
	m.Handle("GET /preview", s.page("batches", s.batches))
	m.Handle("GET /preview/{id}", s.page("batch", s.batch))
	m.Handle("POST /preview/{id}", s.act(s.rule))
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

func (s *Site) batches(r *http.Request) (view, error) {
	b, err := s.cfg.Edge.Batches(r.Context())
	return view{Title: "Preview", Data: b}, err
}

type batchData struct {
	*BatchView
	After string
	Said  string // what the last ruling did
}

func (s *Site) batch(r *http.Request) (view, error) {
	q := r.URL.Query()
	b, err := s.cfg.Edge.Batch(r.Context(), who(r), r.PathValue("id"),
		BatchQuery{After: q.Get("after"), Limit: recordsPerPage, Raw: q.Get("raw") == "1"})
	if err != nil {
		return view{}, err
	}
	d := batchData{BatchView: b, After: q.Get("after")}
	switch Choice(q.Get("said")) {
	case Approve:
		d.Said = "Approved. What you approved is what will leave, byte for byte."
	case Refuse:
		d.Said = "Refused. It stays here."
	case Hold:
		d.Said = "Held. It waits until you decide."
	}
	return view{Title: "Preview for " + b.Recipient, Data: d}, nil
}

func (s *Site) rule(r *http.Request) (string, error) {
	if err := r.ParseForm(); err != nil {
		return "", &episode.Problem{Code: "page/form", Message: "this form could not be read", Hint: "open the preview again", Err: err}
	}
	g := Ruling{Batch: r.PathValue("id"), Choice: Choice(r.PostForm.Get("choice")), Digest: r.PostForm.Get("digest")}
	if g.Choice != Approve && g.Choice != Refuse && g.Choice != Hold {
		return "", &episode.Problem{Code: "page/choice", Message: "a record can be approved, refused or held", Hint: "open the preview again and use its buttons"}
	}
	if d := r.PostForm.Get("record"); d != "" {
		g.Records = []string{d}
	} else if g.Digest == "" {
		return "", &episode.Problem{Code: "page/digest", Message: "the form does not say what was seen", Hint: "open the preview again and use its buttons"}
	}
	if err := s.cfg.Edge.Rule(r.Context(), who(r), g); err != nil {
		return "", err
	}
	back := r.URL.Query()
	back.Set("said", string(g.Choice))
	return to("preview", g.Batch) + "?" + back.Encode(), nil
}

type bundlesData struct {
	List   []Bundle
	Alarms []Alarm
}

func (s *Site) bundles(r *http.Request) (view, error) {
	b, err := s.cfg.Edge.Bundles(r.Context())
	if err != nil {
		return view{}, err
	}
	a, err := s.cfg.Edge.Alarms(r.Context())
	return view{Title: "Bundles and receipts", Data: bundlesData{b, a}}, err
}

func (s *Site) bundle(r *http.Request) (view, error) {
	b, err := s.cfg.Edge.Bundle(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return view{Title: "One bundle", Data: b}, nil
}
