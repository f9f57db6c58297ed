// SPDX-License-Identifier: Apache-2.0

package aider

import (
	"strconv"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// event is one line of the analytics log.
type event struct {
	Event      lax.String             `json:"event"`
	Properties lax.Object[properties] `json:"properties"`
	UserID     lax.String             `json:"user_id"`
	Time       lax.Time               `json:"time"`
}

type properties struct {
	MainModel        lax.String `json:"main_model"`
	PromptTokens     lax.Number `json:"prompt_tokens"`
	CompletionTokens lax.Number `json:"completion_tokens"`
	Cost             lax.Number `json:"cost"`
	Version          lax.String `json:"aider_version"`
}

// analytics makes an episode of each message that was answered. Its one suggestion is the answer, of which only the
// fate is known.
type analytics struct {
	c        *capture.Counts
	session  string // user and launch
	answered int    // messages answered since the log's start, by which they are named
	episodes []*episode.Episode
	started  lax.Time         // of the message under way
	last     *episode.Episode // of this session
}

func (a *analytics) add(ev *event) {
	a.c.Kind(string(ev.Event))
	switch ev.Event {
	case "launched":
		a.session, a.last = string(ev.UserID)+"@"+strconv.FormatInt(ev.Time.Unix(), 10), nil
	case "message_send_starting":
		a.c.Prompts++
		a.started = ev.Time
	case "message_send_exception":
		a.c.Errors++
	case "message_send":
		a.send(ev)
	case "command_undo": // what the last answer changed is taken back
		if a.last != nil {
			a.last.Outcomes = append(a.last.Outcomes, episode.Outcome{Suggestion: "s1", Kind: episode.OutcomeReverted, Value: 1, ObservedAt: ev.Time.Time})
		}
	}
}

func (a *analytics) send(ev *event) {
	p := &ev.Properties.V
	a.answered++
	if a.started.IsZero() {
		a.started = ev.Time
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, string(ev.UserID)+"#"+strconv.Itoa(a.answered)),
		StartedAt:     a.started.Time,
		EndedAt:       ev.Time.Time,
		Tool:          episode.Tool{Name: Name, Version: string(p.Version), Surface: episode.SurfaceAgent},
		Session:       a.session,
		Suggestions:   []episode.Suggestion{{ID: "s1", Step: -1, Kind: episode.KindAnswer, ShownAt: ev.Time.Time}},
		Usage:         &episode.Usage{InputTokens: p.PromptTokens.Int(), OutputTokens: p.CompletionTokens.Int()},
	}
	if c := float64(p.Cost); c > 0 && c < 1e6 {
		e.Usage.CostUSD = c
	}
	capture.SetModel(e, "", string(p.MainModel))
	a.episodes, a.last, a.started = append(a.episodes, e), e, lax.Time{}
}

func (a *analytics) finish(emit func(*episode.Episode) error) error {
	for _, e := range a.episodes {
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}
