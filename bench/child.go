// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is a process that we started, and those it started itself.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it ended
	err  error         // how, once done is closed

	mu   sync.Mutex // guards said
	said bytes.Buffer
}

// start starts a program in its own process group. What it writes to standard error, and to standard output where
// cmd.Stdout is nil, is kept for until and for errors.
func start(cmd *exec.Cmd) (*child, error) {
	c := &child{cmd: cmd, done: make(chan struct{})}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Stderr = c
	if cmd.Stdout == nil {
		cmd.Stdout = c
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		c.err = cmd.Wait()
		close(c.done)
	}()
	return c, nil
}

// Write keeps what the program says.
func (c *child) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Write(b)
}

func (c *child) saying() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.String()
}

// until waits until the program has said something, and returns it.
func (c *child) until(ctx context.Context, what *regexp.Regexp, atMost time.Duration) (string, error) {
	for end := time.Now().Add(atMost); time.Now().Before(end); {
		if m := what.FindString(c.saying()); m != "" {
			return m, nil
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-c.done:
			return "", c.failed(errors.Join(errors.New("it ended early"), c.err))
		case <-time.After(2 * time.Millisecond):
		}
	}
	return "", c.failed(fmt.Errorf("nothing like %q after %v", what, atMost))
}

// failed adds the last of what the program said to an error about it.
func (c *child) failed(err error) error {
	said := strings.TrimSpace(c.saying())
	if len(said) > 2000 {
		said = "…" + said[len(said)-2000:]
	}
	return fmt.Errorf("%s: %w: %s", strings.Join(c.cmd.Args, " "), err, said)
}

// stop asks the program to end and waits until it has.
func (c *child) stop() {
	syscall.Kill(-c.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-c.done:
	case <-time.After(20 * time.Second):
		syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
		<-c.done
	}
}

// memory is the resident set of the process in bytes.
func (c *child) memory() (float64, error) {
	field := strings.Fields(firstLine(fmt.Sprintf("/proc/%d/status", c.cmd.Process.Pid), "VmRSS"))
	if len(field) != 2 {
		return 0, errors.New("this system does not say how much memory a process has")
	}
	kb, err := strconv.ParseFloat(field[0], 64)
	return kb * 1024, err
}

// quiet waits until the process has used little processor time for two seconds.
func (c *child) quiet(ctx context.Context, atMost time.Duration) error {
	for end := time.Now().Add(atMost); time.Now().Before(end); {
		before := c.ticks()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.done:
			return c.failed(errors.New("it ended early"))
		case <-time.After(2 * time.Second):
		}
		if c.ticks()-before <= 10 { // hundredths of a second
			return nil
		}
	}
	return c.failed(fmt.Errorf("still busy after %v", atMost))
}

// ticks is the processor time of the process, in hundredths of a second (proc(5), utime and stime).
func (c *child) ticks() (n int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.cmd.Process.Pid))
	_, after, _ := strings.Cut(string(b), ") ")
	if f := strings.Fields(after); len(f) > 12 {
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		n = user + system
	}
	return n
}

// link is what "up" prints once it serves.
var link = regexp.MustCompile(`http://localhost:\d+/\S*\n`)

// up starts "headrace up" and returns its host:port once it serves.
func (b *bench) up(ctx context.Context, dir string, args ...string) (*child, string, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, "", err
	}
	cmd := exec.CommandContext(ctx, b.bin, append([]string{"up", "--listen", addr, "--dir", dir}, args...)...)
	if cmd.Env, err = b.bareEnv(); err != nil {
		return nil, "", err
	}
	c, err := start(cmd)
	if err != nil {
		return nil, "", err
	}
	if _, err := c.until(ctx, link, time.Minute); err != nil {
		c.stop()
		return nil, "", err
	}
	return c, addr, nil
}

// bareEnv is an environment with an empty home and nothing that would change what is measured.
func (b *bench) bareEnv() ([]string, error) {
	home, err := b.home, error(nil)
	if home == "" {
		home, err = os.MkdirTemp(b.temp, "home-")
	}
	return []string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + b.temp, "LANG=C.UTF-8"}, err
}

// build makes the binary that is measured, as it is given to people.
func (b *bench) build(ctx context.Context) error {
	b.bin = filepath.Join(b.temp, "headrace")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.bin, "./cmd/headrace")
	cmd.Dir, cmd.Env = b.root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build headrace: %w: %s", err, out)
	}
	return nil
}

// freeAddr is a loopback address that nobody listens on now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// removeAll removes a folder with Go's module cache in it, whose folders cannot be written.
func removeAll(dir string) error {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	return errors.Join(err, os.RemoveAll(dir))
}
