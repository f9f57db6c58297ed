// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/internal/exchange"
)

type verifyCmd struct {
	Bundle string `arg:"" help:"Folder that holds the bundle, or an exchange of bundles." type:"path" placeholder:"DIR"`
	At     string `help:"Judge by this day, such as 2026-03-31, whether terms have expired (default: now)." placeholder:"DAY"`
	Trust  string `help:"Trust the keys in this file too: a JSON list of name and key (32 bytes, base64)." type:"path" placeholder:"FILE"`

	Identity string `help:"Open what is encrypted with this identity of age; a hub's is keys/age.key of its folder." type:"existingfile" placeholder:"FILE"`
}

func (c *verifyCmd) Help() string {
	return `Checks every byte of a bundle: the signature, by a key that is trusted here, and that nothing was changed, added or left
out; and that no terms in it have expired. In a folder that headrace push --to made, it checks each bundle, and prints a line for each. Trusted are this machine's key, the invited contributors (trust.json in the state folder) and --trust.

Example: headrace verify bundle --trust alder-bank.json`
}

// verified is what verify prints.
type verified struct {
	Bundle     string          `json:"bundle"`
	Signer     bundle.KeyID    `json:"signer"`
	SignerName string          `json:"signer_name"`
	Manifest   bundle.Manifest `json:"manifest"`
}

func (c *verifyCmd) Run(e *env) error {
	now := time.Now()
	if c.At != "" {
		var err error
		if now, err = time.Parse(time.DateOnly, c.At); err != nil {
			return usagef("--at is a day such as 2026-03-31, not %q", c.At)
		}
	}
	trust, err := e.trust(c.Trust)
	if err != nil {
		return err
	}
	ids, err := identities(c.Identity)
	if err != nil {
		return err
	}
	if exchange.IsFolder(c.Bundle) {
		p, err := exchange.Open(c.Bundle, exchange.Access{})
		if err != nil {
			return err
		}
		defer p.Close()
		return verifyPlace(e.ctx, p, trust, ids, now, e.verified)
	}
	b, err := bundle.Verify(c.Bundle, trust)
	if err != nil {
		return err
	}
	if err := b.Manifest.Expired(now); err != nil {
		return err
	}
	return e.verified(b)
}

// verified prints what was verified.
func (e *env) verified(b *bundle.Bundle) error {
	name := b.SignerName
	if name == "" {
		name = "this machine"
	}
	if err := json.MarshalWrite(e.out, verified{b.Digest, b.Signer, name, b.Manifest}, json.Deterministic(true)); err != nil {
		return err
	}
	fmt.Fprintln(e.out)
	return nil
}

// trust is whom this machine believes: its own key under any name, the invited contributors, and those in file if given.
func (e *env) trust(file string) (bundle.Trust, error) {
	ring, err := e.keys()
	if err != nil {
		return bundle.Trust{}, err
	}
	t := bundle.Trust{}
	invited := filepath.Join(e.dir, "trust.json")
	if _, err := os.Stat(invited); err == nil {
		if t, err = bundle.ReadTrust(invited); err != nil {
			return t, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return t, fmt.Errorf("read trust file: %w", err)
	}
	if file != "" {
		more, err := bundle.ReadTrust(file)
		if err != nil {
			return t, err
		}
		t = t.With(more.Keys()...)
	}
	return t.With(bundle.TrustedKey{Key: ring.Public()}), nil
}
