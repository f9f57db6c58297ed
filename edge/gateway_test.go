// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
)

func TestAConfigurationFileOpensTheGateway(t *testing.T) {
	var got string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = r.URL.Path + " " + r.Header.Get("Authorization") + " " + string(b)
		w.WriteHeader(http.StatusTeapot)
	}))
	defer up.Close()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("key", "sk-ours\n")
	write("edge.yaml", "gateway:\n  upstreams:\n    - {name: ours, kind: openai, url: \""+up.URL+"/v1\", key_file: key}\n  models:\n    coder: {upstream: ours, model: qwen}\n")
	f, err := edge.ReadFile("", dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := f.Config()
	if err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	token, err := e.Token()
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/as/ada/v1/chat/completions", strings.NewReader(`{"model":"coder"}`))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	if e.Gateway().ServeHTTP(w, r); w.Code != http.StatusTeapot || got != `/v1/chat/completions Bearer sk-ours {"model":"qwen"}` {
		t.Errorf("%d: %s", w.Code, got)
	}
	write("edge.yaml", "gateway: {upstreams: [{name: ours, kind: openai, url: nowhere}]}\n")
	if _, err := edge.ReadFile("", dir); err == nil || !strings.Contains(err.Error(), "upstream ours") {
		t.Error(err)
	}
}

func TestWithoutUpstreamsThereIsNoGateway(t *testing.T) {
	if newLoop(t).edge("alder-bank").Gateway() != nil {
		t.Error("there is one")
	}
}
