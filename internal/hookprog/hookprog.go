// SPDX-License-Identifier: Apache-2.0

// Package hookprog is the program that coding tools run as their hook: it takes one event from the tool, seals it to the
// edge's key, and leaves it in a folder for the agent.
//
// [Main] is all of cmd/headrace-hook, and of the command "headrace hook". It knows no tool's events, only how each tool
// hands them over and what each wants to hear back; package capture/hook reads them, at the edge. What it keeps, not even
// the agent can open.
//
// A tool waits for its hook, and some take a failure for a refusal. So whatever goes wrong (no key, no space, garbage, a
// folder that is a file, a standard output that is gone), the answer is the empty one and the exit status 0, and time is
// bounded. It links the standard library only, and starts in milliseconds.
package hookprog

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/headrace/headrace/internal/seal"
)

const (
	// MaxEvent is the most that one event may hold; a larger one is counted and let go.
	MaxEvent = 32 << 20

	stdinDeadline = 2 * time.Second // a tool that never closes our input must not wait longer
	allDeadline   = 4 * time.Second // a disk that hangs must not either
)

// Main takes one event as args say (TOOL [EVENT] [JSON], after --dir DIR), in at most a few seconds. It never fails.
func Main(args []string) { run(args, os.Stdin, os.Stdout, os.Getenv) }

// Usage is what a person sees who runs the program by hand.
const Usage = "headrace-hook TOOL [EVENT]: reads one event of a coding tool on standard input and keeps it, sealed, for the agent.\n" +
	"Tools run it; \"headrace connect\" sets that up and \"headrace connect TOOL --undo\" ends it.\n"

// Check is the argument by which connect asks whether the program runs on this machine; Checked is its answer. Headers is
// the one by which Claude Code asks for the headers of its telemetry, where an administrator has set that up for a fleet:
// each machine's token is another.
const (
	Check   = "--check"
	Checked = "headrace-hook 1\n"
	Headers = "--headers"
)

func run(args []string, in io.Reader, out io.Writer, getenv func(string) string) {
	signal.Ignore(syscall.SIGPIPE, syscall.SIGXFSZ) // a tool that does not listen, or a file that may not grow, is no reason to die
	if len(args) == 1 && args[0] == Check {
		io.WriteString(out, Checked)
		return
	}
	c := parse(args)
	if c.headers {
		io.WriteString(out, c.token(getenv))
		return
	}
	if c.tool == "" {
		io.WriteString(out, Usage)
		return
	}
	var once sync.Once
	answer := func(notice bool, context string) {
		once.Do(func() { io.WriteString(out, c.dialect().answer(c.event, notice, context)) }) // an answer that nobody takes is no error
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if recover() != nil { // a bug of ours must not become the tool's
				answer(false, "")
			}
		}()
		answer(c.take(in, getenv))
	}()
	select {
	case <-done:
	case <-time.After(allDeadline):
		answer(false, "")
	}
}

// call is what the program was run with.
type call struct {
	tool, event string
	dir         string // as given; empty: the default
	headers     bool
	arg         []byte // the event, where it came as an argument
}

// parse reads the arguments. Tools append their own, so what is not understood is passed over.
func parse(args []string) (c call) {
	var words []string
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--dir" && i+1 < len(args):
			i++
			c.dir = args[i]
		case a == Headers:
			c.headers = true
		case len(a) > 0 && a[0] == '{': // Codex hands its notification over so
			c.arg = []byte(a)
		default:
			words = append(words, a)
		}
	}
	if len(words) > 0 {
		c.tool = word(words[0])
	}
	if len(words) > 1 {
		c.event = word(words[1])
	}
	return c
}

// word is a name that needs no quoting anywhere; anything else is "unknown".
func word(s string) string {
	if len(s) == 0 || len(s) > 64 {
		return "unknown"
	}
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '_':
		default:
			return "unknown"
		}
	}
	return s
}

// take keeps the event, and reports whether the answer should carry the notice, and which words to the model it should.
func (c *call) take(in io.Reader, getenv func(string) string) (notice bool, context string) {
	at := time.Now().UTC()
	event, whole := c.arg, true
	if event == nil {
		event, whole = read(in, stdinDeadline)
	}
	q := queue{dir: filepath.Join(c.folder(getenv), "agent")}
	key, ok := q.key()
	if !ok { // this machine has not joined an edge: there is nobody to keep it for
		return false, ""
	}
	d := c.dialect()
	if among(c.event, d.context) {
		context = q.words(at)
	}
	if !whole {
		q.drop()
		return false, context
	}
	if len(bytes.TrimSpace(event)) == 0 || !q.put(key, c.payload(event, at), at) {
		return false, context
	}
	return d.shows(c.event) && q.first(c.tool), context
}

// payload is the event with a line before it that says what it is. All of its parts are words and need no escapes.
func (c *call) payload(event []byte, at time.Time) []byte {
	head := `{"kind":"hook","tool":"` + c.tool + `","event":"` + c.event + `","at":"` + at.Format(time.RFC3339Nano) + "\"}\n"
	return append([]byte(head), event...)
}

// folder is the state folder, as every command of Headrace finds it.
func (c *call) folder(getenv func(string) string) string {
	if c.dir != "" {
		return c.dir
	}
	if d := getenv("HEADRACE_DIR"); d != "" {
		return d
	}
	if d := getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "headrace")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = "."
	}
	return filepath.Join(home, ".local", "state", "headrace")
}

// key is the edge's, which enrolment has left here.
func (q *queue) key() (seal.Public, bool) {
	b, err := os.ReadFile(filepath.Join(q.dir, "edge.pub"))
	if err != nil {
		return seal.Public{}, false
	}
	k, err := seal.Parse(string(b))
	return k, err == nil
}

// token is the header by which a tool shows the agent that it is this person's; none where there is no token yet.
func (c *call) token(getenv func(string) string) string {
	b, err := os.ReadFile(filepath.Join(c.folder(getenv), "agent", "token"))
	if token := string(bytes.TrimSpace(b)); err == nil && word(token) == token {
		return `{"Authorization":"Bearer ` + token + "\"}\n"
	}
	return "{}\n"
}
