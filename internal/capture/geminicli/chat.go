// SPDX-License-Identifier: Apache-2.0

package geminicli

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// chat is one session: its messages as they stand at the end of the file, those taken back among them.
type chat struct {
	c        *capture.Counts
	folder   string
	meta     metadata
	messages []*entry
	active   []int          // messages that no rewind took back
	place    map[string]int // of an active message, by id
	again    []message      // what may be said again: see repeated

	episodes []*episode.Episode
	last     *episode.Episode // that the message under way belongs to
	rules    []episode.Artifact
	plans    map[string]string // text of plans written, by path
}

// entry is a message and what it follows.
type entry struct {
	message
	follows   int // index of the message before it at the time it was written, or -1
	abandoned bool
	episode   *episode.Episode
}

func newChat(c *capture.Counts, folder string) *chat {
	return &chat{c: c, folder: folder, place: map[string]int{}, plans: map[string]string{}}
}

// add applies one record.
func (ch *chat) add(r *record) {
	switch {
	case r.RewindTo != "":
		ch.c.Kind("$rewindTo")
		ch.unfinished()
		ch.rewind(string(r.RewindTo))
	case r.Set.OK:
		ch.c.Kind("$set")
		ch.know(&r.Set.V)
	case r.SessionID != "" || r.Messages.OK || r.History.OK:
		ch.c.Kind("session")
		ch.know(&r.metadata)
	case r.who() != "":
		ch.message(&r.message)
	default:
		ch.c.Kind("other")
	}
}

// know takes in what a record says of the session. Messages within it are the chat itself in the older form; later
// in a log of patches they are the history as it was shortened for the model, which says nothing that a person did.
func (ch *chat) know(m *metadata) {
	ch.meta.SessionID = cmp.Or(m.SessionID, ch.meta.SessionID)
	ch.meta.ProjectHash = cmp.Or(m.ProjectHash, ch.meta.ProjectHash)
	ch.meta.Kind = cmp.Or(m.Kind, ch.meta.Kind)
	ch.meta.Meta.V.Model = cmp.Or(m.Meta.V.Model, ch.meta.Meta.V.Model)
	if len(ch.messages) > 0 {
		if m.Messages.OK {
			ch.repeated(m.Messages.V)
		}
		return
	}
	for _, list := range [...][]message{m.Messages.V, m.History.V} {
		for i := range list {
			ch.message(&list[i])
		}
	}
}

// message adds a message, or replaces the one with its id: it is written again whenever it grows.
func (ch *chat) message(m *message) {
	ch.c.Kind(cmp.Or(m.who(), "other"))
	if len(ch.again) > 0 || len(ch.messages) > 1 && m.who() == "user" && isSetting(m.Content.text()) {
		ch.again = append(ch.again, *m)
		return
	}
	ch.put(m)
}

// repeated ends what is said again. After a request was cancelled the tool sets the model's history anew: it writes each
// message of it once more, under a new id, the setting first, and then all of them as a list.
func (ch *chat) repeated(list []message) {
	ids := map[lax.String]bool{}
	for i := range list {
		ids[list[i].ID] = true
	}
	again := ch.again
	ch.again = nil
	for i := range again {
		if !ids[again[i].ID] {
			ch.put(&again[i])
		}
	}
}

// unfinished takes what was said again and did not end, because the file is read while it is written: up to the first
// prompt that was not there before, it is a repetition.
func (ch *chat) unfinished() {
	known := map[string]bool{}
	for _, e := range ch.messages {
		if e.who() == "user" {
			known[e.Content.text()] = true
		}
	}
	again := ch.again
	ch.again = nil
	fresh := slices.IndexFunc(again, func(m message) bool {
		return m.who() == "user" && len(m.Content.said) > 0 && !isSetting(m.Content.text()) && !known[m.Content.text()]
	})
	if fresh < 0 {
		return
	}
	for i := range again[fresh:] {
		ch.put(&again[fresh+i])
	}
}

func isSetting(text string) bool {
	text = strings.TrimSpace(text)
	return strings.HasPrefix(text, settingUp) || strings.HasPrefix(text, environment) || strings.HasPrefix(text, loaded)
}

func (ch *chat) put(m *message) {
	id := string(m.ID)
	if i, again := ch.place[id]; again && id != "" {
		ch.messages[i].message = *m
		return
	}
	follows := -1
	if n := len(ch.active); n > 0 {
		follows = ch.active[n-1]
	}
	ch.place[id] = len(ch.messages)
	ch.active = append(ch.active, len(ch.messages))
	ch.messages = append(ch.messages, &entry{message: *m, follows: follows})
}

// rewind takes back the message and all after it; all, where the message is not there, as the tool does.
func (ch *chat) rewind(to string) {
	for found := false; len(ch.active) > 0 && !found; {
		n := len(ch.active) - 1
		e := ch.messages[ch.active[n]]
		ch.active, e.abandoned, found = ch.active[:n], true, string(e.ID) == to
		delete(ch.place, string(e.ID))
	}
}

