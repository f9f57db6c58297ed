// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/connect"
)

// coverage compares what was captured with what was counted: the running edge does, or else this process in its folder.
func (c *doctorCmd) coverage(e *env) error {
	f, joined, err := (&edgeCmd{Config: c.Config}).read(e)
	if err != nil {
		return err
	}
	cov := new(edge.Coverage)
	said, err := control(e.ctx, f.Dir, "coverage", strconv.Itoa(c.Days))
	switch {
	case err == nil:
		err = json.Unmarshal([]byte(said), cov)
	case errors.Is(err, &episode.Problem{Code: "control/not-running"}):
		conf := edge.Config{Dir: f.Dir, Own: true} // headrace up's: of the developer who asks
		if len(joined) > 0 {
			if conf, err = f.Config(joined...); err != nil {
				return err
			}
		}
		cov, err = edge.ReadCoverage(e.ctx, conf, c.Days)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(cov)
	}
	return printCoverage(e.out, cov)
}

// coverageOf is what a running edge answers a doctor.
func coverageOf(ctx context.Context, ed *edge.Edge, days string) (string, error) {
	n, _ := strconv.Atoi(days) // 0 is no number of days that can be compared
	c, err := ed.Coverage(ctx, n)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(c)
	return string(b), err
}

func printCoverage(out io.Writer, c *edge.Coverage) error {
	fmt.Fprintf(out, "decisions captured of those that the tools counted, %s to %s (UTC)\n", c.From, c.To)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	var hints []string
	if len(c.Rows) > 0 {
		fmt.Fprintln(w, "TOOL\tTEAM\tDECISIONS\tCOUNTED BY\tDAYS\tACCEPTED\tREJECTED\tDEVELOPERS")
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		by, days := r.CountedBy, strconv.Itoa(r.Days)
		if by == "" {
			by, days = "nobody", "-"
		}
		if r.Withheld {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\twithheld: from fewer than 10 developers\t\t\n", r.Tool, r.Team, r.Decisions, by, days)
			continue
		}
		developers := "unknown"
		if r.Developers > 0 {
			developers = "≥ " + strconv.Itoa(r.Developers)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Tool, r.Team, r.Decisions, by, days, of(r, r.Captured.Accepted, r.Counted.Accepted), rejections(r), developers)
		if h := missing(r); h != "" && !slices.Contains(hints, h) {
			hints = append(hints, h)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if len(c.Rows) == 0 {
		fmt.Fprintln(out, "nothing was captured and nothing counted: headrace connect TOOL on the developers' machines, pollers: in edge.yaml")
	}
	if len(hints) > 0 {
		fmt.Fprintln(out, "\nwhat is missing:")
		for _, h := range hints {
			fmt.Fprintln(out, "  "+h)
		}
	}
	return printPollers(out, c.Asks)
}

// of is a number of a number.
func of(r *edge.Covered, captured, counted int) string {
	switch {
	case r.CountedBy == "":
		return strconv.Itoa(captured)
	case counted == 0:
		return fmt.Sprintf("%d of 0", captured)
	}
	return fmt.Sprintf("%d of %d (%.0f %%)", captured, counted, 100*float64(captured)/float64(counted))
}

func rejections(r *edge.Covered) string {
	switch {
	case r.Captured.Rejected == nil:
		return "not counted"
	case r.Counted.Rejected == nil:
		return strconv.Itoa(*r.Captured.Rejected)
	}
	return of(r, *r.Captured.Rejected, *r.Counted.Rejected)
}

// covered is the share below which something is missing: days end at different times for those who count.
const covered = 0.9

// missing says what to do where decisions are missing.
func missing(r *edge.Covered) string {
	if r.CountedBy == "" {
		return fmt.Sprintf("%s: nobody counts its decisions here, so nobody knows what is missing; its telemetry would, or a poller (headrace edge --help)", r.Tool)
	}
	captured, counted := r.Captured.Accepted, r.Counted.Accepted
	if r.Counted.Rejected != nil {
		captured, counted = captured+*r.Captured.Rejected, counted+*r.Counted.Rejected
	}
	if counted == 0 || float64(captured) >= covered*float64(counted) {
		return ""
	}
	what := fmt.Sprintf("%s: %d of %d %s are not captured", r.Tool, counted-captured, counted, noun(r.Decisions))
	if r.Team != "all" {
		what += " (" + r.Team + ")"
	}
	do := "read its histories (headrace agent) on the machines that are missing"
	if slices.ContainsFunc(connect.Tools(), func(t connect.Tool) bool { return t.Name == r.Tool }) {
		do = "headrace connect " + r.Tool + " on the machines that are missing; headrace doctor there says what is found and delivered"
	}
	if r.Tool == "cursor" {
		do += "; who rejected one of its edits Cursor tells nobody but its server"
	}
	return what + ": " + do
}

func noun(decisions string) string {
	if decisions == "calls" {
		return "decisions on calls"
	}
	return "decisions on " + decisions
}

func printPollers(out io.Writer, list []edge.PollerState) error {
	for i, p := range list {
		if i == 0 {
			fmt.Fprintln(out)
		}
		said := "has not answered yet"
		if !p.PolledAt.IsZero() {
			said = "answered " + p.PolledAt.Local().Format("2 January 15:04")
		}
		if p.Problem != "" {
			said += "; since then: " + strings.TrimSpace(p.Problem)
		}
		if _, err := fmt.Fprintf(out, "poller %s: %s\n", p.Name, said); err != nil {
			return err
		}
	}
	return nil
}
