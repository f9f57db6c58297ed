// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/web"
)

type withdrawCmd struct {
	Session    string   `help:"Take back this session, as the episodes page names it." placeholder:"S"`
	Record     []string `help:"Take back this record, by its id on the episodes page; may be repeated." placeholder:"ID"`
	Developer  string   `help:"Take back what is this developer's." placeholder:"D"`
	Repository string   `help:"Take back what is of this repository." placeholder:"R"`
	From       string   `help:"Take back what began on this day (UTC) or later." placeholder:"DAY"`
	To         string   `help:"Take back what began on this day (UTC) or earlier." placeholder:"DAY"`
	All        bool     `help:"Take back everything that ever left; the contributor's name must be typed to confirm it."`
	Mine       bool     `help:"Take back everything, where all that is recorded is of the one developer whose machine this is."`
	Confirm    string   `help:"With --all, the contributor's name, where nobody can be asked." placeholder:"NAME"`
	DryRun     bool     `help:"Only say what it would reach, as JSON."`
	Status     bool     `help:"Say of each withdrawal so far what became of it, as JSON."`
	Check      string   `help:"Check this file of an edge's folder certificates and say what it certifies, as JSON." type:"existingfile" placeholder:"FILE"`
	Key        string   `help:"With --check, the hub's public key: 32 bytes in base64, or the log's verifier key (default: that of the joined hub)." placeholder:"KEY"`
	Hub        string   `help:"With --check, the joined hub that is meant, where there are several." placeholder:"NAME"`
	Config     string   `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *withdrawCmd) Help() string {
	return `Takes back what has left. What is given together must all hold: --repository and --from take back what is of that
repository and began since. What waits to leave of it, or is packed but not sent, is kept back as well. The withdrawal is
signed and kept here before it is sent, so it is never forgotten; a running edge sends it at once, otherwise the edge's next
start does. The hub erases what it holds and answers with a certificate, which --status and the edge's withdrawals page show.

Examples:
  headrace withdraw --session 7f6c1c6e-alder-bank
  headrace withdraw --repository alder/ledger --from 2026-11-01 --to 2026-11-30 --dry-run
  headrace withdraw --all      # asks for the contributor's name
  headrace withdraw --status
  headrace withdraw --check certificates/4b1c….json --key 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=`
}

// withdrawJob is what a running edge is asked for.
type withdrawJob struct {
	Scope  web.Scope `json:"scope"`
	DryRun bool      `json:"dry_run,omitempty"`
	Status bool      `json:"status,omitempty"`
}

// Run withdraws, through the running edge where there is one.
func (c *withdrawCmd) Run(e *env) error {
	if c.Check != "" {
		return c.check(e)
	}
	f, err := edge.ReadFile(c.Config, e.dir)
	if err != nil {
		return err
	}
	job := withdrawJob{Status: c.Status, DryRun: c.DryRun, Scope: web.Scope{Records: c.Record, Session: c.Session, Developer: c.Developer,
		Repository: c.Repository, From: c.From, To: c.To, All: c.All, Mine: c.Mine, Confirm: c.Confirm}}
	if c.All && !c.DryRun && c.Confirm == "" {
		fmt.Fprint(e.err, "Everything that ever left is taken back, for good. Type the contributor's name to confirm it: ")
		name, err := bufio.NewReader(e.in).ReadString('\n')
		if err != nil && name == "" {
			fmt.Fprintln(e.err)
		}
		job.Scope.Confirm = strings.TrimSpace(name)
	}
	b, err := json.Marshal(job)
	if err != nil {
		return err
	}
	said, err := withdrawOffline(e, f, string(b))
	if errors.Is(err, errInUse) || errors.Is(err, link.ErrNotJoined) {
		said, err = control(e.ctx, f.Dir, "withdraw", string(b))
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, said)
	return nil
}

// certified is what --check prints: what a certificate says, and the log that holds it.
type certified struct {
	bundle.Certificate
	LogSize uint64 `json:"log_size"` // of the checkpoint that the proof leads to
}

// check needs nothing but the file and the hub's key: it is for auditors.
func (c *withdrawCmd) check(e *env) error {
	key := readLogKey(c.Key)
	switch {
	case c.Key == "":
		t, err := readLogTarget(e, c.Config, c.Hub, "", "")
		if err != nil {
			return err
		}
		key = t.key
	case key == nil:
		return usagef("--key is neither 32 bytes in base64 nor a verifier key")
	}
	b, err := os.ReadFile(c.Check)
	if err != nil {
		return err
	}
	var k link.Certificate
	if err := json.Unmarshal(b, &k); err != nil {
		return &episode.Problem{Code: "withdraw/bad-certificate", Message: c.Check + " is not a certificate with its proofs", Hint: "give a file of an edge's folder certificates", Err: err}
	}
	says, at, err := k.Check(key)
	if err != nil {
		return err
	}
	if b, err = json.MarshalIndent(certified{says, at.Size}, "", "  "); err != nil {
		return err
	}
	fmt.Fprintln(e.out, string(b))
	return nil
}

func withdrawOffline(e *env, f edge.File, job string) (string, error) {
	ed, err := openJoined(e, f)
	if err != nil {
		return "", err
	}
	defer ed.Close()
	said, err := withdrawOf(e.ctx, ed, job)
	if err == nil && strings.HasPrefix(said, "sha256:") {
		fmt.Fprintln(e.err, "kept; it is sent when the edge runs: headrace edge")
	}
	return said, err
}

// withdrawOf does what the command asks of an edge: the ids of the withdrawals, or JSON.
func withdrawOf(ctx context.Context, ed *edge.Edge, job string) (string, error) {
	var j withdrawJob
	if err := json.Unmarshal([]byte(job), &j); err != nil {
		return "", fmt.Errorf("read what to withdraw: %w", err)
	}
	if !j.Status && !j.DryRun {
		ids, err := ed.Withdraw(ctx, me(), j.Scope)
		return strings.Join(ids, "\n"), err
	}
	var v any
	var err error
	if j.Status {
		v, err = withdrawalsOf(ctx, ed)
	} else {
		v, err = ed.WouldWithdraw(ctx, j.Scope)
	}
	if err != nil {
		return "", err
	}
	b, err := json.MarshalIndent(v, "", "  ")
	return string(b), err
}

// withdrawn is a withdrawal as --status says it.
type withdrawn struct {
	ID      string       `json:"id"`
	Scope   string       `json:"scope"`
	State   string       `json:"state"`
	AskedOn string       `json:"asked_on"`
	Fates   []withdrawnF `json:"fates"`
}

type withdrawnF struct {
	Artifact string `json:"artifact"`
	Kind     string `json:"kind"`
	Fate     string `json:"fate"`
}

func withdrawalsOf(ctx context.Context, ed *edge.Edge) ([]withdrawn, error) {
	list, err := edge.View{Edge: ed}.Withdrawals(ctx)
	out := make([]withdrawn, len(list))
	for i, w := range list {
		out[i] = withdrawn{ID: w.ID, Scope: w.Scope, State: w.State, AskedOn: w.At.UTC().Format("2006-01-02"), Fates: []withdrawnF{}}
		for _, f := range w.Fates {
			out[i].Fates = append(out[i].Fates, withdrawnF(f))
		}
	}
	return out, err
}
