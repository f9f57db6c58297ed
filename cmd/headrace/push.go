// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/internal/keyring"
)

type pushCmd struct {
	Bundle string `arg:"" help:"Folder that holds the bundle." type:"path" placeholder:"DIR"`
	Config string `help:"The edge's configuration file." type:"path" placeholder:"FILE"`
}

func (c *pushCmd) Help() string {
	return `Sends a packed bundle to the hub that this edge has joined and prints the hub's signed receipt with the proof that its log
holds the bundle. The bundle must carry the edge's signature and its name at the hub, so pack it with the edge's keys, which
are in the folder edge of the state folder. Sending it again changes nothing and prints the same receipt.

Example: headrace --dir STATE/edge pack --contributor alder-bank --out bundle < leaving.jsonl
Example: headrace --dir STATE push bundle > receipt.json
Example: headrace --dir STATE log verify --receipt receipt.json`
}

func (c *pushCmd) Run(e *env) error {
	f, err := edge.ReadFile(c.Config, e.dir)
	if err != nil {
		return err
	}
	m, err := edge.ReadMembership(f.Dir)
	if err != nil {
		return err
	}
	ring, err := keyring.OpenWith(filepath.Join(f.Dir, "keys"), f.Signing)
	if err != nil {
		return err
	}
	receipt, err := m.Remote(f.Dir, f.Witnesses).Push(e.ctx, c.Bundle, ring.Public())
	if err != nil {
		return err
	}
	if err := json.MarshalWrite(e.out, receipt); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	return nil
}
