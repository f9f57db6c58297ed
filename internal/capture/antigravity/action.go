// SPDX-License-Identifier: Apache-2.0

package antigravity

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// carriedOut is the type of the step that carries out a call of a tool; empty where any may.
func carriedOut(tool string) string {
	switch tool {
	case "write_to_file", "write_file", "replace_file_content", "multi_replace_file_content":
		return "CODE_ACTION"
	case "run_command":
		return "RUN_COMMAND"
	case "view_file":
		return "VIEW_FILE"
	case "list_dir":
		return "LIST_DIRECTORY"
	case "grep_search":
		return "GREP_SEARCH"
	case "search_web":
		return "SEARCH_WEB"
	}
	return ""
}

// call adds a call to a step, and the suggestion that it makes.
func (tr *transcript) call(e *episode.Episode, n int, cl *call, s *step) {
	tr.c.ToolUses++
	p := pending{id: "call-" + strconv.Itoa(tr.c.ToolUses), name: strings.TrimPrefix(string(cl.Name), "default_api:"), step: n, suggestion: -1}
	args, cut := capture.Arguments(cl.Args)
	st := &e.Steps[n]
	st.Truncated = st.Truncated || cut
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: p.id, Name: p.name, Arguments: args})
	var in arguments
	lax.Decode(cl.Args, &in)
	sg := suggest(p.name, &in)
	sg.ID, sg.Step, sg.ShownAt = p.id, n, s.CreatedAt.Time
	if sg.Kind != "" {
		sg.Truncated = capture.Clip(&sg.Before, &sg.After) || s.truncated()
		p.suggestion = len(e.Suggestions)
		e.Suggestions = append(e.Suggestions, sg)
	}
	if kind := in.artifact(); sg.After != "" && (kind == "task" || sg.Kind == episode.KindPlan) {
		a := capture.Artifact(episode.ArtifactPlan, base(sg.Path), string(in.CodeContent))
		if !slices.ContainsFunc(e.Artifacts, func(b episode.Artifact) bool { return b.Digest == a.Digest }) {
			e.Artifacts = append(e.Artifacts, a)
		}
	}
	if e.Repository == "" && p.name == "run_command" {
		e.Repository = string(in.Cwd)
	}
	tr.pending = append(tr.pending, p)
}

// suggest makes the suggestion of a call, without a kind where the tool only looks.
func suggest(tool string, in *arguments) (sg episode.Suggestion) {
	sg.Path = path(string(in.TargetFile))
	switch tool {
	case "write_to_file", "write_file":
		sg.Kind, sg.After = episode.KindFile, string(in.CodeContent)
		if in.artifact() == "implementation_plan" || base(sg.Path) == "implementation_plan.md" {
			sg.Kind = episode.KindPlan
		}
	case "replace_file_content", "multi_replace_file_content":
		sg.Kind, sg.Before, sg.After = episode.KindEdit, string(in.Target), string(in.Replacement)
		for _, ch := range in.chunks() { // decided on as one
			sg.Before, sg.After = joined(sg.Before, string(ch.Target)), joined(sg.After, string(ch.Replacement))
		}
	case "run_command":
		sg.Kind, sg.Language, sg.After = episode.KindCommand, "shell", string(in.CommandLine)
	}
	return sg
}

func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "\n" + b
}

