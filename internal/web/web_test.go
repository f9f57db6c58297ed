// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/headrace/headrace/episode"
)

// visitor is a person with a browser that keeps cookies and shows redirects.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
	site *Site
}

func serve(t *testing.T, cfg Config) *visitor {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	jar, _ := cookiejar.New(nil)
	return &visitor{t, srv.URL, &http.Client{Jar: jar}, s}
}

// visit opens the site and signs in by the one-time link.
func visit(t *testing.T, cfg Config) *visitor {
	t.Helper()
	v := serve(t, cfg)
	if code, _ := v.get(v.site.Link("kim")); code != http.StatusOK {
		t.Fatalf("sign in: %d", code)
	}
	return v
}

func (v *visitor) get(path string) (int, string) {
	v.t.Helper()
	return v.read(v.http.Get(v.base + path))
}

func (v *visitor) post(path string, form url.Values) (int, string) {
	v.t.Helper()
	return v.read(v.http.PostForm(v.base+path, form))
}

func (v *visitor) read(r *http.Response, err error) (int, string) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return r.StatusCode, string(b)
}

var href = regexp.MustCompile(`(?:href|src)="([^"]*)"`)

// crawl opens every page that can be reached by links from the overview, and hands each to look.
func (v *visitor) crawl(look func(path, body string)) (seen []string) {
	v.t.Helper()
	seen = []string{"/"}
	for i := 0; i < len(seen); i++ {
		code, body := v.get(seen[i])
		if code != http.StatusOK {
			v.t.Errorf("GET %s: %d", seen[i], code)
		}
		look(seen[i], body)
		if !strings.Contains(body, "<html") {
			continue
		}
		here, _ := url.Parse(seen[i])
		for _, m := range href.FindAllStringSubmatch(body, -1) {
			u, err := url.Parse(html.UnescapeString(m[1]))
			if err != nil {
				v.t.Errorf("%s: link %q: %v", seen[i], m[1], err)
				continue
			}
			u = here.ResolveReference(u)
			u.Fragment = ""
			if u.Host != "" || u.Scheme != "" {
				v.t.Errorf("%s leads outside: %s", seen[i], u)
			} else if !slices.Contains(seen, u.String()) {
				seen = append(seen, u.String())
			}
		}
	}
	return seen
}

func TestEveryPageCanBeReachedAndReadByAll(t *testing.T) {
	w := full(plain)
	for name, cfg := range map[string]Config{"both": {Edge: w, Hub: w, Demo: true}, "edge alone": {Edge: w}, "hub alone": {Hub: w},
		"empty": {Edge: &world{}, Hub: &world{}}, "found, nothing read": {Edge: &world{histories: w.histories}}} {
		t.Run(name, func(t *testing.T) {
			v := visit(t, cfg)
			seen := v.crawl(func(path, body string) {
				if !strings.Contains(body, "<html") {
					return
				}
				for _, want := range []string{`<html lang="en">`, `<main id="main"`, `href="#main"`, `<nav aria-label="Main">`, `<footer>`} {
					if !strings.Contains(body, want) {
						t.Errorf("%s: no %s", path, want)
					}
				}
				if n := strings.Count(body, "<h1"); n != 1 {
					t.Errorf("%s: %d main headings", path, n)
				}
				if strings.Count(body, "<table") != strings.Count(body, "<caption>") {
					t.Errorf("%s: a table has no caption", path)
				}
				if got := strings.Contains(body, `class="demo"`); got != cfg.Demo {
					t.Errorf("%s: demo banner %v", path, got)
				}
				if strings.Contains(body, "ZgotmplZ") || strings.Contains(body, "NaN") || strings.Contains(body, "Inf") {
					t.Errorf("%s: an unprintable value", path)
				}
			})
			if name == "both" && len(seen) < 25 {
				t.Errorf("only %d pages were reached: %v", len(seen), seen)
			}
		})
	}
}

var (
	inline  = regexp.MustCompile(`(?i)<script(?:>|\s[^>]*>)[^<]|<style|\sstyle=|\son[a-z]+="|javascript:`)
	outside = regexp.MustCompile(`(?i)(?:src|href|action)="(?:https?:)?//`)
)

