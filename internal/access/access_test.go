// SPDX-License-Identifier: Apache-2.0

package access_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/access"
)

// call asks a mux as p, nobody where in is false.
func call(m http.Handler, method, path string, p access.Person, in bool) int {
	r := httptest.NewRequest(method, path, nil)
	if in {
		r = r.WithContext(access.With(r.Context(), p))
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, r)
	return w.Code
}

func TestARouteThatTheTableLacksAnswersNobody(t *testing.T) {
	m := access.NewMux(access.Forbidden())
	for _, route := range []string{"GET /new", "GET /episodes/all", "/preview/"} {
		m.HandleFunc(route, func(http.ResponseWriter, *http.Request) { t.Errorf("%s answers", route) })
		_, path, _ := strings.Cut(" "+route, "/")
		for _, in := range []bool{false, true} {
			if code := call(m, "GET", "/"+path, access.Person{Name: "ada", Roles: 0xff, Local: true}, in); code != http.StatusForbidden {
				t.Errorf("%s: %d", route, code)
			}
		}
	}
}

func TestARouteAnswersItsRolesAndNoOther(t *testing.T) {
	m := access.NewMux(access.Forbidden())
	m.HandleFunc("GET /preview", func(http.ResponseWriter, *http.Request) {})
	m.HandleFunc("GET /static/", func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		roles access.Roles
		want  int
	}{{0, 403}, {access.Developer, 403}, {access.Steward, 200}, {access.Expert | access.Operator | access.Auditor | access.Contributor, 403}, {access.All, 200}, {access.Steward | access.Developer, 200}} {
		p := access.Person{Name: "ada", Roles: c.roles}
		if code := call(m, "GET", "/preview", p, true); code != c.want {
			t.Errorf("%v: %d", c.roles, code)
		}
		if got := m.May(p, "/preview"); got != (c.want == 200) {
			t.Errorf("%v may: %v", c.roles, got)
		}
	}
	if code := call(m, "GET", "/preview", access.Person{}, false); code != 403 {
		t.Errorf("nobody: %d", code)
	}
	if code := call(m, "GET", "/static/x", access.Person{}, false); code != 200 {
		t.Errorf("what is open: %d", code)
	}
}

// TestEachRouteHasEitherRolesOrAProof: a rule with neither would answer nobody, one with both would let a proof stand for a
// person.
func TestEachRouteHasEitherRolesOrAProof(t *testing.T) {
	for _, p := range access.Patterns() {
		if r, ok := access.RuleOf(p); !ok || (r.Roles == 0) == (r.Proof == "") {
			t.Errorf("%s: %+v", p, r)
		}
	}
}

func TestRolesHaveNames(t *testing.T) {
	var all access.Roles
	for _, n := range access.Names() {
		r := access.Role(n)
		if r == 0 || r.String() != n || all&r != 0 {
			t.Errorf("%s: %d", n, r)
		}
		all |= r
	}
	if all != access.All || access.Role("contributor") != 0 || access.Role("admin") != 0 || access.Role("") != 0 {
		t.Errorf("%v", all)
	}
	if s := (access.Steward | access.Auditor).String(); s != "steward, auditor" {
		t.Error(s)
	}
	if p := access.Local("kim"); !p.Local || p.Roles != access.All || p.OwnOnly() {
		t.Errorf("%+v", p)
	}
}
