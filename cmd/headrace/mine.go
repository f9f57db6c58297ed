// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headrace/headrace/agent"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/web"
)

// mineCmd is what a developer sees of their own records and says to them.
type mineCmd struct {
	List        mineListCmd        `cmd:"" default:"withargs" help:"List my records, newest first (this is what headrace mine alone does)."`
	Show        mineShowCmd        `cmd:"" help:"Print one as JSON: what was captured, what leaves and at which level, where it went."`
	Veto        mineVetoCmd        `cmd:"" help:"Keep here what has not left of a record, and whatever comes of it."`
	Flag        mineFlagCmd        `cmd:"" help:"Say that a record is wrong or sensitive: it is held, and a steward told."`
	Delete      mineDeleteCmd      `cmd:"" help:"Erase a record here and take back what has left of it."`
	Yes         mineYesCmd         `cmd:"" help:"Let a record go on that waits for my yes."`
	Preferences minePreferencesCmd `cmd:"" help:"Show what I say of all my records, or say it."`
}

func (mineCmd) Help() string {
	return `Asks the edge that this machine is enrolled with, which knows whose records they are by the machine's certificate; where
headrace up runs here, its own. Others' records are never shown, nor yours to others.

  headrace mine
  headrace mine show ep_6f1d0c2b7a9e4f53b8c1d2e3f4a5b6c7
  headrace mine veto ep_6f1d0c2b7a9e4f53b8c1d2e3f4a5b6c7
  headrace mine flag ep_6f1d0c2b7a9e4f53b8c1d2e3f4a5b6c7 --why "names a customer"
  headrace mine preferences --agree yes --level signal --repository 'git.example/payments/**=none'`
}

// mine asks about this developer's records, and reads the answer into v.
func (e *env) mine(q edge.OwnRequest, v any) error {
	b, err := json.Marshal(q)
	if err != nil {
		return err
	}
	answer, err := e.askMine(b)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, v)
}

func (e *env) askMine(request []byte) ([]byte, error) {
	at, err := agent.OpenEdge(e.agentDir(), logger(e.err))
	if err == nil {
		return at.Mine(e.ctx, request)
	}
	if !errors.Is(err, agent.ErrNotEnrolled) {
		return nil, err
	}
	// No enterprise's edge: that of headrace up, in the same state folder.
	f, fileErr := edge.ReadFile("", e.dir)
	if fileErr != nil {
		return nil, fileErr
	}
	said, upErr := control(e.ctx, f.Dir, "mine", string(request))
	if p, ok := errors.AsType[*episode.Problem](upErr); ok && p.Code == "control/not-running" {
		return nil, err
	}
	return []byte(said), upErr
}

// mineOf is what headrace up answers: all that it records is of the one person whose machine it is.
func mineOf(ctx context.Context, ed *edge.Edge, request string) (string, error) {
	var q edge.OwnRequest
	if err := json.Unmarshal([]byte(request), &q); err != nil {
		return "", err
	}
	v, err := ed.Mine(ctx, me(), q)
	if err != nil {
		return "", edge.OwnProblem(err)
	}
	b, err := json.Marshal(v)
	return string(b), err
}

type mineListCmd struct {
	JSON  bool   `help:"Print JSON." name:"json"`
	After string `help:"Go on from where the page before ended." placeholder:"PLACE"`
	Limit int    `help:"How many, at most 500." default:"50"`
}

// Run prints the list.
func (c *mineListCmd) Run(e *env) error {
	var p web.OwnPage
	if err := e.mine(edge.OwnRequest{Do: "list", After: c.After, Limit: c.Limit}, &p); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(e.out, p)
	}
	if p.TwoKeys && p.Agree == nil {
		fmt.Fprintln(e.err, "nothing of yours leaves until you say so: headrace mine preferences --agree yes; silence is a no")
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for _, r := range p.Rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.StartedAt.Local().Format(time.DateTime), r.Tool, r.State, r.Level, r.Title)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if p.Next != "" {
		fmt.Fprintln(e.err, "there are more: headrace mine list --after", p.Next)
	}
	return nil
}

type mineShowCmd struct {
	ID string `arg:"" help:"The record, as headrace mine list names it."`
}

// Run prints the record.
func (c *mineShowCmd) Run(e *env) error {
	var v json.RawMessage
	if err := e.mine(edge.OwnRequest{Do: "show", ID: c.ID}, &v); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, v, "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(e.out)
	return err
}

type mineVetoCmd struct{ mineShowCmd }

