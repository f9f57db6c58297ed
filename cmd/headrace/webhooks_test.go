// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/web"
)

// A forge has no token of the edge's, and knows it by a name of its own; whoever sends test results has one.
func TestAForgeNeedsNoTokenButItsSecret(t *testing.T) {
	secret, token := rand.Text(), rand.Text()
	ed, err := edge.New(t.Context(), edge.Config{Dir: t.TempDir(), Webhooks: edge.Webhooks{GitLab: []string{secret}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ed.Close()
	site, err := web.New(web.Config{Edge: edge.View{Edge: ed}, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h := edgeHandler(ed, site, token, nil, access.Limits{}, true)
	for _, c := range []struct {
		path, header, value string
		want                int
	}{
		{"/v1/webhooks/gitlab", "X-Gitlab-Token", secret, http.StatusOK},
		{"/v1/webhooks/gitlab", "Authorization", "Bearer " + token, http.StatusUnauthorized},
		{"/v1/webhooks/github", "Authorization", "Bearer " + token, http.StatusNotFound},
		{"/v1/webhooks/other", "X-Gitlab-Token", secret, http.StatusNotFound},
		{"/v1/junit", "X-Gitlab-Token", secret, http.StatusUnauthorized},
		{"/v1/junit", "Authorization", "Bearer " + token, http.StatusBadRequest},
	} {
		r := httptest.NewRequest("POST", "http://localhost"+c.path, strings.NewReader("{}"))
		if c.path == "/v1/webhooks/gitlab" {
			r.Host = "hooks.example.com"
		}
		r.Header.Set(c.header, c.value)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%s with %s: %d, want %d: %s", c.path, c.header, w.Code, c.want, w.Body)
		}
	}
}
