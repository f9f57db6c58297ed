// SPDX-License-Identifier: Apache-2.0

// Command headrace is the feedback loop between the teams who write software with AI coding tools and the makers of
// those tools: one program for every role and every stage. "headrace up" starts it all on this machine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/canary"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program: 0 done, 1 nothing could be read or written (or set aside with --strict), 2 used wrongly.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("headrace"), kong.Description(about), kong.UsageOnError(),
		kong.Writers(stdout, stderr), kong.Exit(func(n int) { exited = n }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(stderr, "headrace:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintln(stderr, "headrace:", err)
		fmt.Fprintln(stderr, "try: headrace --help")
		return 2
	}
	env := &env{ctx: ctx, dir: stateDir(c.Dir), in: stdin, out: stdout, err: stderr}
	err = k.Run(env)
	stderr = env.err // a command may have put a writer before it that keeps canaries out
	if w, ok := stderr.(*canary.Writer); ok {
		defer w.Flush()
	}
	if err != nil {
		var u *usageError
		if errors.Is(err, context.Canceled) && ctx.Err() != nil {
			fmt.Fprintln(stderr, "headrace: stopped; what was done stays")
			return 1
		}
		fmt.Fprintln(stderr, "headrace:", err)
		if p, ok := errors.AsType[*episode.Problem](err); ok && p.Hint != "" {
			fmt.Fprintln(stderr, "  →", p.Hint)
		}
		if errors.As(err, &u) {
			return 2
		}
		return 1
	}
	return 0
}
