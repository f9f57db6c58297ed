// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/aggregate"
	"github.com/headrace/headrace/internal/consent"
)

type aggregateCmd struct {
	Policy    string   `help:"Policy file: who may be counted, for whom." type:"path" placeholder:"FILE"`
	Recipient string   `help:"Who the counts are for (default: the policy's recipient, where it has one only)." placeholder:"NAME"`
	Period    string   `help:"The month (2026-11) or ISO week (2026-W48) to count; it must be over."`
	Query     []string `help:"What to count: decisions, languages, outcomes (default: all)." placeholder:"NAME"`
	Mechanism string   `help:"How noise is drawn: geometric or gaussian." default:"geometric"`
	Epsilon   string   `help:"Privacy loss of each query for a developer." default:"0.5"`
	Delta     string   `help:"Chance that something is told that one developer alone stands behind." default:"0.000001"`
	PerDev    int      `name:"per-developer" help:"Events of one developer that count at most." default:"20"`
	MinDevs   int      `name:"min-developers" help:"Developers who must stand behind a count." default:"20"`
	MinTeams  int      `help:"Teams that must stand behind a count, where teams are known." default:"3"`
	Budget    float64  `help:"Privacy loss (ε) of everything that is ever told." default:"10"`
	Ledger    bool     `help:"Print what was told so far and what it cost, and make nothing new."`
	beside
}

func (c *aggregateCmd) Help() string {
	return `Makes what may leave at the level aggregate: counts with noise, by tool, verdict, language, outcome; no episodes. It reads scrubbed
episodes, counts those whose rule allows aggregate or more, and tells no count that few people or teams stand behind. A report
is made once: asking again for the same query, period and recipient prints the same numbers. The ledger in the state folder, the
edge's where there is one, keeps all of them, with what the edge tells hubs by itself, and adds up what they cost.

Example: headrace read ~/.claude | headrace scrub | headrace aggregate --policy policy.yaml --period 2026-10
Example: headrace aggregate --ledger`
}

func (c *aggregateCmd) Run(e *env) (err error) {
	dir, err := ledgerDir(e.dir)
	if err != nil {
		return err
	}
	ledger, err := aggregate.OpenLedger(dir, c.Budget)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	if c.Ledger {
		for _, r := range ledger.Reports() {
			if err := writeLine(e.out, r); err != nil {
				return err
			}
		}
		loss := ledger.Loss()
		fmt.Fprintf(e.err, "%d reports cost ε = %.3g of %.3g at δ = %.2g, for a developer who is in all of them\n", loss.Reports, loss.Epsilon, loss.Budget, loss.Delta)
		return nil
	}
	if c.Policy == "" || c.Period == "" {
		return usagef("aggregate needs --policy and --period (or --ledger)")
	}
	start, end, err := aggregate.Period(c.Period)
	if err != nil {
		return err
	}
	tallies, err := c.tallies()
	if err != nil {
		return err
	}
	p, err := consent.ReadPolicy(c.Policy)
	if err != nil {
		return err
	}
	if c.Recipient, err = recipientOf(p, c.Recipient); err != nil {
		return err
	}
	if err := c.count(e, p, start, end, tallies); err != nil {
		return err
	}
	params := aggregate.Params{Mechanism: aggregate.Mechanism(c.Mechanism), Epsilon: c.Epsilon, Delta: c.Delta, PerDeveloper: c.PerDev,
		MinDevelopers: c.MinDevs, MinTeams: c.MinTeams}
	for _, t := range tallies {
		r, err := ledger.Report(t, c.Recipient, c.Period, params, time.Now())
		if err != nil {
			return err
		}
		if err := writeLine(e.out, r); err != nil {
			return err
		}
	}
	loss := ledger.Loss()
	fmt.Fprintf(e.err, "all that was told so far costs ε = %.3g of %.3g at δ = %.2g\n", loss.Epsilon, loss.Budget, loss.Delta)
	return nil
}

// ledgerDir is where the ledger is: with the edge, which tells hubs of counts by itself, where there is one, so that one ledger has all
// that was told of the same people. One that was begun without the edge is not passed over.
func ledgerDir(state string) (string, error) {
	alone, edge := filepath.Join(state, "aggregate"), filepath.Join(state, "edge")
	if _, err := os.Stat(edge); errors.Is(err, fs.ErrNotExist) {
		return alone, nil
	} else if err != nil {
		return "", err
	}
	dir := filepath.Join(edge, "aggregate")
	if _, err := os.Stat(filepath.Join(alone, "ledger.jsonl")); !errors.Is(err, fs.ErrNotExist) {
		return "", cmp.Or(err, error(&episode.Problem{Code: "aggregate/two-ledgers", Message: fmt.Sprintf("there is a ledger in %s, from before there was an edge here, whose ledger is in %s", alone, dir),
			Hint: "stop the edge, put the lines of the old ledger.jsonl before those of the edge's, and remove the old one: then they add up"}))
	}
	return dir, nil
}

// writeLine writes one object and a line end.
func writeLine(w io.Writer, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err == nil {
		_, err = w.Write(append(b, '\n'))
	}
	return err
}

// tallies makes an empty tally for each query that is asked for.
func (c *aggregateCmd) tallies() ([]*aggregate.Tally, error) {
	wanted := map[string]bool{}
	for _, q := range c.Query {
		wanted[q] = true
	}
	var tallies []*aggregate.Tally
	for _, q := range aggregate.Queries() {
		if len(c.Query) == 0 || wanted[q.Name] {
			tallies = append(tallies, aggregate.NewTally(q))
			delete(wanted, q.Name)
		}
	}
	for q := range wanted {
		return nil, usagef("there is no query %q: decisions, languages and outcomes are there", q)
	}
	return tallies, nil
}

// count reads episodes and counts those of the period that may be.
func (c *aggregateCmd) count(e *env, p *consent.Policy, start, end time.Time, tallies []*aggregate.Tally) error {
	ask, err := c.asker(c.Recipient)
	if err != nil {
		return err
	}
	in := episode.NewReader(bufio.NewReader(e.in))
	read, counted, setAside := 0, 0, 0
	for e.ctx.Err() == nil {
		ep, err := in.Next()
		var bad *episode.LineError
		if errors.Is(err, io.EOF) {
			fmt.Fprintf(e.err, "aggregate: %d in, %d counted, %d set aside\n", read, counted, setAside)
			if setAside > 0 && setAside == read {
				return &episode.Problem{Code: "aggregate/set-aside", Message: "none of the records could be read", Hint: "the lines above say why"}
			}
			return nil
		} else if err != nil && !errors.As(err, &bad) {
			return fmt.Errorf("read episodes: %w", err)
		}
		read++
		var d consent.Decision
		if err == nil {
			d, err = p.Decide(ep, ask(ep))
		}
		if err != nil {
			setAside++
			fmt.Fprintf(e.err, "record %d set aside: %v\n", read, err)
			continue
		}
		if d.Level.Rank() < episode.LevelAggregate.Rank() || ep.StartedAt.Before(start) || !ep.StartedAt.Before(end) {
			continue
		}
		counted++
		for _, t := range tallies {
			t.Add(ep)
		}
	}
	return e.ctx.Err()
}