func TestHostileTextStaysText(t *testing.T) {
	const poison = `"><script>alert(1)</script><img src=x onerror=alert(1)>'{{.}}`
	w := full(func(s string) string { return poison + s })
	v := visit(t, Config{Edge: w, Hub: w, Version: poison})
	poisoned := 0
	v.crawl(func(path, body string) {
		if !strings.Contains(body, "<html") {
			return
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, "<img src=x") {
			t.Errorf("%s: text became markup", path)
		}
		if strings.Contains(body, "alert(1)") {
			poisoned++
		}
		if m := inline.FindString(body); m != "" {
			t.Errorf("%s: inline script or style: %q", path, m)
		}
		if m := outside.FindString(body); m != "" {
			t.Errorf("%s: loads from outside: %q", path, m)
		}
	})
	if poisoned < 15 {
		t.Errorf("the text came to %d pages only", poisoned)
	}
}

func TestPreviewShowsTheExactBytesThatLeave(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w})
	_, sealed := v.get("/preview/batch%201")
	if strings.Contains(sealed, "kim@corp.example") {
		t.Error("the raw text is there before it was asked for")
	}
	_, body := v.get("/preview/batch%201?raw=1")
	if !strings.Contains(body, "kim@corp.example") || !strings.Contains(body, "does not leave") {
		t.Error("the raw text is not beside what leaves")
	}
	if !strings.Contains(body, "<mark>‹email:k3f9›<small>email</small></mark>") {
		t.Error("a replacement is not marked with its kind")
	}
}

func TestPreviewCutsNothingOff(t *testing.T) {
	w := full(plain)
	long := strings.Repeat("all of it ", 20000)
	w.batches[0].Records[0].Out, w.batches[0].Records[0].Marks = []byte(`{"instruction":"`+long+`"}`), nil
	_, body := visit(t, Config{Edge: w}).get("/preview/batch%201")
	if !strings.Contains(body, long) {
		t.Error("a long text that leaves is not shown whole")
	}
}

func TestRulingNamesWhatThePersonSaw(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w})
	digest := w.batches[0].Records[0].Digest
	if code, body := v.post("/preview/batch%201", url.Values{"choice": {"approve"}, "record": {digest}}); code != 200 || !strings.Contains(body, `role="status">Approved`) {
		t.Errorf("approve one: %d", code)
	}
	if code, _ := v.post("/preview/batch%201", url.Values{"choice": {"refuse"}, "seen": {"sha256:x"}}); code != 200 {
		t.Errorf("refuse all: %d", code)
	}
	want := []string{"kim approve batch 1 [" + digest + "] ", "kim refuse batch 1 [] sha256:x"}
	if !slices.Equal(w.rulings, want) {
		t.Errorf("rulings %q, want %q", w.rulings, want)
	}
	for _, form := range []url.Values{{"choice": {"approve"}}, {"choice": {"publish"}, "record": {digest}}, {}} {
		if code, _ := v.post("/preview/batch%201", form); code != http.StatusUnprocessableEntity {
			t.Errorf("form %v: %d", form, code)
		}
	}
	if len(w.rulings) != 2 {
		t.Errorf("a form that says too little was passed on: %q", w.rulings[2:])
	}
}

