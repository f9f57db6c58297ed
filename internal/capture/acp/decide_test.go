// SPDX-License-Identifier: Apache-2.0

package acp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
)

// talk is a connection that a test leads: each message comes a second after the one before it.
type talk struct {
	t   *testing.T
	b   *Builder
	now time.Time
	all []*episode.Episode
}

func newTalk(t *testing.T) *talk {
	k := &talk{t: t, b: NewBuilder(nil), now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	k.client(`"id":0,"method":"session/prompt","params":{"sessionId":"s","prompt":[{"type":"text","text":"Turn the wheel"}]}`)
	return k
}

func (k *talk) add(from Side, text string) {
	k.t.Helper()
	k.now = k.now.Add(time.Second)
	done, ok := k.b.Add(from, k.now, []byte(`{"jsonrpc":"2.0",`+text+"}"))
	if !ok {
		k.t.Fatalf("not a message: %s", text)
	}
	k.all = append(k.all, done...)
}

func (k *talk) client(text string) { k.t.Helper(); k.add(Client, text) }
func (k *talk) agent(text string)  { k.t.Helper(); k.add(Agent, text) }

func (k *talk) update(text string) {
	k.t.Helper()
	k.agent(`"method":"session/update","params":{"sessionId":"s","update":{` + text + "}}")
}

func (k *talk) status(status string) {
	k.t.Helper()
	k.update(`"sessionUpdate":"tool_call_update","toolCallId":"c","status":"` + status + `"`)
}

func (k *talk) ask() {
	k.t.Helper()
	var options []string
	for _, kind := range []string{"allow_once", "allow_always", "reject_once", "reject_always"} {
		options = append(options, fmt.Sprintf(`{"optionId":"the-%s","name":"x","kind":%q}`, kind, kind))
	}
	k.agent(`"id":"q","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"c"},"options":[` + strings.Join(options, ",") + "]}")
}

func (k *talk) choose(kind string) {
	k.t.Helper()
	k.client(`"id":"q","result":{"outcome":{"outcome":"selected","optionId":"the-` + kind + `"}}`)
}

func (k *talk) end(stop string) {
	k.t.Helper()
	k.agent(`"id":0,"result":{"stopReason":"` + stop + `"}`)
}

// The row of section 16.1 of the reference, and what lies between its cells.
func TestEachOutcomeIsThisDecision(t *testing.T) {
	cancel := func(k *talk) { k.client(`"method":"session/cancel","params":{"sessionId":"s"}`) }
	choose := func(kind, then string) func(k *talk) {
		return func(k *talk) { k.ask(); k.choose(kind); k.status(then); k.end("end_turn") }
	}
	for _, c := range []struct {
		name string
		talk func(k *talk)
		want episode.Verdict
		by   episode.By
		fail bool // the result is an error
	}{
		{"allow_once", choose("allow_once", "completed"), episode.Accepted, episode.ByPerson, false},
		{"allow_always", choose("allow_always", "completed"), episode.Accepted, episode.ByPerson, false},
		{"allowed, and then it failed", choose("allow_once", "failed"), episode.Accepted, episode.ByPerson, true},
		{"reject_once", choose("reject_once", "failed"), episode.Rejected, episode.ByPerson, false},
		{"reject_always", choose("reject_always", "failed"), episode.Rejected, episode.ByPerson, false},
		{"an option that was not offered", choose("another", "completed"), episode.Accepted, episode.ByUnknown, false},
		{"cancelled by session/cancel", func(k *talk) {
			k.ask()
			cancel(k)
			k.client(`"id":"q","result":{"outcome":{"outcome":"cancelled"}}`)
			k.end("cancelled")
		}, episode.Cancelled, episode.ByPerson, false},
		{"cancelled, session/cancel came later", func(k *talk) {
			k.ask()
			k.client(`"id":"q","result":{"outcome":{"outcome":"cancelled"}}`)
			cancel(k)
			k.end("cancelled")
		}, episode.Cancelled, episode.ByPerson, false},
		{"cancelled without session/cancel", func(k *talk) {
			k.ask()
			k.client(`"id":"q","result":{"outcome":{"outcome":"cancelled"}}`)
			k.end("end_turn")
		}, episode.Cancelled, episode.ByUnknown, false},
		{"the prompt's request was cancelled", func(k *talk) {
			k.ask()
			k.client(`"method":"$/cancel_request","params":{"requestId":0}`)
			k.end("cancelled")
		}, episode.Cancelled, episode.ByPerson, false},
		{"never answered, and stopped", func(k *talk) { k.ask(); cancel(k); k.end("cancelled") }, episode.Cancelled, episode.ByPerson, false},
		{"never answered, and no end", func(k *talk) { k.ask() }, "", "", false},
		{"the editor knows no such question", func(k *talk) {
			k.ask()
			k.client(`"id":"q","error":{"code":-32601,"message":"x"}`)
			k.status("completed")
			k.end("end_turn")
		}, episode.Accepted, episode.ByUnknown, false},
		{"not asked", func(k *talk) { k.status("completed"); k.end("end_turn") }, episode.Accepted, episode.ByUnknown, false},
		{"not asked in a mode that asks nobody", func(k *talk) {
			k.client(`"id":9,"method":"session/set_mode","params":{"sessionId":"s","modeId":"bypassPermissions"}`)
			k.update(`"sessionUpdate":"current_mode_update","currentModeId":"bypassPermissions"`)
			k.status("completed")
			k.end("end_turn")
		}, episode.Accepted, episode.ByUnknown, false},
		{"not asked, and it failed", func(k *talk) { k.status("failed"); k.end("end_turn") }, "", "", true},
		{"stopped while it ran", func(k *talk) { k.status("in_progress"); cancel(k); k.end("cancelled") }, episode.Cancelled, episode.ByPerson, false},
		{"stopped while it ran, and marked failed", func(k *talk) { k.status("in_progress"); cancel(k); k.status("failed"); k.end("cancelled") }, episode.Cancelled, episode.ByPerson, false},
		{"stopped by the agent itself", func(k *talk) { k.status("in_progress"); k.end("cancelled") }, episode.Cancelled, episode.ByUnknown, false},
		{"allowed, then stopped while it ran", func(k *talk) { k.ask(); k.choose("allow_once"); cancel(k); k.end("cancelled") }, episode.Accepted, episode.ByPerson, false},
		{"asked twice: the last answer counts", func(k *talk) {
			k.ask()
			k.choose("allow_once")
			k.ask()
			k.choose("reject_once")
			k.status("failed")
			k.end("end_turn")
		}, episode.Rejected, episode.ByPerson, false},
		{"an answer sooner than a person reads", func(k *talk) {
			k.ask()
			k.now = k.now.Add(-time.Second + 5*time.Millisecond)
			k.choose("allow_once")
			k.status("completed")
			k.end("end_turn")
		}, episode.Accepted, episode.ByUnknown, false},
		{"without times the protocol's word counts", func(k *talk) {
			k.now = time.Time{}.Add(-time.Second)
			k.ask()
			k.now = time.Time{}.Add(-time.Second)
			k.choose("allow_once")
			k.end("end_turn")
		}, episode.Accepted, episode.ByPerson, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			k := newTalk(t)
			k.update(`"sessionUpdate":"tool_call","toolCallId":"c","title":"oil","kind":"execute","status":"pending","rawInput":{"command":"oil axle"}`)
			c.talk(k)
			k.all = append(k.all, k.b.Close()...)
			if len(k.all) != 1 || len(k.all[0].Suggestions) != 1 || k.all[0].Suggestions[0].After != "oil axle" {
				t.Fatalf("%+v", k.all)
			}
			e := k.all[0]
			var d episode.Decision
			if len(e.Decisions) > 0 {
				d = e.Decisions[0]
			}
			failed := e.Steps[1].Observation != nil && e.Steps[1].Observation.Results[0].Error
			if d.Verdict != c.want || d.By != c.by || failed != c.fail {
				t.Errorf("%s by %q, an error: %v; want %s by %q, %v", d.Verdict, d.By, failed, c.want, c.by, c.fail)
			}
		})
	}
}

