// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
)

type policyCmd struct {
	Test      policyTestCmd      `cmd:"" help:"Run a policy over recorded episodes: what would leave, by rule, and what stays, and why."`
	Explain   policyExplainCmd   `cmd:"" help:"Say of one record which rule decides, and what others take away."`
	Diff      policyDiffCmd      `cmd:"" help:"Say of each change between two policies whether it can only tighten."`
	Propose   policyProposeCmd   `cmd:"" help:"Make a file a new version of the edge's policy: in force at once where it only tightens."`
	OnePerson policyOnePersonCmd `cmd:"" help:"Propose that one person may loosen the policy from now on, where it takes two."`
	Approve   policyApproveCmd   `cmd:"" help:"Say yes to a version that may let more leave."`
	Refuse    policyRefuseCmd    `cmd:"" help:"Say no to a version that waits."`
	History   policyHistoryCmd   `cmd:"" help:"List the versions of the edge's policy: who proposed and approved them, and what those that wait would change."`
}

type policyTestCmd struct {
	Episodes  []string `arg:"" optional:"" help:"Scrubbed episodes, - for standard input (default: what the edge in the state folder has recorded and still has the text of)." placeholder:"FILE"`
	Policy    string   `help:"Policy file." required:"" type:"path" placeholder:"FILE"`
	Against   string   `help:"Say also what changes from this policy." type:"path" placeholder:"FILE"`
	Recipient string   `help:"For this recipient only." placeholder:"NAME"`
	JSON      bool     `help:"Print JSON." name:"json"`
	Config    string   `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
	Key       string   `help:"The key that headrace scrub was given, where it was given one." type:"path" placeholder:"FILE"`
	beside
}

func (c *policyTestCmd) Help() string {
	return `Runs a policy over episodes and shows what would leave: by rule, recipient and terms, how many records and bytes. Below, what
stays and why. Nothing leaves, and no text is shown. --against shows what would change from the policy in force.

Example: headrace policy test --policy new.yaml --against policy.yaml
Example: headrace read ~/.claude | headrace scrub | headrace policy test --policy policy.yaml -`
}

// Run prints the report.
func (c *policyTestCmd) Run(e *env) error {
	j, err := newPolicyJob(c.Policy, c.Recipient, c.JSON, &c.beside)
	if err == nil && c.Against != "" {
		if _, err = consent.ReadPolicy(c.Against); err == nil { // it names the file
			j.Against, err = textOf(c.Against)
		}
	}
	if err != nil {
		return err
	}
	return j.on(e, c.Episodes, c.Config, c.Key)
}

func printJSON(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func printTrial(out io.Writer, r consent.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s records", count(int64(r.Records)))
	if r.SetAside > 0 {
		fmt.Fprintf(w, ", %s of them set aside", count(int64(r.SetAside)))
	}
	fmt.Fprintln(w)
	if len(r.Leaves) == 0 {
		fmt.Fprintln(w, "\nNothing would leave.")
	} else {
		fmt.Fprintln(w, "\nWOULD LEAVE BY RULE\tTO\tRECORDS\tLEVEL\tFOR\tAPPROVAL\tKEPT\tBYTES\tLESS THAN THE RULE SAYS")
	}
	for _, l := range r.Leaves {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Rule, l.Recipient, count(int64(l.Records)), l.Level, purposes(l.Purposes), l.Approval, kept(l), count(l.Bytes), strings.Join(l.Less, ", "))
	}
	if len(r.Stays) > 0 {
		fmt.Fprintln(w, "\nWOULD STAY, AS\tFOR\tRECORDS")
	}
	for _, s := range r.Stays {
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Why, s.Recipient, count(int64(s.Records)))
	}
	if r.Against != "" && len(r.Changes) == 0 {
		fmt.Fprintln(w, "\nFor none of these records anything changes.")
	} else if r.Against != "" {
		fmt.Fprintln(w, "\nCHANGES\tFOR\tRECORDS\tWAS\tWOULD BE")
	}
	for _, m := range r.Changes {
		fmt.Fprintf(w, "%s leaves\t%s\t%s\t%s\t%s\n", m.How, m.Recipient, count(int64(m.Records)), m.Was, m.Is)
	}
	return w.Flush()
}

func purposes(list []episode.Purpose) string {
	var names []string
	for _, p := range list {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

func kept(l consent.Leaving) string {
	var parts []string
	if l.RetentionDays > 0 {
		parts = append(parts, fmt.Sprintf("%d days", l.RetentionDays))
	}
	if l.Expires != "" {
		parts = append(parts, "until "+l.Expires)
	}
	if l.Region != "" {
		parts = append(parts, "in "+l.Region)
	}
	return strings.Join(parts, ", ")
}

// count writes a number with commas.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

type policyExplainCmd struct {
	Record    string   `arg:"" help:"Id of the record, as the edge names it; - for the first line of standard input." placeholder:"RECORD"`
	Episodes  []string `arg:"" optional:"" help:"Where to look for it: scrubbed episodes, - for standard input (default: what the edge in the state folder has recorded)." placeholder:"FILE"`
	Policy    string   `help:"Policy file." required:"" type:"path" placeholder:"FILE"`
	Recipient string   `help:"For whom (default: all recipients of the policy)." placeholder:"NAME"`
	JSON      bool     `help:"Print JSON." name:"json"`
	Config    string   `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
	beside
}

