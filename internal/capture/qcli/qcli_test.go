// SPDX-License-Identifier: Apache-2.0

package qcli

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

func TestADatabaseIsKnownByItsTablesAndThenByItsPlace(t *testing.T) {
	const (
		state = "CREATE TABLE state ( key TEXT PRIMARY KEY, value TEXT )\n"
		one   = "CREATE TABLE \"conversations\"(key TEXT PRIMARY KEY,value TEXT)\n"
		many  = "CREATE TABLE conversations_v2 ( key TEXT NOT NULL, conversation_id TEXT NOT NULL, value TEXT NOT NULL, created_at INTEGER NOT NULL, -- in ms updated_at INTEGER NOT NULL )\n"
	)
	for _, row := range []struct{ definitions, path, want string }{
		{state + one, "tool.db", AmazonQ},
		{state + one + many, "tool.db", Kiro},
		{many, "tool.db", Kiro},
		{state + one + many, "/h/.local/share/amazon-q/data.sqlite3", AmazonQ},
		{state + one, "/h/Library/Application Support/kiro-cli/data.sqlite3", Kiro},
		{one, "/h/.local/share/amazon-q/data.sqlite3", ""}, // any program may have such a table
		{"CREATE TABLE conversations (id TEXT, title TEXT)\n" + state, "kiro-cli/data.sqlite3", ""},
		{"", "kiro-cli/data.sqlite3", ""},
	} {
		if got := Owner(row.definitions, row.path); got != row.want {
			t.Errorf("%s at %s: %q, want %q", row.definitions, row.path, got, row.want)
		}
	}
}

func TestWhatAToolProposesIsASuggestion(t *testing.T) {
	for _, row := range []struct {
		tool, args string
		want       episode.Suggestion
	}{
		{"fs_write", `{"command":"create","path":"a.go","file_text":"x"}`, episode.Suggestion{Kind: episode.KindFile, Path: "a.go", After: "x"}},
		{"write", `{"command":"create","path":"a.go","content":"x"}`, episode.Suggestion{Kind: episode.KindFile, Path: "a.go", After: "x"}},
		{"fsWrite", `{"path":"a.go","text":"x"}`, episode.Suggestion{Kind: episode.KindFile, Path: "a.go", After: "x"}},
		{"fs_write", `{"command":"str_replace","path":"a.go","old_str":"x","new_str":"y"}`, episode.Suggestion{Kind: episode.KindEdit, Path: "a.go", Before: "x", After: "y"}},
		{"write", `{"command":"strReplace","path":"a.go","oldStr":"x","newStr":""}`, episode.Suggestion{Kind: episode.KindEdit, Path: "a.go", Before: "x"}},
		{"fs_write", `{"command":"insert","path":"a.go","insert_line":3,"new_str":"y"}`, episode.Suggestion{Kind: episode.KindEdit, Path: "a.go", After: "y"}},
		{"write", `{"command":"insert","path":"a.go","content":"y"}`, episode.Suggestion{Kind: episode.KindEdit, Path: "a.go", After: "y"}},
		{"fs_append", `{"path":"a.go","text":"y"}`, episode.Suggestion{Kind: episode.KindEdit, Path: "a.go", After: "y"}},
		{"strReplace", `{"path":"a.go","oldStr":"x","newStr":"y"}`, episode.Suggestion{Kind: episode.KindEdit, Path: "a.go", Before: "x", After: "y"}},
		{"execute_bash", `{"command":"make"}`, episode.Suggestion{Kind: episode.KindCommand, After: "make", Language: "shell"}},
		{"executePwsh", `{"command":"make","path":"x"}`, episode.Suggestion{Kind: episode.KindCommand, After: "make", Language: "shell"}},
		{"use_aws", `{"service_name":"s3","operation_name":"ls"}`, episode.Suggestion{Kind: episode.KindCommand, After: "aws s3 ls"}},
		{"fs_read", `{"path":"a.go"}`, episode.Suggestion{Path: "a.go"}},
		{"shell", `[]`, episode.Suggestion{Kind: episode.KindCommand, Language: "shell"}},
	} {
		got, ok := Suggest(row.tool, jsontext.Value(row.args))
		if d := cmp.Diff(row.want, got); d != "" || ok != (row.want.Kind != "") {
			t.Errorf("%s %s: %s", row.tool, row.args, d)
		}
	}
}

