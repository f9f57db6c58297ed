// SPDX-License-Identifier: Apache-2.0

package claudecode

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/sharedtest"
)

// No public transcript holds a change that a person made between two looks of the agent's and that nothing else can have
// made (TestNoChangeIsClaimedInRealTranscripts): those here are constructed, in the form of the real ones.

// play writes a transcript of one prompt, and the file that its agent works on.
type play struct {
	t    *testing.T
	out  strings.Builder
	n    int
	file string // as it is
	more string // members of every record
}

func newPlay(t *testing.T, file string) *play {
	p := &play{t: t, file: file, more: `,"gitBranch":"main"`}
	p.record("user", `"message":{"role":"user","content":"tend the mill"}`)
	return p
}

func (p *play) record(kind, members string) {
	parent := "null"
	if p.n > 0 {
		parent = fmt.Sprintf(`"r%d"`, p.n)
	}
	p.n++
	fmt.Fprintf(&p.out, `{"type":%q,"uuid":"r%d","parentUuid":%s,"sessionId":"s"%s,%s}`+"\n", kind, p.n, parent, p.more, members)
}

func (p *play) use(id, tool string, input any) {
	p.record("assistant", fmt.Sprintf(`"message":{"id":"m-%s","content":[{"type":"tool_use","id":%q,"name":%q,"input":%s}]}`, id, id, tool, p.json(input)))
}

func (p *play) result(id string, result any) {
	p.record("user", fmt.Sprintf(`"message":{"content":[{"type":"tool_result","tool_use_id":%q,"content":"ok"}]},"toolUseResult":%s`, id, p.json(result)))
}

func (p *play) json(v any) string {
	p.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(b)
}

type object map[string]any

func (p *play) edit(id, old, text string) {
	p.use(id, "Edit", object{"file_path": "/m/a.go", "old_string": old, "new_string": text})
	p.edited(id, old, text)
}

func (p *play) edited(id, old, text string) {
	p.result(id, object{"filePath": "/m/a.go", "oldString": old, "newString": text, "originalFile": p.file, "structuredPatch": []int{}, "userModified": false, "replaceAll": false})
	p.file = strings.Replace(p.file, old, text, 1)
}

func (p *play) write(id, text string) {
	p.use(id, "Write", object{"file_path": "/m/a.go", "content": text})
	p.result(id, object{"type": "update", "filePath": "/m/a.go", "content": text, "originalFile": p.file, "structuredPatch": []int{}})
	p.file = text
}

func (p *play) read(id string) {
	n := strings.Count(p.file, "\n") + 1
	p.looked(id, p.file, 1, n, n)
}

func (p *play) looked(id, content string, start, lines, total int) {
	p.use(id, "Read", object{"file_path": "/m/a.go"})
	p.result(id, json.RawMessage(fmt.Sprintf(`{"type":"text","file":{"filePath":"/m/a.go","content":%s,"numLines":%d,"startLine":%d,"totalLines":%d}}`, p.json(content), lines, start, total)))
}

func (p *play) run(id, command string) {
	p.use(id, "Bash", object{"command": command})
	p.result(id, object{"stdout": "", "interrupted": false})
}

// change is somebody else's doing.
func (p *play) change(old, text string) {
	p.t.Helper()
	if !strings.Contains(p.file, old) {
		p.t.Fatalf("the file has no %q", old)
	}
	p.file = strings.Replace(p.file, old, text, 1)
}

const gate = "package mill\n\nfunc lift() {\n}\n\nfunc shut() {\n\tclose()\n}\n"

