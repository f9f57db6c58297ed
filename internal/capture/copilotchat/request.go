// SPDX-License-Identifier: Apache-2.0

package copilotchat

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// episode makes the episode of the i-th request.
func (s *chat) episode(r *request, i int, c *capture.Counts) *episode.Episode {
	c.Prompts++
	native := string(r.RequestID)
	if native == "" {
		native = string(s.SessionID) + "#" + strconv.Itoa(i)
	}
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, native), StartedAt: r.Timestamp.Time, EndedAt: r.Timestamp.Time,
		Tool:    episode.Tool{Name: Name, Version: string(r.Agent.V.ExtensionVersion), Surface: episode.SurfaceChat},
		Session: string(cmp.Or(s.SessionID, r.Result.V.Metadata.V.SessionID)), Repository: string(s.RepoData.V.RemoteURL)}
	if !r.Timestamp.IsZero() {
		e.EndedAt = r.Timestamp.Add(time.Duration(min(r.Result.V.Timings.V.TotalElapsed.Int(), 86_400_000)) * time.Millisecond)
	}
	capture.SetModel(e, "", model(string(r.ModelID)))
	text := string(r.Message)
	cut := capture.Clip(&text)
	e.Instruction = text
	e.Steps = []episode.Step{{At: r.Timestamp.Time, Source: episode.SourceUser, Message: text, Truncated: cut}}
	b := builder{e: e, c: c, files: map[string]bool{}}
	for _, round := range r.Result.V.Metadata.V.ToolCallRounds.V {
		b.round(&round)
	}
	for j := range r.Response.V {
		b.part(&r.Response.V[j], j)
	}
	b.message(len(r.Result.V.Metadata.V.ToolCallRounds.V) == 0)
	b.outcomes(s, r)
	b.vote(r)
	if len(e.Suggestions) > 0 {
		e.Tool.Surface = episode.SurfaceAgent
	}
	capture.Languages(e)
	return e
}

// builder adds to an episode what its request's parts tell.
type builder struct {
	e     *episode.Episode
	c     *capture.Counts
	text  strings.Builder // of the response
	files map[string]bool // that a round's call edits: the edit group shows the same edit again
}

// round adds one answer of the model as a step, with its calls and the suggestions that they make.
func (b *builder) round(r *round) {
	text, thought := string(r.Response), string(r.Thinking.V.Text)
	cut := capture.Clip(&text, &thought)
	n := len(b.e.Steps)
	st := episode.Step{Source: episode.SourceAgent, Message: text, Reasoning: thought, Truncated: cut}
	for _, t := range r.ToolCalls.V {
		b.c.ToolUses++
		raw := arguments(t.Arguments)
		args, cut := capture.Arguments(raw)
		st.ToolCalls = append(st.ToolCalls, episode.ToolCall{ID: string(t.ID), Name: string(t.Name), Arguments: args})
		st.Truncated = st.Truncated || cut
		var in input
		lax.Decode(raw, &in)
		sg := episode.Suggestion{ID: string(t.ID), Step: n, Path: string(in.FilePath), ShownAt: b.e.StartedAt}
		switch t.Name {
		case "replace_string_in_file", "insert_edit_into_file", "edit_notebook_file":
			sg.Kind, sg.Before, sg.After = episode.KindEdit, string(in.OldString), string(cmp.Or(in.NewString, in.Code))
		case "create_file":
			sg.Kind, sg.After = episode.KindFile, string(in.Content)
		case "apply_patch":
			sg.Kind = episode.KindEdit
			sg.Path, sg.Before, sg.After = capture.Unpatch(string(in.Input))
		default:
			continue
		}
		if b.suggest(sg) {
			b.files[sg.Path] = true
		}
	}
	b.e.Steps = append(b.e.Steps, st)
}

// arguments are JSON in a string, or JSON.
func arguments(raw jsontext.Value) jsontext.Value {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil || !jsontext.Value(s).IsValid() {
		return raw
	}
	return jsontext.Value(s)
}

func (b *builder) suggest(sg episode.Suggestion) bool {
	if sg.ID == "" {
		sg.ID = "s" + strconv.Itoa(len(b.e.Suggestions))
	}
	for i := range b.e.Suggestions {
		if b.e.Suggestions[i].ID == sg.ID {
			return false
		}
	}
	sg.Truncated = capture.Clip(&sg.Before, &sg.After)
	b.e.Suggestions = append(b.e.Suggestions, sg)
	return true
}

// part adds one part of the response.
func (b *builder) part(p *part, i int) {
	b.c.Kind(cmp.Or(string(p.Kind), "markdown"))
	switch p.Kind {
	case "", "markdownContent":
		b.text.WriteString(string(p.Value))
	case "textEditGroup":
		file := p.URI.V.file()
		var after strings.Builder
		for _, e := range p.Edits {
			after.WriteString(string(e.Text))
		}
		if !b.files[file] && after.Len() > 0 {
			b.suggest(episode.Suggestion{ID: "edit-" + strconv.Itoa(i), Step: -1, Kind: episode.KindEdit, Path: file, After: after.String(), ShownAt: b.e.StartedAt})
		}
	case "toolInvocationSerialized":
		b.invocation(p)
	}
}

