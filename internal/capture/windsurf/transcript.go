// SPDX-License-Identifier: Apache-2.0

package windsurf

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// record is one line.
type record struct {
	Type    lax.String              `json:"type"`
	Status  lax.String              `json:"status"`
	Input   lax.Object[userInput]   `json:"user_input"`
	Planner lax.Object[planner]     `json:"planner_response"`
	Action  lax.Object[codeAction]  `json:"code_action"`
	Command lax.Object[terminalRun] `json:"run_command"`
}

type userInput struct {
	Response lax.String `json:"user_response"`
}

type planner struct {
	Response lax.String `json:"response"`
	Thinking lax.String `json:"thinking"`
}

// codeAction is an edit: a whole file before and after.
type codeAction struct {
	Acknowledged lax.String `json:"acknowledgement_type"`
	Path         lax.String `json:"path"`
	Original     lax.String `json:"original_content"`
	New          lax.String `json:"new_content"`
}

type terminalRun struct {
	Command  lax.String `json:"command"`
	CWD      lax.String `json:"cwd"`
	Output   lax.String `json:"output"`
	Rejected lax.Bool   `json:"user_rejected"`
}

// transcript files the lines of one session under its prompts.
type transcript struct {
	c       *capture.Counts
	emit    func(*episode.Episode) error
	session string
	begun   int

	e     *episode.Episode
	calls int
	// unsure are commands that the agent has said nothing after yet: it may be the person who ran them.
	unsure []episode.Suggestion
}

func (t *transcript) add(r *record, line []byte) error {
	switch r.Type {
	case "user_input":
		return t.prompt(string(r.Input.V.Response))
	case "planner_response":
		if err := t.ensure(); err != nil {
			return err
		}
		t.sure()
		st := episode.Step{Source: episode.SourceAgent, Message: string(r.Planner.V.Response), Reasoning: string(r.Planner.V.Thinking)}
		st.Truncated = capture.Clip(&st.Message, &st.Reasoning)
		t.e.Steps = append(t.e.Steps, st)
		return nil
	}
	if err := t.ensure(); err != nil {
		return err
	}
	t.tool(r, line)
	return nil
}

func (t *transcript) prompt(text string) error {
	if err := t.begin(text); err != nil {
		return err
	}
	t.c.Prompts++
	cut := capture.Clip(&text)
	t.e.Instruction = text
	t.e.Steps = append(t.e.Steps, episode.Step{Source: episode.SourceUser, Message: text, Truncated: cut})
	return nil
}

// ensure begins an episode where the prompt was torn.
func (t *transcript) ensure() error {
	if t.e == nil {
		return t.begin("")
	}
	return nil
}

func (t *transcript) begin(text string) error {
	if err := t.flush(); err != nil {
		return err
	}
	native := t.session
	if native == "" { // from standard input
		native = episode.Digest([]byte(text))
	}
	t.e = &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native+"#"+strconv.Itoa(t.begun)),
		Tool: episode.Tool{Name: Name, Surface: episode.SurfaceAgent}, Session: t.session}
	t.begun++
	t.calls = 0
	return nil
}

// tool files something that was done, with its result: a call of the agent's last step.
func (t *transcript) tool(r *record, line []byte) {
	n := len(t.e.Steps) - 1
	if n < 0 || t.e.Steps[n].Source != episode.SourceAgent {
		t.e.Steps = append(t.e.Steps, episode.Step{Source: episode.SourceAgent})
		n++
	}
	st := &t.e.Steps[n]
	t.c.ToolUses++
	// One of a kind in the session: what several sources tell of a session is joined by such ids.
	id := "action-" + strconv.Itoa(t.begun-1) + "-" + strconv.Itoa(t.calls)
	t.calls++
	content := contentOf(string(r.Type), line)
	args, cut := capture.Arguments(content)
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: string(r.Type), Arguments: args})
	st.Truncated = st.Truncated || cut
	t.result(st, id, r, content)
	switch r.Type {
	case "code_action":
		t.edit(r, id, n)
	case "run_command":
		t.command(r, id, n)
	default:
		if cancelled(r) {
			t.suggest(episode.Suggestion{ID: id, Step: n, Kind: episode.KindCommand, After: string(r.Type)}, episode.Cancelled, episode.ByUnknown)
		}
	}
}

