// SPDX-License-Identifier: Apache-2.0

package forge

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/lax"
)

// What GitLab sends, as its page on webhook events has it, as far as it is of use.
type (
	labUser struct {
		ID       lax.Number `json:"id"`
		Username lax.String `json:"username"`
		Email    lax.String `json:"email"`
		State    lax.String `json:"state"` // of a reviewer
	}
	labProject struct {
		HTTPURL       lax.String `json:"git_http_url"`
		SSHURL        lax.String `json:"git_ssh_url"`
		WebURL        lax.String `json:"web_url"`
		Homepage      lax.String `json:"homepage"`
		DefaultBranch lax.String `json:"default_branch"`
	}
	labCommit struct {
		ID        lax.String `json:"id"`
		Timestamp lax.String `json:"timestamp"`
		Author    struct {
			Email lax.String `json:"email"`
		} `json:"author"`
	}
	labEvent struct {
		User       labUser    `json:"user"`
		Project    labProject `json:"project"`
		Repository labProject `json:"repository"` // job events of old versions have no project
	}
	labRequest struct {
		Number   lax.Number            `json:"iid"`
		AuthorID lax.Number            `json:"author_id"`
		Target   lax.String            `json:"target_branch"`
		Last     lax.Object[labCommit] `json:"last_commit"`
	}
	labRequestEvent struct {
		labEvent
		Object struct {
			labRequest
			Action  lax.String             `json:"action"`
			System  lax.Bool               `json:"system"`
			Before  lax.String             `json:"oldrev"`
			Merge   lax.String             `json:"merge_commit_sha"`
			Squash  lax.String             `json:"squash_commit_sha"`
			Source  lax.Object[labProject] `json:"source"`
			Created lax.String             `json:"created_at"`
			Updated lax.String             `json:"updated_at"`
		} `json:"object_attributes"`
		Changes struct {
			Reviewers lax.Object[struct {
				Before lax.List[labUser] `json:"previous"`
				Now    lax.List[labUser] `json:"current"`
			}] `json:"reviewers"`
		} `json:"changes"`
	}
	labNoteEvent struct {
		labEvent
		Object struct {
			On       lax.String `json:"noteable_type"`
			Action   lax.String `json:"action"`
			System   lax.Bool   `json:"system"`
			Created  lax.String `json:"created_at"`
			Commit   lax.String `json:"commit_id"`
			LineCode lax.String `json:"line_code"`
			Diff     lax.Object[struct {
				Path lax.String `json:"new_path"`
			}] `json:"st_diff"`
			Position lax.Object[struct {
				Head    lax.String `json:"head_sha"`
				Path    lax.String `json:"new_path"`
				NewLine lax.Number `json:"new_line"`
				Range   lax.Object[struct {
					Start lax.Object[struct {
						NewLine lax.Number `json:"new_line"`
					}] `json:"start"`
				}] `json:"line_range"`
			}] `json:"position"`
		} `json:"object_attributes"`
		Request lax.Object[labRequest] `json:"merge_request"`
		Commit  lax.Object[labCommit]  `json:"commit"`
	}
	labPipelineEvent struct {
		labEvent
		Object struct {
			ID       lax.Number `json:"id"`
			SHA      lax.String `json:"sha"`
			Source   lax.String `json:"source"`
			Status   lax.String `json:"status"`
			Finished lax.String `json:"finished_at"`
		} `json:"object_attributes"`
		Request lax.Object[labRequest] `json:"merge_request"`
		Jobs    lax.List[struct {
			Stage       lax.String           `json:"stage"`
			Name        lax.String           `json:"name"`
			Status      lax.String           `json:"status"`
			Finished    lax.String           `json:"finished_at"`
			MayFail     lax.Bool             `json:"allow_failure"`
			Environment lax.Object[struct{}] `json:"environment"`
		}] `json:"builds"`
	}
	labJobEvent struct {
		labEvent
		SHA         lax.String           `json:"sha"` // commit.id is the pipeline's
		Pipeline    lax.Number           `json:"pipeline_id"`
		Name        lax.String           `json:"build_name"`
		Stage       lax.String           `json:"build_stage"`
		Status      lax.String           `json:"build_status"`
		Finished    lax.String           `json:"build_finished_at"`
		MayFail     lax.Bool             `json:"build_allow_failure"`
		Environment lax.Object[struct{}] `json:"environment"`
	}
	labPushEvent struct {
		labEvent
		Ref     lax.String          `json:"ref"`
		Before  lax.String          `json:"before"`
		After   lax.String          `json:"after"`
		Commits lax.List[labCommit] `json:"commits"`
	}
)

