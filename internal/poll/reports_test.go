// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// one wants exactly one page and returns it.
func one(t *testing.T, pages []Page) Page {
	t.Helper()
	if len(pages) != 1 {
		t.Fatalf("%d pages", len(pages))
	}
	return pages[0]
}

func claudeLine(user string, accepted, rejected int) string {
	return fmt.Sprintf(`{"date":"2026-11-05T00:00:00Z","actor":{"type":"user_actor","email_address":%q},"organization_id":"o","customer_type":"api","terminal_type":"vscode",
 "core_metrics":{"num_sessions":2,"lines_of_code":{"added":100,"removed":40},"commits_by_claude_code":3,"pull_requests_by_claude_code":1},
 "tool_actions":{"edit_tool":{"accepted":%d,"rejected":%d},"multi_edit_tool":{"accepted":1,"rejected":0},"write_tool":{"accepted":1,"rejected":0},"notebook_edit_tool":{"accepted":0,"rejected":0},"bash_tool":{"accepted":99,"rejected":99}},
 "model_breakdown":[{"model":"claude-opus-4-8","tokens":{"input":1000,"output":500,"cache_read":100,"cache_creation":50},"estimated_cost":{"currency":"USD","amount":1025}}]}`, user, accepted, rejected)
}

func TestClaudeReportIsAddedUpByTeamAcrossPages(t *testing.T) {
	m := newMaker(t, func(r *http.Request) string {
		if r.Header.Get("anthropic-version") != "2023-06-01" || r.Header.Get("User-Agent") == "" {
			t.Errorf("headers: %v", r.Header)
		}
		return r.Header.Get("x-api-key")
	})
	const ask = "/v1/organizations/usage_report/claude_code?limit=1000"
	m.answers[ask+"&starting_at=2026-11-05"] = `{"data":[` + claudeLine("ada-1@example.com", 10, 2) + "," + claudeLine("ADA-1@example.com", 1, 0) + `,{"date":"2026-11-04T00:00:00Z"},7],"has_more":true,"next_page":"p2=="}`
	m.answers[ask+"&page=p2%3D%3D&starting_at=2026-11-05"] = `{"data":[` + claudeLine("ada-2@example.com", 5, 1) + "," + claudeLine("stranger@example.com", 7, 3) + `],"has_more":false,"next_page":null}`
	p := m.poller(Config{Kind: "claude", Since: "2026-11-05"})
	page := one(t, pass(t, p, "", teamsOf(t, map[string]string{"ada": "payments"})))
	figure := func(team string, people int, accepted, rejected float64, rows float64) Figure {
		return Figure{Day: dayNumber(t, "2026-11-05"), Tool: "claude-code", Team: team, Developers: people, Counts: map[string]float64{
			"accepted": accepted, "rejected": rejected, "sessions": 2 * rows, "lines_added": 100 * rows, "lines_removed": 40 * rows, "commits": 3 * rows, "pull_requests": rows,
			"cost_usd": 10.25 * rows, "tokens_input": 1000 * rows, "tokens_output": 500 * rows, "tokens_cache_read": 100 * rows, "tokens_cache_write": 50 * rows}}
	}
	want := []Figure{figure("", 1, 9, 3, 1), figure("payments", 2, 22, 3, 3)}
	if d := cmp.Diff(want, page.Figures); d != "" {
		t.Error(d)
	}
	if page.SetAside != 1 || !page.Last || page.Next != "2026-11-06" {
		t.Errorf("%+v", page)
	}
	if d := cmp.Diff([]string{ask + "&starting_at=2026-11-05", ask + "&page=p2%3D%3D&starting_at=2026-11-05"}, m.requests()); d != "" {
		t.Error(d)
	}
}

func githubKey(t *testing.T) func(*http.Request) string {
	return func(r *http.Request) string {
		if r.Header.Get("X-GitHub-Api-Version") == "" || r.Header.Get("Accept") != "application/vnd.github+json" {
			t.Errorf("headers: %v", r.Header)
		}
		return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	}
}

