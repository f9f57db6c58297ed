// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"strings"

	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/lax"
)

// What GitHub sends, as docs.github.com/webhooks has it, as far as it is of use.
type (
	hubUser struct {
		Login lax.String `json:"login"`
		Type  lax.String `json:"type"`
	}
	hubRepository struct {
		CloneURL      lax.String `json:"clone_url"`
		SSHURL        lax.String `json:"ssh_url"`
		HTMLURL       lax.String `json:"html_url"`
		DefaultBranch lax.String `json:"default_branch"`
	}
	hubBranch struct {
		SHA  lax.String    `json:"sha"`
		Ref  lax.String    `json:"ref"`
		Repo hubRepository `json:"repo"`
	}
	hubRequest struct {
		Number   lax.Number `json:"number"`
		User     hubUser    `json:"user"`
		Head     hubBranch  `json:"head"`
		Base     hubBranch  `json:"base"`
		Merged   lax.Bool   `json:"merged"`
		Merge    lax.String `json:"merge_commit_sha"`
		MergedAt lax.String `json:"merged_at"`
		Updated  lax.String `json:"updated_at"`
		Created  lax.String `json:"created_at"`
	}
	hubReview struct {
		User      hubUser    `json:"user"`
		State     lax.String `json:"state"`
		Commit    lax.String `json:"commit_id"`
		Submitted lax.String `json:"submitted_at"`
		Updated   lax.String `json:"updated_at"`
	}
	hubComment struct {
		User      hubUser              `json:"user"`
		Path      lax.String           `json:"path"`
		Commit    lax.String           `json:"commit_id"`
		Line      lax.Number           `json:"line"`
		StartLine lax.Number           `json:"start_line"`
		Side      lax.String           `json:"side"`
		StartSide lax.String           `json:"start_side"`
		Subject   lax.String           `json:"subject_type"`
		ReplyTo   lax.Number           `json:"in_reply_to_id"`
		Created   lax.String           `json:"created_at"`
		App       lax.Object[struct{}] `json:"performed_via_github_app"`
	}
	hubCheck struct { // a check run, a check suite or a workflow run
		ID         lax.Number   `json:"id"`
		Name       lax.String   `json:"name"`
		SHA        lax.String   `json:"head_sha"`
		Event      lax.String   `json:"event"`
		Status     lax.String   `json:"status"`
		Conclusion lax.String   `json:"conclusion"`
		Completed  lax.String   `json:"completed_at"`
		Updated    lax.String   `json:"updated_at"`
		SuiteID    lax.Number   `json:"check_suite_id"`
		Requests   []hubRequest `json:"pull_requests"`
		Suite      struct {
			ID lax.Number `json:"id"`
		} `json:"check_suite"`
		App struct {
			Slug lax.String `json:"slug"`
		} `json:"app"`
	}
	hubEvent struct {
		Action     lax.String    `json:"action"`
		Repository hubRepository `json:"repository"`
		Request    *hubRequest   `json:"pull_request"`
		Review     hubReview     `json:"review"`
		Comment    hubComment    `json:"comment"`
		CheckRun   hubCheck      `json:"check_run"`
		CheckSuite hubCheck      `json:"check_suite"`
		Workflow   hubCheck      `json:"workflow_run"`

		SHA     lax.String `json:"sha"` // of a status
		State   lax.String `json:"state"`
		Context lax.String `json:"context"`
		Updated lax.String `json:"updated_at"`

		Ref    lax.String `json:"ref"` // of a push
		Before lax.String `json:"before"`
		After  lax.String `json:"after"`
		Head   struct {
			Timestamp lax.String `json:"timestamp"`
		} `json:"head_commit"`
	}
)

// GitHub reads the body of one delivery of an event, as the header X-GitHub-Event names it.
func GitHub(event string, body []byte) ([]gitlog.Report, error) {
	var e hubEvent
	switch event {
	case "pull_request", "pull_request_review", "pull_request_review_comment", "check_run", "check_suite", "workflow_run", "status", "push":
	default:
		return nil, nil
	}
	if !lax.Decode(body, &e) {
		return nil, unreadable("GitHub")
	}
	var list []gitlog.Report
	switch event {
	case "pull_request":
		list = e.request()
	case "pull_request_review":
		list = e.review()
	case "pull_request_review_comment":
		list = e.comment()
	case "check_run":
		c := &e.CheckRun
		list = c.report(gitlog.Report{Check: string(c.Name), Group: ident(c.Suite.ID)})
	case "check_suite":
		c := &e.CheckSuite
		list = c.report(gitlog.Report{Check: "suite " + string(c.App.Slug), Group: ident(c.ID), Whole: true})
	case "workflow_run":
		c := &e.Workflow
		if c.Event == "schedule" {
			return nil, nil // of the state of things, not of the commit that happened to be there
		}
		list = c.report(gitlog.Report{Check: string(c.Name), Group: ident(c.SuiteID), Whole: true})
	case "status":
		list = checked(gitlog.Report{Commit: commitID(e.SHA), Check: string(e.Context), Test: runsTests(e.Context), At: when(e.Updated)}, outcome(e.State))
	case "push":
		list = e.push()
	}
	return e.from(list)
}

