// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
)

func julesKey(r *http.Request) string { return r.Header.Get("X-Goog-Api-Key") }

// A session as the API's documentation shows one: the approval is said to be a user's, two seconds after the plan.
const (
	julesSession = `{"name":"sessions/314","id":"314","title":"Brake","prompt":"Let the wheel be stopped","sourceContext":{"source":"sources/github/Alder/mill","githubRepoContext":{"startingBranch":"main"}},
 "createTime":"2026-11-04T09:00:00Z","updateTime":"2026-11-04T09:30:00Z","state":"COMPLETED","url":"https://jules.google.com/session/314","outputs":[{"pullRequest":{"url":"https://github.com/alder/mill/pull/7","title":"Brake"}}]}`
	julesPlan     = `{"name":"sessions/314/activities/a1","id":"a1","createTime":"2026-11-04T09:01:00Z","originator":"agent","planGenerated":{"plan":{"id":"p1","steps":[{"id":"s1","title":"Read the code"},{"id":"s2","index":1,"title":"Add a brake","description":"In wheel.go."}]}}}`
	julesApproval = `{"name":"sessions/314/activities/a2","id":"a2","createTime":"2026-11-04T09:01:02Z","originator":"user","planApproved":{"planId":"p1"}}`
	julesEnd      = `{"name":"sessions/314/activities/a4","id":"a4","createTime":"2026-11-04T09:30:00Z","originator":"agent","sessionCompleted":{},"artifacts":[{"changeSet":{"source":"sources/github/Alder/mill","gitPatch":{
 "unidiffPatch":"diff --git a/wheel.go b/wheel.go\n--- a/wheel.go\n+++ b/wheel.go\n@@ -1,2 +1,3 @@\n package mill\n \n+func Brake() {}\ndiff --git a/NOTES b/NOTES\nnew file mode 100644\n--- /dev/null\n+++ b/NOTES\n@@ -0,0 +1 @@\n+a brake\n","baseCommitId":"36ea"}}}]}`
)

func TestJulesSessionsAreReadPageByPageAndGoOnWhereTheyWereCutOff(t *testing.T) {
	m := newMaker(t, julesKey)
	other := strings.NewReplacer(`314`, `999`, `"updateTime":"2026-11-04T09:30:00Z"`, `"updateTime":"2026-11-04T10:00:00Z"`).Replace(julesSession)
	m.answers["/v1alpha/sessions?pageSize=50"] = `{"sessions":[` + julesSession + `,{"id":"../keys","updateTime":"2026-11-04T09:30:00Z"}],"nextPageToken":"t2"}`
	m.answers["/v1alpha/sessions?pageSize=50&pageToken=t2"] = `{"sessions":[` + other + `,{"id":"old","updateTime":"2026-01-01T00:00:00Z"}]}`
	m.answers["/v1alpha/sessions/314/activities?pageSize=50"] = `{"activities":[` + julesApproval + `],"nextPageToken":"t3"}`
	m.answers["/v1alpha/sessions/314/activities?pageSize=50&pageToken=t3"] = `{"activities":[` + julesPlan + "," + julesEnd + `]}` // in no order
	p := m.poller(Config{Kind: "jules", Developer: "ada", Since: "2026-11-01"})
	pages := pass(t, p, "", nil)
	if len(pages) != 2 || len(pages[0].Episodes) != 1 || pages[0].SetAside != 1 || len(pages[1].Episodes) != 0 || pages[1].SetAside != 1 { // 999 has gone meanwhile
		t.Fatalf("%+v", pages)
	}
	ep := pages[0].Episodes[0]
	if ep.Instruction != "Let the wheel be stopped" || ep.Repository != "github.com/alder/mill" || ep.Links.PullRequest != "https://github.com/alder/mill/pull/7" {
		t.Errorf("%+v", ep)
	}
	if len(pages[0].Figures)+len(pages[0].Days) != 0 {
		t.Error("sessions are no totals")
	}
	m.requests()
	// Cut off after the first page, the second is asked for; a server that has forgotten it is asked from the beginning.
	if again := pass(t, p, pages[0].Next, nil); len(again) != 1 || m.requests()[0] != "/v1alpha/sessions?pageSize=50&pageToken=t2" {
		t.Errorf("%+v", again)
	}
	m.first["/v1alpha/sessions?pageSize=50&pageToken=t2"] = []func(http.ResponseWriter){func(w http.ResponseWriter) { w.WriteHeader(http.StatusBadRequest) }}
	if again := pass(t, p, pages[0].Next, nil); len(again) != 3 || len(again[1].Episodes) != 1 {
		t.Errorf("%+v", again)
	}
	m.requests()
	// What did not change since is not asked for again.
	later := strings.ReplaceAll(pages[1].Next, "T09:30", "T12:00")
	if again := pass(t, p, later, nil); len(again) != 2 || len(m.requests()) != 2 {
		t.Errorf("%+v", again)
	}
}

func TestJulesApprovalIsAPersonsOnlyWherePlansWaitForOne(t *testing.T) {
	m := newMaker(t, julesKey)
	p := m.poller(Config{Kind: "jules", Developer: "ada", Since: "2026-11-01"})
	decided := func(session, activities, position string) (episode.Decision, string) {
		t.Helper()
		m.answers["/v1alpha/sessions?pageSize=50"] = `{"sessions":[` + session + `]}`
		m.answers["/v1alpha/sessions/314/activities?pageSize=50"] = `{"activities":[` + activities + `]}`
		page := one(t, pass(t, p, position, nil))
		if len(page.Episodes) != 1 || len(page.Episodes[0].Suggestions) == 0 {
			t.Fatalf("%+v", page)
		}
		if d := page.Episodes[0].Decisions; len(d) == 1 && d[0].Suggestion == "p1" && d[0].Verdict == episode.Accepted {
			return d[0], page.Next
		}
		return episode.Decision{}, page.Next
	}
	if d, _ := decided(julesSession, julesPlan+","+julesApproval, ""); d.By != episode.ByUnknown || !d.At.Equal(time.Date(2026, 11, 4, 9, 1, 2, 0, time.UTC)) {
		t.Errorf("nothing shows that the plan waited for anybody: %+v", d)
	}
	if d, _ := decided(strings.Replace(julesSession, `"state"`, `"requirePlanApproval":true,"state"`, 1), julesPlan+","+julesApproval, ""); d.By != episode.ByPerson {
		t.Errorf("%+v", d)
	}
	waiting := strings.Replace(julesSession, "COMPLETED", "AWAITING_PLAN_APPROVAL", 1)
	d, position := decided(waiting, julesPlan, "")
	if d.Verdict != "" {
		t.Errorf("nothing is decided yet: %+v", d)
	}
	if d, _ = decided(julesSession, julesPlan+","+julesApproval, position); d.By != episode.ByPerson {
		t.Errorf("it was seen to wait: %+v", d)
	}
}

func TestJulesPositionIsSmall(t *testing.T) {
	a := &jules{}
	p := julesPosition{Since: noon}
	for range 3 * maxWaited {
		p.Waited = append(p.Waited, "s")
	}
	var q julesPosition
	if err := json.Unmarshal([]byte(a.start("not ours", noon)), &q); err != nil || q.Since.IsZero() || q.Since.After(noon) {
		t.Errorf("%+v, %v", q, err)
	}
	if p.Waited = p.Waited[max(0, len(p.Waited)-maxWaited):]; len(p.String()) > 64<<10 {
		t.Errorf("%d bytes", len(p.String()))
	}
}