func TestCopilotReportByUserIsReadFromSignedLinks(t *testing.T) {
	t.Parallel() // it waits for a second
	m := newMaker(t, githubKey(t))
	const ask = "/orgs/alder/copilot/metrics/reports/users-1-day"
	m.answers[ask+"?day=2026-11-03"] = `{"download_links":["{server}/signed/a?sig=1","{server}/signed/b?sig=2"],"report_day":"2026-11-03"}`
	m.answers[ask+"?day=2026-11-04"] = "" // not made yet
	line := func(user string, accepted int) string {
		return fmt.Sprintf(`{"report_start_day":"2026-11-03","day":"2026-11-03","user_id":1,"user_login":%q,"user_initiated_interaction_count":3,"code_generation_activity_count":40,"code_acceptance_activity_count":%d,"loc_added_sum":20,"loc_deleted_sum":2,"totals_by_ide":[{"ide":"vscode"}],"used_agent":true}`, user, accepted)
	}
	m.answers["/signed/a?sig=1"] = line("bo-1@example.com", 10) + "\n\n" + line("bo-2@example.com", 5) + "\nnot json\n"
	m.answers["/signed/b?sig=2"] = line("octocat", 1) + "\n" + strings.Replace(line("late", 9), `"day":"2026-11-03"`, `"day":"2026-11-01"`, 1)
	m.first["/signed/b?sig=2"] = []func(http.ResponseWriter){func(w http.ResponseWriter) { // the first time it stops in the middle
		w.Header().Set("Content-Length", "5000")
		fmt.Fprintln(w, line("octocat", 1))
	}}
	p := m.poller(Config{Kind: "copilot", Organisation: "alder", Since: "2026-11-03"})
	pages := pass(t, p, "", teamsOf(t, map[string]string{"bo": "portal"}))
	counts := func(people int, accepted float64) map[string]float64 {
		n := float64(people)
		return map[string]float64{"suggested": 40 * n, "accepted": accepted, "lines_added": 20 * n, "lines_removed": 2 * n}
	}
	day := dayNumber(t, "2026-11-03")
	want := []Figure{{Day: day, Tool: "copilot", Developers: 1, Counts: counts(1, 1)}, {Day: day, Tool: "copilot", Team: "portal", Developers: 2, Counts: counts(2, 15)}}
	if d := cmp.Diff(want, figuresOf(pages)); d != "" {
		t.Error(d)
	}
	if len(pages) != 2 || pages[0].SetAside != 2 || len(pages[1].Days) != 0 || !pages[1].Last {
		t.Errorf("a day without a report keeps what is known of it: %+v", pages)
	}
}

func TestCopilotReportWithoutTeamsAsksForNobody(t *testing.T) {
	for _, enterprise := range []bool{false, true} {
		m := newMaker(t, githubKey(t))
		c, ask := Config{Kind: "copilot", Organisation: "alder", Since: "2026-11-04"}, "/orgs/alder/copilot/metrics/reports/organization-1-day?day=2026-11-04"
		if enterprise {
			c, ask = Config{Kind: "copilot", Enterprise: "alder-bank", Since: "2026-11-04"}, "/enterprises/alder-bank/copilot/metrics/reports/enterprise-1-day?day=2026-11-04"
		}
		m.answers[ask] = `{"download_links":["{server}/signed/a"],"report_day":"2026-11-04"}`
		total := `"day":"2026-11-04","daily_active_users":31,"code_generation_activity_count":900,"code_acceptance_activity_count":300,"loc_added_sum":5,"loc_deleted_sum":1,"pull_requests":{"total_created":4}`
		m.answers["/signed/a"] = `{"report_start_day":"2026-11-04","day_totals":[{` + total + `}]}`
		if enterprise {
			m.answers["/signed/a"] = `{` + total + `}`
		}
		want := []Figure{{Day: dayNumber(t, "2026-11-04"), Tool: "copilot", Developers: 31, Counts: map[string]float64{"suggested": 900, "accepted": 300, "lines_added": 5, "lines_removed": 1}}}
		if d := cmp.Diff(want, figuresOf(pass(t, m.poller(c), "", nil))); d != "" {
			t.Error(d)
		}
	}
}

func TestAReportLinkThatIsNotSafeIsNotFollowed(t *testing.T) {
	m := newMaker(t, githubKey(t))
	for _, link := range []string{"http://reports.example/a", "file:///etc/passwd", "::"} {
		m.answers["/orgs/alder/copilot/metrics/reports/organization-1-day?day=2026-11-04"] = `{"download_links":["` + link + `"],"report_day":"2026-11-04"}`
		err := m.poller(Config{Kind: "copilot", Organisation: "alder", Since: "2026-11-04"}).Pass(t.Context(), "", noon, nil, func(Page) error { t.Error("a page"); return nil })
		if err == nil || strings.Contains(err.Error(), link) {
			t.Errorf("%s: %v", link, err)
		}
	}
}

func cursorKey(r *http.Request) string {
	user, password, _ := r.BasicAuth()
	if password != "" || !strings.HasSuffix(r.Header.Get("Authorization"), base64.StdEncoding.EncodeToString([]byte(user+":"))) {
		return ""
	}
	return user
}

