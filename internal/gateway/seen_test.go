// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/gateway"
)

// TestWhoClosesAtTheLastWordHasNotGoneAway: many tools do. Who closes before has, and what the upstream breaks off is not a whole answer.
func TestWhoClosesAtTheLastWordHasNotGoneAway(t *testing.T) {
	for name, c := range map[string]struct {
		stream       string
		broken       bool
		gone, copied bool
	}{
		"[DONE]":            {stream: "data: {}\n\ndata: [DONE]\n\n", copied: true},
		"finish_reason":     {stream: `data: {"choices":[{"delta":{},"finish_reason": "stop"}]}` + "\n\n", copied: true},
		"message_stop":      {stream: `data: {"type":"message_stop"}` + "\n\n", copied: true},
		"completed":         {stream: `data: {"type":"response.completed","response":{}}` + "\n\n", copied: true},
		"before":            {stream: `data: {"stop_reason":null,"text":"\"finish_reason\":\"stop\" data: [DONE]"}` + "\n\n", gone: true, copied: true},
		"broken off":        {stream: "data: {}\n\n", broken: true},
		"broken at the end": {stream: "data: {}\n\ndata: [DONE]\n\n", broken: true, copied: true},
	} {
		t.Run(name, func(t *testing.T) {
			up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Type", "text/event-stream")
				if pieces(w, c.stream); c.broken {
					panic(http.ErrAbortHandler)
				}
				<-r.Context().Done()
			}))
			defer up.Close()
			g, err := gateway.New(gateway.Config{Upstreams: []gateway.Upstream{{Name: "open", Kind: gateway.OpenAI, URL: up.URL}}}, token, tokenOf, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			srv := httptest.NewServer(g)
			defer srv.Close()
			res, err := client.Post(srv.URL+"/v1/chat/completions", "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			if io.ReadFull(res.Body, make([]byte, len(c.stream))); c.broken {
				io.Copy(io.Discard, res.Body)
			}
			res.Body.Close()
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
				select {
				case s := <-g.Seen():
					if !c.copied || s.Gone != c.gone || string(s.Answer) != c.stream {
						t.Errorf("gone: %v, %q", s.Gone, s.Answer)
					}
					return
				default:
				}
				if g.Stats().Broken.Load() == 1 {
					if c.copied {
						t.Error("it is not copied")
					}
					return
				}
				if time.Now().After(end) {
					t.Fatal("nothing is said of it")
				}
			}
		})
	}
}
