// SPDX-License-Identifier: Apache-2.0

package canary_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/canary"
)

func guard(t testing.TB, list ...string) *canary.Guard {
	t.Helper()
	g, err := canary.New(list)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// through writes parts one by one.
func through(t rapid.TB, g *canary.Guard, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := g.Writer(&b)
	for _, p := range parts {
		if n, err := io.WriteString(w, p); err != nil || n != len(p) {
			t.Fatalf("wrote %d of %d, %v", n, len(p), err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestACanaryIsFoundHoweverItIsCut(t *testing.T) {
	// Few letters, so that canaries overlap each other, themselves and what is around them.
	letters := rapid.StringOfN(rapid.SampledFrom([]rune("ab<é")), 8, 12, -1)
	rapid.Check(t, func(rt *rapid.T) {
		list := rapid.SliceOfN(letters, 1, 4).Draw(rt, "canaries")
		g := guard(t, list...)
		var parts []string
		for range rapid.IntRange(1, 12).Draw(rt, "parts") {
			if rapid.Bool().Draw(rt, "planted") {
				c := rapid.SampledFrom(list).Draw(rt, "which")
				at := rapid.IntRange(0, len(c)).Draw(rt, "cut")
				parts = append(parts, c[:at], c[at:])
			} else {
				parts = append(parts, rapid.StringOfN(rapid.SampledFrom([]rune("ab<é x\n")), 0, 9, -1).Draw(rt, "text"))
			}
		}
		whole := strings.Join(parts, "")
		got := through(rt, g, parts...)
		if got != g.String(whole) {
			rt.Fatalf("in parts %q, as one %q", got, g.String(whole))
		}
		if len(got) != len(whole) {
			rt.Fatalf("%d bytes of %d", len(got), len(whole))
		}
		// Exactly what a canary covers is masked.
		want := []byte(whole)
		for at := range whole {
			for _, c := range list {
				for _, f := range []string{c, template.HTMLEscapeString(c)} {
					if strings.HasPrefix(whole[at:], f) {
						copy(want[at:], strings.Repeat("*", len(f)))
					}
				}
			}
		}
		if got != string(want) {
			rt.Fatalf("%q became %q, want %q", whole, got, want)
		}
	})
}

func TestACanaryIsFoundAsLogsPagesAndAnswersWriteIt(t *testing.T) {
	const c = "naïve \"canary\" <of> & C:\\mine\tüß"
	g := guard(t, c)
	var log, page bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Error("turn", "err", fmt.Errorf("read %s: %w", c, errors.New("gone")))
	slog.New(slog.NewJSONHandler(&log, nil)).Error(c)
	if err := template.Must(template.New("").Parse(`<p title="{{.}}">{{.}}</p>`)).Execute(&page, c); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"log": log.String(), "page": page.String(), "answer": string(asJSON), "address": url.QueryEscape(c), "path": url.PathEscape(c), "as it is": c, "quoted": fmt.Sprintf("%q %+q", c, c)} {
		if got := g.String(text); strings.Contains(got, "canary") || strings.Contains(got, "mine") || len(got) != len(text) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestWhatIsNoCanaryIsLeftAsItIs(t *testing.T) {
	g := guard(t, "kestrel-over-the-mill")
	for _, text := range []string{"", "kestrel-over-the-", "a kestrel over the mill\n", "KESTREL-over-the-mill"} {
		if got := through(t, g, text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
	var b bytes.Buffer
	w := g.Writer(&b)
	io.WriteString(w, "a line that ends\n")
	if b.String() != "a line that ends\n" {
		t.Errorf("a whole line waits: %q", b.String())
	}
	if got := through(t, guard(t), "anything"); got != "anything" {
		t.Errorf("without canaries %q", got)
	}
	if _, err := canary.New([]string{"short"}); !errors.Is(err, &episode.Problem{Code: "canary/short"}) {
		t.Errorf("a short canary: %v", err)
	}
}

func TestAnAnswerHoldsNoCanary(t *testing.T) {
	const c = "kestrel-over-the-mill"
	mux := http.NewServeMux()
	mux.HandleFunc("/page", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Asked", c)
		w.Header().Set("Content-Length", fmt.Sprint(2*len(c)))
		io.WriteString(w, c[:5])
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		io.WriteString(w, c[5:]+c)
	})
	mux.HandleFunc("/error", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no such thing: "+c, http.StatusNotFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/page?of="+c, http.StatusSeeOther) })
	mux.HandleFunc("/html", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<!DOCTYPE html><p>"+c) })
	srv := httptest.NewServer(guard(t, c).Handler(mux))
	defer srv.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for path, status := range map[string]int{"/page": 200, "/error": 404, "/away": 303, "/html": 200} {
		resp, err := client.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != status {
			t.Errorf("%s: %d, %v", path, resp.StatusCode, err)
		}
		if all := fmt.Sprint(string(b), resp.Header); strings.Contains(all, c) || !strings.Contains(all, strings.Repeat("*", len(c))) {
			t.Errorf("%s answered %s", path, all)
		}
		if path == "/html" && !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
			t.Errorf("a page is served as %q", resp.Header.Get("Content-Type"))
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	var list []string
	for i := range 1000 {
		list = append(list, fmt.Sprintf("%08x-planted-canary", i*2654435761))
	}
	g := guard(b, list...)
	w := g.Writer(io.Discard)
	page := []byte(strings.Repeat("a page of what waits, with <b>some</b> words and 0123456789abcdef\n", 500))
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		w.Write(page)
	}
}
