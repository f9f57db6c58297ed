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

// process is one life of headrace up.
type process struct {
	cmd    *exec.Cmd
	said   *output
	gone   chan struct{} // closed once it has ended, err is set by then
	err    error
	url    string
	token  string
	client *http.Client
	took   time.Duration // until it answered
}

var address = regexp.MustCompile(`Tools send to (http://localhost:\d+)/v1/`)

// start starts headrace up and returns when it takes records.
func start(ctx context.Context, o Options) (*process, error) {
	begin := time.Now()
	p := &process{said: &output{}, gone: make(chan struct{}), client: &http.Client{Transport: &http.Transport{}}}
	p.cmd = exec.Command(o.Binary, "up", "--dir", filepath.Join(o.Dir, "state"), "--listen", "127.0.0.1:0", "--otlp", "",
		"--policy", filepath.Join(o.Dir, "policy.yaml"), "--settle", "0s")
	p.cmd.Env = append(os.Environ(), "HOME="+filepath.Join(o.Dir, "home"))
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.gone)
	}()
	for {
		if m := address.FindStringSubmatch(p.said.String()); m != nil {
			p.url = m[1]
			break
		}
		select {
		case <-p.gone:
			return nil, fmt.Errorf("it ended at once: %v\n%s", p.err, p.said)
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), p.kill())
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(begin) > time.Minute {
			return nil, errors.Join(fmt.Errorf("it does not answer after a minute:\n%s", p.said), p.kill())
		}
	}
	p.took = time.Since(begin)
	token, err := os.ReadFile(filepath.Join(o.Dir, "state", "edge", "keys", "token"))
	if err != nil {
		return nil, errors.Join(err, p.kill())
	}
	p.token = strings.TrimSpace(string(token))
	return p, nil
}

// kill is kill -9.
func (p *process) kill() error {
	select {
	case <-p.gone:
		return fmt.Errorf("it ended before it was killed: %v\n%s", p.err, p.said)
	default:
	}
	if err := p.cmd.Process.Kill(); err != nil {
		return err
	}
	<-p.gone
	p.client.CloseIdleConnections()
	return nil
}

// stop asks the process to end, as Ctrl-C does.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.gone:
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("it did not end within 30 seconds of being asked"), p.kill())
	}
	p.client.CloseIdleConnections()
	if p.err != nil {
		return fmt.Errorf("it was asked to end: %w\n%s", p.err, p.said)
	}
	return nil
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
