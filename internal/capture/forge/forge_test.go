// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/lax"
)

// The commits in testdata: what was there, the newest of the branch, as what it was merged. The bodies are constructed after the forges'
// documents: no public recording of an enterprise's forge is to be had.
var (
	before = strings.Repeat("a1", 20)
	branch = strings.Repeat("b2", 20)
	merge  = strings.Repeat("c3", 20)
)

func at(s string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", "2026-11-"+s)
	if err != nil {
		panic(err)
	}
	return t
}

// same compares what each file of a folder gives with what it should: of a file that is not in want, nothing.
func same(t *testing.T, dir string, decode func(name string, body []byte) ([]gitlog.Report, error), want map[string][]gitlog.Report) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
	if err != nil || len(files) < len(want) {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		got, err := decode(name, body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want[name], got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func github(name string, body []byte) ([]gitlog.Report, error) {
	event, _, _ := strings.Cut(name, ".")
	return GitHub(event, body)
}

func TestWhatGitHubSaysIsRead(t *testing.T) {
	own := []string{"code.example.com/mill-works/mill", "ssh.code.example.com/mill-works/mill"}
	fork := append(own[:2:2], "code.example.com/ada/mill", "ssh.code.example.com/ada/mill")
	request := func(kind gitlog.ReportKind, when string) gitlog.Report {
		return gitlog.Report{Kind: kind, Repositories: fork, Request: 7, Commit: branch, Base: before, Main: true, At: at(when)}
	}
	review := func(said gitlog.Said, when string) gitlog.Report {
		r := request(gitlog.ReportReview, when)
		r.Said, r.By = said, "bo"
		return r
	}
	comment := func(from int) gitlog.Report {
		r := request(gitlog.ReportComment, "02 13:30")
		r.Path, r.From, r.To, r.By = "wheel/brake.go", from, 9, "bo"
		return r
	}
	check := func(r gitlog.Report) []gitlog.Report {
		r.Kind, r.Repositories, r.Commit = gitlog.ReportCheck, own, branch
		return []gitlog.Report{r}
	}
	merged := request(gitlog.ReportMerge, "03 09:00")
	merged.Merge = merge
	bot := review(gitlog.Approved, "02 13:00")
	bot.By, bot.Bot = "lint[bot]", true
	mine := comment(9)
	mine.By, mine.Own = "ada", true
	app := comment(9)
	app.Bot = true
	same(t, "github", github, map[string][]gitlog.Report{
		"pull_request.opened":                   {request(gitlog.ReportRequest, "02 11:00")},
		"pull_request.synchronize":              {request(gitlog.ReportRequest, "02 12:00")},
		"pull_request.closed-merged":            {merged},
		"pull_request_review.approved":          {review(gitlog.Approved, "02 13:00")},
		"pull_request_review.changes_requested": {review(gitlog.Objected, "02 13:00")},
		"pull_request_review.dismissed":         {review(gitlog.Withdrawn, "02 15:00")},
		"pull_request_review.bot":               {bot},
		"pull_request_review_comment.line":      {comment(9)},
		"pull_request_review_comment.lines":     {comment(7)},
		"pull_request_review_comment.own":       {mine},
		"pull_request_review_comment.app":       {app},
		"check_run.failure":                     check(gitlog.Report{Request: 7, Check: "unit tests (linux)", Group: "500", Test: true, Said: gitlog.Failed, At: at("02 11:09")}),
		"check_suite.success":                   check(gitlog.Report{Check: "suite ci", Group: "500", Whole: true, Said: gitlog.Passed, At: at("02 11:10")}),
		"workflow_run.failure":                  check(gitlog.Report{Check: "Build", Group: "500", Whole: true, Said: gitlog.Failed, At: at("02 11:11")}),
		"status.success":                        check(gitlog.Report{Check: "continuous-integration/mill", Said: gitlog.Passed, At: at("02 11:12")}),
		"push.main":                             {{Kind: gitlog.ReportPush, Repositories: own, Commit: merge, Base: before, Main: true, At: at("03 09:00")}},
	})
}

func TestWhatGitLabSaysIsRead(t *testing.T) {
	own := []string{"lab.example.com/mill-works/mill"}
	fork := append(own[:1:1], "lab.example.com/ada/mill")
	request := func(kind gitlog.ReportKind, when string) gitlog.Report {
		return gitlog.Report{Kind: kind, Repositories: fork, Request: 7, Commit: branch, Main: true, At: at(when)}
	}
	review := func(said gitlog.Said, when string) gitlog.Report {
		r := request(gitlog.ReportReview, when)
		r.Said, r.By = said, "bo"
		return r
	}
	check := func(r gitlog.Report) gitlog.Report {
		r.Kind, r.Repositories, r.Commit, r.Group = gitlog.ReportCheck, own, branch, "31"
		return r
	}
	merged := request(gitlog.ReportMerge, "03 09:00")
	merged.Merge = merge
	squashed := request(gitlog.ReportMerge, "02 11:00")
	squashed.Merge, squashed.Main = merge, false
	bot := review(gitlog.Approved, "02 11:00")
	bot.By, bot.Bot = "project_15_bot_77aa", true
	lines := request(gitlog.ReportComment, "02 13:30")
	lines.Repositories, lines.Path, lines.From, lines.To, lines.By = own, "wheel/brake.go", 7, 9, "bo"
	mine := lines
	mine.By, mine.Own = "ada", true
	same(t, "gitlab", func(_ string, body []byte) ([]gitlog.Report, error) { return GitLab(body) }, map[string][]gitlog.Report{
		"merge_request.open":              {request(gitlog.ReportRequest, "02 11:00")},
		"merge_request.update-commits":    {request(gitlog.ReportRequest, "02 11:00")},
		"merge_request.approval":          {review(gitlog.Approved, "02 13:00")},
		"merge_request.approved-bot":      {bot},
		"merge_request.unapproved":        {review(gitlog.Withdrawn, "02 15:00")},
		"merge_request.requested_changes": {review(gitlog.Objected, "02 14:00")},
		"merge_request.merge":             {merged},
		"merge_request.merge-squashed":    {squashed},
		"note.lines":                      {lines},
		"note.own":                        {mine},
		"note.commit":                     {{Kind: gitlog.ReportComment, Repositories: own, Commit: branch, Path: "wheel/brake.go", From: 9, To: 9, By: "bo", At: at("02 13:30")}},
		"pipeline.failed": {
			check(gitlog.Report{Request: 7, Check: "compile", Said: gitlog.Passed, At: at("02 11:09")}),
			check(gitlog.Report{Request: 7, Check: "race", Test: true, Said: gitlog.Failed, At: at("02 11:09")}),
			check(gitlog.Report{Request: 7, Check: "pipeline", Whole: true, Said: gitlog.Failed, At: at("02 11:10")}),
		},
		"build.success": {check(gitlog.Report{Check: "compile", Said: gitlog.Passed, At: at("02 11:05")})},
		"push.main":     {{Kind: gitlog.ReportPush, Repositories: own, Commit: merge, Base: before, Main: true, At: at("03 09:00")}},
	})
}

func TestWhatIsNoEventIsRefusedAndWhatIsUnknownIsPassedOver(t *testing.T) {
	for _, body := range []string{"", "null", "[]", `"push"`, `{"action":`, `{"action":"opened"}x`, "{\"ref\":\"\xff\"}", strings.Repeat(`{"a":`, 20_000)} {
		if _, err := GitHub("push", []byte(body)); !errors.Is(err, &episode.Problem{Code: "webhook/body"}) {
			t.Errorf("GitHub %.40q: %v", body, err)
		}
		if _, err := GitLab([]byte(body)); !errors.Is(err, &episode.Problem{Code: "webhook/body"}) {
			t.Errorf("GitLab %.40q: %v", body, err)
		}
	}
	if list, err := GitHub("star", []byte(`{"action":"created"}`)); list != nil || err != nil {
		t.Error(list, err)
	}
	if list, err := GitLab([]byte(`{"object_kind":"emoji"}`)); list != nil || err != nil {
		t.Error(list, err)
	}
	nowhere := `"sha":"` + branch + `","state":"success","build_status":"success","object_kind":"build"`
	for _, body := range []string{`{` + nowhere + `}`, `{` + nowhere + `,"repository":{"clone_url":"/srv/mill","homepage":"file:///srv/mill"}}`} {
		if _, err := GitHub("status", []byte(body)); !errors.Is(err, &episode.Problem{Code: "webhook/repository"}) {
			t.Errorf("GitHub: %v", err)
		}
		if _, err := GitLab([]byte(body)); !errors.Is(err, &episode.Problem{Code: "webhook/repository"}) {
			t.Errorf("GitLab: %v", err)
		}
	}
}

func TestAFieldOfAnotherTypeCostsNothingElse(t *testing.T) {
	body := `{"action":7,"sha":"` + strings.ToUpper(branch) + `","state":"failure","context":[1],"updated_at":{"a":1},"repository":{"clone_url":"https://code.example.com/mill.git","html_url":null,"default_branch":[]}}`
	list, err := GitHub("status", []byte(body))
	if err != nil || len(list) != 1 || list[0].Commit != branch || list[0].Said != gitlog.Failed || !list[0].At.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestChecksThatRunTestsAreToldByTheirNames(t *testing.T) {
	for name, want := range map[string]bool{"test": true, "Unit Tests / linux": true, "go-test (1.26)": true, "pytest": true, "e2e": true, "build-and-test": true, "TEST_RACE": true,
		"build": false, "latest": false, "attestation": false, "continuous-integration/mill": false, "contest": false, "lint": false, "": false} {
		if runsTests("", lax.String(name)) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

// check is what holds of the reports of any body.
func check(t *testing.T, list []gitlog.Report, err error) {
	t.Helper()
	if err != nil && list != nil || len(list) > 2*most {
		t.Errorf("%d reports, %v", len(list), err)
	}
	id := func(s string) bool {
		return s == "" || (len(s) == 40 || len(s) == 64) && strings.Trim(s, "0123456789abcdef") == ""
	}
	for _, r := range list {
		if r.Kind == "" || len(r.Repositories) == 0 || !id(r.Commit) || !id(r.Base) || !id(r.Merge) || r.From < 0 || r.To < r.From && r.Kind != gitlog.ReportComment || r.Request < 0 {
			t.Errorf("%+v", r)
		}
	}
}

func FuzzGitHub(f *testing.F) {
	seeds(f, "github", func(name string, body []byte) {
		event, _, _ := strings.Cut(name, ".")
		f.Add(event, body)
	})
	f.Fuzz(func(t *testing.T, event string, body []byte) {
		list, err := GitHub(event, body)
		check(t, list, err)
	})
}

func FuzzGitLab(f *testing.F) {
	seeds(f, "gitlab", func(_ string, body []byte) { f.Add(body) })
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := GitLab(body)
		check(t, list, err)
	})
}

func seeds(f *testing.F, dir string, add func(name string, body []byte)) {
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatal("no seeds", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		add(filepath.Base(file), body)
	}
}
