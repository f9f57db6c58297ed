// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"cmp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// maxSessions bounds how many sessions are under way at once: the file is shared by all that run, and never closed.
const maxSessions = 64

// log makes episodes of the telemetry file's log records. A session's episode is given away when its next prompt begins,
// so that a file of years is read in little memory.
type log struct {
	c    *capture.Counts
	emit func(*episode.Episode) error
	open []*under // in the order in which they were first seen
}

// under is what is under way in a session.
type under struct {
	session string
	prompt  string           // id of the prompt that the episode is of
	done    string           // and of the one before: what comes late for it is passed over
	e       *episode.Episode // nil before the first prompt
	model   string           // of the session, where the response does not say
}

// logRecord is one object of the file: a log record, or a span or metrics, which have no event name.
type logRecord struct {
	Attributes lax.Object[attributes] `json:"attributes"`
	Time       jsontext.Value         `json:"hrTime"`
	Metrics    jsontext.Value         `json:"scopeMetrics"`
	Kind       jsontext.Value         `json:"kind"`
}

// attributes is the union of those that we read; a number or a bool may arrive as a string.
type attributes struct {
	Event       lax.String     `json:"event.name"`
	Timestamp   lax.Time       `json:"event.timestamp"`
	Session     lax.String     `json:"session.id"`
	PromptID    lax.String     `json:"prompt_id"`
	Interactive *lax.Bool      `json:"interactive"`
	Prompt      lax.String     `json:"prompt"`
	Function    lax.String     `json:"function_name"`
	Args        jsontext.Value `json:"function_args"` // JSON in a string
	Success     lax.Bool       `json:"success"`
	Decision    lax.String     `json:"decision"`
	Error       lax.String     `json:"error"`
	ErrorText   lax.String     `json:"error.message"`
	ErrorType   lax.String     `json:"error_type"`
	Metadata    jsontext.Value `json:"metadata"` // JSON in a string, or an object
	Model       lax.String     `json:"model"`
	Input       lax.Number     `json:"input_token_count"`
	Output      lax.Number     `json:"output_token_count"`
	Cached      lax.Number     `json:"cached_content_token_count"`
	Thoughts    lax.Number     `json:"thoughts_token_count"`
	Response    lax.String     `json:"response_text"`
}

// read takes one object of the file.
func (l *log) read(object []byte) (ok bool, err error) {
	var r logRecord
	if !lax.Decode(object, &r) {
		return false, nil
	}
	a := &r.Attributes.V
	switch {
	case a.Event != "":
		l.c.Kind(string(a.Event))
	case len(r.Metrics) > 0:
		l.c.Kind("metrics")
	case len(r.Kind) > 0:
		l.c.Kind("span")
	default:
		l.c.Kind("other")
	}
	event, own := strings.CutPrefix(string(a.Event), "gemini_cli.")
	if !own || a.Session == "" {
		return true, nil
	}
	at := a.Timestamp.Time
	if at.IsZero() {
		at = hrTime(r.Time)
	}
	u, err := l.under(string(a.Session))
	if err != nil {
		return true, err
	}
	return true, l.event(u, event, a, at)
}

// event files one event under the prompt that it came of. Requests and calls of a helper's have ids of their own: they
// belong to the prompt under way.
func (l *log) event(u *under, event string, a *attributes, at time.Time) error {
	late := a.PromptID != "" && string(a.PromptID) == u.done
	switch {
	case event == "config":
		u.model = string(a.Model)
		return nil
	case event == "user_prompt" && (u.e == nil || a.PromptID == "" || string(a.PromptID) != u.prompt), event == "tool_call" && u.e == nil:
		if late {
			return nil
		}
		if err := l.flush(u); err != nil {
			return err
		}
		u.done, u.prompt = u.prompt, string(a.PromptID)
		u.e = &episode.Episode{
			SchemaVersion: episode.SchemaVersion,
			ID:            episode.NewID(Name, cmp.Or(u.prompt, u.session+"@"+at.Format(time.RFC3339Nano))),
			StartedAt:     at,
			EndedAt:       at,
			Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
			Session:       u.session,
		}
	case u.e == nil || late:
		return nil
	}
	if at.After(u.e.EndedAt) {
		u.e.EndedAt = at
	}
	switch event {
	case "user_prompt":
		l.c.Prompts++
		text := string(a.Prompt)
		cut := capture.Clip(&text)
		u.e.Instruction = text
		u.e.Steps = append(u.e.Steps, episode.Step{At: at, Source: episode.SourceUser, Message: text, Truncated: cut})
	case "tool_call":
		l.call(u.e, a, at)
	case "api_response":
		l.response(u, a, at)
	}
	return nil
}

// under returns what is under way in a session.
func (l *log) under(session string) (*under, error) {
	for _, u := range l.open {
		if u.session == session {
			return u, nil
		}
	}
	if len(l.open) >= maxSessions {
		if err := l.flush(l.open[0]); err != nil {
			return nil, err
		}
		l.open = l.open[1:]
	}
	u := &under{session: session}
	l.open = append(l.open, u)
	return u, nil
}

// flush gives away the episode that is under way in a session.
func (l *log) flush(u *under) error {
	if u.e == nil {
		return nil
	}
	e := u.e
	u.e = nil
	capture.SetModel(e, "google", u.model)
	capture.Languages(e)
	return l.emit(e)
}

func (l *log) finish() error {
	for _, u := range l.open {
		if err := l.flush(u); err != nil {
			return err
		}
	}
	return nil
}

// response adds what a request to the model cost, and its text where it was logged.
func (l *log) response(u *under, a *attributes, at time.Time) {
	e := u.e
	capture.SetModel(e, "google", string(a.Model))
	if e.Usage == nil {
		e.Usage = &episode.Usage{}
	}
	e.Usage.InputTokens += max(0, a.Input.Int()-a.Cached.Int())
	e.Usage.OutputTokens += a.Output.Int() + a.Thoughts.Int()
	e.Usage.CacheReadTokens += a.Cached.Int()
	if text := string(a.Response); text != "" && string(a.PromptID) == u.prompt {
		cut := capture.Clip(&text)
		e.Steps = append(e.Steps, episode.Step{At: at, Source: episode.SourceAgent, Message: text, Truncated: cut})
	}
}
