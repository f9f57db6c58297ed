// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/canary"
	"github.com/headrace/headrace/internal/keyring"
)

type packCmd struct {
	Out         string `help:"Folder to write the bundle to, an OCI image layout." required:"" type:"path" placeholder:"DIR"`
	Recipient   string `help:"Who the bundle is for (default: the one that the first record's terms name)." placeholder:"NAME"`
	Contributor string `help:"Name under which the recipient knows this machine's key." default:"local" placeholder:"NAME"`
	Canaries    string `help:"File of strings, one a line, that must never leave." type:"path" placeholder:"FILE"`
	Config      string `help:"The edge's configuration file, where that says that the signing key is elsewhere." type:"path" placeholder:"FILE"`
	Strict      bool   `help:"Exit 1 where anything was set aside."`
}

func (c *packCmd) Help() string {
	return `Packs episodes that consent let through into a signed bundle and prints its digest and counts. The same records and key
give the same bytes. A record that still has its local block, or has no terms, refuses the whole bundle.

Example: headrace consent --policy policy.yaml < clean.jsonl | headrace pack --out bundle
Example: headrace verify bundle`
}

// packed is what pack prints.
type packed struct {
	Bundle   string          `json:"bundle"`
	Manifest bundle.Manifest `json:"manifest"`
}

func (c *packCmd) Run(e *env) error {
	records, setAside, err := c.read(e)
	if err != nil {
		return err
	}
	o := bundle.Options{Contributor: c.Contributor, Recipient: c.Recipient}
	if c.Canaries != "" {
		if o.Canaries, err = canary.ReadFile(c.Canaries); err != nil {
			return err
		}
	}
	var signing keyring.Signing
	if c.Config != "" {
		f, err := edge.ReadFile(c.Config, e.dir)
		if err != nil {
			return err
		}
		signing = f.Signing
	}
	ring, err := e.keysWith(signing)
	if err != nil {
		return err
	}
	o.Signer = ring.Signing()
	m, digest, err := bundle.Pack(c.Out, records, o)
	if err != nil {
		return err
	}
	if err := json.MarshalWrite(e.out, packed{digest, m}, json.Deterministic(true)); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	if setAside > 0 && c.Strict {
		return &episode.Problem{Code: "pack/set-aside", Message: fmt.Sprintf("%d records were set aside", setAside), Hint: "the lines above say which and why"}
	}
	return nil
}

// read returns every record's canonical JSON, and takes the recipient from the first where no flag names it.
func (c *packCmd) read(e *env) (records [][]byte, setAside int, err error) {
	in, now := episode.NewReader(e.in), time.Now()
	var lines episode.Lines
	for e.ctx.Err() == nil {
		ep, err := in.Next()
		var bad *episode.LineError
		switch {
		case errors.Is(err, io.EOF):
			return lines.All(), setAside, nil
		case errors.As(err, &bad):
			setAside++
			fmt.Fprintf(e.err, "set aside: %v\n", err)
			continue
		case err != nil:
			return nil, 0, fmt.Errorf("read episodes: %w", err)
		}
		if t := ep.Terms; t != nil && !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) {
			setAside++
			fmt.Fprintf(e.err, "set aside: the terms of record %s have expired, on %s\n", ep.ID, t.ExpiresAt.UTC().Format(time.DateOnly))
			continue
		}
		if c.Recipient == "" && ep.Terms != nil && len(ep.Terms.Recipients) > 0 {
			c.Recipient = ep.Terms.Recipients[0]
		}
		if err := lines.Add(ep); err != nil {
			return nil, 0, err
		}
		if lines.Size() > bundle.MaxPayload {
			return nil, 0, &episode.Problem{Code: bundle.CodeTooLarge, Message: fmt.Sprintf("more than %d bytes of records", bundle.MaxPayload), Hint: "pack them in parts, for example with split -l 10000"}
		}
	}
	return nil, 0, e.ctx.Err()
}
