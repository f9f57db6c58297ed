// SPDX-License-Identifier: Apache-2.0

package specstory

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

const (
	noted    = "[Request interrupted by user"
	rejected = "The user doesn't want to proceed with this tool use"
	userSaid = "the user said:\n"
)

var toolUse = regexp.MustCompile(`^<tool-use data-tool-type="([^"]*)" data-tool-name="([^"]*)"`)

// turn files what one speaker said: the lines after the one that names it.
func (h *history) turn(who, label string, lines []string) {
	for len(lines) > 0 && (strings.TrimSpace(lines[len(lines)-1]) == "" || lines[len(lines)-1] == "---") {
		lines = lines[:len(lines)-1]
	}
	at, model := labelled(label)
	side := strings.Contains(label, "sidechain")
	if e := h.current(); e != nil && at.After(e.EndedAt) {
		e.EndedAt = at
	}
	if who != "User" {
		h.c.Kind("agent")
		h.answer(at, model, lines)
		return
	}
	text := strings.TrimSpace(strings.Join(lines, "\n"))
	switch {
	case side: // what an agent told its subagent
		h.c.Kind("sidechain")
	case strings.HasPrefix(text, noted):
		h.c.Kind("interrupt")
		h.interrupted(at)
	case text == "", strings.HasPrefix(text, "<local-command-"), strings.HasPrefix(text, "<command-name>"), strings.HasPrefix(text, "<command-message>"),
		strings.HasPrefix(text, "<task-notification>"), strings.HasPrefix(text, "<system-reminder>"):
		h.c.Kind("not a prompt") // the agent's program wrote it
	default:
		h.c.Kind("user")
		h.prompt(at, text)
	}
}

// labelled reads what stands beside a speaker: a model, a moment, or both.
func labelled(label string) (at time.Time, model string) {
	model = strings.TrimSpace(strings.NewReplacer("(sidechain)", "", "sidechain", "").Replace(label))
	model = strings.Trim(model, " ()")
	if m := moment.FindStringSubmatchIndex(model); m != nil {
		day, clock := model[m[2]:m[3]], model[m[4]:m[5]]
		if len(clock) == len("15:04") {
			clock += ":00"
		}
		at, _ = time.Parse(time.DateTime, day+" "+clock)
		model = strings.TrimSpace(model[:m[0]])
	}
	model = strings.TrimPrefix(model, "model ")
	model, _, _ = strings.Cut(model, ", mode ")
	if strings.HasPrefix(model, "<") { // Claude Code's "<synthetic>" is no model
		model = ""
	}
	return at, model
}

func (h *history) current() *episode.Episode {
	if len(h.episodes) == 0 {
		return nil
	}
	return h.episodes[len(h.episodes)-1]
}

// prompt begins an episode with the person's words.
func (h *history) prompt(at time.Time, text string) {
	if text != "" {
		h.c.Prompts++
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, h.session+"#"+strconv.Itoa(len(h.episodes))),
		StartedAt:     at,
		EndedAt:       at,
		Tool:          episode.Tool{Name: Name, Version: h.form, Surface: episode.SurfaceAgent},
		Session:       h.session,
		Repository:    h.repository,
		Instruction:   text,
	}
	if h.agent != "" {
		e.Tool.Version += "/" + h.agent
	}
	cut := capture.Clip(&e.Instruction)
	if text != "" {
		e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceUser, Message: e.Instruction, Truncated: cut})
	}
	h.episodes = append(h.episodes, e)
	h.tools = 0
}

// answer adds a step for what the agent said and thought, and the tools that it used.
func (h *history) answer(at time.Time, model string, lines []string) {
	e := h.current()
	if e == nil {
		h.prompt(at, "") // the session begins with the agent
		e = h.current()
	}
	capture.SetModel(e, "", model)
	n := len(e.Steps)
	e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceAgent})
	var said, thought strings.Builder
	var part history // code and tools end within what one speaker said
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "<tool-use "):
			if end := part.toolEnd(lines, i); end > 0 {
				h.tool(e, n, lines[i:end+1])
				i = end
				continue
			}
		case strings.HasPrefix(line, "<think>"):
			i = think(&thought, lines, i)
			continue
		}
		end := part.skip(lines, i)
		said.WriteString(strings.Join(lines[i:end+1], "\n"))
		said.WriteByte('\n')
		i = end
	}
	st := &e.Steps[n]
	st.Message, st.Reasoning = strings.TrimSpace(said.String()), strings.TrimSpace(thought.String())
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning) || st.Truncated
}

