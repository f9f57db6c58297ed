// SPDX-License-Identifier: Apache-2.0

package cursor

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// chat files what a conversation holds under its prompts, and gives each episode to emit once the next begins.
type chat struct {
	c       *capture.Counts
	emit    func(*episode.Episode) error
	session string
	repo    string
	model   string
	helper  bool // a subagent's: its prompts are written by the agent

	e     *episode.Episode
	begun int              // episodes so far
	ids   map[string]bool  // native ids of prompts so far
	calls map[string]*call // of this episode
	order []*call          // the same, as they came
	taken map[string]bool  // ids of its suggestions
	rules []episode.Artifact
}

// call is a tool call and the suggestion that it makes.
type call struct {
	id, name   string
	step       int
	suggestion int // index, -1 for a tool that only looks
	answered   bool
	decided    bool
}

func newChat(c *capture.Counts, session string, emit func(*episode.Episode) error) *chat {
	return &chat{c: c, emit: emit, session: session, ids: map[string]bool{}}
}

// prompt begins an episode; native is the prompt's own id, empty where it has none.
func (h *chat) prompt(native, text string, at time.Time) error {
	if err := h.begin(native, text, at); err != nil {
		return err
	}
	cut := capture.Clip(&text)
	source := episode.SourceAgent
	if !h.helper {
		h.c.Prompts++
		source, h.e.Instruction = episode.SourceUser, text
	}
	h.e.Steps = append(h.e.Steps, episode.Step{At: at, Source: source, Message: text, Truncated: cut})
	return nil
}

func (h *chat) begin(native, text string, at time.Time) error {
	if err := h.flush(); err != nil {
		return err
	}
	switch {
	case native != "" && !h.ids[native]:
		h.ids[native] = true
	case h.session == "": // from standard input
		native = episode.Digest([]byte(text)) + "#" + strconv.Itoa(h.begun)
	default:
		native = h.session + "#" + strconv.Itoa(h.begun)
	}
	h.begun++
	h.calls, h.order, h.taken = map[string]*call{}, nil, map[string]bool{}
	h.e = &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native), StartedAt: at, EndedAt: at,
		Tool: episode.Tool{Name: Name, Surface: episode.SurfaceAgent}, Session: h.session, Repository: h.repo,
		Artifacts: append([]episode.Artifact(nil), h.rules...)}
	return nil
}

// turn adds a step of the agent's and returns its index.
func (h *chat) turn(message, reasoning string, at time.Time) (int, error) {
	if h.e == nil {
		if err := h.begin("", message, at); err != nil { // the prompt was torn, or summarised away
			return 0, err
		}
	}
	h.until(at)
	capture.SetModel(h.e, "", h.model)
	st := episode.Step{At: at, Source: episode.SourceAgent, Message: message, Reasoning: reasoning}
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning)
	h.e.Steps = append(h.e.Steps, st)
	return len(h.e.Steps) - 1, nil
}

func (h *chat) until(at time.Time) {
	if h.e.StartedAt.IsZero() {
		h.e.StartedAt = at
	}
	if at.After(h.e.EndedAt) {
		h.e.EndedAt = at
	}
}

// call adds a tool call to a step, and the suggestion that it makes. Without an id of its own it is named by its place in
// the session: what several sources tell of a session is joined by such ids.
func (h *chat) call(step int, id, name string, raw jsontext.Value, at time.Time) *call {
	h.c.ToolUses++
	st := &h.e.Steps[step]
	if h.calls[id] != nil || id == "" {
		id = "call-" + strconv.Itoa(h.begun-1) + "-" + strconv.Itoa(step) + "-" + strconv.Itoa(len(st.ToolCalls))
	}
	args, cut := capture.Arguments(raw)
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: name, Arguments: args})
	st.Truncated = st.Truncated || cut
	k := &call{id: id, name: name, step: step, suggestion: -1}
	if h.calls[id] == nil {
		h.calls[id] = k
	}
	h.order = append(h.order, k)
	if sg, ok := suggest(name, raw); ok {
		sg.ID, sg.Step, sg.ShownAt = id, step, at
		h.add(k, sg)
	}
	return k
}

func (h *chat) add(k *call, sg episode.Suggestion) {
	if h.taken[sg.ID] {
		return // a hostile file may use the names that we make up
	}
	h.taken[sg.ID] = true
	sg.Truncated = capture.Clip(&sg.Before, &sg.After) || sg.Truncated
	k.suggestion = len(h.e.Suggestions)
	h.e.Suggestions = append(h.e.Suggestions, sg)
}

