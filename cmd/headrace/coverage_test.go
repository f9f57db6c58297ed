// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/poll"
)

// enterprise is a state folder in which an edge has captured edits of twelve developers and asked a server, which counted those of
// thirty. Yesterday is the day.
func enterprise(t *testing.T) (dir string, yesterday time.Time) {
	t.Helper()
	dir, yesterday = t.TempDir(), time.Now().UTC().Truncate(24*time.Hour).Add(-12*time.Hour)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		day := r.URL.Query().Get("starting_at")
		var rows []string
		for i := range 30 {
			if day == yesterday.Format(time.DateOnly) {
				rows = append(rows, fmt.Sprintf(`{"date":"%sT00:00:00Z","actor":{"email_address":"dev%02d@example.com"},"tool_actions":{"edit_tool":{"accepted":4,"rejected":1}}}`, day, i))
			}
		}
		fmt.Fprintf(w, `{"data":[%s],"has_more":false}`, strings.Join(rows, ","))
	}))
	defer srv.Close()
	key := filepath.Join(t.TempDir(), "key")
	m, err := json.Marshal(link.Membership{URL: "http://hub.example", Contributor: "alder", Token: "t", Hub: "maker", PublicKey: make(ed25519.PublicKey, ed25519.PublicKeySize)})
	if err := errors.Join(err, os.WriteFile(key, []byte("k"), 0o600), os.MkdirAll(filepath.Join(dir, "edge", "hubs"), 0o700), os.WriteFile(filepath.Join(dir, "edge", "hubs", "maker.json"), m, 0o600)); err != nil {
		t.Fatal(err)
	}
	e, err := edge.New(t.Context(), edge.Config{Dir: filepath.Join(dir, "edge"), Hubs: []edge.Hub{{Name: "maker", Contributor: "alder"}}, Pollers: []poll.Config{{Kind: "claude", URL: srv.URL, KeyFile: key}}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for i := range 12 {
		ep := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: fmt.Sprintf("ep_%d", i), StartedAt: yesterday, Tool: episode.Tool{Name: "claude-code", Surface: episode.SurfaceAgent}}
		for n := range 5 {
			s := episode.Suggestion{ID: fmt.Sprint(n), Step: -1, Kind: episode.KindEdit, Path: "a.go", After: "x"}
			d := episode.Decision{Suggestion: s.ID, Verdict: episode.Accepted, By: episode.ByPerson}
			if n == 4 {
				d.Verdict = episode.Rejected
			}
			ep.Suggestions, ep.Decisions = append(ep.Suggestions, s), append(ep.Decisions, d)
		}
		line, err := episode.Append(nil, ep)
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Deliver(t.Context(), edge.Principal{Name: fmt.Sprintf("dev%02d", i), Authenticated: true}, append(line, '\n'), 1); err != nil {
			t.Fatal(err)
		}
	}
	// Run polls beside its turns, until the last page is kept.
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	for {
		c, err := e.Coverage(t.Context(), 7)
		if err != nil || ctx.Err() != nil {
			t.Fatal(errors.Join(err, ctx.Err()))
		}
		if len(c.Rows) == 1 && c.Rows[0].Captured.Accepted == 48 && c.Rows[0].Counted.Accepted == 120 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return dir, yesterday
}

func TestDoctorTellsWhatIsCapturedOfWhatWasCounted(t *testing.T) {
	dir, yesterday := enterprise(t)
	var out, errs bytes.Buffer
	if code := run([]string{"--dir", dir, "doctor", "--coverage"}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	got := strings.NewReplacer(yesterday.Format(time.DateOnly), "YESTERDAY", yesterday.AddDate(0, 0, -6).Format(time.DateOnly), "A-WEEK-AGO").Replace(out.String())
	head, tail, _ := strings.Cut(got, "poller claude: answered ")
	if strings.Count(tail, "\n") != 1 || strings.Contains(tail, "since then") {
		t.Errorf("of the poller: %q", tail)
	}
	golden := filepath.Join("testdata", "coverage.golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(golden, []byte(head), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), head); d != "" {
		t.Error(d)
	}
	out.Reset()
	if code := run([]string{"--dir", dir, "doctor", "--coverage", "--json", "--days", "28"}, nil, &out, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, &errs)
	}
	var c edge.Coverage
	if err := json.Unmarshal(out.Bytes(), &c); err != nil || len(c.Rows) != 1 || *c.Rows[0].Counted.Rejected != 30 {
		t.Errorf("%v: %s", err, &out)
	}
	if code := run([]string{"--dir", dir, "doctor", "--coverage", "--days", "3"}, nil, &out, &errs); code != 1 || !strings.Contains(errs.String(), "take 7 or 28") {
		t.Errorf("exit %d: %s", code, &errs)
	}
	errs.Reset()
	if code := run([]string{"--dir", t.TempDir(), "doctor", "--coverage"}, nil, &out, &errs); code != 1 || !strings.Contains(errs.String(), "nothing has been recorded") {
		t.Errorf("exit %d: %s", code, &errs)
	}
}

func TestDoctorAsksTheEdgeThatIsRunning(t *testing.T) {
	dir, yesterday := enterprise(t)
	e, err := edge.New(t.Context(), edge.Config{Dir: filepath.Join(dir, "edge"), Hubs: []edge.Hub{{Name: "maker", Contributor: "alder"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ready := make(chan struct{})
	c := controls{"coverage": func(ctx context.Context, days string) (string, error) { return coverageOf(ctx, e, days) },
		"activity": func(ctx context.Context, files string) (string, error) { return importActivity(ctx, e, files) }}
	served := make(chan error, 1)
	go func() { served <- c.serve(ctx, e.Dir(), nil, func() { close(ready) }) }()
	defer func() { stop(); <-served }()
	<-ready
	var out, errs bytes.Buffer
	if code := run([]string{"--dir", dir, "doctor", "--coverage"}, nil, &out, &errs); code != 0 || !strings.Contains(out.String(), "48 of 120 (40 %)") {
		t.Errorf("exit %d: %s%s", code, &out, &errs)
	}
	report := filepath.Join(t.TempDir(), "by_user_analytic.csv")
	lines := "UserId,Date,InlineChat_AcceptanceEventCount,InlineChat_RejectionEventCount,Inline_AcceptanceCount,Inline_SuggestionsCount\n"
	for i := range 11 {
		lines += fmt.Sprintf("d-%d,%s,3,1,20,50\n", i, yesterday.Format("01-02-2006"))
	}
	if err := os.WriteFile(report, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // taken in twice it counts once
		if code := run([]string{"--dir", dir, "edge", "import-activity", report}, nil, &out, &errs); code != 0 {
			t.Fatalf("exit %d: %s", code, &errs)
		}
	}
	out.Reset()
	if code := run([]string{"--dir", dir, "doctor", "--coverage"}, nil, &out, &errs); code != 0 || !strings.Contains(out.String(), "0 of 33 (0 %)") || !strings.Contains(out.String(), "0 of 220 (0 %)") {
		t.Errorf("exit %d: %s%s", code, &out, &errs)
	}
	if code := run([]string{"--dir", dir, "doctor", "--coverage", "--days", "5"}, nil, &out, &errs); code != 1 || !strings.Contains(errs.String(), "take 7 or 28") {
		t.Errorf("exit %d: %s", code, &errs)
	}
}
