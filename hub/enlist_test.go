// SPDX-License-Identifier: Apache-2.0

package hub_test

import (
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
)

// TestARestartGivesNoAccessBack: an edge of the same process is enlisted at each start.
func TestARestartGivesNoAccessBack(t *testing.T) {
	dir := t.TempDir()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	start := func() *hub.Hub {
		t.Helper()
		h, err := hub.New(t.Context(), hub.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	h := start()
	first, err := h.Enlist(t.Context(), "alder-bank", key, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Revoke(t.Context(), "alder-bank"); err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}

	h = start()
	defer h.Close()
	again, err := h.Enlist(t.Context(), "alder-bank", key, false)
	if p, ok := errors.AsType[*episode.Problem](err); !ok || p.Code != hub.CodeRevokedKey || p.Hint == "" {
		t.Errorf("enlisted again: %v", err)
	}
	for _, token := range []string{first.Token, again.Token} {
		r := httptest.NewRequest(http.MethodGet, "/v2/alder-bank/bundles/tags/list", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		h.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusForbidden && w.Code != http.StatusUnauthorized {
			t.Errorf("a revoked contributor is let in: %d", w.Code)
		}
	}
}
