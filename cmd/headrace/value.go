// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/hub"
)

type valueCmd struct {
	Statement string `required:"" help:"Id of the statement; the hub's statements page shows it." placeholder:"ID"`
	Config    string `help:"Configuration file of the hub (default: hub.yaml in the state folder, if there)." type:"path" placeholder:"FILE"`
}

func (*valueCmd) Help() string {
	return `Makes a signed statement again from the hub's own folder: learns from the snapshot it names, judges, measures each
contributor and applies the rate card. Prints the statement where all of that gives exactly what was signed. The hub may
be running. --dir names a state folder, or the hub's folder in it.

Example: headrace value --statement sha256:4b1c…`
}

// Run prints the statement, if it holds.
func (c *valueCmd) Run(e *env) error {
	f, err := hub.ReadFile(c.Config, e.dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(f.Dir); errors.Is(err, fs.ErrNotExist) && f.Dir == filepath.Join(e.dir, "hub") {
		f.Dir = e.dir
	}
	conf, err := f.Config()
	if err != nil {
		return err
	}
	s, err := hub.Recompute(e.ctx, conf, c.Statement)
	if err != nil {
		return err
	}
	if err := json.MarshalWrite(e.out, s, json.Deterministic(true), jsontext.Multiline(true)); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	fmt.Fprintf(e.err, "the statement holds: %s earns %.2f %% for %d records used in %s; the gate says %s\n", s.Contributor, s.Discount, s.Records.Used, s.Period, s.Verdict)
	for _, l := range s.Lines {
		fmt.Fprintf(e.err, "  %-10s  %5.2f %%  %s\n", l.Kind, l.Percent, l.Note)
	}
	return nil
}
