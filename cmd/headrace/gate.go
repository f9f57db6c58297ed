// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/learn"
)

type gateCmd struct {
	Model     string `required:"" help:"Filter to judge: the file that headrace learn wrote." type:"path" placeholder:"FILE"`
	Recipient string `help:"Who judges: only records whose terms name them are used. Without it, any recipient's are." placeholder:"NAME"`
	Strict    bool   `help:"Exit with 1 when the gate refuses or anything was set aside."`
}

func (*gateCmd) Help() string {
	return `Judges a filter by the decisions, in episodes whose terms allow "evaluate", of the developers whom headrace learn on this
machine leaves out, and prints the gate report: what would be gained, how sure that is, and what is missing where the gate
refuses. Refused is a verdict, not a failure: the exit status is 0, unless --strict.

Example: headrace gate --model model.json < rows.jsonl`
}

// Run prints the report.
func (c *gateCmd) Run(e *env) error {
	model, err := os.ReadFile(c.Model)
	if err != nil {
		return &episode.Problem{Code: "gate/no-model", Message: "cannot read the model", Hint: "make one with headrace learn", Err: err}
	}
	filter := new(learn.Filter)
	if err := filter.UnmarshalBinary(model); err != nil {
		return fmt.Errorf("read %s: %w", c.Model, err)
	}
	in, err := readDecisions(e, c.Recipient, episode.PurposeEvaluate, true)
	if err != nil {
		return err
	}
	rep := gate.Evaluate(in.decisions, filter, gate.Options{Model: episode.Digest(model)})
	if err := json.MarshalWrite(e.out, rep, json.Deterministic(true), jsontext.Multiline(true)); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	fmt.Fprintf(e.err, "%s on %d decisions of %d held-out developers; %s\n", rep.Verdict, rep.Data.Judged, rep.Data.Developers, in)
	if rep.Gain != nil {
		fmt.Fprintf(e.err, "  gain %+.4f per decision (95 %%: %+.4f to %+.4f), %+.1f %%\n", rep.Gain.Estimate, rep.Gain.Lower, rep.Gain.Upper, 100*rep.RelativeGain)
	}
	for _, r := range rep.Reasons {
		fmt.Fprintf(e.err, "  %s\n", r.Message)
	}
	if c.Strict && rep.Verdict != gate.Released {
		return errors.New("gate: the candidate was refused (--strict)")
	}
	return in.strict(c.Strict, "gate")
}
