// SPDX-License-Identifier: Apache-2.0

// Package jules makes episodes of the sessions of Google Jules, an agent that works on a clone in Google's cloud and ends
// with a pull request. There are no histories on a developer's machine: sessions and their activities come from its REST
// API (v1alpha), which package poll asks.
//
// Start from [Episodes]. An episode is a session's prompt, or a message that the person sent later, and what came of it.
// A plan is a suggestion, and its approval the decision. The API says "user" of every approval, of the automatic ones as
// well: by a person it is only in a session whose plans are known to wait for one. The patch that a session ends with is a
// suggestion on which nothing is decided here: that happens to the pull request, in git.
package jules

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "jules"

// Session is one task, as GET /v1alpha/sessions tells of it.
type Session struct {
	Name    lax.String `json:"name"` // sessions/ID
	ID      lax.String `json:"id"`
	Prompt  lax.String `json:"prompt"`
	State   lax.String `json:"state"`
	Created lax.Time   `json:"createTime"`
	Updated lax.Time   `json:"updateTime"`
	// RequirePlanApproval is documented as told to the server only; where it comes back all the same it counts.
	RequirePlanApproval lax.Bool `json:"requirePlanApproval"`
	Source              lax.Object[struct {
		Source lax.String `json:"source"` // sources/github/OWNER/NAME
	}] `json:"sourceContext"`
	Outputs lax.List[struct {
		PullRequest lax.Object[struct {
			URL lax.String `json:"url"`
		}] `json:"pullRequest"`
	}] `json:"outputs"`
}

// WaitsForApproval reports whether a plan of the session waits for a person right now.
func (s *Session) WaitsForApproval() bool { return s.State == "AWAITING_PLAN_APPROVAL" }

// Key is the session's id, or empty where it has none that could be asked for.
func (s *Session) Key() string {
	id := string(s.ID)
	if id == "" {
		id = string(s.Name[strings.LastIndexByte(string(s.Name), '/')+1:])
	}
	if len(id) > 200 || strings.ContainsFunc(id, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_')
	}) {
		return ""
	}
	return id
}

// repository is the session's repository as git remotes name it.
func (s *Session) repository() string {
	parts := strings.Split(string(s.Source.V.Source), "/")
	if len(parts) != 4 || parts[0] != "sources" || parts[1] != "github" {
		return ""
	}
	return strings.ToLower("github.com/" + parts[2] + "/" + parts[3])
}

// Activity is one thing that happened in a session: exactly one of its parts is there.
type Activity struct {
	Name      lax.String `json:"name"`
	ID        lax.String `json:"id"`
	At        lax.Time   `json:"createTime"`
	Generated lax.Object[struct {
		Plan lax.Object[plan] `json:"plan"`
	}] `json:"planGenerated"`
	Approved lax.Object[struct {
		Plan lax.String `json:"planId"`
	}] `json:"planApproved"`
	User lax.Object[struct {
		Message lax.String `json:"userMessage"`
	}] `json:"userMessaged"`
	Agent lax.Object[struct {
		Message lax.String `json:"agentMessage"`
	}] `json:"agentMessaged"`
	Progress lax.Object[struct {
		Title       lax.String `json:"title"`
		Description lax.String `json:"description"`
	}] `json:"progressUpdated"`
	Completed lax.Object[struct{}] `json:"sessionCompleted"`
	Failed    lax.Object[struct {
		Reason lax.String `json:"reason"`
	}] `json:"sessionFailed"`
	Artifacts lax.List[artifact] `json:"artifacts"`
}

type plan struct {
	ID    lax.String `json:"id"`
	Steps lax.List[struct {
		Title       lax.String `json:"title"`
		Description lax.String `json:"description"`
	}] `json:"steps"`
}

type artifact struct {
	Changes lax.Object[struct {
		Patch lax.Object[struct {
			Diff lax.String `json:"unidiffPatch"`
		}] `json:"gitPatch"`
	}] `json:"changeSet"`
	Bash lax.Object[struct {
		Command lax.String `json:"command"`
		Output  lax.String `json:"output"`
		Exit    lax.Number `json:"exitCode"`
	}] `json:"bashOutput"`
}

