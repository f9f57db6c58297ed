// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/junit"
	"github.com/headrace/headrace/internal/capture/parts"
)

type outcomesCmd struct {
	Repositories []string `arg:"" help:"Clones or bare mirrors on this machine." type:"existingdir" placeholder:"DIR"`
	JUnit        []string `name:"junit" help:"Results of tests of a commit, a file of JUnit XML; may be given several times." type:"existingfile" placeholder:"FILE"`
	Commit       string   `help:"The commit whose tests they are, in full (default: the one that is checked out)." placeholder:"ID"`
	Strict       bool     `help:"Exit 1 where anything was set aside."`

	results []*junit.Result
}

func (c *outcomesCmd) Help() string {
	return `Finds out from git what became of each suggested line: committed, as it was or changed, merged into the default branch,
still there after 1, 7 and 30 days, reverted, or changed by a fix; and adds that to the episodes. What was edited before it was
committed becomes modified, with the text that was committed. With --junit, how the tests went of the commits that a suggestion came in
with is an outcome too. An edge does the same by itself.

Examples: headrace read ~/.claude | headrace outcomes ~/src/mill > episodes.jsonl
          headrace outcomes --junit report.xml . < episodes.jsonl`
}

// Run adds outcomes to the episodes on standard input, in their order.
func (c *outcomesCmd) Run(e *env) error {
	ring, err := e.keys()
	if err != nil {
		return err
	}
	print := gitlog.NewPrinter(ring.Derive("join"))
	if err := c.readTests(e.err); err != nil {
		return err
	}
	var all []*episode.Episode
	setAside := 0
	for in := episode.NewReader(e.in); ; {
		ep, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if bad, ok := errors.AsType[*episode.LineError](err); ok {
			setAside++
			fmt.Fprintln(e.err, "set aside:", bad)
			continue
		}
		if err != nil {
			return fmt.Errorf("read episodes: %w", err)
		}
		all = append(all, ep)
	}
	var list []gitlog.Suggestion
	first := make([]int, len(all)+1) // of each episode's suggestions in list
	for i, ep := range all {
		list = append(list, print.Episode(ep)...)
		first[i+1] = len(list)
	}
	found := make([]*followed, len(all))
	for _, dir := range c.Repositories {
		if err := c.follow(e.ctx, dir, print, all, list, first, found); err != nil {
			return err
		}
	}
	n := map[episode.OutcomeKind]int{}
	out := bufio.NewWriterSize(e.out, 256<<10)
	var line []byte
	for i, ep := range all {
		if found[i] != nil {
			for _, o := range found[i].became.Outcomes {
				n[o.Kind]++
			}
			p := parts.Of(parts.History, ep)
			p.Add(parts.Git, found[i].became)
			ep = p.Episode()
		}
		if line, err = episode.Append(line[:0], ep); err != nil {
			return err
		}
		out.Write(append(line, '\n')) // an error stays, and Flush returns it
	}
	fmt.Fprintf(e.err, "%d episodes with %d suggestions of code", len(all), len(list))
	for _, k := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(e.err, ", %s %d", k, n[k])
	}
	fmt.Fprintln(e.err)
	if err := out.Flush(); err != nil {
		return err
	}
	if setAside > 0 && (c.Strict || len(all) == 0) {
		return &episode.Problem{Code: "outcomes/set-aside", Message: fmt.Sprintf("%d records were set aside", setAside), Hint: "the lines above say which and why"}
	}
	return nil
}

// readTests reads the results of tests.
func (c *outcomesCmd) readTests(w io.Writer) error {
	if c.Commit != "" && !gitlog.IsID(c.Commit) {
		return usagef("--commit is the id of a commit in full, as git rev-parse prints it")
	}
	for _, name := range c.JUnit {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		result, err := junit.Read(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all := result.Total()
		fmt.Fprintf(w, "%s: %d tests, %d failed, %d skipped\n", name, all.Tests, all.Failed, all.Skipped)
		c.results = append(c.results, result)
	}
	return nil
}

// tests is what the results of tests say of a repository's commit.
func (c *outcomesCmd) tests(ctx context.Context, repo *gitlog.Repository, print *gitlog.Printer) (notices []gitlog.Notice, err error) {
	commit := c.Commit
	if commit == "" && len(c.results) > 0 {
		if commit, err = repo.Head(ctx); err != nil {
			return nil, err
		}
	}
	for _, r := range c.results {
		report := r.Report(repo.Dir(), commit, time.Now())
		notices = append(notices, print.Notice(&report))
	}
	return notices, nil
}

// followed is what one repository tells of an episode, and of how many of its words.
type followed struct {
	became *episode.Episode
	words  int
}

// follow finds out what a repository tells of the episodes, and keeps it where none told more.
func (c *outcomesCmd) follow(ctx context.Context, dir string, print *gitlog.Printer, all []*episode.Episode, list []gitlog.Suggestion, first []int, found []*followed) error {
	repo, err := gitlog.Open(ctx, dir)
	if err != nil {
		return err
	}
	h := &gitlog.History{Now: time.Now().Unix()}
	if h.Main, err = repo.Main(ctx); err != nil {
		return err
	}
	since := time.Now()
	for i := range list {
		if at := time.Unix(list[i].At, 0); at.Before(since) {
			since = at
		}
	}
	commits := map[string]*gitlog.Commit{}
	err = repo.Scan(ctx, since, func(string) bool { return false }, func(c *gitlog.Commit) error {
		h.Changes = append(h.Changes, print.Change(c))
		commits[c.ID] = c
		return nil
	})
	if err != nil {
		return err
	}
	lines := gitlog.Follow(h, list)
	notices, err := c.tests(ctx, repo, print)
	if err != nil {
		return err
	}
	reports := gitlog.NewReports(h, notices)
	for i, ep := range all {
		from, to := first[i], first[i+1]
		words := 0
		for _, ls := range lines[from:to] {
			for _, l := range ls {
				words += l.First.Own
			}
		}
		if words == 0 || found[i] != nil && found[i].words >= words {
			continue
		}
		became := gitlog.Became(ep.ID, list[from:to], lines[from:to])
		reports.Add(became, list[from:to], lines[from:to])
		print.Finals(became, ep, list[from:to], lines[from:to], commits)
		found[i] = &followed{became, words}
	}
	return nil
}