// GitLab reads the body of one delivery; it says itself what kind of event it is.
func GitLab(body []byte) ([]gitlog.Report, error) {
	var kind struct {
		Kind lax.String `json:"object_kind"`
	}
	if !lax.Decode(body, &kind) {
		return nil, unreadable("GitLab")
	}
	var event interface {
		reports() []gitlog.Report
		addresses() []lax.String
	}
	switch kind.Kind {
	case "merge_request":
		event = &labRequestEvent{}
	case "note":
		event = &labNoteEvent{}
	case "pipeline":
		event = &labPipelineEvent{}
	case "build":
		event = &labJobEvent{}
	case "push":
		event = &labPushEvent{}
	default:
		return nil, nil
	}
	if !lax.Decode(body, event) {
		return nil, unreadable("GitLab")
	}
	list := event.reports()
	if len(list) == 0 {
		return nil, nil
	}
	repositories := names(event.addresses()...)
	if len(repositories) == 0 {
		return nil, nameless("GitLab")
	}
	for i := range list {
		list[i].Repositories = repositories
	}
	return list, nil
}

func (p *labProject) all() []lax.String {
	return []lax.String{p.HTTPURL, p.SSHURL, p.WebURL, p.Homepage}
}

func (e *labEvent) addresses() []lax.String { return append(e.Project.all(), e.Repository.all()...) }

func (e *labRequestEvent) addresses() []lax.String {
	return append(e.labEvent.addresses(), e.Object.Source.V.all()...)
}

// reports: an approval that the forge itself took back, because of a push, was a verdict on what was there before.
func (e *labRequestEvent) reports() (list []gitlog.Report) {
	o := &e.Object
	r := o.report(gitlog.ReportRequest, &e.Project)
	r.At = when(o.Updated, o.Created)
	switch o.Action {
	case "open", "reopen":
		list = append(list, r)
	case "update":
		if o.Before != "" { // it has new commits
			list = append(list, r)
		}
	case "merge":
		r.Kind, r.Merge = gitlog.ReportMerge, cmp.Or(commitID(o.Merge), commitID(o.Squash), r.Commit)
		return append(list, r)
	}
	review := func(by labUser, said gitlog.Said) {
		v := r
		v.Kind, v.Said, v.By, v.Bot, v.Own = gitlog.ReportReview, said, string(by.Username), by.bot(), by.ID == o.AuthorID
		list = append(list, v)
	}
	switch o.Action {
	case "approved", "approval":
		review(e.User, gitlog.Approved)
	case "unapproved", "unapproval":
		if !o.System {
			review(e.User, gitlog.Withdrawn)
		}
	}
	was := map[lax.Number]lax.String{}
	for _, u := range e.Changes.Reviewers.V.Before.V {
		was[u.ID] = u.State
	}
	for _, u := range e.Changes.Reviewers.V.Now.V {
		said := map[lax.String]gitlog.Said{"approved": gitlog.Approved, "requested_changes": gitlog.Objected, "unapproved": gitlog.Withdrawn}[u.State]
		if said != "" && u.State != was[u.ID] && len(list) < most {
			review(u, said)
		}
	}
	return list
}

// report begins a report on a merge request.
func (r *labRequest) report(kind gitlog.ReportKind, p *labProject) gitlog.Report {
	return gitlog.Report{Kind: kind, Request: r.Number.Int(), Commit: commitID(r.Last.V.ID), Main: r.Target != "" && r.Target == p.DefaultBranch}
}

