// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/headrace/headrace/internal/hookprog"
	"github.com/headrace/headrace/internal/seal"
)

// program is the built program, and one state folder that it works in.
type program struct {
	t    *testing.T
	path string
	dir  string
	key  *seal.Key
}

func build(t *testing.T) *program {
	t.Helper()
	p := &program{t: t, path: filepath.Join(t.TempDir(), "headrace-hook"), dir: t.TempDir()}
	cmd := exec.Command("go", "build", "-o", p.path, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, msg)
	}
	var err error
	if p.key, err = seal.Derive(bytes.Repeat([]byte{7}, 32)); err != nil {
		t.Fatal(err)
	}
	p.write("agent/edge.pub", p.key.Public().String()+"\n")
	return p
}

// fresh gives the program another state folder, with a key.
func (p *program) fresh(t *testing.T) *program {
	q := *p
	q.t, q.dir = t, t.TempDir()
	q.write("agent/edge.pub", q.key.Public().String())
	return &q
}

func (p *program) write(name, text string) {
	p.t.Helper()
	file := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// run runs the program, which must end with status 0 and say nothing on standard error.
func (p *program) run(stdin io.Reader, args ...string) (stdout string) {
	p.t.Helper()
	cmd := exec.Command(p.path, args...)
	cmd.Env = []string{"HEADRACE_DIR=" + p.dir, "HOME=" + p.dir}
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		p.t.Errorf("%v: %v, %q", args, err, errs.String())
	}
	return out.String()
}

// kept opens what is in the queue.
func (p *program) kept() (payloads []string) {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "agent", "hooks", "*"))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range files {
		if filepath.Base(f) == "dropped" {
			continue
		}
		sealed, err := os.ReadFile(f)
		if err != nil {
			p.t.Fatal(err)
		}
		plain, err := p.key.Open(sealed)
		if err != nil {
			p.t.Fatalf("%s: %v", f, err)
		}
		if fi, _ := os.Stat(f); fi.Mode().Perm() != 0o600 {
			p.t.Errorf("%s may be read by others: %v", f, fi.Mode())
		}
		payloads = append(payloads, string(plain))
	}
	if fi, err := os.Stat(filepath.Join(p.dir, "agent", "hooks")); err == nil && fi.IsDir() && fi.Mode().Perm() != 0o700 {
		p.t.Errorf("the queue may be looked into by others: %v", fi.Mode())
	}
	return payloads
}

func (p *program) dropped() string {
	b, _ := os.ReadFile(filepath.Join(p.dir, "agent", "hooks", "dropped"))
	return strings.TrimSpace(string(b))
}

func TestAnEventIsSealedToTheEdgeAndItsUserToldOnce(t *testing.T) {
	p := build(t)
	event := `{"session_id":"s","hook_event_name":"SessionStart"}`
	said := p.run(strings.NewReader(event), "claude-code", "SessionStart")
	if !strings.HasPrefix(said, `{"systemMessage":"Headrace records`) || !strings.Contains(said, "headrace doctor") || !strings.Contains(said, "headrace connect claude-code --undo") {
		t.Errorf("first said %q", said)
	}
	if said := p.run(strings.NewReader(event), "claude-code", "SessionStart"); said != "" {
		t.Errorf("then said %q", said)
	}
	kept := p.kept()
	if len(kept) != 2 {
		t.Fatalf("%d kept", len(kept))
	}
	head, raw, _ := strings.Cut(kept[0], "\n")
	if raw != event || !strings.HasPrefix(head, `{"kind":"hook","tool":"claude-code","event":"SessionStart","at":"20`) {
		t.Errorf("%q\n%q", head, raw)
	}
}

