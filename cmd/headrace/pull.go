// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/release"
)

type pullCmd struct {
	Out    string `help:"Folder to write the release to; it must not be there yet." required:"" type:"path" placeholder:"DIR"`
	Kind   string `help:"Of which kind: filter, route or instructions." enum:"filter,route,instructions" default:"filter"`
	Hub    string `help:"From this hub (default: the only one that was joined)." placeholder:"NAME"`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *pullCmd) Help() string {
	return `Fetches the release that a hub which this edge has joined rolls out, checks that the hub signed it and that the gate let it
through, and writes the signed release (release.json), whom it has reached (rollout.json), its gate report (gate.json) and the
model (model).

Example: headrace pull --out release`
}

func (c *pullCmd) Run(e *env) error {
	f, err := edge.ReadFile(c.Config, e.dir)
	if err != nil {
		return err
	}
	l, err := f.LinkTo(c.Hub)
	if err != nil {
		return err
	}
	rel, on, err := edge.Pull(e.ctx, l, release.Kind(c.Kind))
	if err != nil {
		return err
	}
	if rel == nil {
		return &episode.Problem{Code: "release/none", Message: fmt.Sprintf("no release of kind %s is rolled out", c.Kind),
			Hint: "the gate has let none through yet, or it went back; the hub's gate report says what is missing"}
	}
	if err := c.write(map[string][]byte{"release.json": rel.Envelope, "gate.json": rel.Gate, "model": rel.Payload, "rollout.json": on.Envelope}); err != nil {
		return err
	}
	if err := json.MarshalWrite(e.out, rel.Release); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	return nil
}

// write writes all files beside the folder first: it is there whole, or not at all.
func (c *pullCmd) write(files map[string][]byte) error {
	if _, err := os.Lstat(c.Out); err == nil {
		return &episode.Problem{Code: "pull/exists", Message: c.Out + " is there already", Hint: "name a new folder, or remove it first"}
	}
	tmp, err := os.MkdirTemp(filepath.Dir(c.Out), ".headrace-pull-")
	if err != nil {
		return fmt.Errorf("write release: %w", err)
	}
	defer os.RemoveAll(tmp)
	var errs []error
	for name, b := range files {
		errs = append(errs, os.WriteFile(filepath.Join(tmp, name), b, 0o644))
	}
	if err := errors.Join(append(errs, os.Chmod(tmp, 0o755))...); err != nil {
		return fmt.Errorf("write release: %w", err)
	}
	return os.Rename(tmp, c.Out)
}
