// SPDX-License-Identifier: Apache-2.0

package continuedev

import (
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// episode makes the episode of one event, or nil where it suggests nothing. All that it decides on is suggestion "s1".
func (ev *event) episode(c *capture.Counts) *episode.Episode {
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		StartedAt:     ev.Timestamp.Time,
		EndedAt:       ev.Timestamp.Time,
		Tool:          episode.Tool{Name: Name, Version: version(string(ev.UserAgent))},
		Session:       string(ev.SessionID),
		Repository:    string(ev.GitRepo),
	}
	s := episode.Suggestion{ID: "s1", Step: -1, Path: path(string(ev.FilePath + ev.FileURI)), After: string(ev.Completion), ShownAt: ev.Timestamp.Time}
	native := string(ev.CompletionID)
	no := episode.Rejected
	by := episode.ByPerson // every one of these events is from an editor, where a person presses the key
	switch ev.EventName {
	case "autocomplete":
		e.Tool.Surface, s.Kind, no = episode.SurfaceCompletion, episode.KindCompletion, episode.Ignored
		s.Before = string(ev.Prefix)
		s.Features = map[string]any{"latency_ms": float64(ev.Time.Int()), "cache_hit": bool(ev.CacheHit), "completion_chars": float64(len(ev.Completion))}
	case "nextEditOutcome":
		e.Tool.Surface, s.Kind, no = episode.SurfaceNextEdit, episode.KindEdit, episode.Ignored
		s.Before, s.DwellMS = string(ev.EditableRange), ev.Elapsed.Int()
		native += "/" + string(ev.RequestID)
	case "editOutcome":
		e.Tool.Surface, s.Kind = episode.SurfaceChat, episode.KindEdit
		e.Instruction, s.Before = string(ev.Prompt), string(ev.PreviousCode)
		if ev.NewCode != "" {
			s.After = string(ev.NewCode)
		}
	case "chatInteraction", "chatFeedback":
		e.Tool.Surface, s.Kind = episode.SurfaceChat, episode.KindAnswer
		e.Instruction = string(ev.Prompt)
		ev.Accepted = nil // an answer is read, not taken
	case "toolUsage":
		e.Tool.Surface, s.Kind = episode.SurfaceAgent, episode.KindCommand
		native, s.After = string(ev.ToolCallID), string(ev.FunctionName)
		by = episode.ByUnknown // a tool may be allowed by configuration
		ev.toolStep(e, c)
		s.Step = 0
	default:
		return nil
	}
	if e.Instruction != "" {
		c.Prompts++
	}
	if native == "" || native == "/" {
		native = string(ev.EventName+ev.SessionID) + ev.Timestamp.String() + episode.Digest([]byte(ev.Prompt+ev.Completion))
	}
	e.ID = episode.NewID(Name, string(ev.EventName)+"/"+native)
	capture.SetModel(e, string(ev.ModelProvider), string(ev.ModelName))
	capture.SetModel(e, "", string(ev.ModelTitle))
	s.Truncated = capture.Clip(&s.Before, &s.After, &e.Instruction)
	e.Suggestions = []episode.Suggestion{s}
	d := episode.Decision{Suggestion: s.ID, At: ev.Timestamp.Time}
	switch {
	case bool(ev.Aborted):
		d.Verdict, d.By = episode.Cancelled, episode.ByUnknown
	case ev.Accepted == nil: // the event does not say
	case bool(*ev.Accepted):
		d.Verdict, d.By = episode.Accepted, by
	case no == episode.Ignored:
		d.Verdict, d.By = episode.Ignored, episode.ByUnknown
	default: // pressed away; configuration does not reject
		d.Verdict, d.By = episode.Rejected, episode.ByPerson
		if ev.EventName == "toolUsage" {
			c.Rejections++
		}
	}
	if d.Verdict != "" {
		e.Decisions = []episode.Decision{d}
	}
	if ev.Feedback != nil {
		r := episode.Rating{By: "developer", Target: s.ID, Scale: "thumb"}
		if *ev.Feedback {
			r.Value = 1
		}
		e.Ratings = []episode.Rating{r}
	}
	capture.Languages(e)
	return e
}

// toolStep adds the call of a toolUsage event and what came back.
func (ev *event) toolStep(e *episode.Episode, c *capture.Counts) {
	c.ToolUses++
	raw := ev.Args
	if len(raw) == 0 {
		raw = ev.Params
	}
	args, cut := capture.Arguments(raw)
	step := episode.Step{At: ev.Timestamp.Time, Source: episode.SourceAgent, Truncated: cut,
		ToolCalls: []episode.ToolCall{{ID: string(ev.ToolCallID), Name: string(ev.FunctionName), Arguments: args}}}
	if ev.Succeeded != nil || len(ev.Output) > 0 {
		c.ToolResults++
		failed := ev.Succeeded != nil && !bool(*ev.Succeeded) && ev.Accepted != nil && bool(*ev.Accepted)
		if failed {
			c.Errors++
		}
		r := episode.Result{Call: string(ev.ToolCallID), Content: text(ev.Output), Error: failed}
		step.Truncated = capture.Clip(&r.Content) || cut
		step.Observation = &episode.Observation{Results: []episode.Result{r}}
	}
	e.Steps = []episode.Step{step}
}

// text is a JSON string's characters, or any other value as it is written.
func text(v jsontext.Value) string {
	if len(v) > 0 && v[0] == '"' {
		if s, err := jsontext.AppendUnquote(nil, v); err == nil {
			return string(s)
		}
	}
	return strings.ToValidUTF8(string(v), "\uFFFD")
}

// version is Continue's own version in "Visual Studio Code/1.98.2 (Continue/1.0.5)".
func version(userAgent string) string {
	_, v, _ := strings.Cut(userAgent, "Continue/")
	v, _, _ = strings.Cut(v, ")")
	return v
}

// path is the path of a file: URI; another string is as it was.
func path(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "file" {
		return s
	}
	return strings.ToValidUTF8(u.Path, "\uFFFD") // a percent sign may stand for any byte
}
