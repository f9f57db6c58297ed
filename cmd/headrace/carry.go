// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
)

// carryJob is what a running edge or hub is asked for: a look at an exchange.
type carryJob struct {
	Place       string `json:"place"`
	Credentials string `json:"credentials,omitempty"`
	Hub         string `json:"hub,omitempty"` // for which; empty: the only one
	Recipient   string `json:"recipient,omitempty"`
	Bundle      string `json:"bundle,omitempty"` // a folder
	Leave       bool   `json:"leave,omitempty"`
	Push        bool   `json:"push,omitempty"` // to the hub itself
}

// place is the place that a command names, by a path that the running process understands, too.
func place(where string) string {
	return exchange.Beside(absolute("."+string(filepath.Separator)+"here"), where)
}

// carry does a job of an edge, in the running one where there is one, and prints what it did.
func (j carryJob) carry(e *env, config string) error {
	f, err := edge.ReadFile(config, e.dir)
	if err != nil {
		return err
	}
	b, err := json.Marshal(j)
	if err != nil {
		return err
	}
	said, err := carryOffline(e, f, string(b))
	if errors.Is(err, errInUse) {
		said, err = control(e.ctx, f.Dir, "carry", string(b))
	}
	if said != "" {
		fmt.Fprintln(e.out, said)
	}
	return err
}

// openJoined opens an edge that has joined hubs, for a command that does one thing while it does not run.
func openJoined(e *env, f edge.File) (*edge.Edge, error) {
	joined, err := link.Memberships(f.Dir)
	if err != nil {
		return nil, err
	}
	if len(joined) == 0 {
		return nil, link.ErrNotJoined
	}
	conf, err := f.Config(joined...)
	if err != nil {
		return nil, err
	}
	conf.Log = logger(e.err)
	return edge.New(e.ctx, conf)
}

func carryOffline(e *env, f edge.File, job string) (string, error) {
	ed, err := openJoined(e, f)
	if err != nil {
		return "", err
	}
	defer ed.Close()
	return carryOf(e.ctx, ed, job)
}

// carryOf does what the command asks of an edge, and says what it did, as JSON.
func carryOf(ctx context.Context, ed *edge.Edge, job string) (string, error) {
	var j carryJob
	if err := json.Unmarshal([]byte(job), &j); err != nil {
		return "", fmt.Errorf("read what to carry: %w", err)
	}
	if j.Push {
		receipt, err := ed.Push(ctx, j.Bundle)
		if err != nil {
			return "", err
		}
		b, err := json.Marshal(receipt)
		return string(b), err
	}
	x := edge.Exchange{Place: j.Place, Credentials: j.Credentials, Recipient: j.Recipient}
	var done edge.Carried
	var err error
	if j.Leave {
		done, err = ed.Leave(ctx, j.Hub, x, j.Bundle)
	} else {
		done, err = ed.TakeBack(ctx, j.Hub, x)
	}
	if err != nil && done.Place == "" {
		return "", err
	}
	b, marshal := json.Marshal(done)
	return string(b), errors.Join(err, marshal) // what was done is said, whatever else failed
}

type edgeReceiveCmd struct {
	Place       string `arg:"" help:"Where the hub left its answers: REGISTRY/REPOSITORY, or a folder."`
	Hub         string `help:"Which hub (default: the only one that was joined)." placeholder:"NAME"`
	Credentials string `help:"File in docker's form with what the registry asks for." type:"existingfile" placeholder:"FILE"`
}

func (edgeReceiveCmd) Help() string {
	return `Takes back what the hub left in a registry or a folder: receipts with their proofs, certificates, and why a bundle was
refused. Each is checked as if it had come from the hub itself. It prints what was taken back, as JSON.

Example: headrace edge receive /media/stick/alder-bank
Example: headrace edge receive registry.example/headrace --credentials docker.json`
}

// Run takes back, in the running edge where there is one.
func (c *edgeReceiveCmd) Run(e *env, role *edgeCmd) error {
	return carryJob{Place: place(c.Place), Hub: c.Hub, Credentials: absolute(c.Credentials)}.carry(e, role.Config)
}

type hubReceiveCmd struct {
	Place       string `arg:"" help:"Where contributors left bundles: REGISTRY/REPOSITORY, or a folder."`
	Credentials string `help:"File in docker's form with what the registry asks for." type:"existingfile" placeholder:"FILE"`
}

func (hubReceiveCmd) Help() string {
	return `Takes in the bundles, withdrawals and words of releases taken back that contributors left in a registry or a folder, as if they had been pushed to
the hub: the same verification, scan and quotas. Receipts, incidents, refusals and certificates are left in the same place for
the edge to take back (headrace edge receive). What was taken in before is only answered. It prints what it did, as JSON.

Example: headrace hub receive /media/stick/alder-bank
Example: headrace hub receive registry.example/headrace --credentials docker.json`
}

// Run receives, in the running hub where there is one.
func (c *hubReceiveCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	b, err := json.Marshal(carryJob{Place: place(c.Place), Credentials: absolute(c.Credentials)})
	if err != nil {
		return err
	}
	said := ""
	h, err := openHub(e, f)
	switch {
	case err == nil:
		defer h.Close()
		said, err = receiveOf(e.ctx, h, string(b))
	case errors.Is(err, errInUse):
		said, err = control(e.ctx, f.Dir, "receive", string(b))
	}
	if said != "" {
		fmt.Fprintln(e.out, said)
	}
	return err
}

// receiveOf does what the command asks of a hub.
func receiveOf(ctx context.Context, h *hub.Hub, job string) (string, error) {
	var j carryJob
	if err := json.Unmarshal([]byte(job), &j); err != nil {
		return "", fmt.Errorf("read what to receive: %w", err)
	}
	r, err := h.Receive(ctx, hub.Exchange{Place: j.Place, Credentials: j.Credentials})
	if err != nil && r.Place == "" {
		return "", err
	}
	b, marshal := json.Marshal(r)
	return string(b), errors.Join(err, marshal) // what was taken in is said, whatever else failed
}

func absolute(file string) string {
	if file == "" {
		return ""
	}
	if abs, err := filepath.Abs(file); err == nil {
		return abs
	}
	return file
}

type hubRecipientCmd struct{}

func (hubRecipientCmd) Help() string {
	return `Prints the hub's key to which edges encrypt records on their way through a registry or a folder (age, X25519). Edges that join
get it by themselves; others set recipient in edge.yaml. The other half is keys/age.key of the hub's folder.

Example: headrace hub recipient`
}

// Run prints.
func (c *hubRecipientCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	ring, err := keyring.OpenWith(filepath.Join(f.Dir, "keys"), f.Signing)
	if err != nil {
		return err
	}
	id, err := ring.Age()
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, id.Recipient())
	return nil
}
