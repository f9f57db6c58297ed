// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/otlp"
)

// ErrForm is returned for bodies that are not of a form that is read.
var ErrForm = errors.New("the bodies are not those of a request to a model and its answer")

// Episode is what an exchange tells of its episode; nil where the model suggested nothing, as where it answered with an error. The same
// exchange gives the same episode.
func (x *Exchange) Episode() (*episode.Episode, error) {
	if x.Status != 200 {
		return nil, nil
	}
	asked, err := Open(x.Request, x.RequestEncoding)
	if err != nil {
		return nil, err
	}
	said, err := Open(x.Answer, x.AnswerEncoding)
	if err != nil {
		return nil, err
	}
	req, ok := readRequest(asked)
	if !ok {
		return nil, ErrForm
	}
	ans, ok := readAnswer(said, x.Type)
	if !ok {
		return nil, ErrForm
	}
	if ans.text == "" && len(ans.calls) == 0 {
		return nil, nil
	}
	b := builder{x: x, req: req, ans: ans, e: &episode.Episode{SchemaVersion: episode.SchemaVersion, StartedAt: x.Sent.UTC(), EndedAt: x.Ended.UTC(), Tool: ToolOf(x.Agent)}}
	return b.episode(), nil
}

// builder puts an episode together.
type builder struct {
	x   *Exchange
	req *request
	ans *answer
	e   *episode.Episode
}

func (b *builder) episode() *episode.Episode {
	e, x := b.e, b.x
	capture.SetModel(e, "", cmp.Or(b.ans.model, b.req.model))
	e.Repository = b.folder()
	if e.Session = cmp.Or(x.Session, b.req.session); e.Session != "" && x.Folders != nil {
		e.Repository = x.Folders.known(b.digest(e.Session), e.Repository)
	}
	if b.ans.id == "" {
		b.ans.id = b.digest(string(x.Answer), x.Sent.UTC().String())
	}
	if b.req.prompt != nil {
		b.completion()
	} else {
		b.turn()
	}
	for i := range e.Suggestions {
		s := &e.Suggestions[i]
		s.Truncated = capture.Clip(&s.Before, &s.After)
	}
	if x.Gone {
		for i := range e.Suggestions {
			if e.Suggestions[i].ShownAt.Equal(e.EndedAt) {
				e.Decisions = append(e.Decisions, episode.Decision{Suggestion: e.Suggestions[i].ID, Verdict: episode.Cancelled, By: episode.ByUnknown, At: e.EndedAt})
			}
		}
	}
	b.routed()
	capture.Languages(e)
	b.costs()
	return e
}

// routed tells of the decision by which the model was chosen, at the first thing that the answer suggested. What a person decided on that is not
// to be seen here: it says nothing of the developer.
func (b *builder) routed() {
	e := b.e
	at := slices.IndexFunc(e.Suggestions, func(s episode.Suggestion) bool { return s.ShownAt.Equal(e.EndedAt) })
	if b.x.Decision == "" || at < 0 {
		return
	}
	d := episode.Decision{Suggestion: e.Suggestions[at].ID, Verdict: episode.TimedOut, By: episode.ByUnknown, At: e.EndedAt, DecisionID: b.x.Decision}
	if len(e.Decisions) > 0 { // it was cancelled
		e.Decisions[0].DecisionID = b.x.Decision
		return
	}
	e.Decisions = append(e.Decisions, d)
}

