// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
)

// redirectStderr lets file descriptor 2, where the runtime writes panics, end in a second process that redacts: this one is
// no more when the last of a crash is read. restore puts it back and waits until all is written.
func redirectStderr(canaries string) (restore func(), err error) {
	was, err := syscall.Dup(2)
	if err != nil {
		return nil, err
	}
	syscall.CloseOnExec(was)
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	defer w.Close() // descriptor 2 stays
	filter := &exec.Cmd{Path: "/proc/self/exe", Args: []string{os.Args[0], "redact", canaries}, Stdin: r, Stdout: os.Stderr, Stderr: os.Stderr}
	if err := filter.Start(); err != nil {
		return nil, err
	}
	// Where the filter is no more, a line of the log must not end this process: what writes it redacts by itself, too.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	if err := syscall.Dup3(int(w.Fd()), 2, 0); err != nil {
		return nil, err
	}
	back := sync.OnceFunc(func() {
		syscall.Dup3(was, 2, 0) // nothing more holds the pipe: the filter ends
		syscall.Close(was)
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		filter.Wait()
		back()
	}()
	return func() {
		back()
		<-ended
	}, nil
}
