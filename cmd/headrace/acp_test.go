// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/seal"
)

// millAgent is a small agent that speaks ACP, for tests: it asks before it turns the wheel. With an argument it does that
// instead.
func millAgent() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "echo":
			io.Copy(os.Stdout, os.Stdin)
			return
		case "fail":
			fmt.Fprintln(os.Stderr, "the wheel is stuck")
			os.Exit(7)
		case "wait":
			fmt.Println("waiting")
			time.Sleep(time.Minute)
			return
		case "deaf": // it reads nothing more
			os.Stdin.Close()
			time.Sleep(200 * time.Millisecond)
			os.Exit(3)
		}
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		line := in.Text()
		switch {
		case strings.Contains(line, `"initialize"`):
			fmt.Println(`{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":1,"agentCapabilities":{},"agentInfo":{"name":"gemini-cli","version":"0.9"}}}`)
		case strings.Contains(line, `"session/new"`):
			fmt.Println(`{"jsonrpc":"2.0","id":1,"result":{"sessionId":"s-1"}}`)
		case strings.Contains(line, `"session/prompt"`):
			fmt.Println(`{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s-1","update":{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"I turn it."}}}}`)
			fmt.Println(`{"jsonrpc":"2.0","id":"q1","method":"session/request_permission","params":{"sessionId":"s-1","toolCall":{"toolCallId":"c1","title":"wheel.go","kind":"edit","status":"pending",` +
				`"content":[{"type":"diff","path":"/mill/wheel.go","oldText":"still\n","newText":"turning\n"}]},"options":[{"optionId":"y","name":"Yes","kind":"allow_once"},{"optionId":"n","name":"No","kind":"reject_once"}]}}`)
		case strings.Contains(line, `"q1"`):
			fmt.Println(`{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s-1","update":{"sessionUpdate":"tool_call_update","toolCallId":"c1","status":"completed"}}}`)
			fmt.Println(`{"jsonrpc":"2.0","id":2,"result":{"stopReason":"end_turn"}}`)
		}
	}
}

// proxied is headrace acp before an agent, on a machine that has an edge.
type proxied struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	errs bytes.Buffer
	dir  string
	key  *seal.Key
}

func startProxied(t *testing.T, enrolled bool, agent ...string) *proxied {
	t.Helper()
	p := &proxied{dir: t.TempDir()}
	if enrolled {
		secret := make([]byte, 32)
		rand.Read(secret)
		var err error
		if p.key, err = seal.Derive(secret); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Mkdir(filepath.Join(p.dir, "agent"), 0o700), os.WriteFile(filepath.Join(p.dir, "agent", "edge.pub"), []byte(p.key.Public().String()), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	p.cmd = exec.Command("headrace", append([]string{"--dir", p.dir, "acp", "--"}, agent...)...)
	p.cmd.Stderr = &p.errs
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewReader(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill() }) // where the test did not see its end
	return p
}

func (p *proxied) say(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (p *proxied) hear(t *testing.T, want string) {
	t.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil || !strings.Contains(line, want) {
		t.Fatalf("heard %q, %v, want %q; %s", line, err, want, &p.errs)
	}
}

// kept is what was kept for the agent, opened with the edge's key.
func (p *proxied) kept(t *testing.T) (all []*episode.Episode) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "agent", "hooks", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		sealed, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := p.key.Open(sealed)
		if err != nil {
			t.Fatal(err)
		}
		head, body, _ := strings.Cut(string(plain), "\n")
		if head != `{"kind":"proxied"}` {
			t.Fatalf("its first line is %s", head)
		}
		e, err := episode.Decode([]byte(strings.TrimSpace(body)))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestTheProxySeesPromptDiffAndChoice(t *testing.T) {
	p := startProxied(t, true, "mill-agent")
	p.say(t, `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":1,"clientCapabilities":{}}}`)
	p.hear(t, `"agentInfo"`)
	p.say(t, `{"jsonrpc":"2.0","id":1,"method":"session/new","params":{"cwd":"/mill","mcpServers":[]}}`)
	p.hear(t, `"s-1"`)
	p.say(t, `{"jsonrpc":"2.0","id":2,"method":"session/prompt","params":{"sessionId":"s-1","prompt":[{"type":"text","text":"turn the wheel"}]}}`)
	p.hear(t, "I turn it.")
	p.hear(t, "request_permission")
	time.Sleep(400 * time.Millisecond) // a person reads
	p.say(t, `{"jsonrpc":"2.0","id":"q1","result":{"outcome":{"outcome":"selected","optionId":"n"}}}`)
	p.hear(t, "tool_call_update")
	p.hear(t, "end_turn")
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	all := p.kept(t)
	if len(all) != 1 || all[0].Instruction != "turn the wheel" || all[0].Tool.Name != "gemini-cli" || all[0].Repository != "/mill" || all[0].Suggestions[0].After != "turning\n" {
		t.Fatalf("%+v", all)
	}
	if d := all[0].Decisions; len(d) != 1 || d[0].Verdict != episode.Rejected || d[0].By != episode.ByPerson {
		t.Errorf("%+v", d)
	}
	if n := strings.Count(p.errs.String(), "Headrace records"); n != 1 {
		t.Errorf("it says %d times what it records: %s", n, &p.errs)
	}
}

func TestTheProxyChangesNothingThatPasses(t *testing.T) {
	odd := make([]byte, 3<<20) // no protocol, no lines, no text
	rand.Read(odd)
	for name, enrolled := range map[string]bool{"with an edge": true, "with none": false} {
		t.Run(name, func(t *testing.T) {
			p := startProxied(t, enrolled, "mill-agent", "echo")
			go func() {
				p.in.Write(odd)
				p.in.Close()
			}()
			got, err := io.ReadAll(p.out)
			if err != nil || !bytes.Equal(got, odd) {
				t.Errorf("%d bytes of %d came back, %v", len(got), len(odd), err)
			}
			if err := p.cmd.Wait(); err != nil || p.errs.Len() > 0 {
				t.Errorf("%v, %s", err, &p.errs)
			}
			if entries, _ := os.ReadDir(p.dir); !enrolled && len(entries) > 0 {
				t.Errorf("something is kept of which nobody asked: %v", entries)
			}
		})
	}
}

func TestTheProxyEndsAsTheAgentEnds(t *testing.T) {
	p := startProxied(t, true, "mill-agent", "fail")
	err := p.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 7 || p.errs.String() != "the wheel is stuck\n" {
		t.Errorf("%v, %q", err, p.errs.String())
	}
	p = startProxied(t, true, "mill-agent", "wait")
	p.hear(t, "waiting")
	p.cmd.Process.Signal(syscall.SIGTERM)
	err = p.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("after a signal: %v", err)
	}
	p = startProxied(t, true, "mill-agent", "deaf")
	time.Sleep(50 * time.Millisecond)
	for range 100 {
		if _, err := p.in.Write(make([]byte, 64<<10)); err != nil {
			break // the editor sees that nobody listens
		}
	}
	if err = p.cmd.Wait(); err == nil || p.cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("of an agent that listens no more: %v", err)
	}
	p = startProxied(t, true, "no-such-agent")
	if err = p.cmd.Wait(); err == nil || p.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(p.errs.String(), "cannot be started") {
		t.Errorf("%v, %s", err, &p.errs)
	}
	p = startProxied(t, true)
	if err = p.cmd.Wait(); err == nil || p.cmd.ProcessState.ExitCode() != 2 {
		t.Errorf("without a command: %v, %s", err, &p.errs)
	}
}
