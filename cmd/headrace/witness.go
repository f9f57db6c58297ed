// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/tlog/witness"
)

type witnessCmd struct {
	Log    []string `required:"" help:"The verifier key of a log to vouch for, as headrace log verify prints it. May be given again." placeholder:"VKEY"`
	Listen string   `help:"Address where logs ask (default 127.0.0.1:8403)." default:"127.0.0.1:8403" placeholder:"HOST:PORT"`
	Name   string   `help:"The witness's name in its key: a host and path such as witness.example/w1." default:"headrace-witness" placeholder:"NAME"`
	Config string   `help:"File that says where the signing key is, as edge.yaml does: signing: {…}." type:"path" placeholder:"FILE"`
}

func (c *witnessCmd) Help() string {
	return `Vouches for other people's logs by the C2SP witness protocol: it cosigns each new checkpoint of a log, once it has checked that
the log only grew, and never two histories of one log. It learns nothing of what a log holds. Run it where the log's operator
does not, and behind a proxy with TLS.

It prints its verifier key on standard output. The hub's operator names it in hub.yaml, contributors in edge.yaml:

  witnesses: [{key: VKEY, url: "https://witness.example"}]   # hub.yaml
  witnesses: [VKEY]                                          # edge.yaml

Example: headrace witness --name witness.example/w1 --log "$(headrace log verify | jq -r .key)"`
}

// Run serves until it is stopped.
func (c *witnessCmd) Run(e *env) error {
	dir := filepath.Join(e.dir, "witness")
	held, err := statedir.Lock(dir)
	if err != nil {
		return err
	}
	defer held.Close()
	var conf struct {
		Signing keyring.Signing `yaml:"signing"`
	}
	if c.Config != "" {
		if err := config.Read(c.Config, false, &conf); err != nil {
			return err
		}
		conf.Signing = conf.Signing.Beside(func(p string) string { return config.Beside(c.Config, p) })
	}
	ring, err := keyring.OpenWith(filepath.Join(dir, "keys"), conf.Signing)
	if err != nil {
		return err
	}
	w, err := witness.New(witness.Config{Dir: dir, Name: c.Name, Key: ring.Signing(), Logs: c.Log, Log: logger(e.err)})
	if err != nil {
		return err
	}
	s := &service{handler: w.Handler()}
	if s.web, err = listenAnywhere(e.err, c.Listen); err != nil {
		return err
	}
	defer s.web.Close()
	return s.run(e.ctx, func(ctx context.Context) error {
		fmt.Fprintln(e.out, w.VerifierKey())
		fmt.Fprintf(e.err, "cosigning for %d logs at %s; Ctrl-C stops, what was cosigned stays known\n", len(c.Log), reachable(s.web))
		return until(ctx)
	})
}
