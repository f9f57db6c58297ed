// SPDX-License-Identifier: Apache-2.0

package grok

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/lax"
)

// event is one line of events.jsonl.
type event struct {
	At       lax.Time   `json:"ts"`
	Type     lax.String `json:"type"`
	Tool     lax.String `json:"tool_name"`
	Decision lax.String `json:"decision"` // allow, deny, cancelled, followup
	Source   lax.String `json:"source"`   // who decided, in versions that say so
	WaitMS   lax.Number `json:"wait_ms"`
	Outcome  lax.String `json:"outcome"`
	CallID   lax.String `json:"tool_call_id"`
	Yolo     lax.Bool   `json:"yolo_mode"`
	Mode     lax.String `json:"permission_mode"`
	NewMode  lax.String `json:"mode"`
	Category lax.String `json:"cancellation_category"`
}

// answer is what came of one permission request.
type answer struct {
	tool             string
	decision, source string
	waitMS           int64
	mode             string // of permissions, at the time
	outcome          string // of the call; it tells a hook's refusal from a person's
	category         string // of the turn's end, if that was next
	call             string
	asked, at        time.Time
}

// answersOf reads the permission requests of events.jsonl and pairs each with its answer and its call's outcome: by the
// tool's name and the order, as they have no ids.
func answersOf(ctx context.Context, dir *os.Root) (all []*answer, err error) {
	mode := ""
	first := 0                      // of the answers of the turn under way
	asked := map[string][]*answer{} // by tool: not answered yet
	given := map[string][]*answer{} // by tool: answered, and the call is not over yet
	err = lines(ctx, dir, "events.jsonl", func(line []byte) bool {
		var ev event
		if !lax.Decode(line, &ev) {
			return false
		}
		tool := string(ev.Tool)
		switch ev.Type {
		case "turn_started":
			if mode, first = string(ev.Mode), len(all); bool(ev.Yolo) {
				mode = "always_approve"
			}
			clear(asked)
			clear(given)
		case "permission_mode_changed":
			mode = string(ev.NewMode)
		case "permission_requested":
			a := &answer{tool: tool, mode: mode, asked: ev.At.Time}
			all, asked[tool] = append(all, a), append(asked[tool], a)
		case "permission_resolved":
			a := pop(asked, tool)
			if a == nil {
				a = &answer{tool: tool, mode: mode, asked: ev.At.Time}
				all = append(all, a)
			}
			a.decision, a.source, a.waitMS, a.at = string(ev.Decision), string(ev.Source), ev.WaitMS.Int(), ev.At.Time
			given[tool] = append(given[tool], a)
		case "tool_completed":
			if ev.Source == "workspace" {
				break // the same call, as another part of the tool saw it
			}
			if a := pop(given, tool); a != nil {
				a.outcome, a.call = string(ev.Outcome), string(ev.CallID)
			}
		case "turn_ended":
			for _, a := range all[first:] {
				a.category = string(ev.Category)
			}
			first = len(all)
		}
		return true
	})
	return all, err
}

// pop takes the first answer of a tool's, or nil.
func pop(queue map[string][]*answer, tool string) *answer {
	q := queue[tool]
	if len(q) == 0 {
		return nil
	}
	queue[tool] = q[1:]
	return q[0]
}

// reaction is the least time, in milliseconds, in which a person answers a request; a client without a person, a rule or
// a mode settles it within a few.
const reaction = 300

// by is who answered. Where the tool does not say, it was a person only if the mode is to ask, and the answer took as long
// as a person takes.
func (a *answer) by() episode.By {
	source := strings.ToLower(a.source)
	switch {
	case strings.HasPrefix(source, "user"):
		return episode.ByPerson
	case strings.HasPrefix(source, "hook"), a.outcome == "hook_denied", a.category == "hook_denied" && a.decision == "deny":
		return episode.ByHook
	case source != "":
		return episode.ByRule
	}
	switch a.mode {
	case "always_approve", "bypass_permissions", "yolo":
		return episode.ByRule
	case "", "ask", "default":
		if a.waitMS >= reaction {
			return episode.ByPerson
		}
	}
	return episode.ByUnknown
}

// verdict is what the answer says of the suggestion; empty where there is none.
func (a *answer) verdict() (episode.Verdict, episode.By) {
	by := a.by()
	switch {
	case a.source == "user_abort", a.decision == "cancelled": // the question was put away, not answered
		return episode.Cancelled, by
	case a.decision == "timed_out":
		return episode.TimedOut, episode.ByUnknown
	case a.decision == "allow":
		return episode.Accepted, by
	case a.decision == "deny":
		return episode.Rejected, by
	case a.decision == "followup": // with a message instead of a yes or no
		return episode.Rejected, by
	}
	return "", ""
}
