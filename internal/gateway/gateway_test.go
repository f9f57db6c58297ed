// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/internal/gateway"
)

const token = "the-edges-own-token"

func tokenOf(developer string) string { return "token-of-" + developer }

// through serves a gateway before upstreams of both kinds at one address, which keep no key of their own.
func through(t testing.TB, upstream string, change func(*gateway.Config)) string {
	t.Helper()
	cfg := gateway.Config{Upstreams: []gateway.Upstream{{Name: "open", Kind: gateway.OpenAI, URL: upstream + "/base/v1"}, {Name: "anthropic", Kind: gateway.Anthropic, URL: upstream + "/base/"}}}
	if change != nil {
		change(&cfg)
	}
	g, err := gateway.New(cfg, token, tokenOf, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return srv.URL
}

// said is all that a client sees of an answer.
type said struct {
	Status          int
	Header, Trailer http.Header
	Body            string
	Broken          bool
}

var client = &http.Client{Transport: &http.Transport{DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// ask sends a request and reads its answer as far as it comes.
func ask(t testing.TB, method, url, body string, header http.Header) said {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(req.Header, header)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	res.Header.Del("Content-Length") // of the transfer, not of the answer, where it came in pieces
	res.Header.Del("Date")
	return said{res.StatusCode, res.Header, res.Trailer, string(b), err != nil}
}

// pieces sends each as one chunk.
func pieces(w http.ResponseWriter, of ...string) {
	for _, p := range of {
		io.WriteString(w, p)
		w.(http.Flusher).Flush()
	}
}

// split cuts a text at every n bytes, through characters and events.
func split(s string, n int) (list []string) {
	for b := range slices.Chunk([]byte(s), n) {
		list = append(list, string(b))
	}
	return list
}

const openStream = "data: {\"id\":\"c1\",\"choices\":[{\"delta\":{\"content\":\"héllo 世界\"}}]}\n\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"function\":{\"name\":\"edit\",\"arguments\":\"{}\"}}]}}]}\n\n: a comment\r\n\r\ndata: [DONE]\n\n"

const anthropicStream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\"}}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"déjà 🙂\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

// upstreams answer as providers do, well and badly.
var upstreams = map[string]http.HandlerFunc{
	"OpenAI's stream in odd pieces": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		w.Header()["X-Request-Id"] = []string{"a", "b"}
		pieces(w, split(openStream, 7)...)
	},
	"Anthropic's stream byte by byte": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Anthropic-Ratelimit-Requests-Remaining", "3")
		pieces(w, split(anthropicStream, 1)...)
	},
	"one JSON object": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{ \"b\" : 1.0, \"a\": \"\\u00e9\" }\n\n")
	},
	"too many requests": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.Header().Set("X-Should-Retry", "true")
		http.Error(w, `{"error":{"type":"rate_limit_error"}}`, http.StatusTooManyRequests)
	},
	"overloaded": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(529)
		io.WriteString(w, "<html>overloaded</html>")
	},
	"without a type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		io.WriteString(w, "<html>")
	},
	"without a body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"a redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example/", http.StatusFound)
	},
	"compressed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(zipped(openStream))
	},
	"falsely compressed": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "plain")
	},
	"huge": func(w http.ResponseWriter, _ *http.Request) { w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<20)) },
	"with trailers": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Told")
		pieces(w, "some", "thing")
		w.Header().Set("X-Told", "before")
		w.Header().Set(http.TrailerPrefix+"X-Untold", "after")
	},
	"broken in the middle": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		pieces(w, openStream[:50])
		panic(http.ErrAbortHandler)
	},
	"an error in the stream": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		pieces(w, anthropicStream[:80], "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n")
	},
	"slowly": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, p := range split(openStream, 60) {
			time.Sleep(20 * time.Millisecond)
			pieces(w, p)
		}
	},
}

func zipped(s string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.Bytes()
}

func TestAnAnswerComesBackByteForByte(t *testing.T) {
	for name, handler := range upstreams {
		t.Run(name, func(t *testing.T) {
			up := httptest.NewServer(handler)
			defer up.Close()
			body, header := `{"model":"m","stream":true}`, http.Header{"Accept-Encoding": {"gzip"}}
			direct := ask(t, "POST", up.URL+"/base/v1/chat/completions", body, header)
			for _, endpoint := range []string{"/v1/chat/completions", "/v1/messages", "/v1/files"} {
				if d := cmp.Diff(direct, ask(t, "POST", through(t, up.URL, nil)+endpoint, body, header)); d != "" {
					t.Errorf("%s: directly (-), through the gateway (+): %s", endpoint, d)
				}
			}
		})
	}
}

// received is what an upstream gets.
type received struct {
	Method, URL, Body string
	Length            int64
	Header            http.Header
}

