// SPDX-License-Identifier: Apache-2.0

package hookprog

import (
	"bytes"
	"encoding/json"
	"testing"
	"testing/iotest"
	"time"
)

// FuzzRead: however the bytes come in, they are given back, and an object is whole where a decoder says so.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{}`, "\xef\xbb\xbf {\"a\":{\"b\":\"}\\\\\\\"{\"}}\n", `[{}]`, `{"a":"`, `}{}`, "", `"{"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, whole := read(iotest.OneByteReader(bytes.NewReader(b)), time.Minute)
		if !whole || !bytes.Equal(got, b) {
			t.Fatalf("%q was read as %q, whole %v", b, got, whole)
		}
		var o object
		o.add(b)
		if text := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")); json.Valid(text) && bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) != o.whole {
			t.Fatalf("%q: whole %v", b, o.whole)
		}
	})
}

func TestEveryNoticeIsJSON(t *testing.T) {
	for _, c := range []call{{tool: "claude-code", event: "SessionStart"}, {tool: "codex", event: "Stop"}, {tool: "gemini-cli", event: "BeforeAgent"},
		{tool: "copilot", event: "sessionStart"}, {tool: "cursor", event: "stop"}, {tool: "cline", event: "TaskStart"}} {
		text := c.dialect().answer(c.event, true, "")
		var v map[string]any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %q: %v", c.tool, text, err)
		}
		if message, _ := v["systemMessage"].(string); message == "" && v["type"] != "progress" && c.tool != "cursor" && c.tool != "cline" {
			t.Errorf("%s: %q", c.tool, text)
		}
	}
}