// invocation adds a terminal command and what was decided on it.
func (b *builder) invocation(p *part) {
	if p.IsComplete {
		b.c.ToolResults++
	}
	line := &p.ToolSpecificData.V.CommandLine.V
	command := string(cmp.Or(line.Original, p.ToolSpecificData.V.Command))
	verdict, by := confirmed(p.IsConfirmed)
	if command == "" && verdict != episode.Rejected {
		return // it only looked, or an edit shows it
	}
	id, _, _ := strings.Cut(string(p.ToolCallID), "__vscode-") // which is the editor's own, and not in its telemetry
	if !b.suggest(episode.Suggestion{ID: id, Step: -1, Kind: episode.KindCommand, Language: "shell", After: cmp.Or(command, string(p.ToolID)), ShownAt: b.e.StartedAt}) || verdict == "" {
		return
	}
	d := episode.Decision{Suggestion: b.e.Suggestions[len(b.e.Suggestions)-1].ID, Verdict: verdict, By: by, At: b.e.EndedAt}
	if verdict == episode.Rejected {
		b.c.Rejections++
	} else if edited := string(line.UserEdited); edited != "" && edited != command {
		d.Verdict, d.By, d.Final = episode.Modified, episode.ByPerson, edited
		capture.Clip(&d.Final)
	}
	b.e.Decisions = append(b.e.Decisions, d)
}

// confirmed is what VS Code's ToolConfirmKind means: 0 denied, 1 not needed, 2 by setting, 3 by the person for the tool
// from now on, 4 by the person, 5 skipped by the person. It was a bool before.
func confirmed(raw jsontext.Value) (episode.Verdict, episode.By) {
	if len(raw) == 0 {
		return "", ""
	}
	switch raw[0] {
	case 't':
		return episode.Accepted, episode.ByUnknown
	case 'f':
		return episode.Rejected, episode.ByUnknown
	case '{':
	default:
		return "", ""
	}
	kind := struct {
		Type *lax.Number `json:"type"`
	}{}
	if !lax.Decode(raw, &kind) || kind.Type == nil {
		return "", ""
	}
	switch int(*kind.Type) {
	case 0, 5:
		return episode.Rejected, episode.ByPerson
	case 1:
		return episode.Accepted, episode.ByUnknown
	case 2, 3:
		return episode.Accepted, episode.ByRule
	case 4:
		return episode.Accepted, episode.ByPerson
	}
	return "", ""
}

// message adds the response's text: as a step of its own, or to the last where the rounds tell of it already.
func (b *builder) message(alone bool) {
	text := b.text.String()
	if text == "" || !alone {
		return
	}
	cut := capture.Clip(&text)
	b.e.Steps = append(b.e.Steps, episode.Step{At: b.e.EndedAt, Source: episode.SourceAgent, Message: text, Truncated: cut})
}

// edited is what a file's event says became of the edits to it.
func edited(kind int) (episode.Verdict, episode.By) {
	switch kind {
	case 1:
		return episode.Accepted, episode.ByPerson
	case 2:
		return episode.Rejected, episode.ByPerson
	case 3:
		return episode.Modified, episode.ByPerson
	}
	return "", ""
}

// outcomes records what was decided on the edits: by their file, the last event counts. Edits that are pending no more, of
// which no event tells, were let through.
func (b *builder) outcomes(s *chat, r *request) {
	last := map[string]int{}
	for _, ev := range r.EditedFileEvents.V {
		last[ev.URI.V.file()] = int(ev.EventKind)
	}
	for i := range b.e.Suggestions {
		sg := &b.e.Suggestions[i]
		if sg.Kind != episode.KindEdit && sg.Kind != episode.KindFile {
			continue
		}
		verdict, by := edited(last[sg.Path])
		if verdict == "" {
			if s.HasPendingEdits || r.IsCanceled {
				continue
			}
			verdict, by = episode.Accepted, episode.ByUnknown
		}
		if verdict == episode.Rejected {
			b.c.Rejections++
		}
		b.e.Decisions = append(b.e.Decisions, episode.Decision{Suggestion: sg.ID, Verdict: verdict, By: by, At: b.e.EndedAt})
	}
	if r.IsCanceled {
		b.c.Interrupts++
		n := len(b.e.Steps) - 1
		id := "answer-" + b.e.ID
		b.suggest(episode.Suggestion{ID: id, Step: n, Kind: episode.KindAnswer, After: b.e.Steps[n].Message, ShownAt: b.e.StartedAt})
		b.e.Decisions = append(b.e.Decisions, episode.Decision{Suggestion: id, Verdict: episode.Cancelled, By: episode.ByUnknown, At: b.e.EndedAt})
	}
}

// vote adds the thumb: 1 is up, 0 is down.
func (b *builder) vote(r *request) {
	if len(r.Vote) == 0 || r.Vote[0] != '0' && r.Vote[0] != '1' {
		return
	}
	comment := string(r.VoteDownReason)
	capture.Clip(&comment)
	value := 0.0
	if r.Vote[0] == '1' {
		value = 1
	}
	b.e.Ratings = append(b.e.Ratings, episode.Rating{By: "person", Target: "episode", Scale: "thumbs", Value: value, Comment: comment})
}