// finish makes the episodes, in the order in which their prompts were written.
func (ch *chat) finish(emit func(*episode.Episode) error) error {
	ch.unfinished()
	for _, e := range ch.messages {
		if ch.last = nil; e.follows >= 0 {
			ch.last = ch.messages[e.follows].episode
		}
		switch e.who() {
		case "user":
			ch.prompt(e)
		case "gemini":
			ch.answer(&e.message)
		case "info", "warning", "error":
			ch.notice(&e.message)
		}
		if e.episode = ch.last; ch.last != nil && e.at().After(ch.last.EndedAt) {
			ch.last.EndedAt = e.at().Time
		}
	}
	for _, e := range ch.episodes {
		capture.SetModel(e, "google", string(ch.meta.Meta.V.Model))
		capture.Languages(e)
		if err := emit(e); err != nil {
			return err
		}
	}
	return nil
}

// Text that the tool puts into the person's message, or writes in the person's name.
const (
	referenced  = "--- Content from referenced files ---"
	settingUp   = "This is the Gemini CLI. We are setting up the context"
	environment = "<session_context>"
	loaded      = "<loaded_context>"
	leftPlan    = "User has manually exited Plan Mode."
)

// contextFile is an instruction file as the tool shows it to the model.
var contextFile = regexp.MustCompile(`(?s)--- Context from: ([^\n]+) ---\n(.*?)\n?--- End of Context from: `)

// prompt begins an episode, unless the message is the tool's own: results sent back, or the setting.
func (ch *chat) prompt(e *entry) {
	m := &e.message
	said := slices.Concat(m.Content.said, m.Parts.said)
	whole := strings.Join(said, "\n")
	for _, found := range contextFile.FindAllStringSubmatch(whole, -1) {
		a := capture.Artifact(episode.ArtifactRules, found[1], found[2])
		if !slices.ContainsFunc(ch.rules, func(b episode.Artifact) bool { return b.Digest == a.Digest }) {
			ch.rules = append(ch.rules, a)
		}
	}
	if len(m.Display.parts) > 0 {
		said = m.Display.parts
	}
	for i, part := range said {
		if strings.Contains(part, referenced) {
			said = said[:i]
			break
		}
	}
	text := strings.TrimSpace(strings.Join(said, "\n"))
	if isSetting(whole) || strings.HasPrefix(whole, leftPlan) || text == "" && (m.Content.response || m.Parts.response) {
		return
	}
	n := ch.begin(m)
	st := episode.Step{At: m.at().Time, Source: episode.SourceUser, Message: text}
	st.Truncated = capture.Clip(&st.Message)
	if ch.meta.Kind == "subagent" { // the agent wrote it, for a helper of its own
		st.Source = episode.SourceAgent
	} else {
		ch.c.Prompts++
		n.Instruction = st.Message
	}
	n.Steps = append(n.Steps, st)
	if e.abandoned {
		n.Links = &episode.Links{AbandonedBranch: true}
	}
}

// begin makes an episode that starts with the message; it is the one under way from here on.
func (ch *chat) begin(m *message) *episode.Episode {
	session := string(ch.meta.SessionID)
	native := string(m.ID)
	switch {
	case native == "":
		native = session + "#" + strconv.Itoa(len(ch.episodes))
	case len(native) < 32: // no UUID: unique in the session only
		native = session + "#" + native
	}
	e := &episode.Episode{
		SchemaVersion: episode.SchemaVersion,
		ID:            episode.NewID(Name, native),
		StartedAt:     m.at().Time,
		EndedAt:       m.at().Time,
		Tool:          episode.Tool{Name: Name, Surface: episode.SurfaceAgent},
		Session:       session,
		Repository:    cmp.Or(ch.folder, string(ch.meta.ProjectHash)),
		Artifacts:     slices.Clone(ch.rules),
	}
	ch.episodes = append(ch.episodes, e)
	ch.last = e
	return e
}

// answer adds one response of the model's: what it thought, said and called.
func (ch *chat) answer(m *message) {
	e := ch.last
	if e == nil {
		e = ch.begin(m) // the prompt was torn
	}
	capture.SetModel(e, "google", string(m.Model))
	st := episode.Step{At: m.at().Time, Source: episode.SourceAgent, Message: strings.TrimSpace(m.Content.text() + m.Parts.text())}
	var thoughts []string
	for _, t := range m.Thoughts.V {
		for _, s := range [...]string{string(t.Subject), string(t.Description)} {
			if s != "" {
				thoughts = append(thoughts, s)
			}
		}
	}
	st.Reasoning = strings.Join(thoughts, "\n")
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning)
	e.Steps = append(e.Steps, st)
	for i := range m.ToolCalls.V {
		ch.call(e, &m.ToolCalls.V[i], m.at().Time)
	}
	if t := &m.Tokens.V; m.Tokens.OK {
		if e.Usage == nil {
			e.Usage = &episode.Usage{}
		}
		e.Usage.InputTokens += max(0, t.Input.Int()-t.Cached.Int())
		e.Usage.OutputTokens += t.Output.Int() + t.Thoughts.Int()
		e.Usage.CacheReadTokens += t.Cached.Int()
	}
}
