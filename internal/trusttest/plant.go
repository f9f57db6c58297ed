// SPDX-License-Identifier: Apache-2.0

package trusttest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf16"
)

// canaryHead begins each planted string: what looks for it finds them all. It reads like a word, so that no filter takes it for
// a secret, and stands nowhere else.
const canaryHead = "quernmillcanary"

// form is a way in which a canary may stand somewhere.
type form struct {
	name    string
	needle  []byte
	anyCase bool
}

// formsOf are those of the canaries that begin so.
func formsOf(head string) []form {
	list := []form{{"as it is", []byte(head), true}, {"in hexadecimal", []byte(hex.EncodeToString([]byte(head))), true}}
	wide := utf16.Encode([]rune(head))
	var le []byte
	for _, c := range wide {
		le = append(le, byte(c), byte(c>>8))
	}
	list = append(list, form{"in UTF-16", le, false})
	for shift := range 3 { // where the text begins within a group of three bytes
		s := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), head...))
		const firstWhole, lastWhole = 4, 2
		list = append(list, form{"in base64", []byte(s[firstWhole : len(s)-lastWhole]), false})
	}
	return list
}

// canary is a string to plant.
func (w *world) canary(way string) string {
	w.report.Planted++
	w.report.By[way]++
	return w.word(canaryHead, w.report.Planted)
}

// word goes on from a head: every second one looks random, the others like words.
func (w *world) word(head string, n int) string {
	if n%2 == 0 {
		words := []string{"wheel", "gate", "stone", "sluice", "race", "pond", "weir", "flume", "shaft", "hopper"}
		return head + words[w.rng.IntN(len(words))]
	}
	const letters = "abcdefghijklmnopqrstuvwxyz"
	b := []byte(head)
	for range 12 {
		b = append(b, letters[w.rng.IntN(len(letters))])
	}
	return string(b)
}

// unused is an address that nobody listens on, below the ports that the system hands out.
func unused() (string, error) {
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(20_000)))
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no address is free")
}

// ways are the ways in, each with how it plants something.
func (w *world) ways() []func(context.Context, int) error {
	return []func(context.Context, int) error{w.plantEpisodes, w.plantListed, w.plantTranscript, w.plantLogs, w.plantTraces, w.plantOutcomes, w.plantDecision, w.plantJUnit, w.plantNonsense}
}