// A scope is shown first and taken back second, as it was shown; everything asks for the contributor's name.
func TestTakingBackIsTwoSteps(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w})
	code, body := v.get("/withdrawals?developer=ada&from=2026-11-02")
	for _, part := range []string{`name="developer" value="ada"`, `name="from" value="2026-11-02"`, "Take it back", "other.example"} {
		if code != http.StatusOK || !strings.Contains(body, part) {
			t.Errorf("%d: the page does not hold %q", code, part)
		}
	}
	if strings.Contains(body, `name="confirm"`) {
		t.Error("a part is confirmed by name")
	}
	if _, body := v.get("/withdrawals?all=1"); !strings.Contains(body, `name="confirm" required`) {
		t.Error("everything is taken back without a name")
	}
	if len(w.takenBack) > 0 {
		t.Errorf("looking took back %+v", w.takenBack)
	}
	v.post("/withdrawals", url.Values{"all": {"1"}, "confirm": {" alder-bank "}})
	v.post("/withdrawals", url.Values{"developer": {"ada"}, "from": {"2026-11-02"}, "record": {"ep_1 ep_2"}})
	want := []Scope{{All: true, Confirm: "alder-bank"}, {Developer: "ada", From: "2026-11-02", Records: []string{"ep_1", "ep_2"}}}
	if diff := cmp.Diff(want, w.takenBack, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestProblemIsShownWithWhatToDo(t *testing.T) {
	w := full(plain)
	w.refuse = &episode.Problem{Code: "consent/changed", Message: "the record has changed since", Hint: "look at it again"}
	v := visit(t, Config{Edge: w})
	code, body := v.post("/preview/batch%201", url.Values{"choice": {"approve"}, "seen": {"sha256:x"}})
	if code != http.StatusUnprocessableEntity || !strings.Contains(body, "consent/changed") || !strings.Contains(body, "the record has changed since") || !strings.Contains(body, "look at it again") {
		t.Errorf("%d %s", code, body)
	}
	w.refuse = errors.New("disk is full")
	if code, body := v.post("/withdrawals", url.Values{"session": {"s1"}}); code != http.StatusInternalServerError || !strings.Contains(body, "disk is full") {
		t.Errorf("%d %s", code, body)
	}
	for _, path := range []string{"/nowhere", "/episodes/ep_9", "/snapshots", "/bundles/%2e%2e"} {
		if code, body := v.get(path); code != http.StatusNotFound || !strings.Contains(body, "page/not-found") {
			t.Errorf("%s: %d", path, code)
		}
	}
}

func TestNoFigureFromFewerThanTenDevelopers(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Edge: w, Hub: w})
	for _, path := range []string{"/gates/gate%2F1", "/statements", "/statements/st%202"} {
		_, body := v.get(path)
		if strings.Contains(body, "0.77") || !strings.Contains(body, "withheld: from fewer than 10 developers") {
			t.Errorf("%s shows a figure from fewer than 10 developers", path)
		}
	}
}

func TestRefusedGateSaysHowMuchIsMissing(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Hub: w})
	_, body := v.get("/gates/gate%202")
	if !strings.Contains(body, "Refused: too little to tell. It has 1 of the 300 developers it needs: 299 missing.") {
		t.Error(body)
	}
	if strings.Contains(body, "<svg class") {
		t.Error("a plot of nothing is drawn")
	}
}

func TestExportIsAFileAndUnknownFormatsAreNot(t *testing.T) {
	v := visit(t, Config{Hub: full(plain)})
	r, err := v.http.Get(v.base + "/snapshots/snap%2F1/export/trl-kto")
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Header.Get("Content-Disposition"); d != `attachment; filename="snap-1-trl-kto.jsonl"` {
		t.Error(d)
	}
	if _, body := v.read(r, nil); body != "{\"prompt\":\"snap/1\"}\n" {
		t.Error(body)
	}
	if code, _ := v.get("/snapshots/snap%2F1/export/sql"); code != http.StatusNotFound {
		t.Error(code)
	}
}

type torn struct{ *world }

func (torn) Export(_ context.Context, _, _ string, w io.Writer) error {
	for range 10000 {
		if _, err := io.WriteString(w, "{\"prompt\":\"some text that fills the buffer\"}\n"); err != nil {
			return err
		}
	}
	return errors.New("store went away")
}

func TestTornExportEndsTheConnection(t *testing.T) {
	w := full(plain)
	v := visit(t, Config{Hub: torn{w}})
	r, err := v.http.Get(v.base + "/snapshots/snap%2F1/export/trl-kto")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.ReadAll(r.Body); err == nil {
		t.Error("a torn export was read to its end without an error")
	}
}

func TestEpisodesCanBePagedAndFiltered(t *testing.T) {
	v := visit(t, Config{Edge: full(plain)})
	_, first := v.get("/episodes")
	if !strings.Contains(first, "/episodes?after=a%26b") {
		t.Error("no link to the next page")
	}
	_, one := v.get("/episodes?tool=claude-code")
	if !strings.Contains(one, "1 of 60 episodes") || !strings.Contains(one, "<option selected>claude-code") {
		t.Error("the filter is not kept")
	}
	_, none := v.get("/episodes?tool=nothing")
	if !strings.Contains(none, "None match") {
		t.Error("no word on an empty filter")
	}
}
