// SPDX-License-Identifier: Apache-2.0

package sweagent

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// trajectory is a .traj file.
type trajectory struct {
	Environment lax.String             `json:"environment"`
	Steps       lax.List[step]         `json:"trajectory"`
	History     lax.List[message]      `json:"history"`
	Info        lax.Object[info]       `json:"info"`
	Replay      lax.Object[replayable] `json:"replay_config"`
}

type step struct {
	Action      lax.String `json:"action"`
	Observation lax.String `json:"observation"`
	Response    lax.String `json:"response"`
	Thought     lax.String `json:"thought"`
}

type message struct {
	Role    lax.String         `json:"role"`
	Content jsontext.Value     `json:"content"` // a string, or a list of parts
	Action  lax.String         `json:"action"`
	IsDemo  lax.Bool           `json:"is_demo"`
	Calls   lax.List[toolCall] `json:"tool_calls"`
}

type toolCall struct {
	ID       lax.String `json:"id"`
	Function lax.Object[struct {
		Name      lax.String `json:"name"`
		Arguments lax.String `json:"arguments"`
	}] `json:"function"`
}

type info struct {
	ExitStatus lax.String `json:"exit_status"`
	Submission lax.String `json:"submission"`
	Stats      lax.Object[struct {
		Cost     lax.Number `json:"instance_cost"`
		Sent     lax.Number `json:"tokens_sent"`
		Received lax.Number `json:"tokens_received"`
	}] `json:"model_stats"`
}

// replayable is the run's own configuration, in newer files.
type replayable struct {
	Agent lax.Object[struct {
		Model lax.Object[struct {
			Name lax.String `json:"name"`
		}] `json:"model"`
	}] `json:"agent"`
	Env lax.Object[struct {
		Repo lax.Object[struct {
			Name lax.String `json:"repo_name"`
			URL  lax.String `json:"github_url"`
		}] `json:"repo"`
	}] `json:"env"`
	Problem lax.Object[struct {
		Text lax.String `json:"text"`
		ID   lax.String `json:"id"`
	}] `json:"problem_statement"`
}

// episode makes the run's episode. Its id is of what the run had from its first step on: the file grows with each.
func (t *trajectory) episode(c *capture.Counts) *episode.Episode {
	c.Prompts++
	cfg := &t.Replay.V
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
		Session:       string(cfg.Problem.V.ID),
		Repository:    string(cfg.Env.V.Repo.V.URL),
		Instruction:   t.issue(),
	}
	if e.Repository == "" {
		e.Repository = string(cfg.Env.V.Repo.V.Name)
	}
	capture.SetModel(e, "", string(cfg.Agent.V.Model.V.Name))
	e.ID = episode.NewID(Name, episode.Digest([]byte(strings.Join([]string{e.Session, e.Model.Name, e.Instruction, string(t.Steps.V[0].Response)}, "\x00"))))
	first := episode.Step{Source: episode.SourceUser, Message: e.Instruction}
	first.Truncated = capture.Clip(&first.Message, &e.Instruction)
	e.Steps = append(e.Steps, first)
	t.steps(e, c)
	if s := &t.Info.V.Stats; s.OK {
		e.Usage = &episode.Usage{InputTokens: s.V.Sent.Int(), OutputTokens: s.V.Received.Int()}
		if s.V.Cost >= 0 && s.V.Cost < 1e9 {
			e.Usage.CostUSD = float64(s.V.Cost)
		}
	}
	if status := string(t.Info.V.ExitStatus); status != "" {
		c.Kind("exit/" + status[:min(len(status), 80)])
	}
	suggest(e, len(e.Steps)-1, string(t.Info.V.Submission))
	return e
}

// issue is the first thing that the agent was told which is not a demonstration.
func (t *trajectory) issue() string {
	for i := range t.History.V {
		if m := &t.History.V[i]; m.Role == "user" && !bool(m.IsDemo) {
			return m.text()
		}
	}
	return string(t.Replay.V.Problem.V.Text)
}