const (
	agentEdits = `{"event_date":"2026-11-05","total_suggested_diffs":145,"total_accepted_diffs":98,"total_rejected_diffs":47,"total_green_lines_accepted":820,"total_red_lines_accepted":160}`
	tabs       = `{"event_date":"2026-11-05","total_suggestions":5420,"total_accepts":3210,"total_rejects":2210,"total_green_lines_accepted":4120}`
	commit     = `{"commitHash":"a1b2","userEmail":"cy-1@example.com","repoName":"alder/portal","totalLinesAdded":120,"tabLinesAdded":50,"composerLinesAdded":40,"nonAiLinesAdded":null,"message":"m","commitTs":"2026-11-05T14:12:03.000Z","createdAt":"2026-11-05T14:12:30.000Z"}`
)

func TestCursorTeamTotalsAndCommitsAreRead(t *testing.T) {
	m := newMaker(t, cursorKey)
	days := "?endDate=2026-11-05&startDate=2026-11-05"
	m.answers["/analytics/team/agent-edits"+days] = `{"data":[` + agentEdits + `],"params":{"teamId":1}}`
	m.answers["/analytics/team/tabs"+days] = `{"data":[` + tabs + `]}`
	m.answers["/analytics/team/dau"+days] = `{"data":[{"date":"2026-11-05","dau":42,"cli_dau":5}]}`
	commits := "/analytics/ai-code/commits?endDate=2026-11-06T00%3A00%3A00Z&page=%d&pageSize=1000&startDate=2026-11-05T00%%3A00%%3A00Z"
	commits = strings.Replace(commits, "06T00%3A00%3A00Z&page=%d", "06T00%%3A00%%3A00Z&page=%d", 1)
	m.answers[fmt.Sprintf(commits, 1)] = `{"items":[` + commit + `],"totalCount":2,"page":1,"pageSize":1}`
	m.answers[fmt.Sprintf(commits, 2)] = `{"items":[` + strings.Replace(commit, `"commitTs":"2026-11-05T14:12:03.000Z"`, `"commitTs":null`, 1) + `],"totalCount":2,"page":2,"pageSize":1}`
	page := one(t, pass(t, m.poller(Config{Kind: "cursor", Since: "2026-11-05"}), "", nil))
	want := []Figure{{Day: dayNumber(t, "2026-11-05"), Tool: "cursor", Developers: 42, Counts: map[string]float64{"suggested": 145, "accepted": 98, "rejected": 47, "lines_added": 820, "lines_removed": 160,
		"completions_suggested": 5420, "completions_accepted": 3210, "completions_ignored": 2210, "commits": 2, "committed_lines": 240, "committed_ai_lines": 180}}}
	if d := cmp.Diff(want, page.Figures); d != "" {
		t.Error(d)
	}
	if n := len(m.requests()); n != 5 {
		t.Errorf("asked %d times", n)
	}
}

func TestCursorByUserIsAddedUpByTeamAcrossPages(t *testing.T) {
	m := newMaker(t, cursorKey)
	ask := func(report string, page int) string {
		return fmt.Sprintf("/analytics/by-user/%s?endDate=2026-11-05&page=%d&pageSize=500&startDate=2026-11-05", report, page)
	}
	m.answers[ask("agent-edits", 1)] = `{"data":{"cy-1@example.com":[` + agentEdits + `],"idle@example.com":[{"event_date":"2026-11-05"}]},"pagination":{"page":1,"hasNextPage":true}}`
	m.answers[ask("agent-edits", 2)] = `{"data":{"cy-2@example.com":[` + agentEdits + `],"other@example.com":[` + agentEdits + `]},"pagination":{"page":2,"hasNextPage":false}}`
	m.answers[ask("tabs", 1)] = `{"data":{"cy-1@example.com":[` + tabs + `]},"pagination":{"hasNextPage":false}}`
	m.answers["/analytics/ai-code/commits?endDate=2026-11-06T00%3A00%3A00Z&page=1&pageSize=1000&startDate=2026-11-05T00%3A00%3A00Z"] = `{"items":[],"totalCount":0}`
	page := one(t, pass(t, m.poller(Config{Kind: "cursor", Since: "2026-11-05"}), "", teamsOf(t, map[string]string{"cy": "ledger"})))
	if len(page.Figures) != 2 || page.Figures[0].Team != "" || page.Figures[0].Developers != 1 || page.Figures[1].Team != "ledger" || page.Figures[1].Developers != 2 ||
		page.Figures[1].Counts["accepted"] != 196 || page.Figures[1].Counts["completions_accepted"] != 3210 {
		t.Errorf("%+v", page.Figures)
	}
}