// think adds the thoughts that begin at line i, without the marks around them, and returns their last line.
func think(b *strings.Builder, lines []string, i int) int {
	for ; i < len(lines); i++ {
		line := strings.TrimPrefix(lines[i], "<think><details><summary>Thought Process</summary>")
		line, end := strings.CutSuffix(strings.TrimPrefix(line, "<think>"), "</think>")
		if line = strings.TrimSuffix(line, "</details>"); line != "" {
			b.WriteString(line)
			b.WriteByte('\n')
		}
		if end {
			return i
		}
	}
	return i
}

// tool adds the use of a tool: the call, what it suggests, and what came back.
func (h *history) tool(e *episode.Episode, n int, lines []string) {
	m := toolUse.FindStringSubmatch(lines[0])
	if m == nil {
		return
	}
	h.c.ToolUses++
	h.c.Kind("tool/" + m[1][:min(len(m[1]), 40)])
	id := "tool-" + strconv.Itoa(h.tools)
	h.tools++
	u := used(lines)
	st := &e.Steps[n]
	k := episode.ToolCall{ID: id, Name: m[2]}
	if args := u.command + u.path; args != "" {
		if q, err := jsontext.AppendQuote(nil, args); err == nil {
			k.Arguments, st.Truncated = capture.Arguments(q)
		}
	}
	st.ToolCalls = append(st.ToolCalls, k)
	sg := episode.Suggestion{ID: id, Step: n, ShownAt: st.At, Path: u.path}
	switch {
	case m[1] == "shell" && u.command != "":
		sg.Kind, sg.Language, sg.After, sg.Path = episode.KindCommand, "shell", u.command, ""
	case m[1] == "write" && u.diff:
		sg.Kind, sg.Before, sg.After = episode.KindEdit, u.before, u.after
	case m[1] == "write" && u.after != "":
		sg.Kind, sg.After = episode.KindFile, u.after
	case m[1] == "write" && u.path != "": // an edit whose text is not shown
		sg.Kind = episode.KindEdit
	}
	if !u.answered {
		if sg.Kind != "" {
			h.suggest(e, &sg)
		}
		return
	}
	h.c.ToolResults++
	r := episode.Result{Call: id, Content: u.result}
	no := strings.HasPrefix(u.result, rejected)
	r.Error = !no && (strings.HasPrefix(u.result, "Error: ") || strings.HasPrefix(u.result, "<tool_use_error>"))
	d := episode.Decision{Suggestion: id, At: st.At}
	switch {
	case no:
		h.c.Errors++
		h.c.Rejections++
		d.Verdict, d.By = episode.Rejected, episode.ByPerson
		if _, reason, ok := strings.Cut(u.result, userSaid); ok && strings.TrimSpace(reason) != "" {
			h.c.RejectionsWithReason++
			d.Reason = strings.TrimSpace(reason)
			capture.Clip(&d.Reason)
		}
		if sg.Kind == "" {
			sg.Kind, sg.After = episode.KindCommand, m[2]
		}
	case r.Error:
		h.c.Errors++
	default:
		d.Verdict, d.By = episode.Accepted, episode.ByUnknown
	}
	st.Truncated = capture.Clip(&r.Content) || st.Truncated
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Observation.Results = append(st.Observation.Results, r)
	if sg.Kind != "" {
		if h.suggest(e, &sg); d.Verdict != "" {
			e.Decisions = append(e.Decisions, d)
		}
	}
}

func (h *history) suggest(e *episode.Episode, sg *episode.Suggestion) {
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	e.Suggestions = append(e.Suggestions, *sg)
}

// interrupted cancels what was under way: the tool without a result, or else the answer.
func (h *history) interrupted(at time.Time) {
	h.c.Interrupts++
	e := h.current()
	if e == nil || len(e.Steps) == 0 || e.Steps[len(e.Steps)-1].Source != episode.SourceAgent {
		return // nothing had been suggested yet
	}
	n := len(e.Steps) - 1
	st := &e.Steps[n]
	id := ""
	if k := len(st.ToolCalls); k == 0 && st.Message != "" {
		id = "answer-" + strconv.Itoa(n)
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: st.Message, ShownAt: st.At, Truncated: st.Truncated})
	} else if last := len(e.Suggestions) - 1; k > 0 && last >= 0 && e.Suggestions[last].ID == st.ToolCalls[k-1].ID {
		id = e.Suggestions[last].ID
	}
	if o := st.Observation; id == "" || o != nil && o.Results[len(o.Results)-1].Call == id {
		return // it was done already
	}
	for i := range e.Decisions {
		if e.Decisions[i].Suggestion == id {
			return // and interrupted before
		}
	}
	e.Decisions = append(e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Cancelled, By: episode.ByPerson, At: at})
}
