// SPDX-License-Identifier: Apache-2.0

package killtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one life of a headrace program that serves until it is ended.
type Process struct {
	// Ready is what it said when it served: the match of the pattern and its groups.
	Ready []string
	cmd   *exec.Cmd
	said  *output
	gone  chan struct{} // closed once it has ended, err is set by then
	err   error
}

// patience is how long a process may take to start or to end: a busy machine is no failure.
const patience = 3 * time.Minute

// Start starts a program whose home is home, with its temporary files in the folder tmp there, and returns once it has said
// something that matches ready.
func Start(ctx context.Context, ready *regexp.Regexp, home, binary string, args ...string) (*Process, error) {
	p := &Process{said: &output{}, gone: make(chan struct{}), cmd: exec.Command(binary, args...)}
	p.cmd.Env = append(os.Environ(), "HOME="+home, "TMPDIR="+filepath.Join(home, "tmp"))
	if err := os.MkdirAll(filepath.Join(home, "tmp"), 0o700); err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.gone)
	}()
	for begin := time.Now(); ; {
		if p.Ready = ready.FindStringSubmatch(p.said.String()); p.Ready != nil {
			return p, nil
		}
		select {
		case <-p.gone:
			return nil, fmt.Errorf("it ended at once: %v\n%s", p.err, p.said)
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), p.Kill())
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(begin) > patience {
			return nil, errors.Join(fmt.Errorf("it does not answer after %v:\n%s", patience, p.said), p.Kill())
		}
	}
}

// Kill is kill -9.
func (p *Process) Kill() error {
	select {
	case <-p.gone:
		return fmt.Errorf("it ended before it was killed: %v\n%s", p.err, p.said)
	default:
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.gone
	return nil
}

// Stop asks the process to end, as Ctrl-C does.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.gone:
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("it did not end within %v of being asked", patience), p.Kill())
	}
	if p.err != nil {
		return fmt.Errorf("it was asked to end: %w\n%s", p.err, p.said)
	}
	return nil
}

// Dump makes the process end with a dump of what each of its goroutines does, as it would after a fault.
func (p *Process) Dump() error {
	if err := p.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	select {
	case <-p.gone:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("it did not end within %v of SIGQUIT", patience), p.Kill())
	}
}

// Said is all that it has written to its standard output and error.
func (p *Process) Said() string { return p.said.String() }

// upProcess is one life of headrace up, and what speaks to it.
type upProcess struct {
	*Process
	url    string
	token  string
	client *http.Client
	took   time.Duration // until it answered
}

var address = regexp.MustCompile(`Tools send to (http://localhost:\d+)/v1/`)

// start starts headrace up and returns when it takes records.
func start(ctx context.Context, o Options) (*upProcess, error) {
	begin := time.Now()
	p, err := Start(ctx, address, filepath.Join(o.Dir, "home"), o.Binary, "up", "--dir", filepath.Join(o.Dir, "state"), "--listen", "127.0.0.1:0", "--otlp", "",
		"--policy", filepath.Join(o.Dir, "policy.yaml"), "--settle", "0s")
	if err != nil {
		return nil, err
	}
	up := &upProcess{Process: p, url: p.Ready[1], client: &http.Client{Transport: &http.Transport{}}, took: time.Since(begin)}
	token, err := os.ReadFile(filepath.Join(o.Dir, "state", "edge", "keys", "token"))
	if err != nil {
		return nil, errors.Join(err, p.Kill())
	}
	up.token = strings.TrimSpace(string(token))
	return up, nil
}

func (p *upProcess) kill() error {
	defer p.client.CloseIdleConnections()
	return p.Kill()
}

func (p *upProcess) stop() error {
	defer p.client.CloseIdleConnections()
	return p.Stop()
}

// output is what a process said.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
