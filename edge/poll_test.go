// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/poll"
)

// reports is a maker's server that counts edits of Claude Code: of each day, how many each of twelve people accepted.
type reports struct {
	*httptest.Server
	mu       sync.Mutex
	accepted map[string]int // by day
	refuse   string         // a day that it may not tell of
	asked    []string
}

func newReports(t testing.TB) *reports {
	r := &reports{accepted: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		day := req.URL.Query().Get("starting_at")
		if r.asked = append(r.asked, day); day == r.refuse {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		var rows []string
		if n := r.accepted[day]; n > 0 {
			for i := range 12 {
				rows = append(rows, fmt.Sprintf(`{"date":"%sT00:00:00Z","actor":{"type":"user_actor","email_address":"dev%d@example.com"},"tool_actions":{"edit_tool":{"accepted":%d,"rejected":1}}}`, day, i, n))
			}
		}
		fmt.Fprintf(w, `{"data":[%s],"has_more":false}`, strings.Join(rows, ","))
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *reports) set(day string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.accepted[day] = n
}

func (r *reports) days() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.asked = nil }()
	return r.asked
}

func keyFile(t testing.TB) string {
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(randomText(32)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// polling opens an edge that asks servers, on a clock of its own.
func polling(t testing.TB, dir string, now *time.Time, pollers ...poll.Config) *edge.Edge {
	t.Helper()
	e, err := edge.New(t.Context(), edge.Config{Dir: dir, Hubs: []edge.Hub{{Name: maker, Contributor: "alder"}}, Pollers: pollers, Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestATotalIsReplacedWhenItsDayIsAskedForAgainAndIsNoEpisode(t *testing.T) {
	r, now := newReports(t), time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	e := polling(t, t.TempDir(), &now, poll.Config{Kind: "claude", URL: r.URL, KeyFile: keyFile(t), Since: "2026-11-01"})
	defer e.Close()
	counted := func() int {
		t.Helper()
		if err := errors.Join(e.Poll(t.Context()), e.Turn(t.Context())); err != nil {
			t.Fatal(err)
		}
		c, err := e.Coverage(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Rows) != 1 || c.Rows[0].Tool != "claude-code" || c.Rows[0].CountedBy != "claude" || c.Rows[0].Developers != 12 || len(c.Asks) != 1 || c.Asks[0].Problem != "" {
			t.Fatalf("%+v", c)
		}
		return c.Rows[0].Counted.Accepted
	}
	r.set("2026-11-03", 5)
	r.set("2026-11-05", 50) // today: it is not over, and not compared
	if n := counted(); n != 60 {
		t.Errorf("%d", n)
	}
	if n := counted(); n != 60 {
		t.Errorf("asked twice: %d", n)
	}
	r.set("2026-11-03", 7) // the server corrects itself
	now = now.Add(24 * time.Hour)
	if n := counted(); n != 84+600 {
		t.Errorf("corrected: %d", n)
	}
	r.set("2026-11-03", 0)
	if n := counted(); n != 600 {
		t.Errorf("taken back: %d", n)
	}
	if all, err := e.Stored(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d episodes, %v: totals are never one", len(all), err)
	}
}

func TestAPassGoesOnAfterARestartAndItsProblemIsShown(t *testing.T) {
	r, now, dir := newReports(t), time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC), t.TempDir()
	c := poll.Config{Kind: "claude", Name: "claude-eu", URL: r.URL, KeyFile: keyFile(t), Since: "2026-10-20"}
	r.refuse = "2026-10-23"
	r.set("2026-10-21", 3)
	e := polling(t, dir, &now, c)
	if err := e.Poll(t.Context()); !errors.Is(err, &episode.Problem{Code: "poll/key-refused"}) {
		t.Fatal(err)
	}
	cov, err := e.Coverage(t.Context(), 28)
	if err != nil || len(cov.Asks) != 1 || !strings.Contains(cov.Asks[0].Problem, "401") || !strings.Contains(cov.Asks[0].Problem, "Admin API key") || cov.Asks[0].PolledAt.IsZero() {
		t.Errorf("%+v, %v", cov, err)
	}
	if len(cov.Rows) != 1 || cov.Rows[0].Counted.Accepted != 36 {
		t.Errorf("what was told before stays: %+v", cov.Rows)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	r.days()
	r.refuse = ""
	e = polling(t, dir, &now, c)
	defer e.Close()
	if err := e.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked := r.days(); asked[0] != "2026-10-23" || asked[len(asked)-1] != "2026-11-05" {
		t.Errorf("asked for %v", asked)
	}
	if cov, err = e.Coverage(t.Context(), 28); err != nil || cov.Asks[0].Problem != "" || cov.Rows[0].Counted.Accepted != 36 {
		t.Errorf("%+v, %v", cov, err)
	}
}

// The position is in the commit with what it is about: a pass that ends before it is done again, and the episode is one.
func TestASessionOfJulesIsOneEpisodeHoweverOftenItIsTold(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1alpha/sessions":
			fmt.Fprint(w, `{"sessions":[{"id":"314","prompt":"Stop the wheel","createTime":"2026-11-05T09:00:00Z","updateTime":"2026-11-05T09:30:00Z","state":"COMPLETED","sourceContext":{"source":"sources/github/alder/mill"}}]}`)
		default:
			fmt.Fprint(w, `{"activities":[{"id":"a1","createTime":"2026-11-05T09:01:00Z","planGenerated":{"plan":{"id":"p1","steps":[{"title":"Add a brake"}]}}},{"id":"a2","createTime":"2026-11-05T09:02:00Z","originator":"user","planApproved":{"planId":"p1"}}]}`)
		}
	}))
	defer srv.Close()
	now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	e := polling(t, t.TempDir(), &now, poll.Config{Kind: "jules", URL: srv.URL, KeyFile: keyFile(t), Developer: "ada"})
	defer e.Close()
	for range 2 {
		if err := errors.Join(e.Poll(t.Context()), e.Turn(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	all, err := e.Stored(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatalf("%d episodes, %v", len(all), err)
	}
	ep := all[0]
	want := []episode.Decision{{Suggestion: "p1", Verdict: episode.Accepted, By: episode.ByUnknown, At: time.Date(2026, 11, 5, 9, 2, 0, 0, time.UTC)}}
	if ep.Developer != "ada" || ep.Tool.Name != "jules" || ep.Local != nil && ep.Local.Unauthenticated || cmp.Diff(want, ep.Decisions) != "" {
		t.Errorf("%+v", ep)
	}
}

func TestTelemetryIsComparedOnceItsSendersAreEnough(t *testing.T) {
	now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	e := polling(t, t.TempDir(), &now)
	defer e.Close()
	send := func(from, to int) edge.Covered {
		t.Helper()
		for i := from; i < to; i++ {
			m := pmetric.NewMetrics()
			c := m.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty()
			c.SetName("claude_code.code_edit_tool.decision")
			c.SetEmptySum().SetAggregationTemporality(pmetric.AggregationTemporalityDelta)
			p := c.Sum().DataPoints().AppendEmpty()
			p.SetIntValue(4)
			p.Attributes().PutStr("decision", "accept")
			p.SetTimestamp(pcommon.NewTimestampFromTime(now.Add(-24 * time.Hour)))
			m.ResourceMetrics().At(0).Resource().Attributes().PutStr("service.name", "claude-code")
			body, err := (&pmetric.ProtoMarshaler{}).MarshalMetrics(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := e.Keep(t.Context(), "otlp-metrics", edge.Principal{Name: fmt.Sprintf("dev%02d", i), Authenticated: true}, body); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Turn(t.Context()); err != nil {
			t.Fatal(err)
		}
		c, err := e.Coverage(t.Context(), 7)
		if err != nil || len(c.Rows) != 1 || c.Rows[0].CountedBy != edge.CountedByTelemetry {
			t.Fatalf("%+v, %v", c, err)
		}
		return c.Rows[0]
	}
	if r := send(0, 9); !r.Withheld || r.Counted.Accepted != 0 {
		t.Errorf("from nine developers: %+v", r)
	}
	if r := send(9, 10); r.Withheld || r.Counted.Accepted != 40 || r.Developers != 10 {
		t.Errorf("from ten developers: %+v", r)
	}
}

func TestOnlyAWeekOrFourAreCompared(t *testing.T) {
	now := time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)
	e := polling(t, t.TempDir(), &now)
	defer e.Close()
	if _, err := e.Coverage(t.Context(), 6); !errors.Is(err, &episode.Problem{Code: "coverage/days"}) {
		t.Error(err)
	}
	if _, err := edge.ReadCoverage(t.Context(), edge.Config{Dir: filepath.Join(t.TempDir(), "none")}, 7); !errors.Is(err, &episode.Problem{Code: "coverage/nothing"}) {
		t.Error(err)
	}
}
