// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/ope"
)

// instructCmd is what a person says at the edge to releases of instructions.
type instructCmd struct {
	List  instructListCmd  `cmd:"" default:"withargs" help:"Releases of instructions, and what was decided about each (this is what headrace instructions alone does)."`
	Show  instructShowCmd  `cmd:"" help:"What one would change, as diffs against what is there now."`
	Ask   instructAskCmd   `cmd:"" help:"Show each that waits for a person, and ask."`
	Try   instructTryCmd   `cmd:"" help:"Give one to a part of the developers, drawn by hash, to see what becomes of their code."`
	Keep  instructKeepCmd  `cmd:"" help:"Give one that the gate has let through to all developers."`
	Stop  instructStopCmd  `cmd:"" help:"Say no to one, or take it from everybody who has it."`
	Patch instructPatchCmd `cmd:"" help:"Print the change in a repository's files, for a pull request: git apply takes it."`
}

func (instructCmd) Help() string {
	return `A release of instructions changes what coding tools are told: by words to the model at the start of a session, for some developers
first, or by files in a repository. Nothing of it reaches a tool before you have seen the diff and said yes; and all developers get it
only once the gate has said that their code lasts longer with it, and you have said yes again.

Example: headrace instructions ask`
}

type instructListCmd struct {
	JSON   bool   `name:"json" help:"Print JSON."`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run lists.
func (c *instructListCmd) Run(e *env) error {
	return instructionsJob{Do: "list", JSON: c.JSON}.on(e, c.Config)
}

type instructShowCmd struct {
	ID     string `arg:"" help:"The release."`
	JSON   bool   `name:"json" help:"Print JSON."`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run shows.
func (c *instructShowCmd) Run(e *env) error {
	return instructionsJob{Do: "show", ID: c.ID, JSON: c.JSON}.on(e, c.Config)
}

type instructAskCmd struct {
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run shows what waits and does what is answered: yes, no, or anything else for later.
func (c *instructAskCmd) Run(e *env) error {
	said, err := askEdge(e, c.Config, "instructions", instructionsJob{Do: "list", JSON: true})
	if err != nil {
		return err
	}
	var all []edge.Instruction
	if err := json.Unmarshal([]byte(said), &all); err != nil {
		return err
	}
	// What has passed is asked first: another can be tried once that is settled.
	slices.SortStableFunc(all, func(a, b edge.Instruction) int { return -strings.Compare(a.State, b.State) })
	var refused error
	in, waiting := bufio.NewReader(e.in), 0
	for _, listed := range all {
		if listed.State != "offered" && listed.State != "passed" {
			continue
		}
		waiting++
		if said, err = askEdge(e, c.Config, "instructions", instructionsJob{Do: "show", ID: listed.ID, JSON: true}); err != nil {
			return err
		}
		var i edge.Instruction
		if err := json.Unmarshal([]byte(said), &i); err != nil {
			return err
		}
		fmt.Fprint(e.out, showInstruction(&i))
		yes, question := instructionsJob{Do: "keep", ID: i.ID}, "Give it to all developers?"
		if i.State == "offered" {
			yes, question = instructionsJob{Do: "try", ID: i.ID, Seen: i.Seen, Share: 0.5}, "Try it on half of the developers, drawn by hash?"
			if i.Words == "" || i.Problem != "" {
				question = "It cannot be tried by developer; a no refuses it."
			}
		}
		fmt.Fprintf(e.err, "\n%s yes, no, or Enter for later: ", question)
		answer, err := in.ReadString('\n')
		if err != nil && answer == "" {
			fmt.Fprintln(e.err)
			return nil
		}
		job := yes
		switch strings.TrimSpace(answer) {
		case "yes":
		case "no":
			job = instructionsJob{Do: "stop", ID: i.ID, Why: "asked in a terminal"}
		default:
			continue
		}
		if err := job.on(e, c.Config); err != nil { // the next may be answered all the same
			refused = errors.Join(refused, err)
		}
	}
	if waiting == 0 {
		fmt.Fprintln(e.out, "no release of instructions waits for anybody")
	}
	return refused
}

type instructTryCmd struct {
	ID     string  `arg:"" help:"The release."`
	Seen   string  `required:"" help:"The digest of what you looked at: headrace instructions show prints it." placeholder:"DIGEST"`
	Share  float64 `default:"0.5" help:"Of the developers, who get it, 0.1 to 0.9." placeholder:"SHARE"`
	Config string  `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run tries.
func (c *instructTryCmd) Run(e *env) error {
	return instructionsJob{Do: "try", ID: c.ID, Seen: c.Seen, Share: c.Share}.on(e, c.Config)
}

type instructKeepCmd struct {
	ID     string `arg:"" help:"The release."`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run keeps.
func (c *instructKeepCmd) Run(e *env) error {
	return instructionsJob{Do: "keep", ID: c.ID}.on(e, c.Config)
}

type instructStopCmd struct {
	ID     string `arg:"" optional:"" help:"The release; none: all that anybody has."`
	Why    string `help:"Why, for the audit trail." placeholder:"TEXT"`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run stops.
func (c *instructStopCmd) Run(e *env) error {
	return instructionsJob{Do: "stop", ID: c.ID, Why: c.Why}.on(e, c.Config)
}

type instructPatchCmd struct {
	ID         string `arg:"" help:"The release."`
	Repository string `arg:"" help:"A repository that the edge follows (repositories: in its configuration)."`
	Config     string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run prints the patch.
func (c *instructPatchCmd) Run(e *env) error {
	return instructionsJob{Do: "patch", ID: c.ID, Repository: c.Repository}.on(e, c.Config)
}

// instructionsJob is something to do with releases of instructions, so that a running edge can do it, too.
type instructionsJob struct {
	Do         string  `json:"do"`
	ID         string  `json:"id,omitempty"`
	Seen       string  `json:"seen,omitempty"`
	Share      float64 `json:"share,omitempty"`
	Why        string  `json:"why,omitempty"`
	Repository string  `json:"repository,omitempty"`
	JSON       bool    `json:"json,omitempty"`
}

func (j instructionsJob) on(e *env, config string) error { return onEdge(e, config, "instructions", j) }

func (j instructionsJob) do(ctx context.Context, ed *edge.Edge) (string, error) {
	switch j.Do {
	case "list":
		all, err := ed.Instructions(ctx)
		if err != nil {
			return "", err
		}
		if j.JSON {
			b, err := json.MarshalIndent(all, "", "  ")
			return string(b) + "\n", err
		}
		return listInstructions(all), nil
	case "show":
		i, err := ed.Instruction(ctx, j.ID)
		if err != nil {
			return "", err
		}
		if j.JSON {
			b, err := json.MarshalIndent(i, "", "  ")
			return string(b) + "\n", err
		}
		return showInstruction(&i), nil
	case "try":
		if err := ed.TryInstructions(ctx, me(), j.ID, j.Seen, j.Share); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s is tried on %.0f %% of the developers from their next session on\n", j.ID, 100*j.Share), nil
	case "keep":
		if err := ed.KeepInstructions(ctx, me(), j.ID); err != nil {
			return "", err
		}
		return j.ID + " is for all developers, from their next session on\n", nil
	case "stop":
		if j.ID == "" {
			return "nobody has any instructions from here any more\n", ed.StopAllInstructions(ctx, me(), j.Why)
		}
		if err := ed.StopInstructions(ctx, me(), j.ID, j.Why); err != nil {
			return "", err
		}
		return j.ID + " is stopped: nobody has it from their next session on\n", nil
	case "patch":
		return ed.InstructionsPatch(ctx, j.ID, j.Repository)
	}
	return "", &episode.Problem{Code: "instructions/job", Message: fmt.Sprintf("%q is nothing to do with instructions", j.Do)}
}

func listInstructions(all []edge.Instruction) string {
	if len(all) == 0 {
		return "no release of instructions has come\n"
	}
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RELEASE\tFROM\tSTATE\tSINCE\tBY\tTITLE\tNOTE")
	for _, i := range all {
		state, since := i.State, i.OfferedAt
		if i.State == "trying" || i.State == "passed" {
			state, since = fmt.Sprintf("%s, %.0f %%", i.State, 100*i.Share), i.From
		}
		if !i.KeptAt.IsZero() {
			since = i.KeptAt
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.ID, i.Hub, state, since.Local().Format("2006-01-02 15:04"), cmp.Or(i.By, "-"), i.Title, cmp.Or(i.Note, i.Problem))
	}
	w.Flush()
	return out.String()
}

func showInstruction(i *edge.Instruction) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, from %s: %s\n\n  %s\n  %s\n", i.ID, i.Hub, i.State, i.Title, strings.ReplaceAll(i.Why, "\n", "\n  "))
	if i.Note != "" {
		fmt.Fprintf(&b, "  %s\n", i.Note)
	}
	if i.Problem != "" {
		fmt.Fprintf(&b, "\nit cannot be tried: %s\n", i.Problem)
		return b.String()
	}
	if i.Words != "" {
		fmt.Fprintf(&b, "\nBy words to the model, at the start of a session:\n\n%s", i.Words)
	} else {
		b.WriteString("\nIt cannot be said in words, which can only add: it is a change of files.\n")
	}
	for _, f := range i.Files {
		fmt.Fprintf(&b, "\nIn the files of %s:\n\n%s%s", f.Repository, f.Diff, f.Problem)
	}
	b.WriteString(showTrial(i))
	if i.State == "offered" && i.Words != "" {
		fmt.Fprintf(&b, "\nto try it: headrace instructions try %s --seen %s\nto say no: headrace instructions stop %s\n", i.ID, i.Seen, i.ID)
	}
	return b.String()
}

// showTrial says why it is proposed, and where its trial stands.
func showTrial(i *edge.Instruction) string {
	var b strings.Builder
	day := func(d int64) string { return time.Unix(d*86400, 0).UTC().Format(time.DateOnly) }
	interval := func(iv *ope.Interval) string {
		if iv == nil {
			return "too little to say"
		}
		return fmt.Sprintf("%+.4f (95 %%: %+.4f to %+.4f)", iv.Estimate, iv.Lower, iv.Upper)
	}
	if e := i.Told.Evidence; e != nil {
		fmt.Fprintf(&b, "\nFrom watching, reward of what was taken with it less without: %s, of %d developers. That is a reason to try it, and no proof.\n", interval(e), e.Developers)
	}
	if n := len(i.Told.Looks); n > 0 {
		l := &i.Told.Looks[n-1]
		fmt.Fprintf(&b, "\nThe trial, on %s; it is judged on %s at the earliest:\n\n", day(l.Day), day(l.Due))
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintf(w, "  ARM\tDEVELOPERS\tDECISIONS\tKNOWN\tREWARD A DECISION\n")
		for _, a := range [...]struct {
			name string
			instruct.Arm
		}{{"without", l.Without}, {"with", l.With}} {
			fmt.Fprintf(w, "  %s\t%d\t%d\t%d\t%s\n", a.name, a.Developers, a.Decisions, a.Known, interval(a.Reward))
		}
		w.Flush()
		fmt.Fprintf(&b, "  difference: %s; what is not known yet is estimated, and nothing is decided by it\n", interval(l.Difference))
	}
	return b.String()
}
