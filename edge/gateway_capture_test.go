// SPDX-License-Identifier: Apache-2.0

package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/gateway"
)

// answered is what a model says in these tests: one call that edits a file.
const answered = `{"id":"msg_1","model":"claude-sonnet-4-5","content":[{"type":"text","text":"Now it is 2."},{"type":"tool_use","id":"toolu_1","name":"Edit","input":{"file_path":"a.go","old_string":"1","new_string":"2"}}],"usage":{"input_tokens":10,"output_tokens":20}}`

// behind puts edges behind a gateway whose upstream says that.
func (l *loop) behind() {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answered)
	}))
	l.t.Cleanup(up.Close)
	l.conf = func(c *edge.Config) {
		c.Gateway = gateway.Config{Upstreams: []gateway.Upstream{{Name: "anthropic", Kind: gateway.Anthropic, URL: up.URL}}}
	}
}

// asks sends a request of Claude Code's through the gateway, in the name of a developer where there is one, and says where the tool works.
func (l *loop) asks(e *edge.Edge, developer, folder string) {
	l.t.Helper()
	r := httptest.NewRequest("POST", "/as/"+developer+"/v1/messages", strings.NewReader(`{"model":"claude-sonnet-4-5","tools":[{}],"system":"Working directory: `+folder+`\n","metadata":{"user_id":"user_x_account__session_5e55"},"messages":[{"role":"user","content":"make it 2"}]}`))
	if developer == "" {
		r.URL.Path = "/v1/messages"
	} else {
		token, err := e.GatewayToken(developer)
		l.ok(err)
		r.Header.Set(gateway.TokenHeader, token)
	}
	r.Header.Set("User-Agent", "claude-cli/2.1.0 (external, cli)")
	w := httptest.NewRecorder()
	if e.Gateway().ServeHTTP(w, r); w.Code != http.StatusOK || w.Body.String() != answered {
		l.t.Fatalf("%d %s", w.Code, w.Body)
	}
}

// until waits until the gateway says that.
func (l *loop) until(e *edge.Edge, said string) {
	l.t.Helper()
	for end := time.Now().Add(time.Minute); !strings.Contains(e.GatewaySaid(), said); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			l.t.Fatalf("waited in vain for %q: %s", said, e.GatewaySaid())
		}
	}
}

func TestWhatPassesTheGatewayBecomesAnEpisode(t *testing.T) {
	l := newLoop(t)
	l.behind()
	e := l.edge("alder-bank")
	stop := running(t, e)
	l.asks(e, "ada", "/home/ada/portal")
	l.until(e, "1 requests passed on, 1 captured")
	l.asks(e, "kim", "/home/kim/skunkworks")
	l.until(e, "1 not recorded by the policy")
	l.asks(e, "", "/home/ada/portal")
	l.until(e, "3 requests passed on, 2 captured")
	stop()
	l.turn(e)
	all, err := e.Stored(t.Context())
	l.ok(err)
	if len(all) != 2 {
		t.Fatalf("%d are stored", len(all))
	}
	for _, ep := range all {
		if unproven := ep.Local != nil && ep.Local.Unauthenticated; unproven != (ep.Developer == "unauthenticated") || !unproven && ep.Developer != "ada" {
			t.Errorf("%s: %+v", ep.Developer, ep.Local)
		}
		if ep.Repository != "/home/ada/portal" || ep.Tool.Name != "claude-code" || ep.Instruction != "make it 2" || len(ep.Suggestions) != 1 || ep.Suggestions[0].After != "2" || ep.Usage.OutputTokens != 20 || ep.Session != "5e55" {
			t.Errorf("%+v", ep)
		}
	}
}