func TestAPersonsWordsAreTakenOutOfAPrompt(t *testing.T) {
	type artifact struct {
		Kind       episode.ArtifactKind
		Name, Text string
	}
	for _, row := range []struct {
		prompt, said string
		context      []artifact
	}{
		{"  turn the wheel\n", "turn the wheel", nil},
		{"", "", nil},
		{"--- CONTEXT ENTRY BEGIN ---\nCurrent time: Monday\n--- CONTEXT ENTRY END ---\n\n--- USER MESSAGE BEGIN ---\nturn\n--- USER MESSAGE END ---", "turn", nil},
		{"--- CONTEXT ENTRY BEGIN ---\nrules\n--- CONTEXT ENTRY END ---\nmore\n--- USER MESSAGE BEGIN ---\nturn --- USER MESSAGE END --- it\n--- USER MESSAGE END ---\n\n",
			"turn --- USER MESSAGE END --- it", []artifact{{episode.ArtifactFile, "context", "rules"}, {episode.ArtifactFile, "context", "more"}}},
		{"--- USER MESSAGE BEGIN ---\nturn", "turn", nil},
		{"turn\n--- CONTEXT ENTRY BEGIN ---\nfiles", "turn\n--- CONTEXT ENTRY BEGIN ---\nfiles", nil}, // not closed
		{"## Included Rules (a.md)\n\nFollow these.\n\n<user-rule id=\"a.md\">\none\n</user-rule>\n<user-rule id=b.md>\ntwo</user-rule>\nturn",
			"turn", []artifact{{episode.ArtifactRules, "a.md", "one"}, {episode.ArtifactRules, "b.md", "two"}}},
		{"turn\n<ACTIVE-EDITOR-FILE path=\"w.go\">x</ACTIVE-EDITOR-FILE>", "turn", []artifact{{episode.ArtifactFile, "w.go", "x"}}},
		{"turn <EnvironmentContext>\nx", "turn <EnvironmentContext>\nx", nil}, // not closed
		{"what is a <user-rules> element?", "what is a <user-rules> element?", nil},
		{"a </user-rule> b <user-rule>c</user-rule>", "a </user-rule> b", []artifact{{episode.ArtifactRules, "user-rule", "c"}}},
		{"I read ## Included Rules (a) and <steering-reminder>x</steering-reminder>wonder", "I read ## Included Rules (a) and wonder", []artifact{{episode.ArtifactRules, "steering-reminder", "x"}}},
	} {
		said, context := Words(row.prompt)
		var got []artifact
		for _, a := range context {
			got = append(got, artifact{a.Kind, a.Name, a.Text})
		}
		if d := cmp.Diff(row.context, got); d != "" || said != row.said {
			t.Errorf("%q: %q %s", row.prompt, said, d)
		}
	}
}

func TestAPromptFullOfElementsIsTakenApartInTime(t *testing.T) {
	for _, unit := range []string{"<user-rule>", "<user-rule>x</user-rule>", "<EnvironmentContext ", "--- CONTEXT ENTRY BEGIN ---", "<user-rulex", "</user-rule><OPEN-EDITOR-FILES>"} {
		began := time.Now()
		Words(strings.Repeat(unit, 4<<20/len(unit)))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: %v", unit, took)
		}
	}
}

func TestWhatTheProgramWritesIsNoPrompt(t *testing.T) {
	for prompt, want := range map[string]bool{
		"In a few words, summarize our conversation so far.": true,
		cancelled + " " + cancelled:                          true,
		automated + "\n\nRead the list":                      true,
		"summarize our conversation":                         false,
		"":                                                   false,
		cancelled + " because it was late":                   false,
	} {
		if written(prompt) != want {
			t.Errorf("%q: %v", prompt, !want)
		}
	}
}

func TestTheSameIDTwiceIsTwoEpisodes(t *testing.T) {
	var c capture.Counts
	s := Session{Tool: Kiro, ID: "s", Counts: &c}
	s.Prompt("m", time.Time{}, "turn")
	s.Prompt("m", time.Time{}, "turn")
	s.Prompt("", time.Time{}, "turn")
	ids := map[string]bool{}
	if err := s.Flush(func(e *episode.Episode) error { ids[e.ID] = true; return nil }); err != nil || len(ids) != 3 || c.Prompts != 3 {
		t.Errorf("%v, %v", ids, err)
	}
}

func FuzzWords(f *testing.F) {
	f.Add("## Included Rules (a)\n<user-rule id=a>x</user-rule>y<EnvironmentContext>z</EnvironmentContext>")
	f.Add("--- CONTEXT ENTRY BEGIN ---x--- CONTEXT ENTRY END ------ USER MESSAGE BEGIN ---y--- USER MESSAGE END ---")
	f.Fuzz(func(t *testing.T, prompt string) {
		said, context := Words(prompt)
		total := len(said)
		for _, a := range context {
			total += len(a.Text)
			if a.Name == "" || !strings.Contains(prompt, a.Text) && !a.Truncated && a.Name != "context" {
				t.Fatalf("%+v is not of the prompt", a)
			}
		}
		if total > len(prompt) {
			t.Fatalf("%d bytes of %d", total, len(prompt))
		}
	})
}

func FuzzConversation(f *testing.F) {
	f.Add([]byte(`{"conversation_id":"c","history":[{"user":{"content":{"Prompt":{"prompt":"x"}}},"assistant":{"ToolUse":{"content":"","tool_uses":[{"id":"a","name":"shell"},{"id":"a"}]}}},[{"content":{"CancelledToolUses":{"prompt":"y","tool_use_results":[{"tool_use_id":"a"},{"tool_use_id":"b"}]}}},{"Response":{}},1],7]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var conv conversation
		if !lax.Decode(b, &conv) {
			return
		}
		var c capture.Counts
		s := Session{Tool: AmazonQ, ID: string(conv.ID), Counts: &c}
		conv.read(&s)
		err := s.Flush(func(e *episode.Episode) error {
			line, err := episode.Append(nil, e)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := episode.Decode(line); err != nil {
				t.Fatal(err)
			}
			for _, d := range e.Decisions {
				if d.Verdict == "" || d.By == "" {
					t.Fatalf("%+v", d)
				}
			}
			return nil
		})
		if err != nil || c.Rejections > c.ToolResults {
			t.Fatalf("%v, %+v", err, c)
		}
	})
}
