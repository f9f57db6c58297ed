// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// exchange is one that was sent so many seconds after noon and took one.
func exchange(path, request, answer string, after int) *Exchange {
	at := noon.Add(time.Duration(after) * time.Second)
	x := &Exchange{Path: path, Developer: "ada", Request: []byte(request), Answer: []byte(answer), Type: "application/json", Status: 200, Sent: at, First: at.Add(200 * time.Millisecond), Ended: at.Add(time.Second)}
	if strings.HasPrefix(answer, "data:") || strings.HasPrefix(answer, "event:") {
		x.Type = "text/event-stream; charset=utf-8"
	}
	return x
}

func read(t testing.TB, x *Exchange) *episode.Episode {
	t.Helper()
	e, err := x.Episode()
	if err != nil || e == nil {
		t.Fatalf("%v, %v", e, err)
	}
	if _, err := episode.Append(nil, e); err != nil {
		t.Fatal(err)
	}
	return e
}

const chatStream = `data: {"id":"chatcmpl-1","model":"qwen3-coder-30b","choices":[{"index":0,"delta":{"role":"assistant","content":"I see. "}}]}

data: {"id":"chatcmpl-1","choices":[{"index":1,"delta":{"content":"the other"}},{"index":0,"delta":{"content":"Fixing","tool_calls":[{"index":0,"id":"call_a","function":{"name":"edit_file","arguments":"{\"path\":\"a.go\","}}]}}]}

data: {"id":"chatcmpl-1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"old_string\":\"1\",\"new_string\":\"2\"}"}},{"index":1,"id":"call_b","function":{"name":"bash","arguments":"{\"command\":\"go test\"}"}}]},"finish_reason":"tool_calls"}]}

data: {"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":60}}}

data: [DONE]

`

func TestACallThatEditsIsASuggestion(t *testing.T) {
	e := read(t, exchange("/v1/chat/completions", `{"model":"coder","tools":[{}],"messages":[{"role":"system","content":"- Working directory: /home/ada/portal\nBe brief"},{"role":"user","content":[{"type":"text","text":"make it 2"}]}]}`, chatStream, 0))
	want := &episode.Episode{SchemaVersion: "1.0", ID: e.ID, Session: e.Session, StartedAt: noon, EndedAt: noon.Add(time.Second), Tool: episode.Tool{Name: "gateway", Surface: episode.SurfaceAgent},
		Model: episode.Model{Provider: "alibaba", Name: "qwen3-coder-30b"}, Origin: &episode.Origin{Provider: "alibaba"}, Repository: "/home/ada/portal", Languages: []string{"go", "shell"}, Instruction: "make it 2",
		Usage: &episode.Usage{InputTokens: 40, CacheReadTokens: 60, OutputTokens: 20},
		Steps: []episode.Step{{At: noon, Source: episode.SourceUser, Message: "make it 2"}, {At: noon.Add(time.Second), Source: episode.SourceAgent, Message: "I see. Fixing", ToolCalls: []episode.ToolCall{
			{ID: "call_a", Name: "edit_file", Arguments: []byte(`{"path":"a.go","old_string":"1","new_string":"2"}`)}, {ID: "call_b", Name: "bash", Arguments: []byte(`{"command":"go test"}`)}}}},
		Suggestions: []episode.Suggestion{{ID: "call_a", Step: 1, Kind: episode.KindEdit, Path: "a.go", Language: "go", Before: "1", After: "2", ShownAt: noon.Add(time.Second)},
			{ID: "call_b", Step: 1, Kind: episode.KindCommand, Language: "shell", After: "go test", ShownAt: noon.Add(time.Second)}}}
	e.Steps[0].Unknown = nil
	if d := cmp.Diff(want, e); d != "" {
		t.Error(d)
	}
}

