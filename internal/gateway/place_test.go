// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/headrace/headrace/internal/gateway"
)

func TestKeysGoWhereTheyBelong(t *testing.T) {
	var got http.Header
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.Header }))
	defer up.Close()
	t.Setenv("OUR_OPEN_KEY", "sk-ours")
	t.Setenv("OUR_ANTHROPIC_KEY", "sk-ant-ours")
	keyed := through(t, up.URL, func(c *gateway.Config) {
		c.Upstreams[0].KeyEnv, c.Upstreams[1].KeyEnv = "OUR_OPEN_KEY", "OUR_ANTHROPIC_KEY"
	})
	other := through(t, up.URL, func(c *gateway.Config) {
		c.Upstreams = append(c.Upstreams, gateway.Upstream{Name: "other", Kind: gateway.OpenAI, URL: up.URL}, gateway.Upstream{Name: "friend", Kind: gateway.OpenAI, URL: up.URL, OwnLogin: true})
		c.Models = map[string]gateway.Model{"m": {Upstream: "other"}, "f": {Upstream: "friend"}}
	})
	open := through(t, up.URL, nil)
	for _, c := range []struct {
		at, path     string
		header       http.Header
		status       int
		bearer, xKey string
	}{
		{keyed, "/v1/responses", http.Header{"Authorization": {"Bearer " + token}}, 200, "Bearer sk-ours", ""},
		{keyed, "/as/ada/v1/responses", http.Header{"X-Headrace-Token": {token}, "Authorization": {"Bearer theirs"}}, 200, "Bearer sk-ours", ""},
		{keyed, "/v1/messages", http.Header{"X-Api-Key": {token}}, 200, "", "sk-ant-ours"},
		{keyed, "/v1/messages", http.Header{"Authorization": {"Bearer " + token}}, 200, "", "sk-ant-ours"},
		{keyed, "/v1/messages", http.Header{"X-Api-Key": {"guessed"}}, 401, "", ""},
		{keyed, "/v1/models", nil, 401, "", ""},
		{keyed, "/as/ada/v1/responses", http.Header{"Authorization": {"Bearer " + tokenOf("ada")}, "X-Api-Key": {"theirs"}}, 200, "Bearer sk-ours", ""},
		{keyed, "/as/ada/v1/messages", http.Header{"X-Api-Key": {tokenOf("ada")}}, 200, "", "sk-ant-ours"},
		{keyed, "/as/kim/v1/responses", http.Header{"Authorization": {"Bearer " + tokenOf("ada")}}, 401, "", ""},
		{keyed, "/v1/responses", http.Header{"Authorization": {"Bearer " + tokenOf("")}}, 401, "", ""},
		{open, "/as/ada/v1/responses", http.Header{"Authorization": {"Bearer " + tokenOf("ada")}}, 200, "", ""},
		{open, "/v1/responses", http.Header{"Authorization": {"Bearer theirs"}, "X-Api-Key": {"anthropic's"}}, 200, "Bearer theirs", ""},
		{open, "/v1/complete", http.Header{"X-Api-Key": {"anthropic's"}}, 200, "", "anthropic's"},
		{other, "/v1/responses", http.Header{"Authorization": {"Bearer theirs"}}, 200, "", ""},
		{open, "/v1/responses", http.Header{"Authorization": {"Bearer theirs"}}, 200, "Bearer theirs", ""},
		{open, "/v1/responses", http.Header{"Authorization": {"Bearer " + token}}, 200, "", ""},
		{open, "/v1/messages", http.Header{"X-Api-Key": {token}, "X-Headrace-Token": {token}}, 200, "", ""},
		{open, "/v1/messages", http.Header{"X-Api-Key": {"theirs"}, "X-Headrace-Token": {token}}, 200, "", "theirs"},
	} {
		got = http.Header{}
		s := ask(t, "POST", c.at+c.path, `{"model":"m"}`, c.header)
		if s.Status != c.status || got.Get("Authorization") != c.bearer || got.Get("X-Api-Key") != c.xKey || got.Get(gateway.TokenHeader) != "" {
			t.Errorf("%s %v: %d, %v", c.path, c.header, s.Status, got)
		}
		if strings.Contains(s.Body, token) {
			t.Errorf("the answer holds a key: %s", s.Body)
		}
	}
}

// TestTheEdgesKeyAsksModelsOnly: what else an upstream has is not for everybody whom the edge lets ask.
func TestTheEdgesKeyAsksModelsOnly(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer up.Close()
	t.Setenv("OUR_KEY", "sk-ours")
	for _, all := range []bool{false, true} {
		at := through(t, up.URL, func(c *gateway.Config) {
			for i := range c.Upstreams {
				c.Upstreams[i].KeyEnv, c.Upstreams[i].All = "OUR_KEY", all
			}
		})
		header, anthropic := http.Header{gateway.TokenHeader: {token}}, http.Header{gateway.TokenHeader: {token}, "Anthropic-Version": {"2023-06-01"}}
		for _, c := range []struct {
			method, path string
			header       http.Header
			always       bool
		}{
			{"POST", "/v1/responses", header, true}, {"POST", "/v1/embeddings", header, true}, {"GET", "/v1/models", header, true}, {"GET", "/v1/models/m", anthropic, true}, {"POST", "/v1/messages/count_tokens", header, true},
			{"GET", "/v1/files/f/content", header, false}, {"GET", "/v1/responses/r", header, false}, {"DELETE", "/v1/models/m", header, false}, {"POST", "/v1/fine_tuning/jobs", header, false}, {"GET", "/v1/messages/batches/b/results", header, false}, {"GET", "/admin", anthropic, false},
		} {
			want := 403
			if all || c.always {
				want = 200
			}
			if s := ask(t, c.method, at+c.path, "{}", c.header); s.Status != want || want == 403 && !strings.Contains(s.Body, "gateway/endpoint") {
				t.Errorf("%s %s: %+v", c.method, c.path, s)
			}
		}
	}
}

