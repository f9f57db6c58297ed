// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/web"
)

// upCmd runs agent, edge and hub in one process.
type upCmd struct {
	Demo      bool          `help:"Show the whole loop on synthetic enterprises instead of this machine's histories."`
	Once      bool          `help:"Take one turn, print its result and end."`
	JSON      bool          `name:"json" help:"With --once: print the result as one JSON object."`
	Seed      int64         `help:"With --demo: which world is drawn." default:"1"`
	Gain      float64       `help:"With --demo: the planted true relative gain." default:"0.2"`
	Decisions int           `help:"With --demo: how many decisions the world makes." default:"40000"`
	Listen    string        `help:"Loopback address of pages and APIs." default:"127.0.0.1:8400"`
	OTLP      string        `name:"otlp" help:"Loopback address of OTLP/gRPC; empty for none." default:"127.0.0.1:4317"`
	Agent     string        `help:"Loopback address where connected tools send OpenTelemetry; none for no such port." default:"127.0.0.1:4318"`
	Policy    string        `help:"Policy file (default: the starter policy: numbers and categories only, a person approves)." type:"existingfile" placeholder:"FILE"`
	Settle    time.Duration `help:"How long an episode may still change before it is screened." default:"24h"`
}

func (upCmd) Help() string {
	return `Finds the histories of the coding tools on this machine, reads them and shows them; nothing leaves.

  headrace up                        # then open the link it prints
  headrace up --demo                 # three synthetic enterprises, the whole loop
  headrace up --demo --once --json   # one turn of it, as JSON`
}

// Run starts it.
func (c *upCmd) Run(e *env) error {
	if c.Once {
		debug.SetGCPercent(400) // one turn and out: memory is cheaper than time
	}
	if c.Demo {
		return c.demo(e)
	}
	joined, err := link.Memberships(filepath.Join(e.dir, "edge"))
	if _, broken := errors.AsType[*episode.Problem](err); broken || len(joined) > 0 {
		return &episode.Problem{Code: "up/edge", Message: e.dir + " is the folder of an edge that has joined a hub, whose policy is not this command's to change",
			Hint: "run headrace edge there, or headrace up with another --dir"}
	}
	policy := consent.Starter()
	if c.Policy != "" {
		var err error
		if policy, err = consent.ReadPolicy(c.Policy); err != nil {
			return err
		}
	}
	recipient := policy.Recipients()[0]
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	a, problems := agent.Find(e.ctx, home, os.Getenv)
	for _, p := range problems {
		fmt.Fprintln(e.err, "passed over:", p)
	}
	found := a.Histories()
	sayFound(e.err, home, found)
	if len(found) == 0 && c.Once {
		return &episode.Problem{Code: "up/no-histories", Message: "no tool histories were found below " + home,
			Hint: "try headrace up --demo, or point HOME at a folder that has ~/.claude, ~/.codex, ~/.continue or aider histories"}
	}
	s, err := openStack(e.ctx, stackConfig{dir: e.dir, listen: c.listen(), otlp: c.otlp(), hub: hub.Config{Name: recipient, Log: logger(e.err)},
		edges: []edge.Config{{Dir: filepath.Join(e.dir, "edge"), Own: true, Hubs: []edge.Hub{{Name: recipient, Contributor: "this-machine", Channel: "early"}}, Policy: policy, Settle: c.Settle, Log: logger(e.err)}}})
	if err != nil {
		return err
	}
	defer s.close()
	if c.Once {
		return s.run(e.ctx, nil, "", false, func(ctx context.Context) error { return c.turn(ctx, e, s, a) })
	}
	return c.live(e, s, histories(a), false, func(ctx context.Context) error {
		if err := readInto(ctx, e, a, s.edges[0]); err != nil {
			return err
		}
		return a.Remember(e.agentDir())
	})
}

// listen is the address of the pages; a turn that nobody watches takes any port.
func (c *upCmd) listen() string {
	if c.Once {
		return freePort
	}
	return c.Listen
}

func (c *upCmd) otlp() string {
	if c.Once {
		return ""
	}
	return c.OTLP
}

// live serves pages and APIs until Ctrl-C; feed runs beside.
func (c *upCmd) live(e *env, s *stack, found func() []web.History, demo bool, feed func(context.Context) error) error {
	site, err := web.New(web.Config{Edge: edge.View{Edge: s.edges[0], Found: found}, Hub: hub.View{Hub: s.hub}, Demo: demo, Version: version(), Sessions: s.edges[0].Sessions(),
		Access: access.Config{Limits: access.Limits{RawLooks: -1}}}) // the records are of whoever looks
	if err != nil {
		return err
	}
	token, err := s.edges[0].Token()
	if err != nil {
		return err
	}
	return s.run(e.ctx, site, token, true, func(ctx context.Context) error {
		fmt.Fprintf(e.err, "\n  Open  %s%s\n\n", reachable(s.web), site.Link(me()))
		fmt.Fprintf(e.err, "  The link works once. Nothing leaves this machine until a person approves it. Ctrl-C stops; what was done stays.\n")
		fmt.Fprintf(e.err, "  Tools send to %s/v1/ with the token in %s\n", reachable(s.web), s.edges[0].TokenFile())
		if s.grpc != nil {
			fmt.Fprintf(e.err, "  and OpenTelemetry logs to %s/v1/logs or, by gRPC, to http://%s\n", reachable(s.web), s.grpc.Addr())
		}
		fmt.Fprintln(e.err)
		if err := feed(ctx); err != nil && ctx.Err() == nil {
			return err
		}
		if demo {
			return until(ctx)
		}
		return c.follow(ctx, e, s.edges[0])
	})
}