// Run vetoes.
func (c *mineVetoCmd) Run(e *env) error {
	return e.sayMine(edge.OwnRequest{Do: string(web.OwnVeto), ID: c.ID})
}

type mineFlagCmd struct {
	mineShowCmd
	Why string `help:"What is wrong, in a few words." required:"" placeholder:"WORDS"`
}

// Run flags.
func (c *mineFlagCmd) Run(e *env) error {
	return e.sayMine(edge.OwnRequest{Do: string(web.OwnFlag), ID: c.ID, Why: c.Why})
}

type mineDeleteCmd struct{ mineShowCmd }

// Run deletes.
func (c *mineDeleteCmd) Run(e *env) error {
	return e.sayMine(edge.OwnRequest{Do: string(web.OwnDelete), ID: c.ID})
}

type mineYesCmd struct {
	mineShowCmd
	Seen []string `help:"Digest of what you have seen that would leave (leaves.digest in headrace mine show); may be repeated." required:"" placeholder:"DIGEST"`
}

// Run says yes.
func (c *mineYesCmd) Run(e *env) error {
	return e.sayMine(edge.OwnRequest{Do: string(web.OwnYes), ID: c.ID, Seen: c.Seen})
}

// sayMine says something to a record and prints what it is then.
func (e *env) sayMine(q edge.OwnRequest) error {
	var r web.Own
	if err := e.mine(q, &r); err != nil {
		return err
	}
	_, err := fmt.Fprintln(e.out, r.ID, r.State)
	return err
}

type minePreferencesCmd struct {
	Agree      string   `help:"Whether what the policy allows may leave: yes, no, or nothing to say nothing." enum:"yes,no,nothing,unchanged" default:"unchanged"`
	Level      string   `help:"At most at this level: none, aggregate, signal, masked, clean; any for what the policy allows." enum:"none,aggregate,signal,masked,clean,any,unchanged" default:"unchanged"`
	Ask        string   `help:"Whether I am asked about each record: yes or no." enum:"yes,no,unchanged" default:"unchanged"`
	Repository []string `help:"At most at this level from the repositories that the pattern fits, in place of those named before; may be repeated." placeholder:"PATTERN=LEVEL"`
	File       string   `help:"Say all of it with a file; spec/examples/more/preferences.yaml is one." type:"existingfile" placeholder:"FILE"`
	JSON       bool     `help:"Print JSON." name:"json"`
}

// Run sets what is given, and prints what holds.
func (c *minePreferencesCmd) Run(e *env) error {
	var p web.Preferences
	if err := e.mine(edge.OwnRequest{Do: "preferences"}, &p); err != nil {
		return err
	}
	changed, err := c.apply(&p)
	if err != nil {
		return err
	}
	if changed {
		if err := e.mine(edge.OwnRequest{Do: "preferences", Preferences: &p}, &p); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(e.out, p)
	}
	if p.Text == "" {
		fmt.Fprintln(e.err, "you have said nothing yet")
	}
	fmt.Fprint(e.out, p.Text)
	return nil
}

// apply changes preferences as the flags say, and reports whether they say anything.
func (c *minePreferencesCmd) apply(p *web.Preferences) (changed bool, err error) {
	if c.File != "" {
		p.Text, err = textOf(c.File)
		return true, err
	}
	if c.Agree == "unchanged" && c.Level == "unchanged" && c.Ask == "unchanged" && len(c.Repository) == 0 {
		return false, nil
	}
	if p.More {
		return false, &episode.Problem{Code: "mine/more", Message: "you have said more than these flags can", Hint: "write it into a file and give it with --file; headrace mine preferences prints what holds"}
	}
	p.Text = ""
	switch c.Agree {
	case "yes", "no":
		yes := c.Agree == "yes"
		p.Agree = &yes
	case "nothing":
		p.Agree = nil
	}
	if c.Level == "any" {
		p.Level = ""
	} else if c.Level != "unchanged" {
		p.Level = episode.Level(c.Level)
	}
	if c.Ask != "unchanged" {
		p.Ask = c.Ask == "yes"
	}
	if len(c.Repository) > 0 {
		p.Repositories = nil
	}
	for _, s := range c.Repository {
		i := strings.LastIndexByte(s, '=')
		if i < 1 {
			return false, usagef("--repository %q is not PATTERN=LEVEL", s)
		}
		p.Repositories = append(p.Repositories, web.RepositoryLimit{Pattern: s[:i], Level: episode.Level(s[i+1:])})
	}
	return true, nil
}
