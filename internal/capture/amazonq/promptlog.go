// SPDX-License-Identifier: Apache-2.0

package amazonq

import (
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
	"github.com/headrace/headrace/internal/capture/qcli"
)

// logged is one file of the prompt log.
type logged struct {
	Records records `json:"records"`
}

// records are a file's, and how many of its elements are none.
type records struct {
	list []entry
	bad  int
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (r *records) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return lax.Each(d, func() error {
		var x lax.Object[entry]
		if err := x.UnmarshalJSONFrom(d); err != nil {
			return err
		}
		if x.OK {
			r.list = append(r.list, x.V)
		} else {
			r.bad++
		}
		return nil
	})
}

// entry is one request and its answer, of one of three kinds.
type entry struct {
	Chat       lax.Object[chatRequest]       `json:"generateAssistantResponseEventRequest"`
	Answer     lax.Object[chatAnswer]        `json:"generateAssistantResponseEventResponse"`
	Completion lax.Object[completionRequest] `json:"generateCompletionsEventRequest"`
	Completed  lax.Object[completionAnswer]  `json:"generateCompletionsEventResponse"`
	Dev        lax.Object[chatRequest]       `json:"startTaskAssistCodeGenerationEventRequest"` // /dev: the prompt only
	DevAnswer  lax.Object[chatAnswer]        `json:"startTaskAssistCodeGenerationEventResponse"`
}

type chatRequest struct {
	Prompt         lax.String `json:"prompt"`
	ConversationID lax.String `json:"conversationId"`
	UserID         lax.String `json:"userId"`
	At             lax.Time   `json:"timeStamp"`
	ModelID        lax.String `json:"modelId"`
}

type chatAnswer struct {
	Text       lax.String             `json:"assistantResponse"`
	Metadata   lax.Object[metadata]   `json:"messageMetadata"`
	References lax.List[codeReferred] `json:"codeReferenceEvents"`
	RequestID  lax.String             `json:"requestId"`
}

type metadata struct {
	ConversationID lax.String `json:"conversationId"`
	UtteranceID    lax.String `json:"utteranceId"`
}

// codeReferred tells of public code that an answer resembles: in one event, or one by one.
type codeReferred struct {
	License    lax.String          `json:"licenseName"`
	References lax.List[reference] `json:"references"`
}

type reference struct {
	License lax.String `json:"licenseName"`
}

type completionRequest struct {
	Left   lax.String `json:"leftContext"`
	Right  lax.String `json:"rightContext"`
	File   lax.String `json:"fileName"`
	UserID lax.String `json:"userId"`
	At     lax.Time   `json:"timeStamp"`
}

type completionAnswer struct {
	Completions completions `json:"completions"`
	RequestID   lax.String  `json:"requestId"`
}

// completions are texts, or objects that hold one.
type completions []string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *completions) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return lax.Each(d, func() error {
		var text lax.String
		var o lax.Object[struct {
			Content lax.String `json:"content"`
		}]
		var err error
		if d.PeekKind() == '"' {
			err = text.UnmarshalJSONFrom(d)
		} else {
			err = o.UnmarshalJSONFrom(d)
			text = o.V.Content
		}
		if err != nil {
			return err
		}
		*c = append(*c, string(text))
		return nil
	})
}

// IsPromptLog reports whether a file begins as one of the prompt log does.
func IsPromptLog(head []byte) bool {
	_, records := lax.Keys(head)["records"]
	return records && slices.ContainsFunc([]string{"generateAssistantResponseEvent", "generateCompletionsEvent", "startTaskAssistCodeGenerationEvent"},
		func(event string) bool {
			return bytes.Contains(head, []byte(`"`+event+"Request\"")) || bytes.Contains(head, []byte(`"`+event+"Response\""))
		})
}

// PromptLog reads a file of the prompt log for one of the tools. Each of its records is a line, as far as the counts go.
func PromptLog(r io.Reader, tool string, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var doc logged
	ok, err := capture.Document(r, &c, &doc)
	if err != nil || !ok {
		return c, err
	}
	c.Lines, c.Unparsable = len(doc.Records.list)+doc.Records.bad, doc.Records.bad
	l := promptLog{tool: tool, c: &c, open: map[string]*episode.Episode{}, ids: map[string]bool{}}
	for i := range doc.Records.list {
		l.add(&doc.Records.list[i])
	}
	for _, e := range l.episodes {
		capture.Languages(e)
		if err := emit(e); err != nil {
			return c, err
		}
	}
	return c, nil
}

// promptLog files the records of one file.
type promptLog struct {
	tool     string
	c        *capture.Counts
	episodes []*episode.Episode
	open     map[string]*episode.Episode // the last of each conversation
	ids      map[string]bool             // a record that is there twice counts once
}

func (l *promptLog) add(x *entry) {
	switch {
	case x.Completion.OK || x.Completed.OK:
		l.c.Kind("completions")
		l.completion(&x.Completion.V, &x.Completed.V)
	case x.Dev.OK:
		l.c.Kind("dev")
		l.chat(&x.Dev.V, &x.DevAnswer.V, episode.SurfaceAgent)
	case !x.Chat.OK && !x.Answer.OK:
		l.c.Kind("other")
	case isRouting(string(x.Answer.V.Text)):
		l.c.Kind("routing") // the editor asked itself what kind of prompt it was given
	default:
		l.c.Kind("chat")
		l.chat(&x.Chat.V, &x.Answer.V, episode.SurfaceChat)
	}
}

