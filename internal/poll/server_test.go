// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
)

// noon is when the tests ask: a Thursday.
var noon = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

// maker is a tool's server as its documentation describes it, over real HTTP. answers maps a request, "path?query" with the
// query in the order of its names, to what is answered; what is not in it is not found.
type maker struct {
	*httptest.Server
	t       *testing.T
	key     string // which must come with every request
	signed  func(*http.Request) string
	answers map[string]string
	// first answers instead of answers, once for each request that it has something for.
	first map[string][]func(http.ResponseWriter)

	mu    sync.Mutex
	asked []string
}

func newMaker(t *testing.T, signed func(*http.Request) string) *maker {
	m := &maker{t: t, key: "key-" + rand.Text(), signed: signed, answers: map[string]string{}, first: map[string][]func(http.ResponseWriter){}}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(m.Close)
	return m
}

func (m *maker) serve(w http.ResponseWriter, r *http.Request) {
	what := r.URL.Path
	if q := r.URL.Query().Encode(); q != "" {
		what += "?" + q
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, what)
	if r.Method != http.MethodGet {
		m.t.Errorf("%s %s", r.Method, what)
	}
	if ways := m.first[what]; len(ways) > 0 {
		m.first[what] = ways[1:]
		ways[0](w)
		return
	}
	if strings.HasPrefix(what, "/signed/") {
		for _, name := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key"} {
			if r.Header.Get(name) != "" {
				m.t.Errorf("the key went with a signed link, as %s", name)
			}
		}
	} else if m.signed(r) != m.key {
		http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
		return
	}
	body, ok := m.answers[what]
	switch {
	case !ok:
		http.Error(w, `{"message":"Not Found"}`, http.StatusNotFound)
	case body == "":
		w.WriteHeader(http.StatusNoContent)
	default:
		fmt.Fprint(w, strings.ReplaceAll(body, "{server}", m.URL))
	}
}

// requests returns what was asked since the last time.
func (m *maker) requests() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { m.asked = nil }()
	return m.asked
}

// poller asks this server with its key.
func (m *maker) poller(c Config) *Poller {
	m.t.Helper()
	return pollerWith(m.t, c, m.URL, m.key)
}