func (m *message) text() string {
	if len(m.Content) > 0 && m.Content[0] == '"' {
		s, err := jsontext.AppendUnquote(nil, m.Content)
		if err != nil {
			return ""
		}
		return strings.ToValidUTF8(string(s), "\uFFFD")
	}
	var l struct {
		L lax.List[struct {
			Text lax.String `json:"text"`
		}]
	}
	if len(m.Content) > 0 {
		lax.Decode(slices.Concat([]byte(`{"L":`), m.Content, []byte("}")), &l)
	}
	var parts []string
	for _, p := range l.L.V {
		parts = append(parts, string(p.Text))
	}
	return strings.Join(parts, "\n")
}

// steps adds the run's steps. The history has the calls that the model made, under the same actions.
func (t *trajectory) steps(e *episode.Episode, c *capture.Counts) {
	h := 0
	for i := range t.Steps.V {
		s := &t.Steps.V[i]
		c.Kind("step")
		st := episode.Step{Source: episode.SourceAgent, Message: string(s.Thought)}
		if st.Message == "" {
			st.Message = string(s.Response)
		}
		if s.Action != "" {
			c.ToolUses++
			call := episode.ToolCall{ID: "step-" + strconv.Itoa(i)}
			call.Name, _, _ = strings.Cut(strings.TrimSpace(string(s.Action)), " ")
			call.Name, _, _ = strings.Cut(call.Name, "\n")
			if len(call.Name) > 100 {
				call.Name = "bash"
			}
			raw, err := jsontext.AppendQuote(nil, strings.ToValidUTF8(string(s.Action), "\uFFFD"))
			if err == nil {
				call.Arguments, st.Truncated = capture.Arguments(slices.Concat([]byte(`{"action":`), raw, []byte("}")))
			}
			for j := h; j < len(t.History.V) && j < h+8; j++ { // an answer that could not be read is not a step
				m := &t.History.V[j]
				if m.Role != "assistant" || bool(m.IsDemo) || m.Action != s.Action {
					continue
				}
				if h = j + 1; len(m.Calls.V) == 1 && m.Calls.V[0].ID != "" {
					f := &m.Calls.V[0].Function.V
					call.ID, call.Name = string(m.Calls.V[0].ID), string(f.Name)
					if args, cut := capture.Arguments(jsontext.Value(f.Arguments)); len(args) > 0 { // JSON in a string
						call.Arguments, st.Truncated = args, cut
					}
				}
				break
			}
			st.ToolCalls = []episode.ToolCall{call}
			c.ToolResults++
			r := episode.Result{Call: call.ID, Content: string(s.Observation)}
			st.Truncated = capture.Clip(&r.Content) || st.Truncated
			st.Observation = &episode.Observation{Results: []episode.Result{r}}
		}
		st.Truncated = capture.Clip(&st.Message) || st.Truncated
		e.Steps = append(e.Steps, st)
	}
}

// prediction is a line of a predictions file: what one run submitted.
type prediction struct {
	Run      lax.String `json:"model_name_or_path"`
	Instance lax.String `json:"instance_id"`
	Patch    lax.String `json:"model_patch"`
}

// episode makes an episode without a trajectory. The run's name begins with the model's.
func (p *prediction) episode() *episode.Episode {
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, "prediction/"+string(p.Run)+"/"+string(p.Instance)),
		Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
		Session:       string(p.Instance),
	}
	model, _, _ := strings.Cut(string(p.Run), "__")
	capture.SetModel(e, "", model)
	suggest(e, -1, string(p.Patch))
	return e
}

// suggest adds the patch that was submitted: one suggestion, as it is taken or not as one.
func suggest(e *episode.Episode, step int, patch string) {
	if strings.TrimSpace(patch) == "" {
		return
	}
	sg := episode.Suggestion{ID: "submission", Step: step, Kind: episode.KindEdit}
	var before, after strings.Builder
	patch = strings.NewReplacer("\r\r\n", "\n", "\r\n", "\n").Replace(patch) // a terminal's line ends in old recordings
	sg.Path = capture.Hunks(patch, &before, &after)
	sg.Before, sg.After = before.String(), after.String()
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	e.Suggestions = append(e.Suggestions, sg)
	capture.Languages(e)
}