// chat files a message and its answer. Without a prompt it is the agent going on by itself: it belongs to its
// conversation's last episode, where the log names the conversation.
func (l *promptLog) chat(q *chatRequest, a *chatAnswer, surface episode.Surface) {
	said, context := qcli.Words(string(q.Prompt))
	conversation := string(a.Metadata.V.ConversationID)
	if conversation == "" {
		conversation = string(q.ConversationID)
	}
	e := l.open[conversation]
	if conversation == "" || e == nil || said != "" {
		if said == "" && a.Text == "" && len(context) == 0 {
			l.c.Kind("without text")
			return
		}
		native := string(a.Metadata.V.UtteranceID)
		if native == "" {
			native = string(a.RequestID)
		}
		if e = l.begin("chat", native, string(q.Prompt+a.Text), string(q.UserID), q.At.Time, surface); e == nil {
			return
		}
		e.Session, e.Artifacts = conversation, context
		l.open[conversation] = e
	} else if q.At.After(e.EndedAt) {
		e.EndedAt = q.At.Time
	}
	setModel(e, string(q.ModelID))
	if said != "" {
		l.c.Prompts++
		st := episode.Step{At: q.At.Time, Source: episode.SourceUser, Message: said}
		st.Truncated = capture.Clip(&st.Message)
		e.Instruction = st.Message
		e.Steps = append(e.Steps, st)
	}
	if a.Text != "" {
		st := episode.Step{At: q.At.Time, Source: episode.SourceAgent, Message: string(a.Text)}
		st.Truncated = capture.Clip(&st.Message)
		n := len(e.Steps)
		e.Steps = append(e.Steps, st)
		e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: "answer-" + strconv.Itoa(n), Step: n, Kind: episode.KindAnswer,
			After: st.Message, ShownAt: q.At.Time, Truncated: st.Truncated})
	}
	licences(e, a.References.V)
}

// completion files a request for completions: each is a suggestion for the place between the two contexts. The file as it
// stood, as far as it was sent, is an artifact; what is before the place is the suggestions' own.
func (l *promptLog) completion(q *completionRequest, a *completionAnswer) {
	e := l.begin("completion", string(a.RequestID), string(q.File+"\x00"+q.Left), string(q.UserID), q.At.Time, episode.SurfaceCompletion)
	if e == nil {
		return
	}
	for i, text := range a.Completions {
		s := episode.Suggestion{ID: "completion-" + strconv.Itoa(i), Step: -1, Kind: episode.KindCompletion, Path: string(q.File), Slot: i,
			Before: string(q.Left), After: text, ShownAt: q.At.Time}
		s.Truncated = capture.Clip(&s.Before, &s.After)
		e.Suggestions = append(e.Suggestions, s)
	}
	if q.Right != "" {
		f := capture.Artifact(episode.ArtifactFile, string(q.File), string(q.Left+q.Right))
		f.MediaType = "text/plain"
		e.Artifacts = []episode.Artifact{f}
	}
}

// begin begins an episode, or returns nil where the record has been read already. Without an id it is known by its content.
func (l *promptLog) begin(kind, native, content, developer string, at time.Time, surface episode.Surface) *episode.Episode {
	if native == "" {
		native = developer + at.String() + episode.Digest([]byte(content))
	}
	if native = kind + "/" + native; l.ids[native] {
		l.c.Kind("repeated")
		return nil
	}
	l.ids[native] = true
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(l.tool, native), StartedAt: at, EndedAt: at,
		Tool: episode.Tool{Name: l.tool, Surface: surface}, Developer: developer}
	l.episodes = append(l.episodes, e)
	return e
}

// setModel sets the model, and keeps the licence that is known already.
func setModel(e *episode.Episode, name string) {
	known := e.Origin
	if name != "auto" {
		capture.SetModel(e, "", name)
	}
	if known != nil && e.Origin != known {
		e.Origin.License = known.License
	}
}

// licences notes under which licences the public code is that an answer resembles.
func licences(e *episode.Episode, events []codeReferred) {
	var all []string
	if e.Origin != nil && e.Origin.License != "" {
		all = strings.Split(e.Origin.License, " AND ")
	}
	add := func(name lax.String) {
		if name != "" && len(name) <= 128 && !slices.Contains(all, string(name)) && len(all) < 32 {
			all = append(all, string(name))
		}
	}
	for i := range events {
		add(events[i].License)
		for _, r := range events[i].References.V {
			add(r.License)
		}
	}
	if len(all) == 0 {
		return
	}
	slices.Sort(all)
	if e.Origin == nil {
		e.Origin = &episode.Origin{}
	}
	e.Origin.License = strings.Join(all, " AND ")
}

// isRouting reports whether an answer is only the three weights by which Kiro's editor chooses how to go on.
func isRouting(answer string) bool {
	answer = strings.TrimSpace(answer)
	if len(answer) > 200 {
		return false
	}
	answer = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(answer, "```"), "json"), "```")
	keys := lax.Keys([]byte(strings.TrimSpace(answer)))
	for _, k := range [...]string{"chat", "do", "spec"} {
		if _, ok := keys[k]; !ok {
			return false
		}
	}
	return len(keys) == 3
}
