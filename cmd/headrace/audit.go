// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/trail"
)

// auditCmd reads a role's audit trail.
type auditCmd struct {
	Hub    bool   `help:"The hub's trail (default: the edge's)."`
	Config string `help:"The role's configuration file." type:"path" placeholder:"FILE"`

	List   auditListCmd   `cmd:"" default:"withargs" help:"Print rows: who did what to what, when (this is what headrace audit alone does)."`
	Verify auditVerifyCmd `cmd:"" help:"Find whether a row was changed, is missing or was cut off."`
}

func (auditCmd) Help() string {
	return `Every look at raw text, every decision, every login and every change of who may what is a row. A row cannot be changed or
taken out without that showing: each holds a hash over itself and the row before, and the end is signed. docs/audit.md says more.

Example: headrace audit --who ada@alder-bank.example --day 2026-11-27
Example: headrace audit --json > trail.jsonl
Example: headrace audit verify
Example: headrace audit verify trail.jsonl --head audit.head --key 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=`
}

type auditListCmd struct {
	Who   string `help:"What this person did." placeholder:"NAME"`
	What  string `help:"This action alone, such as approve or \"see raw\"." placeholder:"ACTION"`
	Day   string `help:"On this day (UTC)." placeholder:"YYYY-MM-DD"`
	Limit int    `help:"At most so many, the newest; 0 is all (default: 50, with --json all)." placeholder:"N" default:"-1"`
	JSON  bool   `name:"json" help:"Print JSON Lines, oldest first; audit verify reads them."`
}

// auditJob is what to read of a trail, so that a running role can do it, too.
type auditJob struct {
	Filter trail.Filter `json:"filter"`
	JSON   bool         `json:"json"`
	Verify bool         `json:"verify"`
	Heads  [][]byte     `json:"heads,omitempty"` // copies of the signed head that others kept
}

// Run prints.
func (c *auditListCmd) Run(e *env, role *auditCmd) error {
	j := auditJob{Filter: trail.Filter{Who: c.Who, What: c.What, Limit: c.Limit}, JSON: c.JSON}
	if c.Day != "" {
		if err := j.Filter.OnDay(c.Day); err != nil {
			return err
		}
	}
	if c.Limit < 0 {
		j.Filter.Limit = 50
		if c.JSON {
			j.Filter.Limit = 0
		}
	}
	return role.do(e, j)
}

type auditVerifyCmd struct {
	File string   `arg:"" optional:"" help:"What headrace audit --json printed, - for standard input (default: the trail itself)." placeholder:"FILE"`
	Head []string `help:"A copy of the file audit.head, kept somewhere else: all rows up to it must be as they were. May be given again." type:"existingfile" placeholder:"FILE"`
	Key  string   `help:"With FILE and --head: the key that signs heads, as audit verify prints it at the role: 32 bytes in base64." placeholder:"KEY"`
}

// Run verifies, and says how far the trail goes.
func (c *auditVerifyCmd) Run(e *env, role *auditCmd) error {
	var copies [][]byte
	for _, path := range c.Head {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		copies = append(copies, b)
	}
	if c.File == "" {
		return role.do(e, auditJob{Verify: true, Heads: copies})
	}
	key := readLogKey(c.Key)
	if len(copies) > 0 && key == nil {
		return usagef("to check a copy of the head beside a file, give the key that signs heads with --key: headrace audit verify prints it at the role")
	}
	return c.file(e, key, copies)
}

func (c *auditVerifyCmd) file(e *env, key ed25519.PublicKey, copies [][]byte) error {
	var heads []trail.Head
	for _, b := range copies {
		h, err := trail.OpenHead(b, key)
		if err != nil {
			return err
		}
		heads = append(heads, h)
	}
	in := e.in
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	h, err := trail.Verify(trail.Read(in), heads...)
	if err != nil {
		return err
	}
	sayVerified(e.out, h, len(heads) > 0)
	return nil
}

// sayVerified says what was found good. Without a signed head nobody can see that the end is the end.
func sayVerified(w io.Writer, h trail.Head, ended bool) {
	if h.Seq == 0 {
		fmt.Fprintln(w, "the trail is empty")
		return
	}
	none := "none changed, missing or cut off"
	if !ended {
		none = "none changed or missing; whether some were cut off at the end was not checked (--head)"
	}
	fmt.Fprintf(w, "%s rows, %s; the last is of %s, its hash %s\n", count(h.Seq), none, h.At.Format(time.RFC3339), h.Hash)
}

// do does the job by opening the role's folder, or through the role that runs there.
func (c *auditCmd) do(e *env, j auditJob) error {
	said, dir, err := c.open(e, j)
	if errors.Is(err, errInUse) {
		var arg []byte
		if arg, err = json.Marshal(j); err == nil {
			said, err = control(e.ctx, dir, "audit", string(arg))
		}
	}
	if err == nil {
		_, err = io.WriteString(e.out, said)
	}
	return err
}

func (c *auditCmd) open(e *env, j auditJob) (said, dir string, err error) {
	if c.Hub {
		f, err := hub.ReadFile(c.Config, e.dir)
		if err != nil {
			return "", "", err
		}
		h, err := openHub(e, f)
		if err != nil {
			return "", f.Dir, err
		}
		defer h.Close()
		said, err = j.on(e.ctx, h.Trail())
		return said, f.Dir, err
	}
	f, joined, err := (&edgeCmd{Config: c.Config}).read(e)
	if err != nil {
		return "", "", err
	}
	conf := edge.Config{Dir: f.Dir}
	if len(joined) > 0 {
		if conf, err = f.Config(joined...); err != nil {
			return "", f.Dir, err
		}
	}
	ed, err := edge.OpenRecorded(e.ctx, conf)
	if err != nil {
		return "", f.Dir, err
	}
	defer ed.Close()
	said, err = j.on(e.ctx, ed.Trail())
	return said, f.Dir, err
}

// auditOf is what a running role answers.
func auditOf(ctx context.Context, k *trail.Keeper, arg string) (string, error) {
	var j auditJob
	if err := json.Unmarshal([]byte(arg), &j); err != nil {
		return "", err
	}
	return j.on(ctx, k)
}

func (j auditJob) on(ctx context.Context, k *trail.Keeper) (string, error) {
	var out bytes.Buffer
	if j.Verify {
		h, err := k.Verify(ctx, j.Heads...)
		if err == nil {
			sayVerified(&out, h, true)
			fmt.Fprintf(&out, "heads are signed by %s\n", base64.StdEncoding.EncodeToString(k.Key.Public().(ed25519.PublicKey)))
		}
		return out.String(), err
	}
	if j.Filter.Limit == 0 {
		j.Filter.Limit = 1 << 31
	}
	rows, err := k.Store.Trail(ctx, j.Filter)
	if err != nil {
		return "", err
	}
	if j.JSON {
		slices.Reverse(rows)
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		for _, r := range rows {
			if err := enc.Encode(r); err != nil {
				return "", err
			}
		}
		return out.String(), nil
	}
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ROW\tAT\tWHO\tAS\tWHAT\tTO WHAT")
	for _, r := range rows {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Seq, r.At.Format(time.RFC3339), r.Who, r.Role, r.What, r.Subject)
	}
	err = w.Flush()
	return out.String(), err
}
