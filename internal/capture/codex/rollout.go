// SPDX-License-Identifier: Apache-2.0

package codex

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// rollout files the records of one session under the prompts they came from.
type rollout struct {
	c        *capture.Counts
	meta     payload          // the first session_meta; a fork repeats its parent's later
	turn     payload          // the turn_context in force
	rules    string           // the instruction file in force
	ruled    *episode.Episode // the episode that has it
	turnID   string           // of the turn in force, until its prompt has it
	turnSeen string           // the last that began
	total    tokens           // the last cumulative usage: the same event may come twice
	episodes []*episode.Episode
	calls    map[string]*call
}

// call is a call of the agent's and, where it suggests something, its suggestion.
type call struct {
	e          *episode.Episode
	step       int
	suggestion string
	patch      bool
	applied    bool // or not: how the patch ended is known
	answered   bool
	decided    bool
}

func (ro *rollout) add(r *record) {
	p := &r.Payload.V
	switch r.Type {
	case "session_meta":
		if ro.meta.ID == "" {
			ro.meta = *p
		}
	case "turn_context":
		ro.turn = *p
		ro.begun(p)
		if p.UserInstructions != "" {
			ro.rules, ro.ruled = string(p.UserInstructions), nil
		}
	case "world_state":
		if text := p.State.V.AgentsMD.V.Text; text != "" {
			ro.rules, ro.ruled = string(text), nil
		}
	case "response_item":
		ro.item(r, p)
	case "event_msg":
		ro.event(r, p)
	}
	if e := ro.current(); e != nil {
		if ro.rules != "" && ro.ruled != e {
			artifact(e, episode.ArtifactRules, "AGENTS.md", ro.rules)
			ro.ruled = e
		}
		capture.SetModel(e, string(ro.meta.ModelProvider), string(ro.turn.Model))
		if r.Timestamp.After(e.EndedAt) {
			e.EndedAt = r.Timestamp.Time
		}
	}
}

// begun takes the id of a turn that begins. It is told several times, before its prompt and perhaps after it.
func (ro *rollout) begun(p *payload) {
	if id := string(p.TurnID); id != "" && id != ro.turnSeen {
		ro.turnID, ro.turnSeen = id, id
	}
}

func (ro *rollout) current() *episode.Episode {
	if len(ro.episodes) == 0 {
		return nil
	}
	return ro.episodes[len(ro.episodes)-1]
}

// prompt begins an episode. Codex writes a prompt twice, as an event and as a message for the model, in either order.
func (ro *rollout) prompt(r *record, text string) {
	if e := ro.current(); text == "" || e != nil && len(e.Steps) == 1 && e.Instruction == clipped(text) {
		return
	}
	for _, not := range [...]string{"<environment_context>", "<user_instructions>", "<permissions", "# AGENTS.md instructions", "<turn_aborted>", "<skill>"} {
		if strings.HasPrefix(text, not) {
			return // Codex itself wrote it
		}
	}
	ro.c.Prompts++
	e := ro.begin(r)
	cut := capture.Clip(&text)
	e.Instruction = text
	e.Steps = append(e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceUser, Message: text, Truncated: cut})
	capture.MarkPrompt(&e.Steps[0], ro.turnID)
	ro.turnID = "" // what is said meanwhile is of the same turn
}

// Own reports whether Codex itself asked: the terminal program has a model name each session, in a session of its own that
// hooks and telemetry tell of like any other.
func Own(prompt string) bool {
	return strings.HasPrefix(prompt, "Generate a concise, single-line task title ")
}

func clipped(s string) string { capture.Clip(&s); return s }

func (ro *rollout) begin(r *record) *episode.Episode {
	id := string(ro.meta.ID)
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, id+"#"+strconv.Itoa(len(ro.episodes))),
		StartedAt:     r.Timestamp.Time,
		Tool:          episode.Tool{Name: Name, Version: string(ro.meta.CLIVersion), Surface: episode.SurfaceAgent},
		Session:       id,
		Repository:    string(ro.meta.Git.V.RepositoryURL),
	}
	if e.Repository == "" {
		e.Repository = string(ro.meta.CWD)
	}
	ro.episodes = append(ro.episodes, e)
	return e
}

// agent returns the episode that the agent's records belong to, and its last step if that is the agent's and still
// open, else a new one.
func (ro *rollout) agent(r *record, open func(*episode.Step) bool) (*episode.Episode, int) {
	e := ro.current()
	if e == nil {
		e = ro.begin(r) // the prompt was torn, or compacted away
	}
	n := len(e.Steps) - 1
	if n < 0 || e.Steps[n].Source != episode.SourceAgent || !open(&e.Steps[n]) {
		e.Steps = append(e.Steps, episode.Step{At: r.Timestamp.Time, Source: episode.SourceAgent})
		n++
	}
	return e, n
}

