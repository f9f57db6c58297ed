// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/login"
)

//go:embed templates static
var files embed.FS

// view is one page to render: Page names its template.
type view struct {
	Page  string
	Title string
	Data  any
}

// frame is what the layout sees around a view.
type frame struct {
	view
	Nav     []navItem
	Path    string // the first part of the address, to mark where we are
	Demo    bool
	Version string
	Inside  bool // somebody is signed in
	Person  access.Person
	HasHub  bool
}

// parsePages reads every template under templates/ on top of the layout and the parts that pages share.
func parsePages() (map[string]*template.Template, error) {
	base, err := template.New("layout.html").Funcs(funcs()).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, n := range names {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(files, n)
		}
		if err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(strings.TrimPrefix(n, "templates/"), ".html")] = t
	}
	return pages, nil
}

// page answers with the template of that name, or with the page for the error.
func (s *Site) page(name string, f func(*http.Request) (view, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if err != nil {
			s.problem(w, r, err)
			return
		}
		v.Page = name
		s.render(w, r, http.StatusOK, v)
	})
}

// act does what a form asks for and leads on to the page that shows it.
func (s *Site) act(f func(*http.Request) (to string, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		to, err := f(r)
		if err != nil {
			s.problem(w, r, err)
			return
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	})
}

// problem shows what went wrong and what to do. An error that is not meant for a person is logged, and shown as it is to those
// who run the machine, or sit at it.
func (s *Site) problem(w http.ResponseWriter, r *http.Request, err error) {
	p, known := errors.AsType[*episode.Problem](err)
	status := http.StatusUnprocessableEntity
	over, limit := errors.AsType[limited](err)
	switch {
	case limit:
		status = http.StatusTooManyRequests
		after := access.RetryAfter(over.wait)
		w.Header().Set("Retry-After", after)
		p = &episode.Problem{Code: "limit/requests", Message: over.what, Hint: "ask again in " + after + " seconds; whoever runs Headrace sets the limits (access: in its configuration)"}
	case errors.Is(err, login.ErrAway):
		status = http.StatusServiceUnavailable
	case known:
	case errors.Is(err, ErrNotFound):
		status = http.StatusNotFound
		p = &episode.Problem{Code: "page/not-found", Message: "there is nothing at this address", Hint: "it may have been withdrawn or erased; the overview leads to all that is there"}
	default:
		status = http.StatusInternalServerError
		s.cfg.Log.Error("page", "path", r.URL.Path, "err", err)
		p = &episode.Problem{Code: "page/error", Message: "this page could not be made", Hint: "reload the page; when it stays, the log of this process says more"}
		if who, _ := access.Of(r.Context()); who.Local || who.Has(access.Operator) {
			p.Message = err.Error()
		}
	}
	s.render(w, r, status, view{Page: "problem", Title: "Something is in the way", Data: p})
}

// render writes a page whole or not at all: a template that fails leaves no torn page behind.
func (s *Site) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	p, in := access.Of(r.Context())
	var b bytes.Buffer
	err := s.pages[v.Page].ExecuteTemplate(&b, "layout.html", frame{view: v, Nav: s.navOf(p), Path: "/" + first, Demo: s.cfg.Demo,
		Version: s.cfg.Version, Inside: in, Person: p, HasHub: s.cfg.Hub != nil})
	if err != nil {
		http.Error(w, "This page could not be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// static serves the style sheet, the script and the picture; they may be kept for an hour.
func static() http.Handler {
	h := http.FileServerFS(files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/") {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "max-age=3600")
		h.ServeHTTP(w, r)
	})
}

// to joins parts into an address of this site; every part is escaped.
func to(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(p))
	}
	return b.String()
}