func (a *Activity) id() string {
	if a.ID != "" {
		return string(a.ID)
	}
	return string(a.Name[strings.LastIndexByte(string(a.Name), '/')+1:])
}

// Episodes makes episodes of a session and its activities. waited says that a plan of the session was seen to wait for a
// person's approval.
func Episodes(s *Session, activities []Activity, waited bool) []*episode.Episode {
	slices.SortStableFunc(activities, func(a, b Activity) int { return a.At.Compare(b.At.Time) })
	t := task{session: s, by: episode.ByUnknown, plans: map[string]int{}}
	if waited || bool(s.RequirePlanApproval) {
		t.by = episode.ByPerson
	}
	t.begin(s.Key(), string(s.Prompt), s.Created.Time)
	for i := range activities {
		t.add(&activities[i])
	}
	t.end()
	return t.episodes
}

// task is a session that is being read.
type task struct {
	session  *Session
	by       episode.By // who approves its plans
	episodes []*episode.Episode
	plans    map[string]int // which episode a plan is of
	last     string         // the last plan
	diff     string         // all that was changed so far
	diffAt   time.Time
}

func (t *task) current() *episode.Episode { return t.episodes[len(t.episodes)-1] }

// begin begins an episode with the person's words. It is the whole session's first, or goes by its activity's id.
func (t *task) begin(native, words string, at time.Time) {
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native), StartedAt: at, EndedAt: at, Session: t.session.Key(),
		Repository: t.session.repository(), Tool: episode.Tool{Name: Name, Surface: episode.SurfaceAgent}, Instruction: words}
	step := episode.Step{At: at, Source: episode.SourceUser, Message: words}
	step.Truncated = capture.Clip(&e.Instruction, &step.Message)
	e.Origin = &episode.Origin{Provider: "google"} // which of its models is not told
	if words != "" {
		e.Steps = append(e.Steps, step)
	}
	if n := len(t.episodes); n > 0 {
		e.Links = &episode.Links{Parent: t.episodes[n-1].ID}
	}
	t.episodes = append(t.episodes, e)
}

func (t *task) add(a *Activity) {
	e := t.current()
	at := a.At.Time
	switch {
	case a.User.OK:
		if words := string(a.User.V.Message); words != e.Instruction || len(e.Steps) > 1 { // the prompt is the first message
			t.begin(t.session.Key()+"#"+a.id(), words, at)
		}
	case a.Generated.OK:
		t.plan(e, &a.Generated.V.Plan.V, at)
	case a.Approved.OK:
		t.approve(string(a.Approved.V.Plan), at)
	case a.Agent.OK:
		t.say(e, episode.SourceAgent, string(a.Agent.V.Message), at)
	case a.Failed.OK:
		t.say(e, episode.SourceSystem, string(a.Failed.V.Reason), at)
	case a.Progress.OK:
		t.say(e, episode.SourceAgent, strings.TrimSpace(string(a.Progress.V.Title)+"\n"+string(a.Progress.V.Description)), at)
	}
	e = t.current()
	for i := range a.Artifacts.V {
		f := &a.Artifacts.V[i]
		if f.Bash.OK && f.Bash.V.Command != "" {
			t.bash(e, a.id(), i, f, at)
		}
		if d := string(f.Changes.V.Patch.V.Diff); strings.TrimSpace(d) != "" {
			t.diff, t.diffAt = d, at // each holds all that the ones before did
		}
	}
	if at.After(e.EndedAt) {
		e.EndedAt = at
	}
}

func (t *task) say(e *episode.Episode, source episode.Source, words string, at time.Time) {
	if words == "" {
		return
	}
	st := episode.Step{At: at, Source: source, Message: words}
	st.Truncated = capture.Clip(&st.Message)
	e.Steps = append(e.Steps, st)
}