func (ro *rollout) item(r *record, p *payload) {
	switch p.Type {
	case "message":
		text := string(p.Content + texts(p.Message))
		switch p.Role {
		case "user":
			ro.prompt(r, text)
		case "assistant":
			e, n := ro.agent(r, func(s *episode.Step) bool { return s.Message == "" && len(s.ToolCalls) == 0 })
			e.Steps[n].Truncated = capture.Clip(&text) || e.Steps[n].Truncated
			e.Steps[n].Message = text
		}
	case "reasoning":
		if text := string(p.Summary); text != "" {
			e, n := ro.agent(r, func(*episode.Step) bool { return false })
			e.Steps[n].Truncated = capture.Clip(&text)
			e.Steps[n].Reasoning = text
		}
	case "function_call", "custom_tool_call", "local_shell_call", "tool_search_call", "web_search_call":
		ro.call(r, p)
	case "function_call_output", "custom_tool_call_output", "tool_search_output":
		ro.output(r, p)
	}
}

// call adds a call and, where it changes something, the suggestion that it makes.
func (ro *rollout) call(r *record, p *payload) {
	ro.c.ToolUses++
	name, raw := string(p.Name), p.Arguments
	switch {
	case p.Input != "":
		raw, _ = jsontext.AppendQuote(nil, strings.ToValidUTF8(string(p.Input), "\uFFFD"))
	case len(p.Action) > 0:
		raw = p.Action
	case len(raw) > 0 && raw[0] == '"': // JSON in a string
		if s, err := jsontext.AppendUnquote(nil, raw); err == nil && jsontext.Value(s).IsValid() {
			raw = s
		}
	}
	if name == "" {
		name = strings.TrimSuffix(string(p.Type), "_call")
	}
	e, n := ro.agent(r, func(s *episode.Step) bool { return s.Observation == nil })
	args, cut := capture.Arguments(raw)
	st := &e.Steps[n]
	st.Truncated = st.Truncated || cut
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(p.CallID), Name: name, Arguments: args})
	c := &call{e: e, step: n}
	var in struct {
		Command jsontext.Value `json:"command"`
		Cmd     lax.String     `json:"cmd"`
		Patch   lax.String     `json:"patch"`
		Input   lax.String     `json:"input"`
	}
	lax.Decode(raw, &in)
	sg := episode.Suggestion{ID: string(p.CallID), Step: n, ShownAt: r.Timestamp.Time}
	switch name {
	case "apply_patch":
		sg.Kind, c.patch = episode.KindEdit, true
		patch := string(p.Input + in.Patch + in.Input)
		sg.Path, sg.Before, sg.After = capture.Unpatch(patch)
	case "shell", "shell_command", "exec_command", "local_shell", "container.exec":
		sg.Kind, sg.Language, sg.After = episode.KindCommand, "shell", command(in.Command)+string(in.Cmd)
	}
	if sg.Kind != "" && sg.ID != "" && !ro.suggests(e, sg.ID) {
		sg.Truncated = capture.Clip(&sg.Before, &sg.After)
		e.Suggestions = append(e.Suggestions, sg)
		c.suggestion = sg.ID
	}
	if p.CallID != "" {
		ro.calls[string(p.CallID)] = c
	}
}

// command is a shell command given as a string or as a list of words.
func command(v jsontext.Value) string {
	var words struct {
		S lax.String
		L []lax.String
	}
	switch {
	case len(v) == 0:
	case v[0] == '"':
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			words.S = lax.String(s)
		}
	case v[0] == '[':
		lax.Decode(slices.Concat([]byte(`{"L":`), v, []byte("}")), &words)
	}
	if n := len(words.L); n >= 3 && words.L[n-2] == "-lc" {
		return string(words.L[n-1]) // bash -lc COMMAND
	}
	for i, w := range words.L {
		if i > 0 {
			words.S += " "
		}
		words.S += w
	}
	return string(words.S)
}

// finish gives every episode to emit.
func (ro *rollout) finish(emit func(*episode.Episode) error) error {
	for _, e := range ro.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

// artifact adds a text that was in force to the episode, once.
func artifact(e *episode.Episode, kind episode.ArtifactKind, name, text string) {
	a := capture.Artifact(kind, name, text)
	if !slices.ContainsFunc(e.Artifacts, func(b episode.Artifact) bool { return b.Digest == a.Digest }) {
		e.Artifacts = append(e.Artifacts, a)
	}
}
