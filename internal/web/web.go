// SPDX-License-Identifier: Apache-2.0

// Package web is the pages: what a person sees of the edge and the hub, and the two things a person does there, to
// rule on what leaves and to take back what left.
//
// Start from [New]: it makes a [Site], an http.Handler, from an [EdgeSource] and a [HubSource] (views.go), either of
// which may be nil. The sources give plain view data; the package holds no state but who is signed in (enter.go) and
// knows nothing of SQL, stages or schedules. Every page is a template under templates/, rendered on the server,
// complete without scripts; static/ holds one style sheet, one picture and the few lines of script that keep the overview
// fresh. guard.go says who may ask: only the hosts named, only this site's own forms, only with a session from a
// one-time link.
//
// A page never ranks people, and withholds an estimate that stems from fewer than ten developers.
package web

import (
	"fmt"
	"html/template"
	"net/http"
)

// Config is what the pages need. Either source may be nil: its pages are then not there.
type Config struct {
	Edge    EdgeSource
	Hub     HubSource
	Demo    bool     // mark every page
	Version string   // shown in the footer
	Hosts   []string // names to be reached by, besides localhost and the loopback addresses
}

// Site serves the pages. Make it with New, and hand a person the address that Link returns.
type Site struct {
	cfg     Config
	pages   map[string]*template.Template
	nav     []navItem
	door    door
	handler http.Handler
}

// New makes the pages.
func New(cfg Config) (*Site, error) {
	pages, err := parsePages()
	if err != nil {
		return nil, fmt.Errorf("parse the pages: %w", err)
	}
	s := &Site{cfg: cfg, pages: pages, nav: navFor(cfg), door: newDoor()}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", static())
	mux.HandleFunc("GET /enter", s.enter)

	inside := http.NewServeMux()
	inside.Handle("GET /{$}", s.page("overview", s.overview))
	if cfg.Edge != nil {
		s.edgePages(inside)
	}
	if cfg.Hub != nil {
		s.hubPages(inside)
	}
	if p := s.published(); p != nil {
		s.publishedPages(inside, p)
	}
	inside.Handle("/", s.page("problem", func(r *http.Request) (view, error) {
		return view{}, fmt.Errorf("page %s: %w", r.URL.Path, ErrNotFound)
	}))
	mux.Handle("/", s.onlySignedIn(inside))

	s.handler = Hosts(cfg.Hosts, headers(sameOrigin(mux)))
	return s, nil
}

// ServeHTTP answers one request for a page.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// published is who tells of releases and statements: the hub where there is one.
func (s *Site) published() Published {
	switch {
	case s.cfg.Hub != nil:
		return s.cfg.Hub
	case s.cfg.Edge != nil:
		return s.cfg.Edge
	}
	return nil
}

type navItem struct{ Name, Path string }

func navFor(cfg Config) []navItem {
	items := []navItem{{"Overview", "/"}}
	if cfg.Edge != nil {
		items = append(items, navItem{"Episodes", "/episodes"}, navItem{"Preview", "/preview"}, navItem{"Bundles", "/bundles"})
	}
	if cfg.Hub != nil {
		items = append(items, navItem{"Snapshots", "/snapshots"}, navItem{"Gate", "/gates"})
	}
	items = append(items, navItem{"Releases", "/releases"}, navItem{"Statements", "/statements"})
	if cfg.Edge != nil {
		items = append(items, navItem{"Withdrawals", "/withdrawals"})
	}
	return items
}
