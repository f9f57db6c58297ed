// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/headrace/headrace/internal/access"
)

func (s *Site) hubPages(m *access.Mux) {
	m.Handle("GET /snapshots", s.page("snapshots", s.snapshots))
	m.Handle("GET /snapshots/{id}", s.page("snapshot", s.snapshot))
	m.HandleFunc("GET /snapshots/{id}/export/{format}", s.export)
}

func (s *Site) publishedPages(m *access.Mux, p Published) {
	s.gatePages(m, p)
	s.releasePages(m, p)
	m.Handle("GET /statements", s.page("statements", func(r *http.Request) (view, error) {
		l, err := p.Statements(r.Context())
		return view{Title: "Statements", Data: l}, err
	}))
	m.Handle("GET /statements/{id}", s.page("statement", func(r *http.Request) (view, error) {
		x, err := p.Statement(r.Context(), r.PathValue("id"))
		if err != nil {
			return view{}, err
		}
		return view{Title: "Statement for " + x.Contributor, Data: x}, nil
	}))
}

func (s *Site) snapshots(r *http.Request) (view, error) {
	l, err := s.cfg.Hub.Snapshots(r.Context())
	return view{Title: "Snapshots", Data: l}, err
}

func (s *Site) snapshot(r *http.Request) (view, error) {
	x, err := s.cfg.Hub.Snapshot(r.Context(), r.PathValue("id"))
	if err != nil {
		return view{}, err
	}
	return view{Title: "One snapshot", Data: x}, nil
}

var unsafeName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func (s *Site) export(w http.ResponseWriter, r *http.Request) {
	id, format := r.PathValue("id"), r.PathValue("format")
	x, err := s.cfg.Hub.Snapshot(r.Context(), id)
	if err == nil && !slices.Contains(x.Formats, format) {
		err = fmt.Errorf("format %q: %w", format, ErrNotFound)
	}
	if err != nil {
		s.problem(w, r, err)
		return
	}
	out := &firstWrite{w: w, before: func() {
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", unsafeName.ReplaceAllString(id+"-"+format, "-")+".jsonl"))
	}}
	switch err := s.cfg.Hub.Export(r.Context(), id, format, out); {
	case err == nil:
		out.Write(nil) // an empty export is a file too
	case !out.begun:
		s.problem(w, r, err)
	default:
		panic(http.ErrAbortHandler) // the file is torn: end the connection, so that nobody takes it for whole
	}
}

// firstWrite runs before ahead of the first byte: until then an error can still become a page.
type firstWrite struct {
	w      http.ResponseWriter
	before func()
	begun  bool
}

func (f *firstWrite) Write(b []byte) (int, error) {
	if !f.begun {
		f.before()
		f.begun = true
	}
	return f.w.Write(b)
}