// bash is a command that the agent ran. Nobody is asked first.
func (t *task) bash(e *episode.Episode, activity string, n int, f *artifact, at time.Time) {
	args, err := json.Marshal(map[string]string{"command": strings.TrimSpace(string(f.Bash.V.Command))}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return // a map of one string: it does not happen
	}
	call := episode.ToolCall{ID: fmt.Sprintf("%s.%d", activity, n), Name: "bash"}
	var cut bool
	call.Arguments, cut = capture.Arguments(args)
	r := episode.Result{Call: call.ID, Content: string(f.Bash.V.Output), Error: f.Bash.V.Exit != 0}
	cut = capture.Clip(&r.Content) || cut
	e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{call},
		Observation: &episode.Observation{Results: []episode.Result{r}}, Truncated: cut})
}

// plan is what the agent says that it will do.
func (t *task) plan(e *episode.Episode, p *plan, at time.Time) {
	var b strings.Builder
	for i, s := range p.Steps.V {
		fmt.Fprintf(&b, "%d. %s\n", i+1, s.Title)
		if s.Description != "" {
			fmt.Fprintf(&b, "   %s\n", strings.ReplaceAll(string(s.Description), "\n", "\n   "))
		}
	}
	if b.Len() == 0 {
		return
	}
	s := episode.Suggestion{ID: string(p.ID), Step: len(e.Steps), Kind: episode.KindPlan, After: b.String(), ShownAt: at}
	if s.ID == "" {
		s.ID = fmt.Sprintf("plan-%d", len(t.plans)+1)
	}
	if _, twice := t.plans[s.ID]; twice {
		return
	}
	t.say(e, episode.SourceAgent, s.After, at)
	t.plans[s.ID], t.last = len(t.episodes)-1, s.ID
	e.Artifacts = append(e.Artifacts, capture.Artifact(episode.ArtifactPlan, "plan", s.After))
	s.Truncated = capture.Clip(&s.After)
	e.Suggestions = append(e.Suggestions, s)
}

// approve decides on a plan; one that is not named is the last.
func (t *task) approve(id string, at time.Time) {
	if id == "" {
		id = t.last
	}
	n, known := t.plans[id]
	if !known {
		return
	}
	e := t.episodes[n]
	for i := range e.Decisions {
		if e.Decisions[i].Suggestion == id {
			return
		}
	}
	e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Accepted, By: t.by, At: at})
	if at.After(e.EndedAt) {
		e.EndedAt = at
	}
}

// changes makes suggestions of all that was changed. A patch holds the whole session's work: it goes with the last request,
// and what the requests before it did is in it.
func (t *task) changes() {
	e := t.current()
	for i, part := range files(t.diff) {
		var before, after strings.Builder
		path := capture.Hunks(part, &before, &after)
		if path == "" || before.Len()+after.Len() == 0 {
			continue
		}
		s := episode.Suggestion{ID: fmt.Sprintf("patch-%d", i+1), Step: -1, Kind: episode.KindEdit, Path: path, Language: capture.Language(path),
			Before: before.String(), After: after.String(), ShownAt: t.diffAt}
		if before.Len() == 0 {
			s.Kind = episode.KindFile
		}
		s.Truncated = capture.Clip(&s.Before, &s.After)
		e.Suggestions = append(e.Suggestions, s)
	}
	capture.Languages(e)
}

// files cuts what git prints of several files into one diff each.
func files(diff string) (parts []string) {
	const head = "diff --git "
	start := 0
	for i := 0; i < len(diff); {
		line := diff[i:]
		if n := strings.IndexByte(line, '\n'); n >= 0 {
			line = line[:n+1]
		}
		if strings.HasPrefix(line, head) && i > start {
			parts, start = append(parts, diff[start:i]), i
		}
		i += len(line)
	}
	if start < len(diff) {
		parts = append(parts, diff[start:])
	}
	return parts
}

// end ends the session: what was changed, and the pull request that it went into.
func (t *task) end() {
	t.changes()
	for _, out := range t.session.Outputs.V {
		if url := string(out.PullRequest.V.URL); url != "" {
			e := t.current()
			if e.Links == nil {
				e.Links = &episode.Links{}
			}
			e.Links.PullRequest = url
		}
	}
}