// result adds what a step that carries out a call gave back, and what it shows of a decision. A step that no call can be
// found for is a call of its own.
func (tr *transcript) result(s *step) {
	e := tr.open(s)
	p, found := tr.take(string(s.Type))
	if !found {
		tr.c.ToolUses++
		p = pending{id: "call-" + strconv.Itoa(tr.c.ToolUses), step: len(e.Steps), suggestion: -1}
		e.Steps = append(e.Steps, episode.Step{At: s.CreatedAt.Time, Source: episode.SourceAgent,
			ToolCalls: []episode.ToolCall{{ID: p.id, Name: strings.ToLower(string(s.Type))}}})
	}
	if s.Type == "CODE_ACTION" {
		tr.changed(e, &p, s)
	}
	if s.Status != "DONE" && s.Status != "ERROR" && !strings.HasPrefix(string(s.Status), "CANCEL") {
		return // under way, or in a state that we do not know
	}
	tr.c.ToolResults++
	res := episode.Result{Call: p.id, Content: string(s.Content)}
	res.Error = s.Status == "ERROR" || s.Type == "RUN_COMMAND" && strings.Contains(res.Content[:min(len(res.Content), 500)], "The command failed with exit code")
	st := &e.Steps[p.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Truncated = capture.Clip(&res.Content) || s.truncated() || st.Truncated
	st.Observation.Results = append(st.Observation.Results, res)
	d := episode.Decision{Verdict: episode.Accepted, By: episode.ByUnknown, At: s.CreatedAt.Time}
	switch {
	case res.Error: // says nothing of a decision
		tr.c.Errors++
		return
	case strings.HasPrefix(string(s.Status), "CANCEL"):
		d.Verdict = episode.Cancelled
	case p.suggestion >= 0 && e.Suggestions[p.suggestion].Kind == episode.KindPlan:
		return // written, and still to be read by the person
	}
	if p.suggestion >= 0 {
		d.Suggestion = e.Suggestions[p.suggestion].ID
		e.Decisions = append(e.Decisions, d)
	}
}

// take finds the call that a step carries out, and takes it from those that are open.
func (tr *transcript) take(kind string) (pending, bool) {
	for i, p := range tr.pending {
		if want := carriedOut(p.name); want == kind || want == "" {
			tr.pending = slices.Delete(tr.pending, i, i+1)
			return p, true
		}
	}
	return pending{}, false
}

// What the tool writes of a change that it made to a file.
var (
	created = regexp.MustCompile(`Created file (\S+) with requested content`)
	edited  = regexp.MustCompile(`The following changes were made by the \S+ tool to: (.+?)\.(?: |\n|$)`)
	diff    = regexp.MustCompile(`(?s)\[diff_block_start\]\n(.*?)\[diff_block_end\]`)
)

// changed fills in what the call did not tell of the change to a file, or makes its suggestion where there is no call.
func (tr *transcript) changed(e *episode.Episode, p *pending, s *step) {
	content := string(s.Content)
	var before, after strings.Builder
	for _, m := range diff.FindAllStringSubmatch(content, -1) {
		for line := range strings.Lines(m[1]) {
			side(line, &before, &after)
		}
	}
	if before.Len()+after.Len() > 0 {
		tr.c.Patches++
	}
	if p.suggestion < 0 {
		sg := episode.Suggestion{ID: p.id, Step: p.step, ShownAt: s.CreatedAt.Time}
		if m := created.FindStringSubmatch(content); m != nil {
			sg.Kind, sg.Path = episode.KindFile, path(m[1])
		} else if m := edited.FindStringSubmatch(content); m != nil {
			sg.Kind, sg.Path = episode.KindEdit, path(m[1])
		} else {
			return
		}
		p.suggestion = len(e.Suggestions)
		e.Suggestions = append(e.Suggestions, sg)
	}
	if sg := &e.Suggestions[p.suggestion]; sg.Before == "" && sg.After == "" {
		sg.Before, sg.After = before.String(), after.String()
		sg.Truncated = capture.Clip(&sg.Before, &sg.After) || s.truncated()
	}
}

// side adds one line of a diff to the side or sides that it is on.
func side(line string, before, after *strings.Builder) {
	switch {
	case line == "" || strings.HasPrefix(line, "@@"):
	case line[0] == '-':
		before.WriteString(line[1:])
	case line[0] == '+':
		after.WriteString(line[1:])
	case line[0] == ' ':
		before.WriteString(line[1:])
		after.WriteString(line[1:])
	}
}
