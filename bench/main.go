// SPDX-License-Identifier: Apache-2.0

// Command bench measures Headrace, beside peers where there are any, as processes on this machine. It is run from a
// checkout: "headrace bench loop", or "go run . loop" in this folder.
//
// Start from [sets]: each set is a list of measurements, each measurement a function that returns rows. A row has the id
// of the promise that it measures, our figure, and the peer's from the same run. README.md says what each id means, what
// it must reach, and what it was when we last looked.
//
// Every measured program is a child process with its own state folder, an empty home, and nothing of ours in its
// environment; all of it lies in one temporary folder that is removed at the end. Nothing here decides whether a figure is
// good enough: a row says what is, README.md what is promised.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// row is one measured figure. Ours and Peer are nil where they could not be had; Note says why.
type row struct {
	ID       string   `json:"id"`
	Ours     *float64 `json:"ours"`
	Unit     string   `json:"unit"`
	Peer     *float64 `json:"peer"`
	PeerName string   `json:"peer_name"`
	N        int      `json:"n"`
	Seed     int64    `json:"seed"`
	Note     string   `json:"note"`
}

// report is what a set of measurements came to.
type report struct {
	Name    string `json:"name"`
	Rows    []row  `json:"rows"`
	Machine string `json:"machine"`
}

// measurement makes the rows whose ids are its name, or begin with its name and a slash.
type measurement struct {
	name string
	run  func(context.Context, *bench) ([]row, error)
}

// sets are the measurements by the name they are asked for.
func sets() map[string][]measurement {
	return map[string][]measurement{"loop": {
		{"intake", measureIntake}, {"turn", measureTurn}, {"decide", measureDecide}, {"kills", measureKills},
		{"cover", measureCover}, {"size", measureSize}, {"idle", measureIdle}, {"up", measureUp},
	}, "capture": {
		{"counts", measureCounts}, {"read", measureRead}, {"read-memory", measureReadMemory}, {"watch", measureWatch}, {"git-join", measureGitJoin},
		{"hook", measureHook}, {"otlp", measureOTLP},
	}, "scrub": {
		{"creddata", measureCredData}, {"sets", measureSets}, {"pii", measurePII}, {"presidio", measurePresidio}, {"kept", measureKept},
		{"ordinary", measureOrdinary}, {"speed", measureSpeed}, {"vs-gitleaks", measureVsGitleaks}, {"attacks", measureAttacks}, {"relink", measureRelink}, {"utility", measureUtility},
		{"masked-parses", measureMasked},
	}, "trust": {
		{"policy", measurePolicy}, {"preview", measurePreview}, {"pack", measurePack}, {"intake", measureArrivals}, {"forged", measureForged}, {"canaries", measureCanaries}, {"cross", measureCross}, {"raw-rest", measureRawRest},
	}, "learn": {
		{"loop-time", measureLoopTime}, {"rollback", measureRollback}, {"instructions", measureInstructions},
		{"coderec", measureCoderec}, {"boost", measureBoost},
		{"bandit", measureBandit}, {"bandit-speed", measureBanditSpeed}, {"decide", measureDecideRates},
		{"ope-same", measureOPESame}, {"ope-cover", measureOPECover}, {"gate-refuses", measureGateRefuses},
		{"false-release", measureFalseRelease}, {"power", measurePower},
	}, "train": {
		{"gateway", measureGateway},
	}}
}

// bench is what measurements share.
type bench struct {
	root  string // the checkout
	temp  string // removed at the end
	bin   string // headrace, built from root
	home  string // of what is started; empty for an empty one each
	quick bool
	long  bool
	seeds int
	log   io.Writer
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == emptyPeer {
		return serveEmpty(stdout, stderr)
	}
	if len(args) == 3 && args[0] == oneCore {
		return alone(args[1], args[2], stdout, stderr)
	}
	if len(args) == 3 && args[0] == banditDriver {
		return driveBandit(args[1], args[2], stdout, stderr)
	}
	if len(args) == 1 && args[0] == plainPeer {
		return decodePlain(os.Stdin, stderr)
	}
	if len(args) == 1 && args[0] == stubModel || len(args) == 3 && args[0] == gatewayPeer {
		return gatewayChild(args, stdout, stderr)
	}
	if len(args) >= 2 && args[0] == pacePeer {
		return pace(args[1:], os.Stdin, stdout, stderr)
	}
	b := &bench{log: stderr}
	flags := flag.NewFlagSet("bench NAME", flag.ContinueOnError)
	flags.SetOutput(stderr)
	asJSON := flags.Bool("json", false, "print one JSON object")
	only := flags.String("only", "", "measure these only, separated by commas, such as intake,decide")
	flags.BoolVar(&b.quick, "quick", false, "end within a minute: shorter and fewer, for a look only")
	flags.BoolVar(&b.long, "long", false, "as many as is promised, which takes hours")
	flags.IntVar(&b.seeds, "seeds", 100, "how many seeds cover and power look at; of learn, power and false-release twice as many, ope-cover ten times")
	if len(args) == 0 {
		flags.Usage()
		return 2
	}
	set, ok := sets()[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "bench: no measurements are called %q; there are: loop, capture, scrub, trust, learn, train\n", args[0])
		return 2
	}
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	if b.quick && b.long {
		fmt.Fprintln(stderr, "bench: --quick and --long do not go together")
		return 2
	}
	if b.quick {
		b.seeds = min(b.seeds, 1)
	}
	wanted, err := choose(set, *only)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	rep, err := b.measure(ctx, args[0], wanted)
	if err == nil {
		err = rep.print(stdout, *asJSON)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// choose keeps the measurements that are named in a list, or all.
func choose(set []measurement, only string) ([]measurement, error) {
	if only == "" {
		return set, nil
	}
	names := strings.Split(only, ",")
	for _, n := range names {
		if !slices.ContainsFunc(set, func(m measurement) bool { return m.name == n }) {
			return nil, fmt.Errorf("there is no measurement %q", n)
		}
	}
	return slices.DeleteFunc(slices.Clone(set), func(m measurement) bool { return !slices.Contains(names, m.name) }), nil
}

// measure runs measurements one after the other. One that fails leaves a row that says so; the rest goes on.
func (b *bench) measure(ctx context.Context, name string, wanted []measurement) (rep *report, err error) {
	if b.root, err = filepath.Abs(".."); err != nil {
		return nil, err
	}
	if b.temp, err = os.MkdirTemp("", "headrace-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if e := removeAll(b.temp); err == nil {
			err = e
		}
	}()
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	rep = &report{Name: name, Rows: []row{}, Machine: machine()}
	for _, m := range wanted {
		fmt.Fprintf(b.log, "%s …\n", m.name)
		syscall.Sync() // what the one before has written is not on this one's time
		rows, err := m.run(ctx, b)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			rows = append(rows, row{ID: m.name, Note: "not measured: " + err.Error()})
		}
		rep.Rows = append(rep.Rows, rows...)
	}
	return rep, nil
}

// figure makes a row's figure of a number.
func figure(f float64) *float64 { return &f }