// from says of which repositories reports are.
func (e *hubEvent) from(list []gitlog.Report) ([]gitlog.Report, error) {
	if len(list) == 0 {
		return nil, nil
	}
	from := []hubRepository{e.Repository}
	if e.Request != nil {
		from = append(from, e.Request.Head.Repo)
	}
	var all []lax.String
	for _, r := range from {
		all = append(all, r.CloneURL, r.SSHURL, r.HTMLURL)
	}
	repositories := names(all...)
	if len(repositories) == 0 {
		return nil, nameless("GitHub")
	}
	for i := range list {
		list[i].Repositories = repositories
	}
	return list, nil
}

// about begins a report on the event's request.
func (e *hubEvent) about(kind gitlog.ReportKind) gitlog.Report {
	r := e.Request
	return gitlog.Report{Kind: kind, Request: r.Number.Int(), Commit: commitID(r.Head.SHA), Base: commitID(r.Base.SHA),
		Main: r.Base.Ref != "" && r.Base.Ref == e.Repository.DefaultBranch, At: when(r.Updated, r.Created)}
}

func (e *hubEvent) request() []gitlog.Report {
	if e.Request == nil {
		return nil
	}
	r := e.about(gitlog.ReportRequest)
	if e.Action == "closed" && e.Request.Merged {
		r.Kind, r.Merge, r.At = gitlog.ReportMerge, commitID(e.Request.Merge), when(e.Request.MergedAt, e.Request.Updated)
		return []gitlog.Report{r}
	}
	switch e.Action {
	case "opened", "reopened", "synchronize", "ready_for_review", "edited": // edited may give it another base
		return []gitlog.Report{r}
	}
	return nil
}

func (e *hubEvent) review() []gitlog.Report {
	if e.Request == nil {
		return nil
	}
	v := &e.Review
	r := e.about(gitlog.ReportReview)
	switch {
	case e.Action == "dismissed":
		r.Said = gitlog.Withdrawn
		r.At = when(e.Request.Updated, v.Updated, v.Submitted) // when it was submitted, it was not
	case v.State == "approved":
		r.Said = gitlog.Approved
	case v.State == "changes_requested":
		r.Said = gitlog.Objected
	default:
		return nil // a comment is no verdict
	}
	if r.Said != gitlog.Withdrawn {
		r.At = when(v.Submitted, e.Request.Updated)
	}
	if id := commitID(v.Commit); id != "" {
		r.Commit = id
	}
	r.By, r.Bot, r.Own = string(v.User.Login), v.User.bot(), v.User.Login == e.Request.User.Login
	return []gitlog.Report{r}
}

// comment takes the first comment of a thread: what follows it is an answer.
func (e *hubEvent) comment() []gitlog.Report {
	c := &e.Comment
	if e.Request == nil || e.Action != "created" || c.Side == "LEFT" || c.Subject == "file" || c.ReplyTo != 0 || c.Line == 0 {
		return nil
	}
	r := e.about(gitlog.ReportComment)
	r.Path, r.From, r.To, r.At = string(c.Path), line(c.Line), line(c.Line), when(c.Created)
	if c.StartLine > 0 && c.StartSide != "LEFT" {
		r.From = line(c.StartLine)
	}
	if id := commitID(c.Commit); id != "" {
		r.Commit = id
	}
	r.By, r.Bot, r.Own = string(c.User.Login), c.User.bot() || c.App.OK, c.User.Login == e.Request.User.Login
	return []gitlog.Report{r}
}

func (e *hubEvent) push() []gitlog.Report {
	branch, ok := strings.CutPrefix(string(e.Ref), "refs/heads/")
	r := gitlog.Report{Kind: gitlog.ReportPush, Commit: commitID(e.After), Base: commitID(e.Before), Main: true, At: when(e.Head.Timestamp)}
	if !ok || branch != string(e.Repository.DefaultBranch) || r.Commit == "" {
		return nil
	}
	return []gitlog.Report{r}
}

// bot reports whether a program has the account.
func (u *hubUser) bot() bool { return u.Type == "Bot" || strings.HasSuffix(string(u.Login), "[bot]") }

// report completes a report of a check.
func (c *hubCheck) report(r gitlog.Report) []gitlog.Report {
	if c.Status != "" && c.Status != "completed" {
		return nil
	}
	r.Commit, r.Test, r.At = commitID(c.SHA), runsTests(c.Name), when(c.Completed, c.Updated)
	if len(c.Requests) > 0 {
		r.Request = c.Requests[0].Number.Int()
	}
	return checked(r, outcome(c.Conclusion))
}

// outcome is what a check's end says of the commit: nothing, where it was cancelled, skipped or has no opinion.
func outcome(conclusion lax.String) gitlog.Said {
	switch conclusion {
	case "success":
		return gitlog.Passed
	case "failure", "failed", "error", "timed_out", "startup_failure":
		return gitlog.Failed
	}
	return ""
}

func checked(r gitlog.Report, said gitlog.Said) []gitlog.Report {
	if r.Kind, r.Said = gitlog.ReportCheck, said; said == "" || r.Commit == "" {
		return nil
	}
	return []gitlog.Report{r}
}
