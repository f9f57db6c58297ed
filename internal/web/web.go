// SPDX-License-Identifier: Apache-2.0

// Package web is the pages: what a person sees of the edge and the hub, and the two things a person does there, to
// rule on what leaves and to take back what left.
//
// Start from [New]: it makes a [Site], an http.Handler, from an [EdgeSource] and a [HubSource] (views.go), either of
// which may be nil. The sources give plain view data; the package holds no state but who is signed in (enter.go) and
// knows nothing of SQL, stages or schedules. Every page is a template under templates/, rendered on the server,
// complete without scripts; static/ holds one style sheet, one picture and the few lines of script that keep the overview
// fresh. guard.go says who may ask: only the hosts named, only this site's own forms; enter.go and signin.go let people in, by
// a link that works once or by their identity provider, and the table of internal/access says which pages are whose.
//
// A page never ranks people, and withholds an estimate that stems from fewer than ten developers.
package web

import (
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"slices"

	"github.com/headrace/headrace/internal/access"
)

// Config is what the pages need. Either source may be nil: its pages are then not there.
type Config struct {
	Edge    EdgeSource
	Hub     HubSource
	Demo    bool     // mark every page
	Version string   // shown in the footer
	Hosts   []string // names to be reached by, besides localhost and the loopback addresses
	// Access says how people come in, and as what; its zero value is by a link that works once.
	Access access.Config
	// Sessions keep who is signed in; nil keeps that until the process ends.
	Sessions access.Sessions
	Log      *slog.Logger // of errors that are nobody's to see
}

// Site serves the pages. Make it with New, and hand a person the address that Link returns.
type Site struct {
	cfg     Config
	pages   map[string]*template.Template
	nav     []navItem
	door    *door
	mux     *access.Mux
	handler http.Handler
}

// New makes the pages.
func New(cfg Config) (*Site, error) {
	pages, err := parsePages()
	if err != nil {
		return nil, fmt.Errorf("parse the pages: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Site{cfg: cfg, pages: pages, nav: navFor(cfg)}
	if s.door, err = newDoor(cfg.Access, cfg.Sessions); err != nil {
		return nil, err
	}
	hosts := cfg.Hosts
	if cfg.Access.On() {
		hosts = append([]string{hostname(cfg.Access.Host())}, hosts...)
	}
	s.mux = access.NewMux(http.HandlerFunc(s.refuse))
	s.mux.Handle("GET /static/", static())
	s.mux.HandleFunc("GET /enter", s.enter)
	s.mux.HandleFunc("GET /login", s.signIn)
	s.mux.HandleFunc("GET /login/callback", s.signedIn)
	s.mux.HandleFunc("POST /logout", s.signOut)
	s.mux.Handle("GET /{$}", s.page("overview", s.overview))
	if cfg.Edge != nil {
		s.edgePages(s.mux)
	}
	if cfg.Hub != nil {
		s.hubPages(s.mux)
	}
	if p := s.published(); p != nil {
		s.publishedPages(s.mux, p)
	}
	if r := cfg.rewards(); r != nil {
		s.rewardPages(s.mux, r)
	}
	if i, ok := cfg.Edge.(InstructionSource); ok {
		s.instructionPages(s.mux, i)
	}
	if cfg.Edge != nil || cfg.Hub != nil {
		s.mux.Handle("GET /audit", s.page("audit", s.audit))
	}
	s.mux.Handle("/", s.page("problem", func(r *http.Request) (view, error) {
		return view{}, fmt.Errorf("page %s: %w", r.URL.Path, ErrNotFound)
	}))
	s.handler = Hosts(hosts, headers(sameOrigin(s.knowing(s.mux))))
	return s, nil
}

// Routes are the pages and forms that are there, as the table of internal/access names them.
func (s *Site) Routes() []string { return s.mux.Routes() }

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

// rewards is who knows what decisions were worth: the hub where there is one; nil where nobody does.
func (c *Config) rewards() RewardSource {
	if r, ok := c.Hub.(RewardSource); ok {
		return r
	}
	r, _ := c.Edge.(RewardSource)
	return r
}

type navItem struct{ Name, Path string }

// navOf leaves out what is not the person's.
func (s *Site) navOf(p access.Person) []navItem {
	return slices.DeleteFunc(slices.Clone(s.nav), func(n navItem) bool { return !s.mux.May(p, n.Path) })
}

func navFor(cfg Config) []navItem {
	items := []navItem{{"Overview", "/"}}
	if cfg.Edge != nil {
		items = append(items, navItem{"Episodes", "/episodes"}, navItem{"Preview", "/preview"}, navItem{"Mine", "/mine"}, navItem{"Bundles", "/bundles"})
	}
	if cfg.Hub != nil {
		items = append(items, navItem{"Snapshots", "/snapshots"})
	}
	if cfg.rewards() != nil {
		items = append(items, navItem{"Reward", "/reward"})
	}
	items = append(items, navItem{"Gate", "/gates"}, navItem{"Releases", "/releases"})
	if _, ok := cfg.Edge.(InstructionSource); ok {
		items = append(items, navItem{"Instructions", "/instructions"})
	}
	items = append(items, navItem{"Statements", "/statements"})
	if cfg.Edge != nil {
		items = append(items, navItem{"Withdrawals", "/withdrawals"}, navItem{"Policy", "/policy"})
	}
	if cfg.Edge != nil || cfg.Hub != nil {
		items = append(items, navItem{"Audit", "/audit"})
	}
	return items
}