// follow is the agent of this machine, in the same process as its edge.
func (c *upCmd) follow(ctx context.Context, e *env, to *edge.Edge) error {
	who := edge.Principal{Name: me(), Authenticated: true}
	run := agentRunCmd{OTLP: c.Agent}
	conf, err := run.config(e, func(ctx context.Context, sealed [][]byte) error {
		var frames []byte
		for _, s := range sealed {
			frames = edge.Frame(frames, s)
		}
		_, err := to.ReceiveSealed(ctx, who, frames)
		return err
	})
	if err != nil {
		fmt.Fprintln(e.err, "  tools that headrace connect has connected are not heard:", err)
		run.OTLP = "none"
		if conf, err = run.config(e, conf.Send); err != nil {
			return err
		}
	}
	conf.SealTo = to.SealTo()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return agent.Run(ctx, conf) })
	g.Go(func() error {
		for {
			if err := agent.KeepWords(conf.Dir, to.Words(who.Name)); err != nil {
				conf.Log.Warn("instructions are not given", "err", err)
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Minute):
			}
		}
	})
	return ended(g.Wait())
}

// turn takes this machine's histories once round the whole loop. Who starts it approves what the policy lets go to this
// machine's own hub; nothing leaves the machine.
func (c *upCmd) turn(ctx context.Context, e *env, s *stack, a *agent.Agent) error {
	start := time.Now()
	if err := readInto(ctx, e, a, s.edges[0]); err != nil {
		return err
	}
	readFor := time.Since(start).Seconds() - s.edges[0].Stats().Intake.Seconds()
	fmt.Fprintln(e.err, "one turn on this machine: what the policy allows is approved for this machine's own hub; nothing leaves")
	if err := s.approvedTurn(ctx, me()+" (up --once)"); err != nil {
		return err
	}
	n := 0
	for _, h := range a.Histories() {
		n += h.Episodes
	}
	res, err := s.result(ctx, n, readFor)
	if err != nil {
		return err
	}
	return res.print(e.out, c.JSON)
}

// approvedTurn takes what the edges hold once round, out to the hub and back. All that waits is approved in the name of
// who, once everything is screened: what is approved before a later fact comes would have to be approved again.
func (s *stack) approvedTurn(ctx context.Context, who string) error {
	err := s.eachEdge(func(e *edge.Edge) error {
		if err := e.Turn(ctx); err != nil {
			return err
		}
		if _, err := e.ApproveAll(ctx, who); err != nil {
			return err
		}
		return e.Turn(ctx)
	})
	if err != nil {
		return err
	}
	if err := s.hub.Turn(ctx); err != nil {
		return err
	}
	return s.eachEdge(func(e *edge.Edge) error { return e.Turn(ctx) })
}

// eachEdge runs f for all edges at the same time.
func (s *stack) eachEdge(f func(*edge.Edge) error) error {
	var g errgroup.Group
	for _, e := range s.edges {
		g.Go(func() error { return f(e) })
	}
	return g.Wait()
}

func logger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// sayFound tells the person what is on this machine before any of it is read.
func sayFound(w io.Writer, home string, found []agent.History) {
	if len(found) == 0 {
		fmt.Fprintf(w, "No histories of coding tools found below %s. To see the whole loop: headrace up --demo\n", home)
		return
	}
	fmt.Fprintf(w, "Found below %s:\n", home)
	for _, f := range found {
		fmt.Fprintf(w, "  %-12s %5d files %9.1f MB\n", f.Tool, f.Files, float64(f.Bytes)/1e6)
	}
}

// histories is what the pages show of the agent.
func histories(a *agent.Agent) func() []web.History {
	return func() []web.History {
		var list []web.History
		for _, h := range a.Histories() {
			list = append(list, web.History{Tool: h.Tool, Files: h.Files, Bytes: h.Bytes, Episodes: h.Episodes, Problem: h.Problem, Done: float64(h.Read) / float64(max(1, h.Files))})
		}
		return list
	}
}

// readInto reads this machine's histories into the edge, with progress.
func readInto(ctx context.Context, e *env, a *agent.Agent, to *edge.Edge) error {
	files := 0
	for _, h := range a.Histories() {
		files += h.Files
	}
	bar, shown := newProgress(e.err, files), 0
	defer bar.done()
	who := edge.Principal{Name: me(), Authenticated: true}
	err := a.Read(ctx, func(ctx context.Context, lines []byte) error {
		n := 0
		for _, h := range a.Histories() {
			n += h.Read
		}
		for ; shown < n; shown++ {
			bar.step()
		}
		_, err := to.Receive(ctx, who, lines)
		return err
	})
	if err != nil {
		return err
	}
	err = a.Commits(ctx, func(ctx context.Context, body []byte) error { return to.ReceiveCommits(ctx, who, body) })
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(e.err, "of some commits nothing is told:", err)
		err = nil
	}
	return err
}
