// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/geminicli"
)

// twoPrompts is the transcript with another prompt after it.
const twoPrompts = transcript + `{"type":"user","uuid":"u9","parentUuid":"u2","sessionId":"s-1","cwd":"/src/mill","version":"2.1.0","timestamp":"2026-11-02T09:00:00Z","message":{"role":"user","content":"now oil it"}}
{"type":"assistant","uuid":"a9","parentUuid":"u9","sessionId":"s-1","timestamp":"2026-11-02T09:00:05Z","requestId":"r9","message":{"id":"m9","model":"claude-x","content":[{"type":"tool_use","id":"toolu_9","name":"Edit","input":{"file_path":"/src/mill/oil.go","old_string":"dry","new_string":"oiled"}}]}}
`

// mill is an edge at which nothing settles, and who sends to it.
type mill struct {
	*loop
	e *edge.Edge
}

var (
	ada    = edge.Principal{Name: "ada", Authenticated: true}
	bob    = edge.Principal{Name: "bob", Authenticated: true}
	nobody = edge.Principal{}
)

func newMill(t *testing.T) *mill {
	l := newLoop(t)
	l.conf = func(c *edge.Config) { c.Settle = 1 << 60 }
	return &mill{l, l.edge("mill")}
}

func (m *mill) read(s capture.Source, text string) (list []*episode.Episode) {
	m.t.Helper()
	_, err := capture.ReadFrom(m.t.Context(), []capture.Source{s}, "", capture.File{Path: "-", R: strings.NewReader(text)}, func(e *episode.Episode) error { list = append(list, e); return nil })
	m.ok(err)
	return list
}

func (m *mill) tells(p edge.Principal, list ...*episode.Episode) {
	m.t.Helper()
	_, err := m.e.Receive(m.t.Context(), p, lines(m.t, list...))
	m.ok(err)
	m.ok(m.e.Turn(m.t.Context()))
}

func (m *mill) logs(p edge.Principal, body []byte) {
	m.t.Helper()
	r := httptest.NewRequest("POST", "/v1/logs", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	m.e.Handler(func(*http.Request) edge.Principal { return p }).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		m.t.Fatalf("%d %s", w.Code, w.Body)
	}
	m.ok(m.e.Turn(m.t.Context()))
}

// said is whose what is, of the episodes in which something was said.
func (m *mill) said() (all []string) {
	m.t.Helper()
	list, err := m.e.Stored(m.t.Context())
	m.ok(err)
	for _, e := range list {
		if e.Instruction != "" {
			all = append(all, e.Developer+": "+e.Instruction)
		}
	}
	slices.Sort(all)
	return all
}

func (m *mill) want(want ...string) {
	m.t.Helper()
	if d := cmp.Diff(want, m.said()); d != "" {
		m.t.Error(d)
	}
}

// Where a tool gives its calls no ids, readers make some up, and another prompt's may be the same.
func TestPromptsWhoseCallsHaveNoIDsStayApart(t *testing.T) {
	m := newMill(t)
	log, err := os.ReadFile("../internal/capture/geminicli/testdata/telemetry.log")
	m.ok(err)
	m.tells(ada, m.read(geminicli.Source{}, string(log))...)
	m.want("ada: Double the ratio", "ada: Ship it")

	m = newMill(t)
	for _, words := range []string{"first", "second"} {
		m.tells(ada, &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("acp", words), Session: "s", Tool: episode.Tool{Name: "goose"}, Instruction: words,
			Steps: []episode.Step{{Source: episode.SourceUser, Message: words}, {Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: "call-0", Name: "edit"}}}}})
	}
	m.want("ada: first", "ada: second")
}

func TestNobodyTakesOverWhatAnotherDid(t *testing.T) {
	m := newMill(t)
	m.tells(ada, m.read(claudecode.Source{}, transcript)...)
	m.logs(bob, event("user_prompt", "prompt", "mine"))
	m.logs(bob, event("user_prompt", "message.uuid", "u1")) // it names her message
	m.want("ada: turn the wheel", "bob: mine")

	copied := m.read(claudecode.Source{}, transcript) // a session that he got from her and went on with
	copied[0].Decisions = []episode.Decision{{Suggestion: "toolu_1", Verdict: episode.Rejected, By: episode.ByPerson}}
	for range 2 {
		m.tells(bob, copied...)
	}
	m.tells(ada, m.read(claudecode.Source{}, transcript)...)
	m.want("ada: turn the wheel", "bob: turn the wheel") // which his telemetry was of
	list, err := m.e.Stored(t.Context())
	m.ok(err)
	for _, e := range list {
		if e.Developer == "ada" && e.Decisions[0].Verdict != episode.Accepted {
			t.Errorf("her decision is %+v", e.Decisions[0])
		}
	}
}

func TestTheSameSessionOfTwoPeopleAtOnceIsOneEach(t *testing.T) {
	m := newMill(t)
	for _, order := range [][]edge.Principal{{ada, bob}, {ada, bob}, {bob, ada}} {
		for _, p := range order {
			_, err := m.e.Receive(t.Context(), p, lines(t, m.read(claudecode.Source{}, twoPrompts)...))
			m.ok(err)
		}
		m.ok(m.e.Turn(t.Context()))
		m.want("ada: now oil it", "ada: turn the wheel", "bob: now oil it", "bob: turn the wheel")
	}
}

// What is told in nobody's name may name something of each of two people: it is no bridge between them.
func TestNobodysWordJoinsNoTwoPeople(t *testing.T) {
	m := newMill(t)
	others := m.read(claudecode.Source{}, strings.NewReplacer(`"u1"`, `"v1"`, "toolu_1", "toolu_2", "s-1", "s-2", "turn the wheel", "stop it").Replace(transcript))
	mine := m.read(claudecode.Source{}, transcript)
	one := episode.NewID("service", "1")
	link := func(suggestion string, of *episode.Episode) *episode.Episode { // one id for both
		return &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: one, Session: of.Session, Steps: []episode.Step{{Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: suggestion}}}}}
	}
	service := edge.Principal{Authenticated: true}
	for p, list := range map[edge.Principal][]*episode.Episode{ada: mine, bob: others} {
		_, err := m.e.Receive(t.Context(), p, lines(t, list...))
		m.ok(err)
	}
	for _, p := range []*episode.Episode{link("toolu_1", mine[0]), link("toolu_2", others[0])} {
		p.ID = mine[0].ID
		_, err := m.e.Receive(t.Context(), service, lines(t, p))
		m.ok(err)
		p.ID = others[0].ID
		m.tells(service, p)
	}
	m.want("ada: turn the wheel", "bob: stop it")
}

func TestAnEpisodeIsGoneOnlyWhereAnotherHasTakenItUp(t *testing.T) {
	m := newMill(t)
	m.tells(ada, m.read(claudecode.Source{}, twoPrompts)...)
	for _, uuid := range []string{"u1", "u9"} { // who proves nothing names both under one prompt
		m.logs(nobody, event("user_prompt", "message.uuid", uuid))
	}
	m.want("ada: now oil it", "ada: turn the wheel")

	m = newMill(t)
	both := m.read(claudecode.Source{}, twoPrompts)
	i := slices.IndexFunc(both, func(e *episode.Episode) bool { return e.Instruction == "now oil it" })
	m.tells(ada, both[1-i])
	m.now.Add(int64(60 * 24 * time.Hour))
	m.tells(ada, both[i])
	for _, uuid := range []string{"u1", "u9"} { // the first one's raw text is gone
		m.logs(ada, event("user_prompt", "message.uuid", uuid))
	}
	m.want("ada: now oil it")
}