// An agent that forgets its questions must not keep later answers from being heard.
func TestQuestionsThatNobodyAnsweredAreForgottenWithTheirPrompt(t *testing.T) {
	k := newTalk(t)
	for i := range maxPending + 10 {
		k.agent(fmt.Sprintf(`"id":"n%d","method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"n"},"options":[]}`, i))
	}
	k.end("end_turn")
	k.client(`"id":0,"method":"session/prompt","params":{"sessionId":"s","prompt":[{"type":"text","text":"And oil it"}]}`)
	k.update(`"sessionUpdate":"tool_call","toolCallId":"c","title":"oil","kind":"execute","status":"pending","rawInput":{"command":"oil axle"}`)
	k.ask()
	k.choose("reject_once")
	k.end("end_turn")
	if n := len(k.all); n != 2 || len(k.all[1].Decisions) != 1 || k.all[1].Decisions[0].Verdict != episode.Rejected {
		t.Errorf("%d episodes, decisions %+v", n, k.all[n-1].Decisions)
	}
	if n := len(k.b.pending[Agent]) + len(k.b.pending[Client]); n != 0 {
		t.Errorf("%d are waited for", n)
	}
}

func TestAnAnswerThatIsStoppedIsCancelled(t *testing.T) {
	k := newTalk(t)
	k.update(`"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"Once upon a"}`)
	k.client(`"method":"session/cancel","params":{"sessionId":"s"}`)
	k.end("cancelled")
	want := []episode.Suggestion{{ID: "answer-1", Step: 1, Kind: episode.KindAnswer, After: "Once upon a", ShownAt: k.all[0].Steps[1].At}}
	if d := cmp.Diff(want, k.all[0].Suggestions); d != "" || k.all[0].Decisions[0].Verdict != episode.Cancelled || k.all[0].Decisions[0].By != episode.ByPerson {
		t.Errorf("%s\n%+v", d, k.all[0].Decisions)
	}
}