func TestEveryToolHearsTheAnswerThatChangesNothing(t *testing.T) {
	p := build(t)
	for _, c := range []struct{ tool, event, want string }{
		{"claude-code", "PermissionDenied", ""},
		{"codex", "PreToolUse", ""},
		{"gemini-cli", "AfterTool", "{}\n"},
		{"copilot", "postToolUse", ""},
		{"cursor", "afterFileEdit", "{}\n"},
		{"cursor", "beforeSubmitPrompt", "{\"continue\":true}\n"},
		{"cline", "PreToolUse", "{\"cancel\":false}\n"},
		{"grok", "PreToolUse", ""},
		{"kiro", "userPromptSubmit", ""},
		{"poolside", "Stop", ""},
		{"another-tool", "", ""},
		{"$(odd) name", "a b", ""},
	} {
		if got := p.run(strings.NewReader(`{"a":"}"}`), c.tool, c.event); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.tool, c.event, got, c.want)
		}
	}
	if n := len(p.kept()); n != 12 {
		t.Errorf("%d kept", n)
	}
	if got := p.run(nil, hookprog.Check); got != hookprog.Checked {
		t.Errorf("check: %q", got)
	}
	if got := p.run(nil, hookprog.Headers); got != "{}\n" {
		t.Errorf("headers without a token: %q", got)
	}
	p.write("agent/token", "MILLRACE22\n")
	if got := p.run(nil, hookprog.Headers); got != `{"Authorization":"Bearer MILLRACE22"}`+"\n" {
		t.Errorf("headers: %q", got)
	}
	if got := p.run(nil); got != hookprog.Usage {
		t.Errorf("no tool: %q", got)
	}
}

func TestANotificationOfCodexComesAsAnArgument(t *testing.T) {
	p := build(t)
	p.run(nil, "codex", "notify", `{"type":"agent-turn-complete","turn-id":"1"}`)
	if kept := p.kept(); len(kept) != 1 || !strings.Contains(kept[0], `"event":"notify"`) || !strings.HasSuffix(kept[0], "\n"+`{"type":"agent-turn-complete","turn-id":"1"}`) {
		t.Errorf("%q", kept)
	}
}