// bots matches the names of accounts that GitLab makes for tokens, and that people give to programs.
var bots = regexp.MustCompile(`(?i)^((project|group)_\d+_bot|service_account_|gitlabduo|ghost$)|([-_.]|\[)bot\]?$`)

func (u *labUser) bot() bool { return bots.MatchString(string(u.Username)) }

func (e *labNoteEvent) reports() []gitlog.Report {
	o := &e.Object
	if o.System || o.Action != "" && o.Action != "create" {
		return nil
	}
	r := gitlog.Report{Kind: gitlog.ReportComment}
	switch {
	case o.On == "MergeRequest" && e.Request.OK:
		r = e.Request.V.report(r.Kind, &e.Project)
		r.Own = e.User.ID == e.Request.V.AuthorID
	case o.On == "Commit":
		r.Own = e.User.Email != "" && e.User.Email == e.Commit.V.Author.Email
		r.Commit = cmp.Or(commitID(o.Commit), commitID(e.Commit.V.ID))
	default:
		return nil
	}
	if p := &o.Position; p.OK {
		r.Path, r.From, r.To = string(p.V.Path), line(p.V.NewLine), line(p.V.NewLine)
		if from := line(p.V.Range.V.Start.V.NewLine); from > 0 {
			r.From = min(from, r.To)
		}
		r.Commit = cmp.Or(commitID(p.V.Head), r.Commit)
	} else if code := strings.Split(string(o.LineCode), "_"); len(code) == 3 { // a digest of the path, the line before, the line after
		n, err := strconv.ParseUint(code[2], 10, 30)
		if err == nil {
			r.Path, r.From, r.To = string(o.Diff.V.Path), int(n), int(n)
		}
	}
	if r.Path == "" || r.To == 0 || r.Commit == "" {
		return nil
	}
	r.By, r.Bot, r.At = string(e.User.Username), e.User.bot(), when(o.Created)
	return []gitlog.Report{r}
}

func (e *labPipelineEvent) reports() (list []gitlog.Report) {
	o := &e.Object
	if o.Source == "schedule" {
		return nil // of the state of things, not of the commit that happened to be there
	}
	r := gitlog.Report{Commit: commitID(o.SHA), Request: e.Request.V.Number.Int(), Group: ident(o.ID)}
	for _, j := range e.Jobs.V {
		if said := outcome(j.Status); !j.Environment.OK && (said != gitlog.Failed || !bool(j.MayFail)) && len(list) < most {
			r.Check, r.Test, r.At = string(j.Name), runsTests(j.Stage, j.Name), when(j.Finished, o.Finished)
			list = append(list, checked(r, said)...)
		}
	}
	r.Check, r.Test, r.Whole, r.At = "pipeline", false, true, when(o.Finished)
	return append(list, checked(r, outcome(o.Status))...)
}

// reports: a job that deploys says nothing of the code, and one that may fail says nothing by failing.
func (e *labJobEvent) reports() []gitlog.Report {
	said := outcome(e.Status)
	if e.Environment.OK || said == gitlog.Failed && bool(e.MayFail) {
		return nil
	}
	return checked(gitlog.Report{Commit: commitID(e.SHA), Check: string(e.Name), Group: ident(e.Pipeline), Test: runsTests(e.Stage, e.Name), At: when(e.Finished)}, said)
}

func (e *labPushEvent) reports() []gitlog.Report {
	branch, ok := strings.CutPrefix(string(e.Ref), "refs/heads/")
	r := gitlog.Report{Kind: gitlog.ReportPush, Commit: commitID(e.After), Base: commitID(e.Before), Main: true}
	if !ok || branch != string(e.Project.DefaultBranch) || r.Commit == "" {
		return nil
	}
	if n := len(e.Commits.V); n > 0 {
		r.At = when(e.Commits.V[n-1].Timestamp)
	}
	return []gitlog.Report{r}
}
