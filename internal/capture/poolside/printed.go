// SPDX-License-Identifier: Apache-2.0

package poolside

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// printed reports whether the head is of what pool exec prints: each event has its text under its own name.
func printed(head []byte) bool {
	for _, keys := range capture.Heads(head) {
		has := func(name string) bool { _, ok := keys[name]; return ok }
		switch keys["type"] {
		case "reasoning":
			if len(keys) == 2 && has("reasoning") {
				return true
			}
		case "thought":
			if len(keys) == 2 && has("thought") {
				return true
			}
		case "toolCall":
			if has("name") && has("args") && !has("id") {
				return true
			}
		}
	}
	return false
}

// event is the union of the events.
type event struct {
	Type      lax.String     `json:"type"`
	Reasoning lax.String     `json:"reasoning"`
	Thought   lax.String     `json:"thought"`
	Message   lax.String     `json:"message"`
	Name      lax.String     `json:"name"`
	Args      jsontext.Value `json:"args"`
	Result    jsontext.Value `json:"result"`
	Entries   jsontext.Value `json:"entries"`
	Err       lax.String     `json:"err"`
}

// arguments are those by which a call is seen to suggest something, whatever its tool is called.
type arguments struct {
	Command lax.String `json:"command"`
	Path    lax.String `json:"path"`
	File    lax.String `json:"file_path"`
	Old     lax.String `json:"old_string"`
	New     lax.String `json:"new_string"`
	OldText lax.String `json:"old_text"`
	NewText lax.String `json:"new_text"`
	Content lax.String `json:"content"`
}

// What one run may hold; what comes beyond is let go, and the episode says that it is cut.
const (
	maxHeld  = 64 << 20
	maxSteps = 1 << 16
)

// run is one run of pool exec: an episode in the making.
type run struct {
	c       *capture.Counts
	e       *episode.Episode
	digest  hash.Hash // of the first events: there is no other id
	room    int
	waiting string // call whose result is to come
	at      int    // and the place of its step
	thought bool   // the step under way has thoughts only: what is said completes it
}

func readPrinted(ctx context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	r := run{c: &c, digest: sha256.New(), room: maxHeld, e: &episode.Episode{SchemaVersion: episode.SchemaVersion,
		Tool: episode.Tool{Name: Name, Surface: episode.SurfaceAgent}}}
	err := capture.Lines(ctx, f.R, &c, func(line []byte) (bool, error) {
		var ev event
		if !lax.Decode(line, &ev) || ev.Type == "" {
			return false, nil
		}
		c.Kind(string(ev.Type[:min(len(ev.Type), 64)]))
		if c.Lines <= 16 {
			r.digest.Write(line)
		}
		r.take(&ev)
		return true, nil
	})
	if err != nil || len(r.e.Steps) == 0 {
		return c, err
	}
	r.e.ID = episode.NewID(Name, "exec#"+hex.EncodeToString(r.digest.Sum(nil)[:16]))
	capture.Languages(r.e)
	return c, emit(r.e)
}

// text is a string as far as there is room for it.
func (r *run) text(s string) string {
	s, cut := episode.Truncate(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > r.room {
		s, cut = "", true
	}
	r.room -= len(s)
	if n := len(r.e.Steps); cut && n > 0 {
		r.e.Steps[n-1].Truncated = true
	}
	return s
}

// step is the agent's last step, or a new one.
func (r *run) step(anew bool) *episode.Step {
	if n := len(r.e.Steps); n == 0 || anew && n < maxSteps {
		r.e.Steps = append(r.e.Steps, episode.Step{Source: episode.SourceAgent})
	}
	return &r.e.Steps[len(r.e.Steps)-1]
}

func (r *run) take(ev *event) {
	switch ev.Type {
	case "reasoning", "thought": // a thought tells some of the reasoning again, or all of what is said later
		st := r.step(!r.thought)
		if text := r.text(string(ev.Reasoning)); text != "" {
			st.Reasoning = strings.TrimPrefix(st.Reasoning+"\n"+text, "\n")
		} else if st.Reasoning == "" && st.Message == "" && ev.Type == "thought" {
			st.Message = r.text(string(ev.Thought))
		}
		st.Truncated = capture.Clip(&st.Reasoning) || st.Truncated
		r.thought = true
	case "assistantMessage":
		st := r.step(!r.thought)
		st.Message = r.text(string(ev.Message))
		r.thought = false
	case "toolCall":
		r.call(ev)
	case "toolCallResult":
		r.result(ev)
	}
}

// call takes a call. The last one, exit, only says that the task is done.
func (r *run) call(ev *event) {
	if ev.Name == "exit" {
		return
	}
	n := len(r.e.Steps)
	st := r.step(n == 0 || !r.thought && len(r.e.Steps[n-1].ToolCalls) > 0)
	r.thought = false
	if len(st.ToolCalls) > 0 { // there are too many steps
		return
	}
	r.c.ToolUses++
	id := "call-" + strconv.Itoa(r.c.ToolUses)
	args, cut := capture.Arguments(ev.Args)
	if len(args) > r.room {
		args, cut = nil, true
	}
	r.room -= len(args)
	st.Truncated = st.Truncated || cut
	st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: id, Name: r.text(string(ev.Name)), Arguments: args})
	r.waiting, r.at = id, len(r.e.Steps)-1
	if sg := suggestion(ev.Args); sg.Kind != "" {
		sg.ID, sg.Step = id, len(r.e.Steps)-1
		sg.Path, sg.Before, sg.After = r.text(sg.Path), r.text(sg.Before), r.text(sg.After)
		r.e.Suggestions = append(r.e.Suggestions, sg)
	}
}

func suggestion(raw jsontext.Value) (sg episode.Suggestion) {
	var in arguments
	lax.Decode(raw, &in)
	sg.Path, sg.Before, sg.After = string(in.Path+in.File), string(in.Old+in.OldText), string(in.New+in.NewText)
	switch {
	case sg.Path != "" && sg.Before+sg.After != "":
		sg.Kind = episode.KindEdit
	case sg.Path != "" && in.Content != "":
		sg.Kind, sg.After = episode.KindFile, string(in.Content)
	case in.Command != "":
		sg = episode.Suggestion{Kind: episode.KindCommand, Language: "shell", After: string(in.Command)}
	}
	return sg
}

// result takes what came back for the call before.
func (r *run) result(ev *event) {
	if r.waiting == "" {
		return
	}
	r.c.ToolResults++
	res := episode.Result{Call: r.waiting, Error: ev.Err != ""}
	r.waiting = ""
	switch {
	case res.Error:
		r.c.Errors++
		res.Content = r.text(string(ev.Err))
	case ev.Result.Kind() == '"':
		text, _ := jsontext.AppendUnquote(nil, ev.Result) // it was decoded: it can be unquoted
		res.Content = r.text(string(text))
	default:
		res.Content = r.text(string(ev.Result) + string(ev.Entries))
	}
	st := &r.e.Steps[r.at]
	if st.Observation == nil {
		st.Observation = &episode.Observation{}
	}
	st.Observation.Results = append(st.Observation.Results, res)
	if n := len(r.e.Suggestions); n > 0 && r.e.Suggestions[n-1].ID == res.Call && !res.Error {
		r.e.Decisions = append(r.e.Decisions, episode.Decision{Suggestion: res.Call, Verdict: episode.Accepted, By: episode.ByUnknown})
	}
}
