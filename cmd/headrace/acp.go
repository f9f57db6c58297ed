// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/acp"
	"github.com/headrace/headrace/internal/hookprog"
)

// acpCmd is the proxy between an editor and an agent.
type acpCmd struct {
	Agent []string `arg:"" optional:"" passthrough:"" help:"The agent's command, after --."`
}

// Help shows where it goes.
func (acpCmd) Help() string {
	return `headrace connect zed (or jetbrains) puts it before the command of each agent in your editor's settings. By hand:

  "agent_servers": { "Gemini": { "command": "headrace", "args": ["acp", "--", "gemini", "--experimental-acp"] } }

Every byte is passed on as it comes, both ways, and the agent's exit status and signals too. What is said is copied beside: prompts,
proposed changes and what you choose, sealed, for headrace agent or headrace up. Where neither has run yet, nothing is kept.`
}

// Run is the agent, as far as the editor can tell. It ends as the agent ends, not as a command of ours.
func (c *acpCmd) Run(e *env) error {
	command := c.Agent
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		return usagef("name the agent's command: headrace acp -- gemini --experimental-acp")
	}
	tap := acp.NewTap()
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		tap.Run(append([]string{filepath.Base(command[0])}, command[1:]...), e.keepEpisode)
	}()
	state, err := between(e, command, tap.Copy)
	if err != nil {
		return &episode.Problem{Code: "acp/agent", Message: "the agent " + command[0] + " cannot be started", Err: err, Hint: "is its program installed, and on the PATH that your editor has?"}
	}
	tap.Close()
	select {
	case <-kept:
	case <-time.After(keepWithin):
	}
	endAs(state)
	return nil
}

const (
	keepWithin = 2 * time.Second        // how long the agent's end may be put off to keep what was said last
	stillOpen  = 500 * time.Millisecond // how long an output is waited for that a dead agent's child holds open
)

// keepEpisode leaves an episode for the agent, and says so once on this machine. If it cannot be kept, it is let go.
func (e *env) keepEpisode(ep *episode.Episode) {
	payload, err := episode.Append([]byte("{\"kind\":\"proxied\"}\n"), ep)
	if err != nil || !hookprog.Keep(e.dir, append(payload, '\n'), time.Now()) || !hookprog.First(e.dir, acp.Name) {
		return
	}
	fmt.Fprintln(e.err, "Headrace records what you and your agents say to each other by way of headrace acp: prompts, suggestions and what you choose. It rests sealed "+
		"on this machine, goes to the edge you joined only, and is filtered there before anything may leave. See it with: headrace doctor. "+
		"Stop it: headrace connect zed --undo (or jetbrains), or take \"headrace acp --\" out of your editor's settings.")
}

// between runs the agent and passes on what it and the editor write, copying each piece before it is passed on: so an
// answer is never copied before its question.
func between(e *env, command []string, copied func(acp.Side, []byte)) (*os.ProcessState, error) {
	toAgent, fromEditor, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	fromAgent, toEditor, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = toAgent, toEditor, e.err
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, caught()...)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	toAgent.Close()
	toEditor.Close()
	go func() {
		for s := range signals {
			if s != syscall.SIGPIPE { // which says that a side is gone: its pump sees that
				cmd.Process.Signal(s) // an error: it has just ended
			}
		}
	}()
	in := pump{from: e.in, to: fromEditor, copied: func(b []byte) { copied(acp.Client, b) }}
	out := pump{from: fromAgent, to: e.out, copied: func(b []byte) { copied(acp.Agent, b) }, done: make(chan struct{})}
	go func() {
		if in.run(); in.failed { // the agent listens no more: the editor is to see that, as it would without us
			closed(e.in)
		}
		fromEditor.Close()
	}()
	go func() {
		defer close(out.done)
		if out.run(); out.failed { // nor may the agent write to an editor that is gone
			fromAgent.Close()
		}
	}()
	if err := cmd.Wait(); err != nil && cmd.ProcessState == nil {
		return nil, err
	}
	out.drained()
	return cmd.ProcessState, nil
}

// caught are the signals that an agent may be sent. Where one is ignored it stays so, for the agent as well.
func caught() []os.Signal {
	all := []os.Signal{syscall.SIGPIPE}
	for _, s := range [...]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2} {
		if !signal.Ignored(s) {
			all = append(all, s)
		}
	}
	return all
}

func closed(r io.Reader) {
	if c, ok := r.(io.Closer); ok {
		c.Close() // an error: it is closed already
	}
}

// pump passes on one direction.
type pump struct {
	from   io.Reader
	to     io.Writer
	copied func([]byte)
	done   chan struct{}
	failed bool // it could not be written

	moved   atomic.Int64 // pieces that were passed on
	writing atomic.Bool  // a piece is read and not written yet
}

func (p *pump) run() {
	buf := make([]byte, 64<<10)
	for {
		n, err := p.from.Read(buf)
		if n > 0 {
			p.writing.Store(true)
			p.copied(buf[:n])
			if _, err := p.to.Write(buf[:n]); err != nil {
				p.failed = true
				return
			}
			p.moved.Add(1)
			p.writing.Store(false)
		}
		if err != nil {
			return
		}
	}
}

// drained waits until all that a dead agent wrote is passed on. A child that it left behind may hold its output open; that
// is waited for only while something comes.
func (p *pump) drained() {
	for before := int64(-1); ; {
		select {
		case <-p.done:
			return
		case <-time.After(stillOpen):
		}
		now := p.moved.Load()
		if now == before && !p.writing.Load() {
			return
		}
		before = now
	}
}

// endAs ends this process as the agent's has ended: by the same signal, or with the same status.
func endAs(state *os.ProcessState) {
	var status syscall.WaitStatus
	if s, ok := state.Sys().(syscall.WaitStatus); ok {
		status = s
	}
	if !status.Signaled() {
		os.Exit(state.ExitCode())
	}
	switch s := status.Signal(); s {
	case syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGKILL, syscall.SIGPIPE:
		signal.Reset(s)
		if err := syscall.Kill(os.Getpid(), s); err == nil {
			time.Sleep(time.Second) // it comes at once
		}
	}
	os.Exit(128 + int(status.Signal()))
}
