// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/access"
)

// addressOf is an address of a route, with a method that it takes, at which the full world has something.
func addressOf(route string) (method, path string) {
	method, path, ok := strings.Cut(route, " ")
	if !ok {
		method, path = http.MethodGet, route
	}
	id := map[string]string{"episodes": "ep_1", "mine": "ep_1", "preview": "batch%201", "bundles": "b%2F1", "withdrawals": "w%2F1", "snapshots": "snap%2F1", "gates": "gate%2F1", "statements": "st%2F1", "releases": "rel%2F1", "instructions": "ins%2F1"}
	page := strings.Split(path, "/")[1]
	return method, strings.NewReplacer("{$}", "", "{id}", id[page], "{version}", "2", "{format}", "trl-kto").Replace(path)
}

// TestEachRoleGetsWhatTheTableSaysAndNothingElse calls every page and form as every role and as nobody.
func TestEachRoleGetsWhatTheTableSaysAndNothingElse(t *testing.T) {
	w := full(plain)
	s, err := New(Config{Edge: w, Hub: w})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(route string, p access.Person, in bool) (int, string) {
		method, path := addressOf(route)
		choice := "approve"
		if route == "POST /releases" || route == "POST /instructions/{id}" {
			choice = "stop"
		}
		r := httptest.NewRequest(method, path, strings.NewReader("choice="+choice+"&digest=sha256:x&session=s1"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if in {
			r = r.WithContext(access.With(r.Context(), p))
		}
		rec := httptest.NewRecorder()
		s.mux.ServeHTTP(rec, r)
		return rec.Code, rec.Body.String()
	}
	for _, route := range s.Routes() {
		rule, ok := access.RuleOf(route)
		if !ok {
			t.Errorf("%s is not in the table of internal/access", route)
			continue
		}
		if rule.Proof != "" {
			continue
		}
		if code, body := ask(route, access.Person{}, false); code != http.StatusUnauthorized || !strings.Contains(body, "Sign in") {
			t.Errorf("%s as nobody: %d", route, code)
		}
		for role := access.Developer; role <= access.Contributor; role <<= 1 {
			code, body := ask(route, access.Person{Name: "ada", Roles: role}, true)
			refused := code == http.StatusForbidden && strings.Contains(body, "Not yours to see")
			if may := rule.Roles&role != 0; refused == may || code == http.StatusUnauthorized || code == http.StatusForbidden && may {
				t.Errorf("%s as %v: %d, and the table says %v", route, role, code, may)
			}
		}
		if code, _ := ask(route, access.Person{Name: "nobody's", Local: true}, true); code != http.StatusForbidden {
			t.Errorf("%s without a role: %d", route, code)
		}
	}
}

// TestNobodyIsLedToWhatIsNotTheirs: the head of a page names no page that would refuse.
func TestNobodyIsLedToWhatIsNotTheirs(t *testing.T) {
	s, err := New(Config{Edge: full(plain), Hub: full(plain)})
	if err != nil {
		t.Fatal(err)
	}
	for role, want := range map[access.Roles]string{access.Operator: "Overview Snapshots Reward Releases", access.Auditor: "Overview Bundles Snapshots Reward Gate Releases Instructions Statements Withdrawals Policy Audit",
		access.Developer: "Overview Episodes Mine Releases Withdrawals", access.Contributor: "Overview Releases Statements"} {
		var got []string
		for _, n := range s.navOf(access.Person{Roles: role}) {
			got = append(got, n.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v is led to %v", role, got)
		}
	}
}