func TestWhatWasChangedAfterItWasAcceptedIsModified(t *testing.T) {
	const body = "func lift() {\n\topen(1)\n\twait()\n}"
	lift := func(p *play) { p.edit("e1", "func lift() {\n}", body) }
	for _, c := range []struct {
		name  string
		play  func(p *play)
		final string // of e1; empty: nothing is claimed
		apart float64
	}{
		{"seen at the next edit", func(p *play) {
			lift(p)
			p.change("open(1)", "open(2)")
			p.edit("e2", "\tclose()\n", "\tclose(2)\n")
		}, strings.Replace(body, "open(1)", "open(2)", 1), 1.0 / 7},
		{"seen when the file is read", func(p *play) {
			lift(p)
			p.change("wait()", "wait(\"long\")")
			p.read("r1")
		}, strings.Replace(body, "wait()", "wait(\"long\")", 1), 1.0 / 8},
		{"seen after an edit elsewhere in the file, and another change there", func(p *play) {
			lift(p)
			p.edit("e2", "package mill\n", "package mill\n\nvar deep = true\n")
			p.change("open(1)", "open(2)")
			p.change("deep", "wide")
			p.read("r1")
		}, strings.Replace(body, "open(1)", "open(2)", 1), 1.0 / 7},
		{"seen before the agent replaces the file", func(p *play) {
			lift(p)
			p.change("open(1)", "open(2)")
			p.write("w1", "package mill\n")
		}, strings.Replace(body, "open(1)", "open(2)", 1), 1.0 / 7},
		{"changed twice", func(p *play) {
			lift(p)
			p.change("open(1)", "open(2)")
			p.read("r1")
			p.change("open(2)", "open(3)")
			p.read("r2")
		}, strings.Replace(body, "open(1)", "open(3)", 1), 1.0 / 7},
		{"changed after a command that did nothing to it", func(p *play) {
			lift(p)
			p.run("b1", "go test")
			p.read("r1")
			p.change("open(1)", "open(2)")
			p.read("r2")
		}, strings.Replace(body, "open(1)", "open(2)", 1), 1.0 / 7},
		{"two edits at once", func(p *play) {
			p.use("e1", "Edit", object{"file_path": "/m/a.go", "old_string": "func lift() {\n}", "new_string": body})
			p.use("e2", "Edit", object{"file_path": "/m/a.go", "old_string": "\tclose()\n", "new_string": "\tclose(2)\n"})
			p.edited("e1", "func lift() {\n}", body)
			p.edited("e2", "\tclose()\n", "\tclose(2)\n")
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, strings.Replace(body, "open(1)", "open(2)", 1), 1.0 / 7},

		{"nothing changed", func(p *play) { lift(p); p.read("r1"); p.edit("e2", "\tclose()\n", "\tclose(2)\n") }, "", 0},
		{"changed by the agent itself", func(p *play) { lift(p); p.edit("e2", "open(1)", "open(2)"); p.read("r1") }, "", 0},
		{"changed elsewhere", func(p *play) { lift(p); p.change("close()", "close(2)"); p.read("r1") }, "", 0},
		{"only what it repeats from before was changed", func(p *play) { lift(p); p.change("func lift()", "func raise()"); p.read("r1") }, "", 0},
		{"only formatted", func(p *play) { lift(p); p.change("\topen(1)", "    open( 1 );"); p.read("r1") }, "", 0},
		{"gone: perhaps another branch", func(p *play) { lift(p); p.change(body, "func lift() {\n}"); p.read("r1") }, "", 0},
		{"a command ran", func(p *play) { lift(p); p.run("b1", "make fmt"); p.change("open(1)", "open(2)"); p.read("r1") }, "", 0},
		{"a command ran beside the edit", func(p *play) {
			p.use("b1", "Bash", object{"command": "make fmt"})
			lift(p)
			p.result("b1", object{"stdout": ""})
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a command goes on since long before", func(p *play) {
			p.use("b1", "Bash", object{"command": "make watch", "run_in_background": true})
			p.result("b1", object{"stdout": "", "backgroundTaskId": "x"})
			p.read("r0")
			lift(p)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a command was put into the background", func(p *play) {
			p.use("b1", "Bash", object{"command": "make watch"})
			p.result("b1", object{"stdout": "", "backgroundTaskId": "x"})
			lift(p)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a helper worked", func(p *play) {
			lift(p)
			p.use("t1", "Task", object{"prompt": "x"})
			p.result("t1", object{})
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a helper works on", func(p *play) {
			p.use("t1", "Task", object{"prompt": "x", "run_in_background": true})
			p.result("t1", object{"status": "async_launched"})
			lift(p)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a tool that nobody knows", func(p *play) {
			lift(p)
			p.use("x1", "mcp__forge__bend", object{})
			p.result("x1", object{})
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a hook ran on the edit", func(p *play) {
			p.use("e1", "Edit", object{"file_path": "/m/a.go", "old_string": "func lift() {\n}", "new_string": body})
			p.record("progress", `"data":{"type":"hook_progress","hookEvent":"PostToolUse"}`)
			p.edited("e1", "func lift() {\n}", body)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a hook ran when the agent stopped", func(p *play) {
			lift(p)
			p.record("system", `"subtype":"stop_hook_summary","hookCount":1`)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"a hook had something to say", func(p *play) {
			lift(p)
			p.record("attachment", `"attachment":{"type":"hook_success"}`)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"the person's own command", func(p *play) {
			lift(p)
			p.record("user", `"message":{"content":"<bash-input>make fmt</bash-input>"}`)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"another branch", func(p *play) {
			lift(p)
			p.change("open(1)", "open(2)")
			p.more = `,"gitBranch":"other"`
			p.read("r1")
		}, "", 0},
		{"a torn line", func(p *play) {
			lift(p)
			p.out.WriteString("{\"type\":\"assis\n")
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"an edit whose result is not there", func(p *play) {
			lift(p)
			p.use("e2", "Edit", object{"file_path": "/m/a.go", "old_string": "open(1)", "new_string": "open(2)"})
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"an edit that was stopped, perhaps too late", func(p *play) {
			lift(p)
			p.use("e2", "Edit", object{"file_path": "/m/a.go", "old_string": "open(1)", "new_string": "open(2)"})
			p.record("user", `"message":{"content":[{"type":"tool_result","tool_use_id":"e2","content":"[Request interrupted by user for tool use]","is_error":true}]}`)
			p.change("open(1)", "open(2)")
			p.read("r1")
		}, "", 0},
		{"an edit of every place", func(p *play) {
			p.edit("e1", "\tclose()\n", "\tclose()\n\trest()\n")
			p.use("e3", "Edit", object{"file_path": "/m/a.go", "old_string": "()", "new_string": "(2)", "replace_all": true})
			p.result("e3", object{"filePath": "/m/a.go", "oldString": "()", "newString": "(2)", "originalFile": p.file, "structuredPatch": []int{}, "replaceAll": true})
			p.file = strings.ReplaceAll(p.file, "()", "(2)")
			p.read("r1")
		}, "", 0},
		{"a part of it was read", func(p *play) {
			lift(p)
			p.change("open(1)", "open(2)")
			p.looked("r1", "\topen(2)\n", 4, 1, 11)
		}, "", 0},
		{"the prompt was rewound", func(p *play) {
			lift(p)
			p.change("open(1)", "open(2)")
			fmt.Fprintf(&p.out, `{"type":"user","uuid":"x","parentUuid":"r%d","sessionId":"s"%s,"message":{"content":"and"}}`+"\n", p.n, p.more)
			p.record("user", `"message":{"content":"otherwise"}`)
			p.read("r1")
		}, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlay(t, gate)
			c.play(p)
			all, rep := read(t, p.out.String())
			var have episode.Decision
			modified := 0
			for _, e := range all {
				for _, d := range e.Decisions {
					if d.Suggestion == "e1" {
						have = d
					}
					if d.Verdict == episode.Modified {
						modified++
					}
				}
			}
			switch {
			case c.final == "":
				if have.Verdict != episode.Accepted || have.Final != "" || have.EditDistance != nil || modified != 0 {
					t.Errorf("%+v (%d modified), want it accepted", have, modified)
				}
			case have.Verdict != episode.Modified || have.By != episode.ByUnknown || have.Final != c.final || have.EditDistance == nil || *have.EditDistance != c.apart || modified == 0:
				t.Errorf("%+v, distance %v, want %v and\n%s", have, have.EditDistance, c.apart, c.final)
			}
			if rep.Decisions[episode.Modified][episode.ByPerson] != 0 {
				t.Error("it is claimed to be a person's")
			}
		})
	}
}

// What a person changed before it was applied is told by the tool, and stays what the tool said.
func TestWhatThePersonChangedFirstIsNotFollowed(t *testing.T) {
	p := newPlay(t, gate)
	p.use("e1", "Edit", object{"file_path": "/m/a.go", "old_string": "\tclose()\n", "new_string": "\tclose(1)\n"})
	p.result("e1", object{"filePath": "/m/a.go", "oldString": "\tclose()\n", "newString": "\tclose(2)\n", "originalFile": p.file, "structuredPatch": []int{}, "userModified": true})
	p.change("close()", "close(3)")
	p.read("r1")
	all, _ := read(t, p.out.String())
	if d := all[0].Decisions; len(d) != 1 || d[0].Verdict != episode.Modified || d[0].By != episode.ByPerson || d[0].Final != "\tclose(2)\n" {
		t.Errorf("%+v", d)
	}
}

// What is found out after the episode was given out goes with what else came later of it.
func TestAChangeThatIsSeenLateIsAPartOfItsEpisode(t *testing.T) {
	p := newPlay(t, gate)
	p.edit("e1", "func lift() {\n}", "func lift() {\n\topen(1)\n}")
	p.record("user", `"message":{"content":"and now"}`)
	for range maxHeld >> 20 {
		p.record("system", `"content":"`+strings.Repeat("x", 1<<20)+`"`)
	}
	p.change("open(1)", "open(2)")
	p.read("r1")
	p.change("open(2)", "open(3)")
	p.read("r2")
	all, _ := read(t, p.out.String())
	last := all[len(all)-1]
	if len(all) < 3 || all[0].ID != last.ID || all[0].Decisions[0].Verdict != episode.Accepted {
		t.Fatalf("%d episodes, want the first, the next, and more of the first", len(all))
	}
	e := all[0].Clone()
	e.Merge(last)
	if d := e.Decisions; len(d) != 1 || d[0].Verdict != episode.Modified || d[0].Final != "func lift() {\n\topen(3)\n}" {
		t.Errorf("%+v", d)
	}
}

// In the shared transcripts the agent comes back to a file of its own 130 times and more. Each time when nothing else had
// run, it was what the edit had left, so nothing may be claimed; and where it was another, a command had run.
func TestNoChangeIsClaimedInRealTranscripts(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "corpus/claude-code/entire"), "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	edits := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all, rep := read(t, string(raw))
		edits += rep.Patches
		for _, e := range all {
			for _, d := range e.Decisions {
				if d.Verdict == episode.Modified {
					t.Errorf("%s: %s is modified: %q", filepath.Base(file), d.Suggestion, d.Final)
				}
			}
		}
	}
	if edits < 200 {
		t.Errorf("only %d edits", edits)
	}
}
