// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

type policyProposeCmd struct {
	File   string `arg:"" help:"The policy to come." type:"existingfile" placeholder:"FILE"`
	Why    string `help:"Why, for those who approve it and for the audit trail." placeholder:"TEXT"`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (policyProposeCmd) Help() string {
	return `Makes the file a version of the edge's policy. One that only tightens is in force at once, and what was approved and has not left is
screened again. One that may let more leave waits: where people log in to the edge's pages, for two stewards; else for you, who
see with headrace policy history what it changes, and approve it.

Example: headrace policy propose new.yaml --why "the works council has agreed"`
}

// Run proposes.
func (c *policyProposeCmd) Run(e *env) error {
	if _, err := consent.ReadPolicy(c.File); err != nil {
		return err // it names the file
	}
	body, err := textOf(c.File)
	if err != nil {
		return err
	}
	return versionJob{Do: "propose", Body: body, Why: c.Why}.on(e, c.Config)
}

type policyOnePersonCmd struct {
	Why    string `help:"Why, for those who approve it and for the audit trail." placeholder:"TEXT"`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (policyOnePersonCmd) Help() string {
	return `It takes two people to loosen the policy once people have logged in to the edge's pages, also after the edge is started without. This
proposes a version that ends it: two stewards must approve it. Take access: out of the configuration before the next start, or that
start asks for two again.`
}

// Run proposes it.
func (c *policyOnePersonCmd) Run(e *env) error {
	return versionJob{Do: "one-person", Why: c.Why}.on(e, c.Config)
}

type policyApproveCmd struct {
	Version int64  `arg:"" help:"The version, as headrace policy history numbers it."`
	Config  string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run approves.
func (c *policyApproveCmd) Run(e *env) error {
	return versionJob{Do: "approve", Version: c.Version}.on(e, c.Config)
}

type policyRefuseCmd struct {
	Version int64  `arg:"" help:"The version, as headrace policy history numbers it."`
	Config  string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run refuses.
func (c *policyRefuseCmd) Run(e *env) error {
	return versionJob{Do: "refuse", Version: c.Version}.on(e, c.Config)
}

type policyHistoryCmd struct {
	JSON   bool   `name:"json" help:"Print JSON, with the text of each version."`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

// Run lists the versions.
func (c *policyHistoryCmd) Run(e *env) error {
	return versionJob{Do: "history", JSON: c.JSON}.on(e, c.Config)
}

// versionJob is something to do with the versions of an edge's policy, so that a running edge can do it, too.
type versionJob struct {
	Do      string `json:"do"`
	Body    string `json:"body,omitempty"`
	Why     string `json:"why,omitempty"`
	Version int64  `json:"version,omitempty"`
	JSON    bool   `json:"json,omitempty"`
}

func (j versionJob) on(e *env, config string) error { return onEdge(e, config, "policy-versions", j) }

func (j versionJob) do(ctx context.Context, ed *edge.Edge) (string, error) {
	var out bytes.Buffer
	switch j.Do {
	case "propose", "one-person":
		propose := func() (sqlstore.PolicyRow, error) { return ed.ProposePolicy(ctx, j.Body, j.Why) }
		if j.Do == "one-person" {
			propose = func() (sqlstore.PolicyRow, error) { return ed.ProposeOnePerson(ctx, j.Why) }
		}
		r, err := propose()
		if err != nil {
			return "", err
		}
		sayVersion(&out, ed, r)
	case "approve":
		r, err := ed.ApprovePolicy(ctx, j.Version)
		if err != nil {
			return "", err
		}
		sayVersion(&out, ed, r)
	case "refuse":
		if err := ed.RefusePolicy(ctx, j.Version); err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "version %d is refused\n", j.Version)
	case "history":
		rows, err := ed.Policies(ctx)
		if err != nil {
			return "", err
		}
		if j.JSON {
			err := printVersionsJSON(&out, rows)
			return out.String(), err
		}
		return printVersions(ed, rows)
	default:
		return "", fmt.Errorf("%q is nothing to do with versions of a policy", j.Do)
	}
	return out.String(), nil
}

func sayVersion(w io.Writer, ed *edge.Edge, r sqlstore.PolicyRow) {
	switch {
	case r.State == sqlstore.PolicyInForce && !r.Looser:
		fmt.Fprintf(w, "version %d only tightens, and is in force\n", r.Version)
	case r.State == sqlstore.PolicyInForce && len(r.Votes) < 2:
		fmt.Fprintf(w, "version %d may let more leave, and is in force: one person approved it\n", r.Version)
	case r.State == sqlstore.PolicyInForce:
		fmt.Fprintf(w, "version %d may let more leave, and is in force: two people approved it\n", r.Version)
	case ed.TwoPeople():
		fmt.Fprintf(w, "version %d may let more leave, and waits for two stewards to approve it on the edge's pages; so far %d\n", r.Version, len(r.Votes))
	default:
		fmt.Fprintf(w, "version %d may let more leave, and waits: headrace policy approve %d brings it in force. Nobody logs in here, so one person is enough\n", r.Version, r.Version)
	}
}

// policyVersion is a version of the policy as history --json prints it.
type policyVersion struct {
	Version    int64     `json:"version"`
	State      string    `json:"state"`
	Digest     string    `json:"digest"`
	Looser     bool      `json:"looser"`
	Why        string    `json:"why,omitempty"`
	ProposedBy string    `json:"proposed_by"`
	ProposedAt time.Time `json:"proposed_at"`
	ApprovedBy []string  `json:"approved_by"`
	DecidedBy  string    `json:"decided_by,omitempty"`
	DecidedAt  time.Time `json:"decided_at,omitzero"`
	Policy     string    `json:"policy"`
	Signed     []byte    `json:"signed,omitempty"` // the DSSE envelope, once it has come in force
}

func printVersionsJSON(w io.Writer, rows []sqlstore.PolicyRow) error {
	list := make([]policyVersion, len(rows))
	for i, r := range rows {
		list[i] = policyVersion{r.Version, r.State, r.Digest, r.Looser, r.Why, r.ProposedBy, r.ProposedAt, approvers(r), r.DecidedBy, r.DecidedAt, r.Body, r.Envelope}
	}
	return printJSON(w, list)
}

func approvers(r sqlstore.PolicyRow) []string {
	names := []string{}
	for _, v := range r.Votes {
		names = append(names, v.Who)
	}
	return names
}

// printVersions lists versions, and of those that wait what they would change.
func printVersions(ed *edge.Edge, rows []sqlstore.PolicyRow) (string, error) {
	var out bytes.Buffer
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tSTATE\tCHANGES\tPROPOSED BY\tON\tYES FROM\tWHY")
	for _, r := range rows {
		how := "tightens"
		if r.Base == 0 {
			how = "the first"
		} else if r.Looser {
			how = "may loosen"
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Version, r.State, how, r.ProposedBy, r.ProposedAt.Format(time.DateOnly), strings.Join(approvers(r), ", "), r.Why)
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	for _, r := range rows {
		if r.State != sqlstore.PolicyProposed {
			continue
		}
		changes, err := ed.PolicyChanges(r)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "\nVersion %d would change:\n", r.Version)
		if err := printChanges(&out, changes); err != nil {
			return "", err
		}
	}
	if !ed.TwoPeople() {
		fmt.Fprintln(&out, "\nNobody logs in here: one person is enough to loosen the policy.")
	}
	if err := ed.PolicyHeld(); err != nil {
		fmt.Fprintf(&out, "\nNothing leaves: %v. %s.\n", err, episode.HintOf(err))
	}
	if why := ed.PolicyDiffers(); why != "" {
		fmt.Fprintf(&out, "\nMind: %s.\n", why)
	}
	return out.String(), nil
}