func TestARequestGoesUpByteForByte(t *testing.T) {
	var got []received
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = append(got, received{r.Method, r.RequestURI, string(b), r.ContentLength, r.Header})
	}))
	defer up.Close()
	at := through(t, up.URL, nil)
	header := http.Header{"Authorization": {"Bearer sk-of-the-tool"}, "User-Agent": {"tool/1.0"}, "X-Stainless-Lang": {"js"}, "Anthropic-Beta": {"a", "b"},
		"Content-Type": {"application/json"}, "X-Forwarded-For": {"10.0.0.1"}, "Idempotency-Key": {"k"}}
	proven := maps.Clone(header)
	proven.Set(gateway.TokenHeader, token)
	large := `{"input":"` + strings.Repeat("é", 3<<20) + `","model":"m"}`
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/v1/chat/completions?a=1;b=%zz&c", "{\n \"messages\" : [ {\"content\":\"\\u00e9 \\ud800 \xff\"} ], \"model\":\t\"m\", \"n\": 1.00e+0, \"n\": 2 }\n"},
		{"POST", "/v1/chat/completions", "not JSON"},
		{"POST", "/v1/chat/completions", ""},
		{"POST", "/v1/embeddings", large},
		{"POST", "/v1/files", large},
		{"GET", "/v1/models", ""},
		{"DELETE", "/v1/files/a%2Fb%20c", ""},
	} {
		got = nil
		ask(t, c.method, up.URL+"/base"+c.path, c.body, header)
		ask(t, c.method, at+c.path, c.body, proven)
		if len(got) != 2 {
			t.Fatalf("%s %s came %d times", c.method, c.path, len(got)-1)
		}
		if !cmp.Equal(got[0], got[1]) {
			t.Errorf("%s %s: directly (-), through the gateway (+): %.2000s", c.method, c.path, cmp.Diff(got[0], got[1]))
		}
	}
}

func TestEachPieceOfAStreamComesAsItWasSent(t *testing.T) {
	goOn := make(chan bool)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for _, p := range split(openStream, 50) {
			if !<-goOn {
				return
			}
			pieces(w, p)
		}
	}))
	defer up.Close()
	defer close(goOn)
	res, err := client.Post(through(t, up.URL, nil)+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m"}`))
	if err != nil { // it would wait for ever if the head did not come before the first piece
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, p := range split(openStream, 50) {
		goOn <- true
		b := make([]byte, len(p))
		if _, err := io.ReadFull(res.Body, b); err != nil || string(b) != p {
			t.Fatalf("%q, %v", b, err)
		}
	}
}

func TestWhoGoesAwayIsGoneForTheUpstream(t *testing.T) {
	gone := make(chan bool, 1)
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		pieces(w, "data: 1\n\n")
		<-r.Context().Done()
		gone <- true
	}))
	defer up.Close()
	res, err := client.Post(through(t, up.URL, nil)+"/v1/messages", "application/json", strings.NewReader(`{"model":"m"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := res.Body.Read(make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the upstream still answers")
	}
}

func TestOnlyTheModelsNameChanges(t *testing.T) {
	var got string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = r.URL.Path + " " + string(b)
	}))
	defer up.Close()
	at := through(t, up.URL, func(c *gateway.Config) {
		c.Models = map[string]gateway.Model{"fast": {Upstream: "open", Model: `Qwen/"3"`}, "same": {Upstream: "open"}, "claude": {Upstream: "anthropic", Model: "claude-x"}}
	})
	for body, want := range map[string]string{
		"{ \"messages\":[{\"model\":\"fast\",\"x\":\"\\u00e9\"}],\r\n\"model\" : \"f\\u0061st\" ,\"n\":1.0 }": "{ \"messages\":[{\"model\":\"fast\",\"x\":\"\\u00e9\"}],\r\n\"model\" : \"Qwen/\\\"3\\\"\" ,\"n\":1.0 }",
		`{"model":"same","n":1}`:    `{"model":"same","n":1}`,
		`{"model":"unknown","n":1}`: `{"model":"unknown","n":1}`,
		`{"n":1}`:                   `{"n":1}`,
		`{"model":"fast","input":"` + strings.Repeat("x", 5<<20) + `"}`: `{"model":"Qwen/\"3\"","input":"` + strings.Repeat("x", 5<<20) + `"}`,
	} {
		if ask(t, "POST", at+"/v1/chat/completions", body, nil); got != "/base/v1/chat/completions "+want {
			t.Errorf("%.100s: %.200s", body, got)
		}
	}
	if ask(t, "POST", at+"/v1/messages", `{"model":"claude"}`, nil); got != `/base/v1/messages {"model":"claude-x"}` {
		t.Error(got)
	}
	if s := ask(t, "POST", at+"/v1/messages", `{"model":"fast"}`, nil); s.Status != 400 || !strings.Contains(s.Body, "gateway/dialect") {
		t.Errorf("%+v", s)
	}
}

func TestNothingIsTriedAgain(t *testing.T) {
	var asked atomic.Int64
	up := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1); panic(http.ErrAbortHandler) }))
	at := through(t, up.URL, nil)
	for i := range int64(3) {
		if s := ask(t, "POST", at+"/v1/messages", `{"model":"m"}`, nil); s.Status != 502 || !strings.HasPrefix(s.Body, `{"error":{"code":"gateway/upstream"`) || !strings.Contains(s.Body, `"type":"error"`) {
			t.Errorf("%+v", s)
		}
		if asked.Load() != i+1 {
			t.Errorf("asked %d times", asked.Load())
		}
	}
	up.Close()
	if s := ask(t, "POST", at+"/v1/chat/completions", `{"model":"m"}`, nil); s.Status != 502 || strings.Contains(s.Body, "127.0.0.1") {
		t.Errorf("%+v", s)
	}
}
