// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// FuzzModelIn: whatever a tool sends, what is found is a string that stands there, and another in its place is found again.
func FuzzModelIn(f *testing.F) {
	for _, s := range []string{`{"model":"m"}`, ` { "a":[{"model":"x"}] , "model" : "\u006d" , "model":2}`, `{"model":null}`, `{"model":"m`, `[1]`, ``, "{\"\xff\":1,\"model\":\"\xff\"}", `{"model":"\ud800"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		name, start, end, ok := modelIn(slices.Clone(body))
		if start == 0 && end == 0 {
			if ok && len(body) > 0 && !bytes.Contains(body, []byte("}")) {
				t.Fatalf("it is said to be known that %q names none", body)
			}
			return
		}
		raw, err := jsontext.AppendUnquote(nil, body[start:end])
		if err != nil || string(raw) != name {
			t.Fatalf("%q is said to stand at %q (%v)", name, body[start:end], err)
		}
		again, _, _, _ := modelIn(slices.Concat(body[:start], quote("another"), body[end:]))
		if again != "another" {
			t.Fatalf("%q in its place", again)
		}
	})
}

// TestWhoSendsNoBodyIsNotWaitedForForEver: nor does what a stranger announces take room.
func TestWhoSendsNoBodyIsNotWaitedForForEver(t *testing.T) {
	g, err := New(Config{Upstreams: []Upstream{{Name: "a", Kind: OpenAI, URL: "https://models.example/v1"}}}, "t", nil, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	g.patience = 50 * time.Millisecond
	srv := httptest.NewServer(g)
	defer srv.Close()
	for token, want := range map[string]string{"": " 400 ", "X-Forwarded-For: 10.0.0.1\r\n": " 401 "} {
		c, err := net.Dial("tcp", srv.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		fmt.Fprintf(c, "POST /v1/responses HTTP/1.1\r\nHost: x\r\n%sContent-Length: 4000000\r\n\r\n{", token)
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil || !strings.Contains(line, want) {
			t.Errorf("%q, %v", line, err)
		}
	}
}

func TestAConfigurationThatLeadsNowhereIsRefused(t *testing.T) {
	ok := Upstream{Name: "a", Kind: OpenAI, URL: "https://models.example/v1"}
	with := func(change func(*Upstream)) Config {
		u := ok
		change(&u)
		return Config{Upstreams: []Upstream{u}}
	}
	for want, c := range map[string]Config{
		"there are no upstreams": {Listen: "127.0.0.1:1"},
		"name, or that":          {Upstreams: []Upstream{ok, ok}},
		"kind of upstream a":     with(func(u *Upstream) { u.Kind = "google" }),
		"no address":             with(func(u *Upstream) { u.URL = "models.example" }),
		"name or password":       with(func(u *Upstream) { u.URL = "https://me:secret@models.example" }),
		"itself listens":         with(func(u *Upstream) { u.URL = "http://localhost:8403/v1" }),
		"key_env and key_file":   with(func(u *Upstream) { u.KeyEnv, u.KeyFile = "A", "b" }),
		"not from 2 to":          {Upstreams: []Upstream{ok}, Models: map[string]Model{"m": {Upstream: "a"}}, Routes: map[string][]string{"r": {"m"}}},
		"has the name of":        {Upstreams: []Upstream{ok}, Models: map[string]Model{"m": {Upstream: "a"}, "n": {Upstream: "a"}}, Routes: map[string][]string{"m": {"m", "n"}}},
		"is there twice":         {Upstreams: []Upstream{ok}, Models: map[string]Model{"m": {Upstream: "a"}}, Routes: map[string][]string{"r": {"m", "m"}}},
		"another dialect":        {Upstreams: []Upstream{ok, {Name: "b", Kind: Anthropic, URL: "https://b.example"}}, Models: map[string]Model{"m": {Upstream: "a"}, "n": {Upstream: "b"}}, Routes: map[string][]string{"r": {"m", "n"}}},
		"which is no upstream":   {Upstreams: []Upstream{ok}, Models: map[string]Model{"m": {Upstream: "b"}}},
	} {
		p, is := errors.AsType[*episode.Problem](c.Check())
		if !is || p.Code != "config/gateway" || !strings.Contains(p.Message, want) || strings.Contains(p.Message, "secret") {
			t.Errorf("%s: %v", want, p)
		}
	}
	if err := (Config{}).Check(); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatIsNotThereIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	u := Upstream{Name: "a", Kind: OpenAI, URL: "https://models.example/v1", KeyFile: file}
	if _, err := New(Config{Upstreams: []Upstream{u}}, "t", nil, true, nil); err == nil || !strings.Contains(err.Error(), "upstream a") {
		t.Error(err)
	}
	os.WriteFile(file, []byte(" sk-1\n"), 0o600)
	g, err := New(Config{Upstreams: []Upstream{u}}, "t", nil, true, nil)
	if err != nil || g.upstreams[0].auth != "sk-1" {
		t.Error(err)
	}
	u.KeyFile, u.KeyEnv = "", "NO_SUCH_VARIABLE_OF_OURS"
	if _, err := New(Config{Upstreams: []Upstream{u}}, "t", nil, true, nil); err == nil {
		t.Error("no error")
	}
	for at, want := range map[string]bool{"": true, "localhost:1": true, "[::1]:1": true, "0.0.0.0:1": false, ":1": false, "edge.example:1": false} {
		if got := (Config{Listen: at}).Local(); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
}
