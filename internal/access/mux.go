// SPDX-License-Identifier: Apache-2.0

package access

import (
	"net/http"
	"slices"
)

// Mux is an http.ServeMux that lets to each route only whom the table lets. What the table leaves to a proof, the route's
// handler asks for. Make it with [NewMux] and register everything before it serves.
type Mux struct {
	mux    *http.ServeMux
	rules  map[string]Rule
	refuse http.Handler
	routes []string
}

// NewMux makes one. refuse answers whoever may not, or not yet: [Of] tells it whether somebody is signed in.
func NewMux(refuse http.Handler) *Mux {
	return &Mux{mux: http.NewServeMux(), rules: table(), refuse: refuse}
}

// Forbidden answers 403 without a page.
func Forbidden() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(`{"code":"access/forbidden","message":"nobody may call this"}` + "\n"))
	})
}

// Handle registers a route. One that the table lacks answers nobody.
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.routes = append(m.routes, pattern)
	rule := m.rules[pattern]
	m.mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, _ := Of(r.Context())
		if rule.Proof == "" && !p.Has(rule.Roles) {
			m.refuse.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
}

// HandleFunc registers a route.
func (m *Mux) HandleFunc(pattern string, h http.HandlerFunc) { m.Handle(pattern, h) }

// ServeHTTP answers.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.mux.ServeHTTP(w, r) }

// Routes are what was registered.
func (m *Mux) Routes() []string { return slices.Clone(m.routes) }

// May says whether p may call the route that answers a GET of path here.
func (m *Mux) May(p Person, path string) bool {
	r, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return false
	}
	_, pattern := m.mux.Handler(r)
	rule := m.rules[pattern]
	return rule.Proof != "" || p.Has(rule.Roles)
}