func TestNothingThatGoesWrongReachesTheTool(t *testing.T) {
	built := build(t)
	event := `{"session_id":"s"}`
	for name, c := range map[string]struct {
		prepare func(p *program)
		stdin   io.Reader
		kept    int
		dropped string
	}{
		"all is well":               {nil, strings.NewReader(event), 1, ""},
		"garbage":                   {nil, strings.NewReader("\x00\xff garbage {{{"), 1, ""},
		"a torn object":             {nil, strings.NewReader(`{"session_id":"`), 1, ""},
		"nothing on standard input": {nil, strings.NewReader(""), 0, ""},
		"too large":                 {nil, io.LimitReader(zeros{}, hookprog.MaxEvent+1), 0, "1"},
		"just not too large":        {nil, io.LimitReader(zeros{}, hookprog.MaxEvent), 1, ""},
		"no key":                    {func(p *program) { os.Remove(filepath.Join(p.dir, "agent/edge.pub")) }, strings.NewReader(event), 0, ""},
		"no state folder":           {func(p *program) { p.dir = filepath.Join(p.dir, "nowhere") }, strings.NewReader(event), 0, ""},
		"a key that is none":        {func(p *program) { p.write("agent/edge.pub", "bm90IGEga2V5") }, strings.NewReader(event), 0, ""},
		"a key that cannot seal":    {func(p *program) { p.write("agent/edge.pub", strings.Repeat("A", 43)+"=") }, strings.NewReader(event), 0, ""},
		"the queue is a file":       {func(p *program) { p.write("agent/hooks", "") }, strings.NewReader(event), 0, ""},
		"the agent's folder is a file": {func(p *program) {
			os.RemoveAll(filepath.Join(p.dir, "agent"))
			p.write("agent", "")
		}, strings.NewReader(event), 0, ""},
		"the tally is a folder": {func(p *program) { p.write("agent/hooks.tally/x", "") }, strings.NewReader(event), 0, "1"},
		"too many wait":         {func(p *program) { p.fill(10_000, 0) }, strings.NewReader(event), 0, "1"},
		"too much waits":        {func(p *program) { p.fill(4, 16<<20) }, strings.NewReader(event), 0, "1"},
		"the agent has emptied a full queue": {func(p *program) {
			p.fill(0, 0)
			p.write("agent/hooks.tally", tally(10_000, 1))
			p.old("agent/hooks.tally")
		},
			strings.NewReader(event), 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := built.fresh(t)
			if c.prepare != nil {
				c.prepare(p)
			}
			if got := p.run(c.stdin, "cline", "PostToolUse"); got != "{\"cancel\":false}\n" {
				t.Errorf("said %q", got)
			}
			if c.kept > 0 || !strings.Contains(name, "wait") {
				if got := len(p.kept()); got != c.kept {
					t.Errorf("%d kept, want %d", got, c.kept)
				}
			} else if names, _ := filepath.Glob(filepath.Join(p.dir, "agent/hooks/20*Z-*-*")); len(names) != 0 {
				t.Errorf("a full queue was added to: %v", names)
			}
			if got := p.dropped(); got != c.dropped {
				t.Errorf("dropped %q, want %q", got, c.dropped)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// fill leaves files of that size in the queue, as earlier events would have.
func (p *program) fill(files int, size int64) {
	for i := range files {
		name := filepath.Join(p.dir, "agent", "hooks", "waiting-"+strings.Repeat("0", 5)+string(rune('a'+i%26))+time.Duration(i).String())
		p.write("agent/hooks/"+filepath.Base(name), "")
		if err := os.Truncate(name, size); err != nil {
			p.t.Fatal(err)
		}
	}
	p.write("agent/hooks.tally", tally(files, uint32(size)))
	p.old("agent/hooks.tally")
}

func tally(n int, size uint32) string {
	var b []byte
	for range n {
		b = binary.LittleEndian.AppendUint32(b, size)
	}
	return string(b)
}

func (p *program) old(name string) {
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(p.dir, name), past, past); err != nil {
		p.t.Fatal(err)
	}
}

func TestBrokenStandardFilesAndAFullDiskDoNoHarm(t *testing.T) {
	p := build(t)
	for name, c := range map[string]struct {
		script string
		kept   int
	}{
		"standard output is closed": {`printf '{}' | { "$0" cline PostToolUse >&-; echo $? >"$1"; }`, 1},
		"standard output is full":   {`printf '{}' | { "$0" cline PostToolUse >/dev/full; echo $? >"$1"; }`, 1},
		"nobody reads the answer":   {`printf '{}' | { sleep 0.1; "$0" cline PostToolUse; echo $? >"$1"; } | true`, 1},
		"standard input is closed":  {`"$0" cline PostToolUse <&-; echo $? >"$1"`, 0},
		"all of them are closed":    {`"$0" cline PostToolUse <&- >&- 2>&-; echo $? >"$1"`, 0},
		"no file may grow":          {`printf '{}' | { (ulimit -f 0; exec "$0" cline PostToolUse); echo $? >"$1"; }`, 0},
	} {
		p := p.fresh(t)
		cmd := exec.Command("sh", "-c", c.script, p.path, filepath.Join(p.dir, "status"))
		cmd.Env = []string{"HEADRACE_DIR=" + p.dir, "PATH=" + os.Getenv("PATH")}
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if b, _ := os.ReadFile(filepath.Join(p.dir, "status")); strings.TrimSpace(string(b)) != "0" {
			t.Errorf("%s: status %q", name, b)
		}
		if n := len(p.kept()); n != c.kept {
			t.Errorf("%s: %d kept, want %d", name, n, c.kept)
		}
	}
}

func TestAToolThatNeverClosesOurInputDoesNotWait(t *testing.T) {
	p := build(t)
	cmd := exec.Command(p.path, "--dir", p.dir, "grok", "Stop")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, `{"sessionId":"s","text":"a } and a \" in it"}`); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil { // would hang here until the test is killed
		t.Fatal(err)
	}
	if kept := p.kept(); len(kept) != 1 || !strings.HasSuffix(kept[0], `in it"}`) {
		t.Errorf("%q", kept)
	}
}

func TestItLinksTheStandardLibraryOnly(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range strings.Fields(string(out)) {
		if !strings.HasPrefix(p, "github.com/headrace/headrace/") {
			t.Errorf("links %s", p)
		}
	}
	if n := len(strings.Fields(string(out))); n != 3 {
		t.Errorf("links %d packages of ours, not itself, hookprog and seal:\n%s", n, out)
	}
}
