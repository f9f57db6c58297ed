// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/gateway"
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

// TestOnlyADevelopersOwnTokenProvesThem: neither another's does, nor the edge's, nor any without a name.
func TestOnlyADevelopersOwnTokenProvesThem(t *testing.T) {
	l := newLoop(t)
	l.behind()
	e := l.edge("alder-bank")
	stop := running(t, e)
	adas, err := e.GatewayToken("ada")
	l.ok(err)
	edges, err := e.Token()
	l.ok(err)
	for i, c := range []struct{ path, token string }{{"/as/ada", adas}, {"/as/eve", adas}, {"/as/eve", edges}, {"", adas}, {"", edges}} {
		body := fmt.Sprintf(`{"model":"m","system":"Working directory: /home/ada/portal\n","metadata":{"user_id":"u_session_s%d"},"messages":[{"role":"user","content":"make it 2"}]}`, i)
		r := httptest.NewRequest("POST", c.path+"/v1/messages", strings.NewReader(body))
		r.Header.Set(gateway.TokenHeader, c.token)
		w := httptest.NewRecorder()
		if e.Gateway().ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	l.until(e, "5 requests passed on, 5 captured")
	for _, name := range []string{"", "a\x00da", strings.Repeat("x", 10000)} {
		if _, err := e.GatewayToken(name); err == nil {
			t.Errorf("there is a token of %q", name)
		}
	}
	stop()
	l.turn(e)
	all, err := e.Stored(t.Context())
	l.ok(err)
	for _, ep := range all {
		if proven := ep.Local == nil || !ep.Local.Unauthenticated; proven != (ep.Session == "s0") || proven && ep.Developer != "ada" {
			t.Errorf("%s of session %s: %+v", ep.Developer, ep.Session, ep.Local)
		}
	}
	if len(all) != 5 {
		t.Error(e.GatewaySaid())
	}
}

func TestOnlyWhatServesNeedsTheKeys(t *testing.T) {
	l := newLoop(t)
	l.conf = func(c *edge.Config) {
		c.Gateway = gateway.Config{Upstreams: []gateway.Upstream{{Name: "ours", Kind: gateway.OpenAI, URL: "https://models.example/v1", KeyEnv: "NO_SUCH_VARIABLE_OF_OURS"}}}
	}
	e := l.edge("alder-bank")
	l.turn(e)
	if err := e.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "NO_SUCH_VARIABLE_OF_OURS") || e.Gateway() != nil {
		t.Error(err)
	}
}

// TestWhatWasAnsweredBeforeTheEndIsKept: nothing has read it when the edge is stopped.
func TestWhatWasAnsweredBeforeTheEndIsKept(t *testing.T) {
	l := newLoop(t)
	l.behind()
	e := l.edge("alder-bank")
	for range 100 {
		l.asks(e, "ada", "/home/ada/portal")
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	e.Run(ctx)
	if !strings.Contains(e.GatewaySaid(), "100 captured") {
		t.Error(e.GatewaySaid())
	}
}
