// SPDX-License-Identifier: Apache-2.0

// Package statedir makes sure that one process works on one state folder.
//
// [Lock] makes the folder and takes a lock that the system gives back when the process ends, however it ends: there is
// no stale lock to clean up after a crash. [Wait] waits for its turn instead. [Write] puts a file into a state folder whole.
package statedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/headrace/headrace/episode"
)

// Held is a lock that is held. Close gives it back.
type Held struct{ f *os.File }

// Lock makes dir (0700) and locks it, or says which process has it.
func Lock(dir string) (*Held, error) {
	f, err := lockFile(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name())
		f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
		who := "another process"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			who = "process " + pid
		}
		return nil, &episode.Problem{Code: "state/in-use", Message: who + " works on " + dir,
			Hint: "use the one that runs, stop it, or name another folder with --dir"}
	}
	if err := f.Truncate(0); err == nil {
		fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return &Held{f}, nil
}

// Wait makes dir (0700) and locks it once nobody else has it: for a folder that each holds for a moment.
func Wait(dir string) (*Held, error) {
	f, err := lockFile(dir)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return &Held{f}, nil
		}
		if !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", dir, err)
		}
	}
}

func lockFile(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, &episode.Problem{Code: "state/folder", Message: "cannot make the state folder " + dir, Err: err,
			Hint: "name one that you may write with --dir or $HEADRACE_DIR"}
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, &episode.Problem{Code: "state/folder", Message: "cannot write in the state folder " + dir, Err: err,
			Hint: "name one that you may write with --dir or $HEADRACE_DIR"}
	}
	return f, nil
}

// Close gives the lock back.
func (h *Held) Close() error { return h.f.Close() }

// Write puts a file (0600) in place whole and durable, making its folder (0700): a temporary name, fsync, rename, fsync of
// the folder. A crash leaves the old file or the new one.
func Write(path string, b []byte) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		if err := Sync(filepath.Dir(dir)); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return Sync(dir)
}

// Sync makes what was created, renamed or removed in dir durable.
func Sync(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", dir, err)
	}
	return nil
}