func pollerWith(t *testing.T, c Config, url, key string) *Poller {
	t.Helper()
	c.URL, c.KeyFile = url, filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(c.KeyFile, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pass asks for everything since position and returns all pages.
func pass(t *testing.T, p *Poller, position string, teams *Teams) []Page {
	t.Helper()
	var pages []Page
	if err := p.Pass(t.Context(), position, noon, teams, func(page Page) error { pages = append(pages, page); return nil }); err != nil {
		t.Fatal(err)
	}
	return pages
}

// figuresOf gathers the figures of pages.
func figuresOf(pages []Page) (all []Figure) {
	for _, p := range pages {
		all = append(all, p.Figures...)
	}
	return all
}

func dayNumber(t testing.TB, s string) int64 {
	t.Helper()
	d, ok := parseDay(s)
	if !ok {
		t.Fatal(s)
	}
	return d
}

// teamsOf makes teams of twelve people each, "ada-1" to "ada-12" and so on, known by address.
func teamsOf(t testing.TB, names map[string]string) *Teams {
	t.Helper()
	var b strings.Builder
	b.WriteString("user,team\n")
	for prefix, team := range names {
		for i := range 12 {
			fmt.Fprintf(&b, "%s-%d@example.com,%s\n", prefix, i+1, team)
		}
	}
	teams, err := decodeTeams(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	return teams
}

func problem(code string) error { return &episode.Problem{Code: code} }

func TestAWrongKeyIsSaidPlainlyAndNotTriedAgain(t *testing.T) {
	m := newMaker(t, func(r *http.Request) string { return r.Header.Get("x-api-key") })
	p := pollerWith(t, Config{Kind: "claude"}, m.URL, "wrong-"+rand.Text())
	err := p.Pass(t.Context(), "2026-11-05", noon, nil, func(Page) error { t.Error("a page"); return nil })
	if !errors.Is(err, problem("poll/key-refused")) {
		t.Fatal(err)
	}
	told, _ := errors.AsType[*episode.Problem](err)
	if !strings.Contains(told.Hint, p.KeyFile) || !strings.Contains(told.Hint, "sk-ant-admin") || strings.Contains(err.Error()+told.Hint, p.client.key) {
		t.Errorf("%v → %s", err, told.Hint)
	}
	if n := len(m.requests()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestAKeyThatMayNotReadTheReportIsSaidPlainly(t *testing.T) {
	for status, code := range map[int]string{403: "poll/not-allowed", 404: "poll/not-found", 400: "poll/answer", 302: "poll/answer"} {
		m := newMaker(t, func(r *http.Request) string { return r.Header.Get("x-api-key") })
		m.first["/v1/organizations/usage_report/claude_code?limit=1000&starting_at=2026-11-02"] = []func(http.ResponseWriter){func(w http.ResponseWriter) {
			w.Header().Set("Location", "https://elsewhere.example/") // where no key must go
			w.WriteHeader(status)
		}}
		err := m.poller(Config{Kind: "claude"}).Pass(t.Context(), "2026-11-05", noon, nil, func(Page) error { return nil })
		if !errors.Is(err, problem(code)) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestAServerThatIsBusyIsAskedAgainWhenItSays(t *testing.T) {
	t.Parallel() // it waits for some seconds
	m := newMaker(t, func(r *http.Request) string { return r.Header.Get("x-api-key") })
	for d := 2; d <= 5; d++ {
		m.answers[fmt.Sprintf("/v1/organizations/usage_report/claude_code?limit=1000&starting_at=2026-11-%02d", d)] = `{"data":[],"has_more":false}`
	}
	m.first["/v1/organizations/usage_report/claude_code?limit=1000&starting_at=2026-11-02"] = []func(http.ResponseWriter){
		func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		func(w http.ResponseWriter) { // GitHub's way
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset", "1")
			w.WriteHeader(http.StatusForbidden)
		},
		func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) },
	}
	pages := pass(t, m.poller(Config{Kind: "claude"}), "2026-11-05", nil)
	if n := len(m.requests()); n != 4+3 || len(pages) != 4 {
		t.Errorf("asked %d times for %d pages", n, len(pages))
	}
}

func TestAServerThatWantsALongPauseGetsOne(t *testing.T) {
	m := newMaker(t, func(r *http.Request) string { return r.Header.Get("x-api-key") })
	m.first["/v1/organizations/usage_report/claude_code?limit=1000&starting_at=2026-11-02"] = []func(http.ResponseWriter){func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusTooManyRequests)
	}}
	err := m.poller(Config{Kind: "claude"}).Pass(t.Context(), "2026-11-05", noon, nil, func(Page) error { return nil })
	if !errors.Is(err, problem("poll/rate-limited")) {
		t.Fatal(err)
	}
	if n := len(m.requests()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestAServerThatGoesOnForEverIsLeft(t *testing.T) {
	m := newMaker(t, func(r *http.Request) string { return r.Header.Get("x-api-key") })
	const ask = "/v1/organizations/usage_report/claude_code?limit=1000"
	m.answers[ask+"&starting_at=2026-11-02"] = `{"data":[],"has_more":true,"next_page":"again"}`
	m.answers[ask+"&page=again&starting_at=2026-11-02"] = `{"data":[],"has_more":true,"next_page":"again"}`
	err := m.poller(Config{Kind: "claude"}).Pass(t.Context(), "2026-11-05", noon, nil, func(Page) error { return nil })
	if !errors.Is(err, problem("poll/answer")) {
		t.Fatal(err)
	}
}

func TestAPassThatWasCutOffGoesOnWhereTheLastCommitIs(t *testing.T) {
	m := newMaker(t, func(r *http.Request) string { return r.Header.Get("x-api-key") })
	for d := 1; d <= 5; d++ {
		m.answers[fmt.Sprintf("/v1/organizations/usage_report/claude_code?limit=1000&starting_at=2026-11-%02d", d)] = `{"data":[]}`
		m.answers[fmt.Sprintf("/v1/organizations/usage_report/claude_code?limit=1000&starting_at=2026-10-%02d", 32-d)] = `{"data":[]}`
	}
	p := m.poller(Config{Kind: "claude", Since: "2026-10-28"})
	stored, full := "", errors.New("the disk is full")
	err := p.Pass(t.Context(), "", noon, nil, func(page Page) error {
		if slices.Contains(page.Days, dayNumber(t, "2026-10-30")) {
			return full // nothing of this page is kept
		}
		stored = page.Next
		return nil
	})
	if !errors.Is(err, full) || stored != "2026-10-30" {
		t.Fatalf("stopped at %q: %v", stored, err)
	}
	m.requests()
	var days []string
	for _, page := range pass(t, p, stored, nil) {
		for _, d := range page.Days {
			days = append(days, formatDay(d))
		}
	}
	if got := strings.Join(days, " "); got != "2026-10-30 2026-10-31 2026-11-01 2026-11-02 2026-11-03 2026-11-04 2026-11-05" {
		t.Error(got)
	}
	// And once it is done, the last days are asked for again: they may have been corrected.
	if again := pass(t, p, "2026-11-06", nil); len(again) != 4 || again[0].Days[0] != dayNumber(t, "2026-11-02") {
		t.Errorf("%+v", again)
	}
}

func TestAPollerThatCannotWorkIsRefusedBeforeItAsks(t *testing.T) {
	for name, c := range map[string]Config{
		"no kind":         {KeyFile: "k"},
		"no key":          {Kind: "claude"},
		"no organisation": {Kind: "copilot", KeyFile: "k"},
		"both":            {Kind: "copilot", KeyFile: "k", Organisation: "a", Enterprise: "b"},
		"nobody's key":    {Kind: "jules", KeyFile: "k"},
		"no day":          {Kind: "cursor", KeyFile: "k", Since: "last week"},
		"no TLS":          {Kind: "cursor", KeyFile: "k", URL: "http://cursor.example"},
		"a password":      {Kind: "cursor", KeyFile: "k", URL: "https://me:" + rand.Text() + "@cursor.example"},
	} {
		if _, err := New(c); !errors.Is(err, problem("config/poller")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := pollerWith(t, Config{Kind: "claude"}, "http://127.0.0.1:1", "two words")
	if err := p.Pass(t.Context(), "", noon, nil, nil); !errors.Is(err, problem("poll/no-key")) {
		t.Error(err)
	}
}

func TestATeamOfFewIsNoTeam(t *testing.T) {
	var b strings.Builder
	b.WriteString("\ufeffTeam, User\n")
	for i := range 10 {
		fmt.Fprintf(&b, "payments, Dev%d@Example.com\n", i)
	}
	for i := range 9 {
		fmt.Fprintf(&b, "skunkworks,few%d@example.com\n", i)
	}
	teams, err := decodeTeams(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if got := teams.Of("dev3@example.com"); got != "payments" {
		t.Errorf("%q", got)
	}
	if got := teams.Of("few3@example.com"); got != "" {
		t.Errorf("%q is a team of nine", got)
	}
	for _, bad := range []string{"", "a,b\n", "user,team\na,b\na,c\n", "user,team\n\"a,b\n"} {
		if _, err := decodeTeams(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
