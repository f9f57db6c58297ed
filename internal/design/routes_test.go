// SPDX-License-Identifier: Apache-2.0

package design

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRoutesGoThroughTheTable: what an edge or a hub serves is registered with access.Mux, which answers nobody where the
// table of internal/access has no rule. Only cmd puts such handlers beside each other, by their prefixes.
func TestRoutesGoThroughTheTable(t *testing.T) {
	allowed := map[string]string{
		"internal/access":          "holds it to the table",
		"internal/tlog/witness":    "a process of its own: it signs what anybody may ask it to",
		"agent":                    "listens to this machine's tools alone, and gives nothing out",
		"cmd/headrace":             "puts handlers beside each other",
		"internal/killtest":        "for tests",
		"internal/login/logintest": "for tests",
	}
	for _, p := range packages(t) {
		for _, name := range p.files {
			b, err := os.ReadFile(filepath.Join(p.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, way := range []string{"http.NewServeMux", "http.ServeMux{", "http.HandleFunc(", "http.Handle("} {
				if strings.Contains(string(b), way) && allowed[p.name] == "" {
					t.Errorf("%s/%s has %s: register routes with access.Mux", p.name, name, way)
				}
			}
		}
	}
}