// digest names texts, each apart from the next.
func (b *builder) digest(texts ...string) string {
	h := sha256.New()
	for _, t := range append([]string{b.x.Developer, b.e.Tool.Name}, texts...) {
		h.Write([]byte(strconv.Itoa(len(t)) + ":" + t))
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// alone names an episode of which no other request tells. Some servers draw the ids of their answers from a few hundred.
func (b *builder) alone() string {
	return b.digest(b.e.Session, b.e.Repository, b.ans.id, b.x.Sent.UTC().Format(time.RFC3339Nano))
}

// completion is a plain one: each request is an episode.
func (b *builder) completion() {
	b.e.Tool.Surface, b.e.ID = episode.SurfaceCompletion, episode.NewID(Name, b.alone())
	b.e.Steps = []episode.Step{{At: b.e.EndedAt, Source: episode.SourceAgent}}
	s := b.suggestion("answer-"+b.ans.id, 0, episode.KindCompletion, b.ans.text)
	s.Before = *b.req.prompt
	b.e.Suggestions = []episode.Suggestion{s}
}

// turn is what followed the last words of a person, up to the answer; the answer alone where the request has no such words.
func (b *builder) turn() {
	e, list := b.e, b.req.messages
	at := len(list) - 1
	for at >= 0 && (list[at].role != "user" || list[at].text == "" || len(list[at].results) > 0) {
		at--
	}
	// The folder and the words of the conversation up to there name the episode, and its first words the session where the tool names none: a
	// day's, so that what is asked again another day is another.
	before := []string{cmp.Or(e.Session, e.StartedAt.Format("2006-01-02")), e.Repository}
	for _, m := range list[:at+1] {
		before = append(before, m.role, m.text)
	}
	if at < 0 {
		list, before = nil, append(before, b.alone())
	}
	if e.Session == "" {
		e.Session = "gateway-" + b.digest(before[:min(4, len(before))]...)
	}
	e.ID = episode.NewID(Name, b.digest(before...))
	if e.Tool.Surface = episode.SurfaceChat; b.req.tools {
		e.Tool.Surface = episode.SurfaceAgent
	}
	if at >= 0 {
		e.Instruction = list[at].text
		st := episode.Step{At: e.StartedAt, Source: episode.SourceUser, Message: list[at].text}
		st.Truncated = capture.Clip(&st.Message, &e.Instruction)
		e.Steps = append(e.Steps, st)
	}
	for _, m := range list[at+1:] {
		b.said(&m, false)
	}
	b.said(&b.ans.message, true)
}

// said adds what the model said, or what came back for its calls.
func (b *builder) said(m *message, last bool) {
	e := b.e
	if m.role != "assistant" && !last {
		b.returned(m)
		return
	}
	n := len(e.Steps)
	st := episode.Step{Source: episode.SourceAgent, Message: m.text, Reasoning: m.reasoning}
	st.Truncated = capture.Clip(&st.Message, &st.Reasoning)
	if last {
		st.At = e.EndedAt
	}
	if n > 0 && !last && e.Steps[n-1].Source == episode.SourceAgent && e.Steps[n-1].Observation == nil && (e.Steps[n-1].Message == "" || m.text == "") {
		have := e.Steps[n-1] // the responses tell of a step piece by piece
		have.Message, have.Reasoning, have.Truncated = have.Message+st.Message, have.Reasoning+st.Reasoning, have.Truncated || st.Truncated
		n, st, e.Steps = n-1, have, e.Steps[:n-1]
	}
	for i, c := range m.calls {
		id := cmp.Or(c.id, "call-"+strconv.Itoa(n)+"-"+strconv.Itoa(i))
		args, cut := capture.Arguments([]byte(c.args))
		st.ToolCalls, st.Truncated = append(st.ToolCalls, episode.ToolCall{ID: id, Name: c.name, Arguments: args}), st.Truncated || cut
		if s := otlp.Suggestion(id, c.name, c.args); s.Kind != "" {
			if s.Step = n; last {
				s.ShownAt = e.EndedAt
			}
			e.Suggestions = append(e.Suggestions, s)
		}
	}
	e.Steps = append(e.Steps, st)
	if last && m.text != "" && len(m.calls) == 0 {
		e.Suggestions = append(e.Suggestions, b.suggestion("answer-"+b.ans.id, n, episode.KindAnswer, m.text))
		b.blocks(n, m.text)
	}
}

// returned adds results to the step that made the calls.
func (b *builder) returned(m *message) {
	for _, r := range m.results {
		for i := len(b.e.Steps) - 1; i >= 0; i-- {
			st := &b.e.Steps[i]
			if !slices.ContainsFunc(st.ToolCalls, func(c episode.ToolCall) bool { return c.ID == r.id }) {
				continue
			}
			if st.Observation == nil {
				st.Observation = &episode.Observation{}
			}
			st.Truncated = capture.Clip(&r.content) || st.Truncated
			st.Observation.Results = append(st.Observation.Results, episode.Result{Call: r.id, Content: r.content, Error: r.failed})
			break
		}
	}
}

// suggestion is the answer's text as one, with its tokens where they are those of the text and no others.
func (b *builder) suggestion(id string, step int, kind episode.SuggestionKind, text string) episode.Suggestion {
	a := b.ans
	s := episode.Suggestion{ID: id, Step: step, Kind: kind, After: text, ShownAt: b.e.EndedAt, Features: map[string]any{}}
	if ms := b.x.First.Sub(b.x.Sent).Milliseconds(); ms > 0 {
		s.Features["latency_ms"] = float64(ms)
	}
	odd := func(p float64) bool { return math.IsNaN(p) || math.IsInf(p, 0) }
	alone := a.reasoning == "" && len(a.calls) == 0
	if n := len(a.probs); n > 0 && (a.probed == text || a.probed == "" && alone && len(a.tokens) == n) && !slices.ContainsFunc(a.probs, odd) {
		sum := 0.0
		for _, p := range a.probs {
			sum += p
		}
		s.LogProbs, s.Features["mean_logprob"] = a.probs, sum/float64(n)
	}
	if n := len(s.LogProbs); alone && len(text) < 1<<20 {
		if n > 0 && len(a.tokens) == n+1 {
			a.tokens = a.tokens[:n] // the last ends the answer
		}
		if n == 0 || n == len(a.tokens) {
			s.TokenIDs = a.tokens
		}
	}
	return s
}

// maxBlocks bounds the blocks of code of one answer.
const maxBlocks = 32

// blocks adds the blocks of code of an answer: what a person may take from it.
func (b *builder) blocks(step int, text string) {
	var code strings.Builder
	fence, language := "", ""
	n := 0
	for line := range strings.Lines(text) {
		bare := strings.TrimSpace(line)
		switch {
		case fence == "" && strings.HasPrefix(bare, "```"):
			info := strings.TrimLeft(bare, "`")
			fence = bare[:len(bare)-len(info)]
			language, _, _ = strings.Cut(strings.ToLower(info), " ")
			code.Reset()
		case fence != "" && bare == fence:
			if fence = ""; code.Len() > 0 && n < maxBlocks {
				n++
				b.e.Suggestions = append(b.e.Suggestions, episode.Suggestion{ID: "answer-" + b.ans.id + "-" + strconv.Itoa(n), Step: step, Kind: episode.KindEdit, Language: language, After: code.String(), ShownAt: b.e.EndedAt})
			}
		case fence != "":
			code.WriteString(line)
		}
	}
}

// folders are how tools tell models in which folder they work, in whichever case: "Working directory: /x", "Primary working directory: /x",
// "Current Working Directory (/x) Files", "Current Workspace Directory: /x", <cwd>/x</cwd>.
var folders = regexp.MustCompile("(?im)^[\\s*#-]*(?:(?:primary|current) )?work(?:ing|space) directory(?:\\*{0,2}:\\*{0,2}[ \\t]*[`\"']?([^\\s`\"'][^\\n\\r`\"]*?)[`\"']?[ \\t]*\\r?$| \\(([^\\n]+)\\) files)|<cwd>([^<\\n]+)</cwd>")

// folder is the folder in which the tool works; empty where it does not say.
func (b *builder) folder() string {
	texts := []string{b.req.system}
	for i := range min(2, len(b.req.messages)) {
		texts = append(texts, b.req.messages[i].text)
	}
	for _, t := range texts {
		if m := folders.FindStringSubmatch(t[:min(len(t), 256<<10)]); m != nil {
			return strings.ToValidUTF8(cmp.Or(m[1], m[2], m[3]), "\uFFFD")
		}
	}
	return ""
}