func (c *policyExplainCmd) Help() string {
	return `Shows each rule in order with the facts that its condition read and whether it fitted, which one decided, what developer, text
gate, identity and rights table took away, and what would become of the record. No text of the record is shown.

Example: headrace policy explain --policy policy.yaml ep_6f1d0c2b7a9e4f53b8c1d2e3f4a5b6c7
Example: headrace policy explain --policy policy.yaml - < clean.jsonl`
}

// Run prints the explanation for each recipient.
func (c *policyExplainCmd) Run(e *env) error {
	j, err := newPolicyJob(c.Policy, c.Recipient, c.JSON, &c.beside)
	if err != nil {
		return err
	}
	if j.Record = c.Record; c.Record == "-" && len(c.Episodes) == 0 {
		c.Episodes = []string{"-"}
	}
	return j.on(e, c.Episodes, c.Config, "")
}

func printExplanation(w io.Writer, x consent.Explanation) {
	fmt.Fprintf(w, "%s, for %s: %s\n", x.Episode, x.Recipient, x.Outcome)
	if x.Error != "" {
		fmt.Fprintf(w, "  %s\n", x.Error)
	}
	for i, a := range x.Rules {
		fmt.Fprintf(w, "  %d. %s (%s): %s\n     when %s\n", i+1, a.Rule, a.Level, map[string]string{"yes": "fits, and decides", "no": "does not fit", "error": "cannot be evaluated"}[a.Fits], a.When)
		for _, name := range slices.Sorted(maps.Keys(a.Facts)) {
			fmt.Fprintf(w, "       %s = %s\n", name, a.Facts[name])
		}
	}
	if x.Unasked > 0 {
		fmt.Fprintf(w, "  and %d more, which are not asked\n", x.Unasked)
	}
	for _, t := range x.Taken {
		fmt.Fprintf(w, "  less, by %s: %s\n", t.By, t.What)
	}
	for _, r := range x.Rights {
		where := "no row fits"
		if r.Line > 0 {
			where = fmt.Sprintf("line %d of spec/rights.tsv, version %s", r.Line, r.Version)
		}
		fmt.Fprintf(w, "  rights: %s at most at level %s (%s)\n", r.Purpose, r.Level, where)
	}
}

type policyDiffCmd struct {
	Old  string `arg:"" help:"The policy in force." type:"path" placeholder:"OLD"`
	New  string `arg:"" help:"The policy to come." type:"path" placeholder:"NEW"`
	JSON bool   `help:"Print JSON." name:"json"`
}

func (c *policyDiffCmd) Help() string {
	return `Lists what changes from one policy to the next, and says of each whether it can only tighten. It judges by the text: a condition
that reads otherwise may let more leave, whatever it means; headrace policy test --against shows on records what it does.

Example: headrace policy diff policy.yaml new.yaml`
}

// policyDiff is what diff --json prints.
type policyDiff struct {
	Old     string           `json:"old"`
	New     string           `json:"new"`
	Verdict string           `json:"verdict"` // same, tighter, looser
	Changes []consent.Change `json:"changes"`
}

// Run prints the changes.
func (c *policyDiffCmd) Run(e *env) error {
	before, err := consent.ReadPolicy(c.Old)
	if err != nil {
		return err
	}
	after, err := consent.ReadPolicy(c.New)
	if err != nil {
		return err
	}
	d := policyDiff{Old: before.Digest(), New: after.Digest(), Verdict: "same", Changes: consent.Compare(before, after)}
	if consent.Looser(d.Changes) {
		d.Verdict = "looser"
	} else if len(d.Changes) > 0 {
		d.Verdict = "tighter"
	}
	if c.JSON {
		return printJSON(e.out, d)
	}
	if err := printChanges(e.out, d.Changes); err != nil {
		return err
	}
	fmt.Fprintln(e.out, map[string]string{"same": "Nothing changes.", "tighter": "The new policy can only tighten.", "looser": "The new policy may let more leave: two people must say yes."}[d.Verdict])
	return nil
}

// printChanges prints one a line.
func printChanges(out io.Writer, changes []consent.Change) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, ch := range changes {
		how, why := "tighter", ch.Why
		if ch.Looser {
			how = "looser"
		}
		if why != "" {
			why = "(" + why + ")"
		}
		rule := "the policy"
		if ch.Rule != "" {
			rule = "rule " + ch.Rule
		}
		fmt.Fprintf(w, "%s\t%s\t%s %s\n", how, rule, ch.What, why)
	}
	return w.Flush()
}