func TestWhatIsOffOrMightBeIsNotRecorded(t *testing.T) {
	l := newLoop(t)
	l.behind()
	gate := l.conf
	l.conf = func(c *edge.Config) {
		p, err := consent.DecodePolicy([]byte(strings.Replace(policyFile, "rules:\n", "rules:\n  - {name: not-kim, when: developer == \"kim\", level: off}\n", 1)))
		l.ok(err)
		c.Policy = p
		gate(c)
	}
	e := l.edge("alder-bank")
	stop := running(t, e)
	defer stop()
	bare := func(path string) {
		r := httptest.NewRequest("POST", path, strings.NewReader(`{"metadata":{"user_id":"user_x_account__session_5e55"},"messages":[{"role":"user","content":"a title"}]}`))
		r.Header.Set("User-Agent", "claude-cli/2.1.0 (external, cli)")
		w := httptest.NewRecorder()
		if e.Gateway().ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	bare("/v1/messages")
	l.until(e, "0 captured, 0 told nothing, 1 not recorded") // its folder might be one that is off
	l.asks(e, "", "/home/ada/portal")
	l.until(e, "1 captured, 0 told nothing, 1 not recorded")
	bare("/v1/messages") // of the same session
	l.until(e, "2 captured, 0 told nothing, 1 not recorded")
	r := httptest.NewRequest("POST", "/as/kim/v1/messages", strings.NewReader(`{"system":"Working directory: /home/kim/portal","messages":[{"role":"user","content":"a title"}]}`))
	e.Gateway().ServeHTTP(httptest.NewRecorder(), r) // said to be kim's, and not proven
	l.until(e, "2 captured, 0 told nothing, 2 not recorded")
}

func TestTheGatewayAndTheToolsHistoryTellOfOneEpisode(t *testing.T) {
	l := newLoop(t)
	l.behind()
	e := l.edge("alder-bank")
	stop := running(t, e)
	l.asks(e, "ada", "/home/ada/portal")
	l.until(e, "1 captured")
	stop()
	l.turn(e)
	history := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("claude-code", "uuid"), Developer: "ada", Session: "5e55", Repository: "/home/ada/portal", Tool: episode.Tool{Name: "claude-code", Surface: episode.SurfaceAgent},
		Steps:       []episode.Step{{Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: "toolu_1", Name: "Edit"}}}},
		Suggestions: []episode.Suggestion{{ID: "toolu_1", Kind: episode.KindEdit, After: "2"}}, Decisions: []episode.Decision{{Suggestion: "toolu_1", Verdict: episode.Accepted, By: episode.ByPerson}}}
	l.send(e, history)
	l.turn(e)
	all, err := e.Stored(t.Context())
	l.ok(err)
	if len(all) != 1 || len(all[0].Suggestions) != 1 || len(all[0].Decisions) != 1 || all[0].Instruction != "make it 2" || all[0].Usage.OutputTokens != 20 {
		t.Errorf("%d: %+v", len(all), all[0])
	}
}

func TestWithTheStoreDownTheGatewayServes(t *testing.T) {
	l := newLoop(t)
	l.behind()
	e := l.edge("alder-bank")
	l.ok(os.RemoveAll(l.path("alder-bank", "inbox")))
	l.ok(os.WriteFile(l.path("alder-bank", "inbox"), nil, 0o600))
	stop := running(t, e)
	for range 3 {
		l.asks(e, "ada", "/home/ada/portal")
	}
	l.until(e, "3 not stored")
	if !strings.Contains(e.GatewaySaid(), "3 requests passed on, 0 captured") {
		t.Error(e.GatewaySaid())
	}
	l.ok(os.Remove(l.path("alder-bank", "inbox")))
	l.ok(os.Mkdir(l.path("alder-bank", "inbox"), 0o700))
	l.asks(e, "ada", "/home/ada/portal")
	l.until(e, "4 requests passed on, 1 captured")
	stop()
}

// Nobody reads what passes: the gateway answers all the same, and says what it did not keep.
func TestCaptureThatIsBehindHoldsUpNoAnswer(t *testing.T) {
	l := newLoop(t)
	l.behind()
	e := l.edge("alder-bank")
	for range 4100 {
		l.asks(e, "ada", "/home/ada/portal")
	}
	if said := e.GatewaySaid(); !strings.Contains(said, "4100 requests passed on, 0 captured") || !strings.Contains(said, "4 while too much waited") {
		t.Error(said)
	}
}

