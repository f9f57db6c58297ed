// SPDX-License-Identifier: Apache-2.0

package cline

import (
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// user reads a message to the model: the person's words, and what the tools gave.
func (t *task) user(m *message) {
	blocks := m.blocks()
	if t.sdk {
		t.words(m, blocks)
	}
	var last *call // the call whose result was read last, or is expected next
	expect := false
	t.aside = ""
	for i := range blocks {
		b := &blocks[i]
		switch {
		case b.Type == "tool_result":
			text, failed := b.result()
			if c := t.calls[string(b.Call)]; c != nil {
				last = t.answered(c, text, failed)
			} else {
				t.c.ToolResults++
			}
		case b.Type == "text" && !t.sdk:
			if text := t.strip(string(b.Text)); text != "" {
				last, expect = t.text(text, last, expect)
			}
		}
	}
	if t.aside != "" {
		t.feedback(nil, t.aside)
	}
}

// words reads what the person typed into the SDK's program, and the files that were put with it.
func (t *task) words(m *message, blocks []block) {
	var text strings.Builder
	for i := range blocks {
		if b := &blocks[i]; b.Type == "text" {
			said := strings.TrimSpace(string(b.Text))
			if in, ok := strings.CutPrefix(said, "<user_input"); ok { // with the mode, and around the words
				_, in, _ = strings.Cut(in, ">")
				said = strings.TrimSuffix(in, "</user_input>")
			}
			text.WriteString(said)
		}
	}
	if said := strings.TrimSpace(text.String()); said != "" {
		t.prompt(string(m.ID), said)
	}
	for i := range blocks {
		b := &blocks[i]
		if e := t.current(); e != nil && b.Type == "file" && len(b.Content) > 0 && b.Content[0] == '"' {
			a := capture.Artifact(episode.ArtifactFile, string(b.Path), unquote(b.Content))
			a.MediaType = "text/plain"
			e.Artifacts = append(e.Artifacts, a)
		}
	}
}

// strip takes away what Cline tells the model of the editor, and sees by it whether it is Cline.
func (t *task) strip(text string) string {
	before, rest, ok := strings.Cut(text, "<environment_details>")
	if !ok {
		return strings.TrimSpace(text)
	}
	details, after, _ := strings.Cut(rest, "</environment_details>")
	t.fork = t.fork || strings.Contains(details, "<slug>") // the modes of Roo Code and Kilo Code have one
	return strings.TrimSpace(before + after)
}

// text reads one text of a task's message. Where the model wrote its tools as tags, their results are texts too: one that
// names the call, and the result after it or in the next text.
func (t *task) text(text string, last *call, expect bool) (*call, bool) {
	if tool, rest, ok := headed(text); ok {
		last = nil
		for _, c := range t.open {
			if c.name == tool && !c.closed {
				last = c
				break
			}
		}
		if last == nil {
			return nil, false
		}
		last.closed = true
		if rest = strings.TrimSpace(rest); rest == "" {
			return last, true
		}
		rest, skipped, _ := strings.Cut(rest, "\nSkipping tool [")
		last = t.answered(last, rest, false)
		if skipped != "" {
			t.text("Skipping tool ["+skipped, last, false)
		}
		return last, false
	}
	if expect && last != nil {
		return t.answered(last, text, false), false
	}
	if strings.HasPrefix(text, "Skipping tool [") || strings.HasPrefix(text, "Tool [") {
		for _, c := range t.open {
			if !c.closed {
				t.answer(c, text, false)
				break
			}
		}
		return last, false
	}
	for _, name := range [...]string{"task", "user_message"} {
		if said, ok := tagged(text, name); ok && said != "" {
			t.prompt("", said)
			return nil, false
		}
	}
	if said, ok := tagged(text, "feedback"); ok && said != "" {
		if last == nil {
			t.aside = said
		} else {
			t.feedback(last, said)
		}
	}
	return last, false
}

// answered adds the result of a call. What the person said to a finished task, or to a plan, is the next prompt.
func (t *task) answered(c *call, text string, failed bool) *call {
	t.answer(c, text, failed)
	if t.aside != "" {
		t.feedback(c, t.aside)
		t.aside = ""
	}
	said, ok := "", false
	switch c.name {
	case "attempt_completion":
		said, ok = tagged(text, "feedback")
		if !ok {
			said, ok = tagged(text, "user_message")
		}
	case "plan_mode_respond", "plan_mode_response":
		said, ok = tagged(text, "user_message")
	}
	if ok && said != "" {
		t.prompt("", said)
		return nil
	}
	return c
}

// feedback is what the person said with a decision: it is the decision's reason. Said to nothing in particular, it is a
// step.
func (t *task) feedback(c *call, said string) {
	if c != nil && c.decision >= 0 {
		d := &c.e.Decisions[c.decision]
		if d.Reason == "" {
			if capture.Clip(&said); d.Verdict == episode.Rejected {
				t.c.RejectionsWithReason++
			}
			d.Reason = said
		}
		return
	}
	if e := t.current(); e != nil {
		st := episode.Step{At: t.now, Source: episode.SourceUser, Message: said}
		st.Truncated = capture.Clip(&st.Message)
		e.Steps = append(e.Steps, st)
	}
}