// contentOf is the value of the field that has the line's type for a name.
func contentOf(kind string, line []byte) jsontext.Value {
	var all map[string]jsontext.Value
	lax.Decode(line, &all)
	return all[kind]
}

func (t *transcript) result(st *episode.Step, id string, r *record, content jsontext.Value) {
	if r.Status != "done" && r.Status != "error" {
		return // still waiting, or never carried out
	}
	t.c.ToolResults++
	failed := r.Status == "error"
	if failed {
		t.c.Errors++
	}
	var out struct {
		Output  lax.String `json:"output"`
		Content lax.String `json:"content"`
	}
	lax.Decode(content, &out)
	res := episode.Result{Call: id, Content: string(out.Output + out.Content), Error: failed && !bool(r.Command.V.Rejected)}
	st.Truncated = capture.Clip(&res.Content) || st.Truncated
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Observation.Results = append(st.Observation.Results, res)
}

func (t *transcript) edit(r *record, id string, n int) {
	a := &r.Action.V
	sg := episode.Suggestion{ID: id, Step: n, Kind: episode.KindEdit, Path: local(string(a.Path)), Before: string(a.Original), After: string(a.New)}
	if sg.Before == "" {
		sg.Kind = episode.KindFile
	}
	switch {
	case a.Acknowledged == "ACKNOWLEDGEMENT_TYPE_ACCEPT": // see the package comment: no sign of who
		t.suggest(sg, episode.Accepted, episode.ByUnknown)
	case a.Acknowledged == "ACKNOWLEDGEMENT_TYPE_REJECT":
		t.suggest(sg, episode.Rejected, episode.ByPerson)
	case cancelled(r):
		t.suggest(sg, episode.Cancelled, episode.ByUnknown)
	default: // unspecified, stale, cleared: nobody decided
		t.suggest(sg, "", "")
	}
}

// command files a command. Cascade also notes what the person runs in its terminal, in the same form; such commands come
// after the agent's last word. So a command is a suggestion once the agent has spoken again, or if it was rejected.
func (t *transcript) command(r *record, id string, n int) {
	run := &r.Command.V
	if t.e.Repository == "" {
		t.e.Repository = string(run.CWD)
	}
	if commit := committed(run); commit != "" {
		t.e.Links = &episode.Links{Commit: commit}
	}
	sg := episode.Suggestion{ID: id, Step: n, Kind: episode.KindCommand, After: string(run.Command), Language: "shell"}
	switch {
	case bool(run.Rejected):
		t.suggest(sg, episode.Rejected, episode.ByPerson)
	case cancelled(r):
		t.suggest(sg, episode.Cancelled, episode.ByUnknown)
	case r.Status == "done":
		t.unsure = append(t.unsure, sg)
	}
}

func (t *transcript) sure() {
	for _, sg := range t.unsure {
		t.suggest(sg, episode.Accepted, episode.ByUnknown)
	}
	t.unsure = nil
}

func cancelled(r *record) bool {
	return r.Status == "cancelled" || r.Status == "canceled"
}

func (t *transcript) suggest(sg episode.Suggestion, v episode.Verdict, by episode.By) {
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	t.e.Suggestions = append(t.e.Suggestions, sg)
	switch v {
	case "":
		return
	case episode.Rejected:
		t.c.Rejections++
	case episode.Cancelled:
		t.c.Interrupts++
	}
	t.e.Decisions = append(t.e.Decisions, episode.Decision{Suggestion: sg.ID, Verdict: v, By: by})
}

func (t *transcript) flush() error {
	e := t.e
	if t.e, t.unsure = nil, nil; e == nil {
		return nil
	}
	capture.Languages(e)
	return t.emit(e)
}

// commitLine is what git prints for a commit: "[main f013e4e] subject", or "[main (root-commit) f013e4e] subject".
var commitLine = regexp.MustCompile(`(?m)^\[[^\]\s]+ (?:\([^)]*\) )?([0-9a-f]{7,40})\] `)

func committed(run *terminalRun) string {
	if !strings.HasPrefix(string(run.Command), "git commit") {
		return ""
	}
	out := string(run.Output)
	if m := commitLine.FindStringSubmatch(out[:min(len(out), 64<<10)]); m != nil {
		return m[1]
	}
	return ""
}

// local is the path of a file: URI; another string is as it was.
func local(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "file" {
		return s
	}
	return strings.ToValidUTF8(u.Path, "\uFFFD") // a percent sign may stand for any byte
}