// plant goes through the ways in, again and again, with kills spread over it.
func (w *world) plant(ctx context.Context) error {
	for i := 0; w.report.Planted < w.o.Canaries; i++ {
		for _, way := range w.ways() {
			if err := way(ctx, i); err != nil {
				return err
			}
			if w.report.Kills < w.o.Kills && w.report.Planted >= (w.report.Kills+1)*w.o.Canaries/(w.o.Kills+1) {
				sleep(ctx, time.Duration(w.rng.IntN(300))*time.Millisecond)
				if err := w.kill(ctx); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// repositories are those of the policy's rules: of which numbers leave, or masked code.
func repositories() []string { return []string{"git.example/signal", "git.example/masked"} }

// together is how many episodes come in one request.
const together = 10

// plantEpisodes sends episodes with a canary in each text that an episode has.
func (w *world) plantEpisodes(ctx context.Context, i int) error {
	var body []byte
	for k := range together {
		b, err := json.Marshal(episodeOf(fmt.Sprintf("%016x%016x", i, k), repositories()[k%2], func() string { return w.canary("episode") }))
		if err != nil {
			return err
		}
		body = append(append(body, b...), '\n')
	}
	return w.post(ctx, "/v1/episodes", "application/x-ndjson", body, true)
}

// episodeOf is an episode with a word in each text that one has.
func episodeOf(id, repository string, word func() string) map[string]any {
	say := func(s string) string { return s + " " + word() + " now" }
	code := func() string {
		return "func " + word() + "() string { // " + word() + "\n\treturn \"" + word() + "\"\n}\n"
	}
	path := "/src/" + word() + "/wheel.go"
	return map[string]any{"schema_version": "1.0", "id": "ep_" + id, "started_at": "2026-03-14T15:09:26Z", "ended_at": "2026-03-14T15:11:02Z",
		"tool": map[string]any{"name": "claude-code", "surface": "agent"}, "model": map[string]any{"provider": "anthropic", "name": "claude-sonnet-4-5"},
		"session": "s-" + id, "repository": repository, "languages": []string{"go"}, "instruction": say("turn the wheel"),
		"artifacts": []any{map[string]any{"digest": "sha256:" + strings.Repeat("0", 48) + id[16:], "kind": "rules", "name": word() + ".md", "media_type": "text/markdown", "text": say("use the gate")}},
		"steps": []any{map[string]any{"at": "2026-03-14T15:09:26Z", "source": "user", "message": say("please")},
			map[string]any{"at": "2026-03-14T15:09:41Z", "source": "agent", "message": say("done"), "reasoning": say("because"),
				"tool_calls":  []any{map[string]any{"id": "t", "name": "Edit", "arguments": map[string]any{"file_path": path, "old_string": code(), "new_string": code()}}},
				"observation": map[string]any{"results": []any{map[string]any{"call": "t", "content": say("updated")}}}}},
		"suggestions": []any{map[string]any{"id": "s1", "step": 1, "kind": "edit", "path": path, "language": "go", "before": code(), "after": code(), "shown_at": "2026-03-14T15:09:41Z",
			"features": map[string]any{"language": "go", "lines": 3, "note": word()}}},
		"decisions": []any{map[string]any{"suggestion": "s1", "verdict": "modified", "by": "person", "at": "2026-03-14T15:09:44Z", "reason": say("no"), "final": code()}},
		"ratings":   []any{map[string]any{"by": "developer", "target": "s1", "scale": "thumbs", "value": 1, "comment": say("good")}},
		"origin":    map[string]any{"provider": "anthropic", "contract_class": "open-license", "license": "proprietary"},
		"x_unknown": map[string]any{"text": word()}}
}

// transcriptPlants is how many canaries a transcript holds.
const transcriptPlants = 7

// plantTranscript writes what Claude Code keeps of a session into the developer's home, where the agent finds it.
func (w *world) plantTranscript(_ context.Context, i int) error {
	c := func() string { return w.canary("transcript of a tool") }
	s, edited := fmt.Sprintf("s-%d", i), "/src/mill/"+c()+".go"
	var b bytes.Buffer
	line := func(kind, id, parent, role string, content any) {
		m := map[string]any{"type": kind, "uuid": s + id, "sessionId": s, "cwd": "/src/mill", "version": "2.1.17", "timestamp": "2026-03-01T10:00:01.000Z",
			"message": map[string]any{"id": "m" + id, "role": role, "model": "claude-opus-4-5", "content": content}}
		if parent != "" {
			m["parentUuid"] = s + parent
		}
		raw, err := json.Marshal(m)
		if err == nil {
			b.Write(append(raw, '\n'))
		}
	}
	line("user", "p", "", "user", "turn "+c())
	line("assistant", "a", "p", "assistant", []any{map[string]any{"type": "thinking", "thinking": "think " + c(), "signature": "x"}, map[string]any{"type": "text", "text": "so " + c()},
		map[string]any{"type": "tool_use", "id": "t" + s, "name": "Edit", "input": map[string]any{"file_path": edited, "old_string": "a " + c(), "new_string": "b " + c()}}})
	line("user", "r", "a", "user", []any{map[string]any{"type": "tool_result", "tool_use_id": "t" + s, "content": "updated " + c()}})
	dir := filepath.Join(w.home(), ".claude", "projects", "mill")
	return errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, s+".jsonl"), b.Bytes(), 0o600))
}

func attribute(key, value string) map[string]any {
	return map[string]any{"key": key, "value": map[string]any{"stringValue": value}}
}

// plantLogs sends what Claude Code tells by OTLP.
func (w *world) plantLogs(ctx context.Context, i int) error {
	c := func() string { return w.canary("OTLP log") }
	b, err := json.Marshal(map[string]any{"resourceLogs": []any{map[string]any{"resource": map[string]any{"attributes": []any{attribute("service.name", "claude-code")}},
		"scopeLogs": []any{map[string]any{"scope": map[string]any{"name": "com.anthropic.claude_code.events"}, "logRecords": []any{
			map[string]any{"timeUnixNano": "1772359201000000000", "body": map[string]any{"stringValue": "claude_code.user_prompt"}, "attributes": []any{attribute("event.name", "user_prompt"),
				attribute("session.id", fmt.Sprint("o-", i)), attribute("prompt.id", fmt.Sprint("p-", i)), attribute("prompt", "turn "+c()), attribute("user.email", "ada@alder.example")}},
			map[string]any{"timeUnixNano": "1772359202000000000", "body": map[string]any{"stringValue": "claude_code.tool_result"}, "attributes": []any{attribute("event.name", "tool_result"),
				attribute("session.id", fmt.Sprint("o-", i)), attribute("prompt.id", fmt.Sprint("p-", i)), attribute("tool_name", "Bash"), attribute("tool_parameters", `{"full_command":"echo `+c()+`"}`)}},
			map[string]any{"timeUnixNano": "1772359203000000000", "body": map[string]any{"stringValue": c()}, "attributes": []any{attribute("event.name", "unheard_of"), attribute("text", c())}}}}}}}})
	if err != nil {
		return err
	}
	return w.post(ctx, "/v1/logs", "application/json", b, true)
}

// plantTraces sends spans with messages, as the conventions for generative AI have them.
func (w *world) plantTraces(ctx context.Context, i int) error {
	c := func() string { return w.canary("OTLP span") }
	b, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{"resource": map[string]any{"attributes": []any{attribute("service.name", "assistant")}},
		"scopeSpans": []any{map[string]any{"scope": map[string]any{"name": "gen_ai"}, "spans": []any{map[string]any{"traceId": fmt.Sprintf("%032x", i+1), "spanId": fmt.Sprintf("%016x", i+1), "name": "chat",
			"kind": 3, "startTimeUnixNano": "1772359201000000000", "endTimeUnixNano": "1772359202000000000",
			"attributes": []any{attribute("gen_ai.operation.name", "chat"), attribute("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"`+c()+`"}]}]`),
				attribute("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"text","content":"`+c()+`"}]}]`), attribute("gen_ai.conversation.id", fmt.Sprint("c-", i))}}}}}}}})
	if err != nil {
		return err
	}
	return w.post(ctx, "/v1/traces", "application/json", b, true)
}

// plantOutcomes tells later facts with words in them.
func (w *world) plantOutcomes(ctx context.Context, i int) error {
	id := fmt.Sprintf("ep_%016x%016x", i, 0)
	b := fmt.Appendf(nil, `{"episode":%q,"suggestion":"s1","tool":"claude-code","verdict":"rejected","by":"person","at":"2026-03-18T09:21:00Z","reason":%q}`+"\n", id, "because "+w.canary("later decision"))
	return w.post(ctx, "/v1/decisions", "application/x-ndjson", b, true)
}

// plantDecision asks whether to show a suggestion, with a feature that is none.
func (w *world) plantDecision(ctx context.Context, _ int) error {
	b := fmt.Appendf(nil, `{"developer":"kim","features":{"language":"go","prefix_chars":58,"note":%q}}`, w.canary("decide"))
	return w.post(ctx, "/v1/decide", "application/json", b, false)
}

// plantJUnit sends the results of tests.
func (w *world) plantJUnit(ctx context.Context, i int) error {
	c := func() string { return w.canary("test result") }
	b := fmt.Appendf(nil, `<testsuite name=%q tests="1" failures="1"><testcase classname=%q name=%q><failure message=%q>%s</failure></testcase></testsuite>`, c(), c(), c(), c(), c())
	return w.post(ctx, fmt.Sprintf("/v1/junit?repository=https://git.example/signal.git&commit=%040x", i+1), "application/xml", b, false)
}

// plantNonsense sends what cannot be read: what is said of it must not repeat it.
func (w *world) plantNonsense(ctx context.Context, i int) error {
	c := func() string { return w.canary("nonsense") }
	for _, x := range []struct{ path, kind, body string }{
		{"/v1/episodes", "application/x-ndjson", `{"schema_version":"1.0","id":"ep_` + c() + `","instruction":"` + c() + "\n"},
		{"/v1/episodes", "application/x-ndjson", `{"schema_version":"` + c() + `","id":7,"decisions":[{"verdict":"` + c() + `"}]}` + "\n"},
		{"/v1/episodes", "application/x-ndjson", c() + "\n"},
		{"/v1/logs", "application/json", `{"resourceLogs":[{"` + c() + `":`},
		{"/v1/logs", "application/x-protobuf", "\x0a\xff" + c()},
		{"/v1/junit?repository=https://git.example/signal.git&commit=" + fmt.Sprintf("%040x", i+1), "application/xml", "<testsuite><" + c()},
		{"/v1/decide", "application/json", `{"features":` + c()},
		{"/v1/outcomes", "application/x-ndjson", `{"kind":"` + c() + `"` + "\n"},
		{"/v1/" + c(), "application/json", c()},
	} {
		if err := w.post(ctx, x.path, x.kind, []byte(x.body), false); err != nil {
			return err
		}
	}
	return nil
}

// post sends something to the edge until it answers. Where it must be taken, any other answer is an error; where it need not,
// the answer is looked at: a planted string may be in no error.
func (w *world) post(ctx context.Context, path, contentType string, body []byte, must bool) error {
	token, err := os.ReadFile(filepath.Join(w.c.edgeDir(), "keys", "token"))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url()+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if must && (resp.StatusCode != http.StatusOK || bytes.Contains(said, []byte("set_aside"))) {
		return fmt.Errorf("POST %s: %s: %.500s", path, resp.Status, said)
	}
	path, _, _ = strings.Cut(path, canaryHead)
	w.look("answer to "+path, said)
	return nil
}
