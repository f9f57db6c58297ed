// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/web"
)

// foreign is a registry that an enterprise runs, behind a gate that asks for a password.
type foreign struct {
	place       string // of the exchange in it
	credentials string // a file in docker's form
	addr        string
	lie         atomic.Bool // about what blobs hold
}

// eachForeign runs a test against a registry with the API for referrers, and against one without: the reference implementation,
// as a process, where $HEADRACE_TEST_REGISTRY names its program (.ci/run builds it from the Go modules).
func eachForeign(t *testing.T, test func(t *testing.T, f *foreign)) {
	t.Run("with referrers", func(t *testing.T) { test(t, newForeign(t, conforming(t))) })
	t.Run("distribution", func(t *testing.T) {
		program := os.Getenv("HEADRACE_TEST_REGISTRY")
		if program == "" {
			t.Skip("HEADRACE_TEST_REGISTRY is not set")
		}
		test(t, newForeign(t, distribution(t, program)))
	})
}

// conforming is a registry that takes everything.
func conforming(t *testing.T) string {
	t.Helper()
	blobs, err := blob.Open(filepath.Join(t.TempDir(), "blobs"), filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "registry.db"), sqlstore.RoleHub)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	reg, err := registry.New(registry.Config{Blobs: blobs, Index: db.RegistryIndex(), Authorize: func(*http.Request, string, bool) error { return nil },
		Admit: func(context.Context, registry.Manifest) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(reg)
	t.Cleanup(srv.Close)
	return srv.URL
}

// distribution starts the reference implementation.
func distribution(t *testing.T, program string) string {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "registry.yaml")
	text := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: \"127.0.0.1:0\"}\n", t.TempDir())
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "serve", conf)
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	listening := regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)
	for lines.Scan() {
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, said) // it ends with the process
			return "http://" + m[1]
		}
	}
	t.Fatal("the registry does not listen")
	return ""
}

func newForeign(t *testing.T, behind string) *foreign {
	t.Helper()
	f := &foreign{credentials: filepath.Join(t.TempDir(), "docker.json")}
	u, err := url.Parse(behind)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u); r.Out.Host = r.In.Host; r.Out.Header.Del("Authorization") },
		ModifyResponse: func(r *http.Response) error {
			if !f.lie.Load() || r.Request.Method != http.MethodGet || !strings.Contains(r.Request.URL.Path, "/blobs/sha256:") {
				return nil
			}
			b, err := io.ReadAll(r.Body)
			if err == nil && len(b) > 0 {
				b[len(b)/2] ^= 1
			}
			r.Body = io.NopCloser(bytes.NewReader(b))
			return err
		},
	}
	password := rand.Text()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, got, _ := r.BasicAuth(); got != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="mill"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	f.addr = strings.TrimPrefix(srv.URL, "http://")
	f.place = srv.URL + "/alder/headrace"
	b := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, f.addr, base64.StdEncoding.EncodeToString([]byte("mill:"+password)))
	if err := os.WriteFile(f.credentials, []byte(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestARegistryThatTheEnterpriseRunsCarriesEverything, with each turn of both sides, while neither reaches the other.
func TestARegistryThatTheEnterpriseRunsCarriesEverything(t *testing.T) {
	eachForeign(t, func(t *testing.T, f *foreign) {
		l := newLoop(t)
		l.conf = func(c *edge.Config) { c.Hubs[0].Exchange = edge.Exchange{Place: f.place, Credentials: f.credentials} }
		l.ok(l.hub.Close())
		h, err := hub.New(context.Background(), hub.Config{Dir: l.path("hub"), Name: maker, Now: l.clock, Exchanges: []hub.Exchange{{Place: f.place, Credentials: f.credentials}}})
		l.ok(err)
		l.hub = h
		l.turnHub() // nothing there yet
		e := l.edge("alder")
		l.down.Store(true)
		v := edge.View{Edge: e}
		l.send(e, one("first", "web"), one("second", "web"))
		for _, want := range []string{"packed", "received"} {
			l.turn(e)
			b, err := v.Bundles(context.Background())
			l.ok(err)
			if len(b) != 1 || b[0].State != want {
				t.Fatalf("bundles %+v, want one that is %s", b, want)
			}
			l.turnHub()
		}
		_, err = e.Withdraw(context.Background(), "steward", web.Scope{Session: "s-first"})
		l.ok(err)
		l.turn(e)
		l.turnHub()
		l.send(e, one("third", "web")) // a second bundle, after the log has grown
		l.turn(e)
		l.turnHub()
		l.turn(e)
		w, err := v.Withdrawals(context.Background())
		l.ok(err)
		if len(w) != 1 || w[0].State != "done" {
			t.Fatalf("withdrawals %+v", w)
		}
		b, err := v.Bundles(context.Background())
		l.ok(err)
		if len(b) != 2 || b[0].State != "received" || b[1].State != "received" {
			t.Fatalf("bundles %+v", b)
		}
		if n := len(l.atHub("alder")); n != 2 {
			t.Fatalf("the hub holds %d records, want the second and the third", n)
		}
	})
}

// TestARegistryThatLiesOrLocksUsOutIsRefused, and nothing is changed by it.
func TestARegistryThatLiesOrLocksUsOutIsRefused(t *testing.T) {
	eachForeign(t, func(t *testing.T, f *foreign) {
		g := newGap(t)
		ctx := context.Background()
		g.pack(one("first", "web"))
		_, err := g.e.Leave(ctx, "", edge.Exchange{Place: f.place}, "")
		wantProblem(t, err, "exchange/no-access")
		x := edge.Exchange{Place: f.place, Credentials: f.credentials}
		_, err = g.e.Leave(ctx, "", x, "")
		g.ok(err)
		_, err = g.hub.Receive(ctx, hub.Exchange{Place: f.place})
		wantProblem(t, err, "exchange/no-access")
		f.lie.Store(true)
		r, err := g.hub.Receive(ctx, hub.Exchange{Place: f.place, Credentials: f.credentials})
		g.ok(err)
		if r.Bundles != 0 || len(r.Refused) != 1 || r.Refused[0].Code != "exchange/damaged" || len(g.atHub("alder")) != 0 {
			t.Fatalf("from a registry that lies: %+v", r)
		}
		f.lie.Store(false)
		c, err := g.e.TakeBack(ctx, "", x)
		g.ok(err)
		if len(c.Refused) != 1 || c.Refused[0].Code != "exchange/damaged" || strings.Join(g.states(), "") != "packed" {
			t.Fatalf("the edge is told %+v", c)
		}
		r, err = g.hub.Receive(ctx, hub.Exchange{Place: f.place, Credentials: f.credentials})
		g.ok(err)
		if r.Bundles != 1 || len(r.Refused) != 0 {
			t.Fatalf("from one that does not: %+v", r)
		}
		f.lie.Store(true)
		_, err = g.e.TakeBack(ctx, "", x)
		wantProblem(t, err, "exchange/damaged")
		f.lie.Store(false)
		c, err = g.e.TakeBack(ctx, "", x)
		g.ok(err)
		if c.Receipts != 1 {
			t.Fatalf("taken back %+v", c)
		}
	})
}
