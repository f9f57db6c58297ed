// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/web"
)

// TestEveryRouteIsInTheTableAndTheTableHasNoOther walks all that an edge and a hub serve.
func TestEveryRouteIsInTheTableAndTheTableHasNoOther(t *testing.T) {
	dir := t.TempDir()
	ed, err := edge.New(t.Context(), edge.Config{Dir: filepath.Join(dir, "edge"), Hubs: []edge.Hub{{Name: "tool-maker", Contributor: "alder-bank"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer ed.Close()
	h, err := hub.New(t.Context(), hub.Config{Dir: filepath.Join(dir, "hub")})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	site, err := web.New(web.Config{Edge: edge.View{Edge: ed}, Hub: hub.View{Hub: h}})
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	for _, handler := range []http.Handler{site, ed.Handler(func(*http.Request) edge.Principal { return edge.Principal{} }), ed.DeviceHandler(), ed.WebhookHandler(), h.Handler()} {
		routes = append(routes, handler.(interface{ Routes() []string }).Routes()...)
	}
	slices.Sort(routes)
	if d := cmp.Diff(access.Patterns(), slices.Compact(routes)); d != "" {
		t.Error("the table (-) and what is registered (+): ", d)
	}
}