// TestARouteChoosesAndWhatCameOfItFindsTheDecision: chance takes the second model now and then; the tool is told which, and a person's
// word on what it suggested, which the history brings, is told of with the decision.
func TestARouteChoosesAndWhatCameOfItFindsTheDecision(t *testing.T) {
	l := newLoop(t)
	var asked string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked = string(b)
		io.WriteString(w, answered)
	}))
	defer up.Close()
	l.exploring(0.2)
	policy := l.conf
	l.conf = func(c *edge.Config) {
		policy(c)
		c.Gateway = gateway.Config{Upstreams: []gateway.Upstream{{Name: "anthropic", Kind: gateway.Anthropic, URL: up.URL}},
			Models: map[string]gateway.Model{"good": {Upstream: "anthropic", Model: "claude-good"}, "fast": {Upstream: "anthropic"}}, Routes: map[string][]string{"auto": {"good", "fast"}}}
	}
	e := l.edge("alder-bank")
	stop := running(t, e)
	token, err := e.GatewayToken("ada")
	l.ok(err)
	chosen, last := map[string]int{}, ""
	for i := range 100 {
		r := httptest.NewRequest("POST", "/as/ada/v1/messages", strings.NewReader(fmt.Sprintf(`{ "model" : "auto","stream":true,"system":"Working directory: /home/ada/portal","metadata":{"user_id":"u_session_s%d"},"messages":[{"role":"user","content":"make it 2"}]}`, i)))
		r.Header.Set(gateway.TokenHeader, token)
		w := httptest.NewRecorder()
		e.Gateway().ServeHTTP(w, r)
		model := w.Header().Get(gateway.ModelHeader)
		last = w.Header().Get(gateway.DecisionHeader)
		if w.Code != http.StatusOK || last == "" || !strings.HasPrefix(asked, map[string]string{"good": `{ "model" : "claude-good",`, "fast": `{ "model" : "fast",`}[model]) || model == "" {
			t.Fatalf("%d %v: %s", w.Code, w.Header(), asked)
		}
		chosen[model]++
	}
	if chosen["fast"] == 0 || chosen["fast"] > 30 {
		t.Errorf("%v", chosen)
	}
	l.until(e, "100 captured")
	stop()
	l.send(e, &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID("claude-code", "uuid"), Developer: "ada", Session: "s99", Tool: episode.Tool{Name: "claude-code"},
		Steps:       []episode.Step{{Source: episode.SourceAgent, ToolCalls: []episode.ToolCall{{ID: "toolu_1", Name: "Edit"}}}},
		Suggestions: []episode.Suggestion{{ID: "toolu_1", Kind: episode.KindEdit, After: "2"}}, Decisions: []episode.Decision{{Suggestion: "toolu_1", Verdict: episode.Rejected, By: episode.ByPerson}}})
	l.turn(e)
	all, err := e.Stored(t.Context())
	l.ok(err)
	at := slices.IndexFunc(all, func(ep *episode.Episode) bool { return ep.Session == "s99" })
	if len(all) != 100 || at < 0 || len(all[at].Decisions) != 1 {
		t.Fatalf("%d, %d", len(all), at)
	}
	d := all[at].Decisions[0]
	if d.DecisionID != last || d.Verdict != episode.Rejected || d.By != episode.ByPerson || len(d.Actions) != 2 || d.Actions[1].Propensity != 0.1 || !strings.HasPrefix(d.Chosen, "option-") {
		t.Errorf("%+v", d)
	}
	f := all[at].Suggestions[0].Features
	if f["streaming"] != true || f["surface"] != "chat" || f["request_chars"] == nil {
		t.Errorf("%v", f)
	}
}
