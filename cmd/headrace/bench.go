// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/headrace/headrace/episode"
)

// benchCmd runs the measurements of bench/, which is its own module: it needs a checkout and Go.
type benchCmd struct {
	Name  string   `arg:"" help:"What to measure: loop, capture, scrub, trust, learn or train."`
	JSON  bool     `name:"json" help:"Print one JSON object."`
	Quick bool     `help:"End within a minute: shorter and fewer, for a look only."`
	Long  bool     `help:"As many as is promised, which takes hours."`
	Seeds int      `help:"How many seeds coverage and power look at." default:"100"`
	Only  []string `help:"Measure these only, such as intake or read." placeholder:"ID"`
}

func (benchCmd) Help() string {
	return `Run it from a checkout, on a machine that does nothing else. What the figures mean and must reach is in bench/README.md.

  headrace bench loop --quick
  headrace bench capture
  headrace bench scrub
  headrace bench trust --long
  headrace bench loop --only intake,decide --json`
}

// Run builds bench/ and runs it there.
func (c *benchCmd) Run(e *env) error {
	dir, err := benchDir()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "headrace-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	bin := filepath.Join(temp, "bench")
	build := exec.CommandContext(e.ctx, "go", "build", "-o", bin, ".")
	build.Dir, build.Stderr = dir, e.err
	if err := build.Run(); err != nil {
		return &episode.Problem{Code: "bench/build", Message: "cannot build " + dir, Err: err, Hint: "it needs Go 1.26 or later in PATH"}
	}
	args := []string{c.Name, "--seeds", strconv.Itoa(c.Seeds), "--only", strings.Join(c.Only, ",")}
	if c.JSON {
		args = append(args, "--json")
	}
	if c.Quick {
		args = append(args, "--quick")
	}
	if c.Long {
		args = append(args, "--long")
	}
	run := exec.CommandContext(e.ctx, bin, args...)
	run.Dir, run.Stdout, run.Stderr = dir, e.out, e.err
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) } // it stops what it started, and tidies up
	err = run.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return usagef("bench %s: used wrongly", c.Name)
	}
	if err != nil {
		return fmt.Errorf("bench %s: %w", c.Name, err)
	}
	return nil
}

// benchDir finds bench/ in the checkout that holds the working directory.
func benchDir() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if b, err := os.ReadFile(filepath.Join(dir, "bench", "go.mod")); err == nil && strings.HasPrefix(string(b), "module github.com/headrace/headrace/bench\n") {
			return filepath.Join(dir, "bench"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", &episode.Problem{Code: "bench/no-checkout", Message: wd + " is not in a checkout of Headrace",
				Hint: "measurements are built from source: change to a clone of the repository and run it there"}
		}
	}
}