// result adds what came back for a call. A refusal is marked as failed by the tool, and counted so; it is no error.
func (h *chat) result(k *call, text string, failed, refused bool) {
	h.c.ToolResults++
	if failed || refused {
		h.c.Errors++
	}
	if k == nil {
		return
	}
	k.answered = true
	st := &h.e.Steps[k.step]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Truncated = capture.Clip(&text) || st.Truncated
	st.Observation.Results = append(st.Observation.Results, episode.Result{Call: k.id, Content: text, Error: failed && !refused})
}

// decide records a decision on a call, the first only. A tool that only looks is decided on where somebody said no.
func (h *chat) decide(k *call, v episode.Verdict, by episode.By, reason string, at time.Time) {
	if k == nil || k.decided || k.suggestion < 0 && v == episode.Accepted {
		return
	}
	if k.suggestion < 0 {
		h.add(k, episode.Suggestion{ID: k.id, Step: k.step, Kind: episode.KindCommand, After: k.name, ShownAt: at})
	}
	if k.suggestion < 0 {
		return
	}
	k.decided = true
	if v == episode.Rejected {
		if h.c.Rejections++; reason != "" {
			h.c.RejectionsWithReason++
		}
	}
	capture.Clip(&reason)
	h.e.Decisions = append(h.e.Decisions, episode.Decision{Suggestion: h.e.Suggestions[k.suggestion].ID, Verdict: v, By: by, At: at, Reason: reason})
}

// stop cancels what was under way when a turn was aborted: the calls of the last step without a result, else the answer.
// The tool does not say whether a person, a hook or a closing window aborted it.
func (h *chat) stop(at time.Time) {
	h.c.Interrupts++
	if h.e == nil {
		return
	}
	n := len(h.e.Steps) - 1
	if n < 0 || h.e.Steps[n].Source != episode.SourceAgent || h.helper && n == 0 {
		return
	}
	open := false
	from := len(h.order)
	for from > 0 && h.order[from-1].step == n {
		from--
	}
	for _, k := range h.order[from:] {
		if !k.answered && !k.decided {
			h.decide(k, episode.Cancelled, episode.ByUnknown, "", at)
			open = true
		}
	}
	if st := &h.e.Steps[n]; !open && len(st.ToolCalls) == 0 {
		k := &call{id: "answer-" + strconv.Itoa(n), step: n, suggestion: -1}
		h.add(k, episode.Suggestion{ID: k.id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
		h.decide(k, episode.Cancelled, episode.ByUnknown, "", at)
	}
}

func (h *chat) flush() error {
	e := h.e
	if h.e = nil; e == nil {
		return nil
	}
	capture.Languages(e)
	return h.emit(e)
}

// inForce notes rules for this episode and those that follow, each text once.
func (h *chat) inForce(a episode.Artifact) {
	for i := range h.rules {
		if h.rules[i].Digest == a.Digest && h.rules[i].Name == a.Name {
			return
		}
	}
	if len(h.rules) < maxRules {
		h.rules = append(h.rules, a)
	}
}

const (
	maxRules = 64
	maxOpen  = 256 // calls back that a result without an id may answer
)

// asked is the person's words in a prompt: Cursor wraps them, and puts context of its own before.
func asked(text string) string {
	const from, to = "<user_query>", "</user_query>"
	i := strings.Index(text, from)
	j := strings.LastIndex(text, to)
	if i >= 0 && j > i {
		return strings.TrimSpace(text[i+len(from) : j])
	}
	return strings.TrimSpace(text)
}

// isContext reports whether a user's message holds only what the tool itself puts before a prompt.
func isContext(text string) bool {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "<user_query>") {
		return false
	}
	for _, tag := range [...]string{"user_info", "rules", "system_reminder", "project_layout", "git_status", "open_and_recently_viewed_files", "agent_skills", "agent_transcripts", "mcp_"} {
		if strings.HasPrefix(text, "<"+tag) {
			return true
		}
	}
	return false
}

// said is what the agent wrote, without the mark that stands for thoughts which Cursor took out.
func said(text string) string {
	text = strings.TrimSpace(text)
	for {
		cut, ok := strings.CutSuffix(text, "[REDACTED]")
		if !ok {
			return text
		}
		text = strings.TrimSpace(cut)
	}
}
