// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/reward"
)

type gateCmd struct {
	Model     string `xor:"what" required:"" help:"Control model to judge: the file that headrace learn wrote." type:"path" placeholder:"FILE"`
	Report    string `xor:"what" required:"" help:"Gate report to check instead: that it agrees with itself." type:"path" placeholder:"FILE"`
	Paired    string `xor:"what" required:"" help:"Tasks done under both policies instead: one JSON object a line with task, cluster, old and new." type:"path" placeholder:"FILE"`
	Reward    string `help:"What a decision is worth, as headrace learn was told: immediate, retained-characters, balanced, or a file." default:"immediate" placeholder:"NAME|FILE"`
	Look      int    `help:"Which look this is, from 1, where candidates for the same are judged more than once: the more often, the surer it must be." placeholder:"N"`
	Recipient string `help:"Who judges: only records whose terms name them are used. Without it, any recipient's are." placeholder:"NAME"`
	Strict    bool   `help:"Exit with 1 when the gate refuses or anything was set aside."`
}

func (*gateCmd) Help() string {
	return `Judges a control model by the decisions, in episodes whose terms allow "evaluate", of the developers whom headrace learn on
this machine leaves out, and prints the gate report: what would be gained, how sure that is, and what is missing where the gate
refuses. Refused is a verdict, not a failure: the exit status is 0, unless --strict.

With --paired it judges what cannot be judged by logs, such as a language model: the same held-out tasks, done under both policies.

Examples: headrace gate --model model.json < rows.jsonl
          headrace gate --report report.json
          headrace gate --paired tasks.jsonl    # {"task":"t1","cluster":"repository-7","old":0.5,"new":1}`
}

// Run prints the report.
func (c *gateCmd) Run(e *env) error {
	if c.Report != "" {
		return c.check(e)
	}
	if c.Paired != "" {
		return c.paired(e)
	}
	file, err := os.ReadFile(c.Model)
	if err != nil {
		return &episode.Problem{Code: "gate/no-model", Message: "cannot read the model", Hint: "make one with headrace learn", Err: err}
	}
	model, err := learn.Decode(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.Model, err)
	}
	in, err := readDecisions(e, c.Recipient, episode.PurposeEvaluate, true)
	if err != nil {
		return err
	}
	spec, err := reward.Load(c.Reward)
	if err != nil {
		return usagef("%w", err)
	}
	if f, ok := model.(*learn.Filter); ok && f.Reward != spec.Name {
		return usagef("%s was learned for the reward %s, and would be judged by %s: say --reward", c.Model, f.Reward, spec.Name)
	}
	scorer := reward.New(spec)
	if spec.Waits() {
		scorer = reward.Fit(spec, in.decisions, dataset.UnixDay(time.Now().Unix())-1)
	}
	rep := gate.Evaluate(in.decisions, model, gate.Options{Model: episode.Digest(file), Reward: scorer, Look: gate.Look{Kind: learn.Chooses(model), Number: c.Look}})
	if err := c.print(e, &rep, fmt.Sprintf("%d decisions of %d held-out developers; %s", rep.Data.Judged, rep.Data.Developers, in)); err != nil {
		return err
	}
	return in.strict(c.Strict, "gate")
}

// paired judges by tasks that were done under both policies.
func (c *gateCmd) paired(e *env) error {
	file, err := os.ReadFile(c.Paired)
	if err != nil {
		return &episode.Problem{Code: "gate/no-pairs", Message: "cannot read the tasks", Hint: "name a file with one task a line", Err: err}
	}
	pairs, err := gate.DecodePairs(bytes.NewReader(file))
	if err != nil {
		return fmt.Errorf("read %s: %w", c.Paired, err)
	}
	rep := gate.Compare(pairs, gate.Options{Snapshot: episode.Digest(file), Look: gate.Look{Kind: "paired", Number: c.Look}})
	return c.print(e, &rep, fmt.Sprintf("%d tasks in %d clusters", rep.Data.Judged, rep.Data.Developers))
}

// print writes a report, and says what it says.
func (c *gateCmd) print(e *env, rep *gate.Report, of string) error {
	if err := json.MarshalWrite(e.out, rep, json.Deterministic(true), jsontext.Multiline(true)); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	fmt.Fprintf(e.err, "%s on %s\n", rep.Verdict, of)
	say(e, rep)
	if c.Strict && rep.Verdict != gate.Released {
		return errors.New("gate: the candidate was refused (--strict)")
	}
	return nil
}

// check reads a report, and says what it says.
func (c *gateCmd) check(e *env) error {
	file, err := os.ReadFile(c.Report)
	if err != nil {
		return &episode.Problem{Code: "gate/no-report", Message: "cannot read the report", Hint: "name a file that headrace gate wrote", Err: err}
	}
	rep, err := gate.Decode(file)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.Report, err)
	}
	fmt.Fprintf(e.out, "%s, %s, on %d decisions of %d developers: the report agrees with itself\n", rep.Verdict, rep.Design, rep.Data.Judged, rep.Data.Developers)
	say(e, rep)
	if c.Strict && rep.Verdict != gate.Released {
		return errors.New("gate: the candidate was refused (--strict)")
	}
	return nil
}

// say tells a person what a report says.
func say(e *env, r *gate.Report) {
	if r.Gain != nil {
		fmt.Fprintf(e.err, "  gain %+.4f per decision (95 %%: %+.4f to %+.4f), %+.1f %%\n", r.Gain.Estimate, r.Gain.Lower, r.Gain.Upper, 100*r.RelativeGain)
	}
	if r.Power != nil && r.Verdict == gate.Refused && r.Power.Developers > 0 {
		of := "held-out developers"
		if r.Design == gate.Paired {
			of = "tasks"
		}
		fmt.Fprintf(e.err, "  a gain like this one would take %d %s more\n", r.Power.Developers, of)
	}
	if d := r.WorstDecile; d != nil {
		fmt.Fprintf(e.err, "  the tenth of developers that it serves worst: %+.4f per decision\n", d.Gain.Estimate)
	}
	for _, x := range r.Reasons {
		fmt.Fprintf(e.err, "  %s\n", x.Message)
	}
	for _, x := range r.Notes {
		fmt.Fprintf(e.err, "  note: %s\n", x.Message)
	}
}