func TestAPathThatLeadsOutIsRefused(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked for", r.RequestURI) }))
	defer up.Close()
	at := through(t, up.URL, nil)
	for path, want := range map[string]int{"/v1/%2e%2e/admin": 400, "/v1/x/..%2f..%2fadmin": 400, "/admin": 404, "/as/ada/admin": 404, "/as//v1/models": 400, "/v1x": 404} {
		if s := ask(t, "GET", at+path, "", nil); s.Status != want {
			t.Errorf("%s: %+v", path, s)
		}
	}
}

// TestWhatIsForOnesOwnModelGoesToNoOther: what names a model that has its place goes there or nowhere, however it is asked for.
func TestWhatIsForOnesOwnModelGoesToNoOther(t *testing.T) {
	var own string
	ours := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		own = r.URL.Path + " " + r.Header.Get("Content-Encoding") + " " + string(b)
	}))
	defer ours.Close()
	stranger := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked of a stranger", r.URL) }))
	defer stranger.Close()
	at := through(t, stranger.URL, func(c *gateway.Config) {
		c.Upstreams = append(c.Upstreams, gateway.Upstream{Name: "ours", Kind: gateway.OpenAI, URL: ours.URL + "/v1"})
		c.Models = map[string]gateway.Model{"same": {Upstream: "ours"}, "other": {Upstream: "ours", Model: "qwen"}}
	})
	packed := http.Header{"Content-Encoding": {"gzip"}}
	for _, c := range []struct {
		path, body string
		header     http.Header
		status     int
		own        string
	}{
		{"/v1/responses", zip(`{"model":"same"}`), packed, 200, "gzip " + zip(`{"model":"same"}`)},
		{"/v1/responses", zip(`{"model":"other"}`), packed, 200, ` {"model":"qwen"}`},
		{"/v1/responses/compact", `{"model":"other"}`, nil, 200, ` {"model":"qwen"}`},
		{"/v1/moderations", `{"model":"other"}`, nil, 200, ` {"model":"qwen"}`},
		{"/v1/responses/", `{"model":"same"}`, nil, 200, ` {"model":"same"}`},
		{"/v1/responses", "?", http.Header{"Content-Encoding": {"br"}}, 400, ""},
		{"/v1/responses", `{"model":"same"}`, packed, 400, ""},
		{"/v1/responses", `{"input":"` + strings.Repeat("x", 5<<20) + `","model":"same"}`, nil, 400, ""},
		{"/v1/responses", `{"model":7}`, nil, 400, ""},
		{"/v1/responses", `["same"]`, nil, 400, ""},
		{"/v1/audio/transcriptions", "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nsame\r\n--b--", http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, 400, ""},
		{"/v1/responses", "", http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, 501, ""},
	} {
		own = ""
		s := ask(t, "POST", at+c.path, c.body, c.header)
		want := ""
		if c.status == 200 {
			want = c.path + " " + c.own
		}
		if s.Status != c.status || own != want || c.status != 200 && !strings.Contains(s.Body, "gateway/model") {
			t.Errorf("%s %.60q: %+v, %q", c.path, c.body, s, own)
		}
	}
}

func zip(s string) string { return string(zipped(s)) }

// TestWhoComesByAProxyIsNotOfThisMachine, though the proxy is.
func TestWhoComesByAProxyIsNotOfThisMachine(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer up.Close()
	at := through(t, up.URL, nil)
	for _, name := range []string{"Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		header := http.Header{}
		header.Set(name, "1")
		if s := ask(t, "POST", at+"/v1/responses", "{}", header); s.Status != 401 {
			t.Errorf("%s: %+v", name, s)
		}
		header.Set(gateway.TokenHeader, token)
		if s := ask(t, "POST", at+"/v1/responses", "{}", header); s.Status != 200 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestOthersNeedTheTokenWhateverTheyAskFor(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer up.Close()
	g, err := gateway.New(gateway.Config{Upstreams: []gateway.Upstream{{Name: "open", Kind: gateway.OpenAI, URL: up.URL}}}, token, tokenOf, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	defer srv.Close()
	if s := ask(t, "GET", srv.URL+"/v1/models", "", http.Header{"Authorization": {"Bearer theirs"}}); s.Status != 401 {
		t.Errorf("%+v", s)
	}
	if s := ask(t, "GET", srv.URL+"/v1/models", "", http.Header{"Authorization": {"Bearer theirs"}, gateway.TokenHeader: {token}}); s.Status != 204 {
		t.Errorf("%+v", s)
	}
}