// In the draft of version 2 a prompt is answered at once, and ends when the agent is idle; messages come whole, too.
func TestTheSecondVersionEndsAPromptWhenTheAgentIsIdle(t *testing.T) {
	k := newTalk(t)
	k.client(`"id":5,"method":"initialize","params":{"protocolVersion":2}`)
	k.agent(`"id":5,"result":{"protocolVersion":2,"agentInfo":{"name":"goose","version":"2"}}`)
	k.agent(`"id":0,"result":{}`)
	k.update(`"sessionUpdate":"agent_message","messageId":"m","content":[{"type":"text","text":"Tur"}]`)
	k.update(`"sessionUpdate":"agent_message","messageId":"m","content":[{"type":"text","text":"Turning"}]`)
	k.update(`"sessionUpdate":"tool_call_update","toolCallId":"c","title":"look","kind":"read","status":"in_progress"`)
	k.update(`"sessionUpdate":"tool_call_content_chunk","toolCallId":"c","content":{"type":"content","content":{"type":"text","text":"a wheel"}}`)
	k.status("completed")
	if len(k.all) != 0 {
		t.Fatal("it ended before the agent was idle")
	}
	k.update(`"sessionUpdate":"state_update","state":"idle","stopReason":"end_turn"`)
	if len(k.all) != 1 || k.all[0].Steps[1].Message != "Turning" || k.all[0].Steps[1].Observation.Results[0].Content != "a wheel" || k.all[0].Tool.Name != "goose" {
		t.Errorf("%+v", k.all)
	}
}

func TestWhatABuilderKeepsIsBounded(t *testing.T) {
	k := newTalk(t)
	big := strings.Repeat("x", 1<<20)
	for range 40 {
		k.update(`"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"` + big + `"}`)
		k.update(`"sessionUpdate":"tool_call","toolCallId":"c` + fmt.Sprint(k.now.Unix()) + `","kind":"edit","content":[{"type":"diff","path":"a","oldText":"` + big + `","newText":"` + big + `"}]`)
	}
	for i := range maxParts + 10 {
		k.update(fmt.Sprintf(`"sessionUpdate":"tool_call","toolCallId":"t%d"`, i))
		k.agent(fmt.Sprintf(`"id":%d,"method":"session/request_permission","params":{"sessionId":"s","toolCall":{"toolCallId":"t0"},"options":[]}`, i))
	}
	for i := range 3 * maxSessions {
		k.client(fmt.Sprintf(`"id":"p%d","method":"session/prompt","params":{"sessionId":"other-%d","prompt":[]}`, i, i))
	}
	if n := len(k.b.sessions); n > maxSessions {
		t.Errorf("%d sessions are open", n)
	}
	for side, p := range k.b.pending {
		if len(p) > maxPending {
			t.Errorf("%d requests of side %d wait", len(p), side)
		}
	}
	k.all = append(k.all, k.b.Close()...)
	if len(k.all) != 1+3*maxSessions { // each prompt is an episode all the same
		t.Errorf("%d episodes", len(k.all))
	}
	for _, e := range k.all {
		line, err := episode.Append(nil, e)
		if err != nil || len(line) > maxHeld+4<<20 {
			t.Errorf("an episode has %d bytes, %v", len(line), err)
		}
		if e.Session == "s" && !e.Steps[len(e.Steps)-1].Truncated {
			t.Error("it is not marked as cut")
		}
	}
}

func TestWhatIsNoMessageIsCountedAndPassedOver(t *testing.T) {
	k := newTalk(t)
	for _, bad := range []string{"", "null", "[]", "{", `{"jsonrpc":"1.0","id":1,"method":"session/prompt"}`, `{"jsonrpc":"2.0"}`, "\xff\xfe", `{"jsonrpc":"2.0","method":"session/update","params":`} {
		if _, ok := k.b.Add(Agent, k.now, []byte(bad)); ok {
			t.Errorf("taken for a message: %q", bad)
		}
	}
	for _, odd := range []string{`"method":"session/update"`, `"method":"session/update","params":{"sessionId":7,"update":[]}`, `"id":0,"result":"no"`, `"id":{},"method":"session/prompt"`,
		`"id":99,"result":{}`, `"method":"_ext/thing","params":{}`, `"id":1,"method":"session/request_permission","params":{"sessionId":"s","toolCall":7,"options":{}}`} {
		k.agent(odd)
	}
	if k.b.Counts.Unparsable != 8 {
		t.Errorf("%d are counted", k.b.Counts.Unparsable)
	}
	var c capture.Counts
	for _, e := range append(k.all, k.b.Close()...) {
		c.Add(e)
	}
	if c.Episodes != 1 {
		t.Errorf("%d episodes", c.Episodes)
	}
}
