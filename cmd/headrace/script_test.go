// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/headrace/headrace/internal/statedir"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"headrace": main, "mill-agent": millAgent, "headrace-crash": crash})
}

// TestEveryPromiseOfTheReadme runs the scripts: one for each promise that the documents make of a command, with the
// real program. $POLICY is the starter policy, $EXAMPLES the folder of examples, $CAPTURE the one of histories, $SECRET
// a secret made for this run, $BUSY an address that somebody else listens on, $HUB and $WITNESS addresses that are free.
func TestEveryPromiseOfTheReadme(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { busy.Close() }) // the scripts run beside each other, after this function has returned
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			for name, value := range map[string]string{
				"HOME": home, "HEADRACE_DIR": filepath.Join(e.WorkDir, "state"), "XDG_STATE_HOME": "",
				"POLICY": filepath.Join(root, "spec", "examples", "policy.yaml"), "EXAMPLES": filepath.Join(root, "spec", "examples"),
				"CAPTURE": filepath.Join(root, "internal", "capture"), "SECRET": "9x" + rand.Text(), "BUSY": busy.Addr().String(),
			} {
				e.Setenv(name, value)
			}
			for _, name := range []string{"HUB", "WITNESS"} {
				addr, err := unusedAddr()
				if err != nil {
					return err
				}
				e.Setenv(name, addr)
			}
			return os.MkdirAll(home, 0o700)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"expand": expand, "code": code, "hold": hold, "answers": answers, "compared": compared,
		},
	})
}

// expand replaces ${NAME} in a file, because what looks like a secret is never in a file of the repository.
func expand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: expand FILE")
	}
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// code runs a command that must end with a status: testscript's own "!" does not tell 1 from 2.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code STATUS COMMAND…")
	}
	err := ts.Exec(args[1], args[2:]...)
	if got := "exit status " + args[0]; err == nil || !strings.Contains(err.Error(), got) {
		ts.Fatalf("want %s, got %v", got, err)
	}
}

// answers waits until somebody listens at an address.
func answers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: answers HOST:PORT")
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", args[0])
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nobody answers: %v", err)
		}
	}
}

// hold takes a state folder as a running process does.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold DIR")
	}
	h, err := statedir.Lock(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { h.Close() })
}