func TestTokensAndTheirProbabilitiesAreThoseOfTheText(t *testing.T) {
	for name, c := range map[string]struct{ path, request, answer string }{
		"vLLM, chat":       {"/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"logprobs":true}`, `{"id":"c","choices":[{"message":{"content":"né"},"token_ids":[5,6,7,2],"logprobs":{"content":[{"token":"n","logprob":-0.5,"bytes":[110]},{"token":"\ufffd","logprob":-1,"bytes":[195]},{"token":"\ufffd","logprob":-1.5,"bytes":[169]}]}}],"prompt_token_ids":[1]}`},
		"vLLM, completion": {"/v1/completions", `{"prompt":"func f(","logprobs":1}`, `{"id":"c","choices":[{"text":"né","token_ids":[5,6,7],"logprobs":{"tokens":["n","","é"],"token_logprobs":[-0.5,-1,-1.5]}}]}`},
		"named by id":      {"/v1/completions", `{"prompt":"func f("}`, "data: {\"id\":\"c\",\"choices\":[{\"text\":\"n\",\"logprobs\":{\"tokens\":[\"token_id:5\"],\"token_logprobs\":[-0.5]}}]}\n\ndata: {\"id\":\"c\",\"choices\":[{\"text\":\"é\",\"logprobs\":{\"tokens\":[\"token_id:6\",\"token_id:7\"],\"token_logprobs\":[-1,-1.5]}}]}\n\n"},
	} {
		s := read(t, exchange(c.path, c.request, c.answer, 0)).Suggestions[0]
		if s.After != "né" || !slices.Equal(s.TokenIDs, []int32{5, 6, 7}) || !slices.Equal(s.LogProbs, []float64{-0.5, -1, -1.5}) || s.Features["mean_logprob"] != -1.0 || s.Features["latency_ms"] != 200.0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	for name, answer := range map[string]string{
		"of another text":    `{"id":"c","choices":[{"message":{"content":"né"},"logprobs":{"content":[{"token":"no","logprob":-0.5}]}}]}`,
		"that are no number": `{"id":"c","choices":[{"message":{"content":"n"},"logprobs":{"content":[{"token":"n","logprob":"-Inf"}]}}]}`,
		"of thoughts, too":   `{"id":"c","choices":[{"message":{"content":"n","reasoning":"hm"},"token_ids":[1]}]}`,
	} {
		if s := read(t, exchange("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}]}`, answer, 0)).Suggestions[0]; s.TokenIDs != nil || s.LogProbs != nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// anthropic is a request of Claude Code, whose conversation goes on after the first words.
func anthropic(rest string) string {
	return `{"model":"claude-sonnet-4-5","tools":[{}],"metadata":{"user_id":"user_1_account__session_5e55"},"system":[{"type":"text","text":"You are Claude"}],"messages":[{"role":"user","content":[{"type":"text","text":"<system-reminder>be good</system-reminder>"},{"type":"text","text":"make it 2","cache_control":{"type":"ephemeral"}}]}` + rest + `]}`
}

func anthropicStream(id, blocks string) string {
	return "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"" + id + "\",\"model\":\"claude-sonnet-4-5-20250929\",\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":90,\"output_tokens\":1}}}\n\n" + blocks +
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"x\"},\"usage\":{\"output_tokens\":30}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
}

// turn is two requests of one turn, and what the first tells that the second no longer does.
func turn() (first, second *Exchange) {
	first = exchange("/v1/messages", anthropic(""), anthropicStream("msg_1", `data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"Edit","input":{}}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"file_path\":\"/a.go\",\"old_string\""}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":":\"1\",\"new_string\":\"2\"}"}}

`), 0)
	second = exchange("/v1/messages", anthropic(`,{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"Edit","input":{"file_path":"/a.go","old_string":"1","new_string":"2"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"done"},{"type":"text","text":"<system-reminder>go on</system-reminder>"}]}`),
		`{"id":"msg_2","model":"claude-sonnet-4-5-20250929","content":[{"type":"text","text":"Done:\n`+"```go\\nx := 2\\n```"+`\n"}],"usage":{"input_tokens":5,"output_tokens":7}}`, 10)
	first.Agent, second.Agent = "claude-cli/2.1.0 (external, cli)", "claude-cli/2.1.0 (external, cli)"
	return first, second
}

func TestTheRequestsOfATurnAreOneEpisodeInAnyOrder(t *testing.T) {
	first, second := turn()
	a, b := read(t, first), read(t, second)
	if a.ID != b.ID || a.Session != "5e55" || b.Session != "5e55" || a.Tool.Name != "claude-code" || a.Tool.Version != "2.1.0" {
		t.Fatalf("%+v\n%+v", a, b)
	}
	one, other := a.Clone(), b.Clone()
	Merge(one, b)
	Merge(other, a)
	if d := cmp.Diff(one, other); d != "" {
		t.Error("in another order: ", d)
	}
	again := one.Clone()
	Merge(again, a)
	Merge(again, b)
	if d := cmp.Diff(one, again); d != "" {
		t.Error("told twice: ", d)
	}
	if d := cmp.Diff(&episode.Usage{InputTokens: 15, OutputTokens: 37, CacheReadTokens: 90}, one.Usage); d != "" {
		t.Error(d)
	}
	if len(one.Steps) != 3 || one.Steps[1].Reasoning != "hm" || one.Steps[1].Observation.Results[0].Content != "done" || one.Instruction != "make it 2" {
		t.Errorf("%+v", one.Steps)
	}
	var got []string
	for _, s := range one.Suggestions {
		got = append(got, fmt.Sprintf("%s %d %s %s", s.ID, s.Step, s.Kind, s.After))
	}
	if d := cmp.Diff([]string{"toolu_1 1 edit 2", "answer-msg_2 2 answer Done:\n```go\nx := 2\n```\n", "answer-msg_2-1 2 edit x := 2\n"}, got); d != "" {
		t.Error(d)
	}
	if !one.Suggestions[0].ShownAt.Equal(noon.Add(time.Second)) {
		t.Error(one.Suggestions[0].ShownAt)
	}
}

func TestResponsesAreReadFromTheirItemsAndFromTheirEnd(t *testing.T) {
	request := `{"model":"gpt-5-codex","instructions":"x","tools":[{}],"prompt_cache_key":"0199","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"<cwd>/home/ada/portal</cwd>"}]},{"type":"message","role":"user","content":[{"type":"input_text","text":"add a file"}]}]}`
	item := `{"type":"custom_tool_call","call_id":"call_1","name":"apply_patch","input":"*** Begin Patch\n*** Add File: b.py\n+x = 1\n*** End Patch"}`
	done := "event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"item\":" + item + "}\n\n"
	for name, end := range map[string]string{
		"broken off": "",
		"without":    "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-5-codex\",\"output\":[],\"usage\":{\"input_tokens\":9,\"output_tokens\":4}}}\n\n",
		"with":       "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_1\",\"model\":\"gpt-5-codex\",\"output\":[{\"type\":\"reasoning\",\"summary\":[{\"text\":\"hm\"}]}," + item + "],\"usage\":{\"input_tokens\":9,\"output_tokens\":4}}}\n\n",
	} {
		e := read(t, exchange("/v1/responses", request, done+end, 0))
		if len(e.Suggestions) != 1 || e.Suggestions[0].Path != "b.py" || e.Suggestions[0].After != "x = 1\n" || e.Session != "0199" || e.Repository != "/home/ada/portal" || e.Instruction != "add a file" {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestWhatIsCompressedIsRead(t *testing.T) {
	x := exchange("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}]}`, chatStream, 0)
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(x.Answer)
	z.Close()
	x.Answer, x.AnswerEncoding = b.Bytes(), "gzip"
	if e := read(t, x); len(e.Suggestions) != 2 {
		t.Errorf("%+v", e)
	}
	x.AnswerEncoding = "br"
	if e, err := x.Episode(); err == nil {
		t.Errorf("%+v", e)
	}
}

func TestAnErrorSuggestsNothing(t *testing.T) {
	x := exchange("/v1/messages", anthropic(""), `{"type":"error"}`, 0)
	x.Status = 529
	if e, err := x.Episode(); e != nil || err != nil {
		t.Errorf("%+v, %v", e, err)
	}
	x.Status = 200
	if e, err := x.Episode(); e != nil || err != nil {
		t.Errorf("%+v, %v", e, err)
	}
	if x.Answer = []byte("<html>"); true {
		if e, err := x.Episode(); err == nil {
			t.Errorf("%+v", e)
		}
	}
}

func TestWhatIsAskedAgainElsewhereIsAnother(t *testing.T) {
	ask := func(change func(*Exchange)) string {
		x := exchange("/v1/chat/completions", `{"messages":[{"role":"user","content":"fix it"}]}`, `{"id":"c","choices":[{"message":{"content":"ok"}}]}`, 0)
		change(x)
		return read(t, x).ID
	}
	ids := []string{ask(func(*Exchange) {}), ask(func(x *Exchange) { x.Developer = "kim" }), ask(func(x *Exchange) { x.Session = "s" }), ask(func(x *Exchange) { x.Sent = x.Sent.AddDate(0, 0, 1) }),
		ask(func(x *Exchange) {
			x.Request = []byte(`{"messages":[{"role":"user","content":"fix"},{"role":"assistant","content":"what?"},{"role":"user","content":"fix it"}]}`)
		}),
		ask(func(x *Exchange) {
			x.Request = []byte(`{"messages":[{"role":"system","content":"Working directory: /secret"},{"role":"user","content":"fix it"}]}`)
		})}
	if slices.Sort(ids); len(slices.Compact(ids)) != 6 {
		t.Error(ids)
	}
}

func TestTwoFoldersAreNeverMadeOneEpisode(t *testing.T) {
	in := func(folder string, after int) *episode.Episode {
		return read(t, exchange("/v1/chat/completions", `{"prompt_cache_key":"s","messages":[{"role":"system","content":"Working directory: `+folder+`"},{"role":"user","content":"fix it"}]}`, `{"id":"`+folder+`","choices":[{"message":{"content":"`+folder+`"}}]}`, after))
	}
	open, secret := in("/open", 0), in("/secret", 5)
	one, other := open.Clone(), secret.Clone()
	if Merge(one, secret); one.Repository != "/open" || len(one.Suggestions) != 1 || one.Suggestions[0].After != "/open" {
		t.Errorf("%+v", one)
	}
	Merge(other, open)
	if other.ID = one.ID; cmp.Diff(one, other) != "" {
		t.Error("in another order: ", cmp.Diff(one, other))
	}
}

func TestTheFolderIsFoundHoweverAToolTellsIt(t *testing.T) {
	for _, told := range []string{"Working directory: /a b/c", "x\n - Primary working directory: /a b/c\ny", "Current Working Directory: /a b/c\r\nx", "Current Workspace Directory: /a b/c", "current working directory: `/a b/c`",
		"# Current Working Directory (/a b/c) Files\nx", "# Current Workspace Directory (/a b/c) Files", "**Working Directory:** /a b/c", "<env>\n  Working directory: /a b/c  \n</env>", "<CWD>/a b/c</CWD>"} {
		e := read(t, exchange("", fmt.Sprintf(`{"messages":[{"role":"user","content":%q}]}`, told), `{"id":"c","choices":[{"message":{"content":"ok"}}]}`, 0))
		if e.Repository != "/a b/c" {
			t.Errorf("%q: %q", told, e.Repository)
		}
	}
}

func TestWhatASessionAsksByTheWayIsOfItsFolder(t *testing.T) {
	var folders Folders
	ask := func(developer, session, system string) string {
		x := exchange("", `{"messages":[{"role":"system","content":"`+system+`"},{"role":"user","content":"a title"}]}`, `{"id":"c","choices":[{"message":{"content":"ok"}}]}`, 0)
		x.Developer, x.Session, x.Folders = developer, session, &folders
		return read(t, x).Repository
	}
	got := []string{ask("ada", "s", ""), ask("ada", "s", "Working directory: /a"), ask("ada", "s", ""), ask("kim", "s", ""), ask("ada", "r", ""), ask("ada", "", "Working directory: /b"), ask("ada", "", ""), ask("ada", "s", "Working directory: /c"), ask("ada", "s", "")}
	if want := []string{"", "/a", "/a", "", "", "/b", "", "/c", "/c"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for i := range 3 * maxFolders {
		folders.known(fmt.Sprint(i), "/x")
	}
	if n := len(folders.of); n > maxFolders {
		t.Error(n)
	}
}

func TestWithoutAPersonsWordsEachRequestIsAnEpisode(t *testing.T) {
	for name, request := range map[string]string{
		"only a tool's output": `{"previous_response_id":"r","input":[{"type":"function_call_output","call_id":"x","output":"y"}]}`,
		"only an image":        `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:"}}]},{"role":"assistant","content":"a cat"}]}`,
		"a stored prompt":      `{"prompt":{"id":"pmpt_1"}}`,
		"nothing":              `{"messages":[]}`,
		"tokens":               `{"prompt":[1,2]}`,
		"lists of tokens":      `{"prompt":[[1,2]]}`,
	} {
		ask := func(after int) *episode.Episode {
			return read(t, exchange("", request, `{"id":"chatcmpl-7","choices":[{"message":{"content":"ok"}}]}`, after))
		}
		a, b := ask(0), ask(1)
		if a.ID == b.ID || a.Instruction != "" || len(a.Steps) != 1 || len(a.Suggestions) != 1 || a.Suggestions[0].Step != 0 {
			t.Errorf("%s: %+v\n%+v", name, a, b)
		}
		if again := ask(0); again.ID != a.ID {
			t.Errorf("%s: the same exchange gives another episode", name)
		}
	}
	one := exchange("", `{"prompt":["func f(","func g("]}`, `{"id":"c","choices":[{"text":") {}"}]}`, 0)
	if s := read(t, one).Suggestions; len(s) != 1 || s[0].Kind != episode.KindCompletion || s[0].Before != "func f(" {
		t.Errorf("%+v", s)
	}
	other := exchange("", string(one.Request), string(one.Answer), 0)
	if other.Developer = "kim"; read(t, one).ID == read(t, other).ID {
		t.Error("two developers' completions are one")
	}
}

func TestAnAnswerThatTheToolLeftIsCancelled(t *testing.T) {
	x := exchange("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}]}`, `data: {"id":"c","choices":[{"delta":{"content":"half"}}]}`+"\n\ndata: {\"id", 0)
	x.Gone = true
	if d := read(t, x).Decisions; len(d) != 1 || d[0].Verdict != episode.Cancelled || d[0].By != episode.ByUnknown || d[0].Suggestion != "answer-c" {
		t.Errorf("%+v", d)
	}
}

// FuzzEpisode: whatever went over the wire, what is made of it can be written, and is the same again.
func FuzzEpisode(f *testing.F) {
	first, second := turn()
	for _, x := range []*Exchange{first, second, exchange("", `{"prompt":"p"}`, `{"choices":[{"text":"t","token_ids":[1e99,-1]}]}`, 0), exchange("", `{"messages":[]}`, chatStream, 0), exchange("", `{"prompt":["p",[1]]}`, chatStream, 0),
		exchange("", `{"input":[{"type":"function_call_output","call_id":"x","output":[{"text":"y"}]}]}`, "data: {\"response\":{\"response\":{\"response\":{\"response\":{\"output\":[{\"type\":\"message\",\"content\":\"x\"}]}}}}}\n\n", 0)} {
		f.Add(x.Request, x.Answer, x.Type, x.AnswerEncoding)
	}
	f.Fuzz(func(t *testing.T, request, answer []byte, media, encoding string) {
		x := exchange("/v1/messages", string(request), string(answer), 0)
		x.Type, x.AnswerEncoding = media, encoding
		e, err := x.Episode()
		if err != nil || e == nil {
			return
		}
		line, err := episode.Append(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := x.Episode()
		if other, _ := episode.Append(nil, again); !bytes.Equal(line, other) {
			t.Fatalf("%s\n%s", line, other)
		}
		Merge(again, e)
		if merged, err := episode.Append(nil, again); err != nil || !bytes.Equal(line, merged) {
			t.Fatalf("merged with itself (%v): %s\n%s", err, line, merged)
		}
		for _, s := range e.Suggestions {
			if s.Step >= len(e.Steps) || len(s.LogProbs) > 0 && len(s.TokenIDs) > 0 && len(s.LogProbs) != len(s.TokenIDs) {
				t.Fatalf("%+v", s)
			}
		}
	})
}
