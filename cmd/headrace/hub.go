// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/headrace/headrace/hub"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/web"
)

// hubCmd is the role at the maker.
type hubCmd struct {
	Config string `help:"Configuration file (default: hub.yaml in the state folder, if there)." type:"path" placeholder:"FILE"`

	Serve     hubServeCmd     `cmd:"" default:"withargs" help:"Run the hub: take bundles in, learn, gate, release, settle (this is what headrace hub alone does)."`
	Invite    hubInviteCmd    `cmd:"" help:"Invite an enterprise: prints the command it joins with."`
	Revoke    hubRevokeCmd    `cmd:"" help:"End an enterprise's access: token, certificate and signing key at once."`
	Join      hubJoinCmd      `cmd:"" help:"Join another hub, to pass on to it what contributors' terms let it have."`
	Leave     hubLeaveCmd     `cmd:"" help:"Leave a hub that was joined: nothing is passed on to it any more."`
	Receive   hubReceiveCmd   `cmd:"" help:"Take in what contributors left in a registry or a folder, and leave the answers there."`
	Recipient hubRecipientCmd `cmd:"" help:"Print the key to which edges encrypt records on their way through an exchange."`
	Rollout   hubRolloutCmd   `cmd:"" help:"Say whom the newest release has reached; widen, pause or take it back."`
	Offer     hubOfferCmd     `cmd:"" help:"Ask an enterprise to have a change of instruction files tried."`
	Show      hubConfigCmd    `cmd:"" name:"config" help:"Print the configuration that is in force."`
	Link      hubLinkCmd      `cmd:"" help:"Print a fresh one-time link to the pages of the running hub."`
}

func (hubCmd) Help() string {
	return `Run it, then invite an enterprise from another terminal and send it what that prints:

  headrace hub                       # open the link it prints; Ctrl-C stops, what was done stays
  headrace hub invite alder-bank

Everything has a default; headrace hub config shows it. To change some, write hub.yaml into the state folder:

  name: acme-tools                   # what policies call you
  url: https://hub.acme.example      # where contributors reach you
  tls: self                          # TLS with a certificate that invites name; or {certificate: FILE, key: FILE, clients: required}
  access: {issuer: https://login.acme.example, client_id: headrace-hub, url: "https://hub.acme.example", roles: {operator: [GROUP]}, contributors: {alder-bank: [GROUP]}}
  quotas: {bundles_a_day: 1000, bytes_a_day: 21474836480, waiting_uploads: 16}   # of each contributor
  oidc: {issuer: https://login.acme.example, audience: headrace}                # tokens of workloads: invite NAME --subject SUB
  signing: {vault: {url: "https://vault.example:8200", key: headrace, token_file: /run/secrets/vault}}   # or a device: docs/keys.md
  database_file: /run/secrets/dsn    # PostgreSQL; one line: postgres://user:password@host/name
  exchanges: [{place: registry.alder.example/headrace, credentials_file: docker.json}]   # where others leave bundles for you
  syslog: tcp://siem.example:601     # the audit trail goes there, too; udp:// or unix:///dev/log
  witnesses:                         # others vouch for the log: headrace witness prints the key
    - {key: witness.example/w1+1f2e3d4c+BASE64, url: "https://witness.example"}`
}

type hubServeCmd struct {
	Listen string `help:"Address of pages, registry and log (default 127.0.0.1:8401)." placeholder:"HOST:PORT"`
}

// Run starts the hub.
func (c *hubServeCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	if c.Listen != "" {
		f.Listen = c.Listen
	}
	h, err := openHub(e, f)
	if err != nil {
		return err
	}
	defer h.Close()
	s := &service{loops: []func(context.Context) error{h.Run}}
	warn := e.err
	if f.TLS.On() {
		warn = io.Discard
	}
	if s.web, err = listenAnywhere(warn, f.Listen); err != nil {
		return err
	}
	defer s.web.Close()
	if f.TLS.On() {
		if err := s.secure(h, f.Hosts); err != nil {
			return err
		}
	}
	if f.URL == "" {
		f.URL = s.address()
	}
	site, err := web.New(web.Config{Hub: hub.View{Hub: h}, Version: version(), Hosts: hostsOf(s.web, f.Hosts), Access: f.Access, Sessions: h.Sessions(), Log: logger(e.err)})
	if err != nil {
		return err
	}
	mux, api := http.NewServeMux(), f.Access.Limits.APIs(h.Handler())
	for _, path := range []string{"/v2/", "/log/", "POST /v1/enrol", "POST /v1/renew"} {
		mux.Handle(path, api)
	}
	mux.Handle("/", site)
	s.handler = f.Access.Proxied(mux)
	s.controls = map[string]controls{f.Dir: {
		"link": func(context.Context, string) (string, error) { return site.Open(s.address(), me()), nil },
		"invite": func(ctx context.Context, arg string) (string, error) {
			name, subject, _ := strings.Cut(arg, "\n")
			return invite(ctx, h, f.URL, name, subject)
		},
		"audit":   func(ctx context.Context, job string) (string, error) { return auditOf(ctx, h.Trail(), job) },
		"rollout": does[hubRolloutCmd](h),
		"offer":   does[offerJob](h),
		"receive": func(ctx context.Context, job string) (string, error) { return receiveOf(ctx, h, job) },
		"revoke":  func(ctx context.Context, name string) (string, error) { return revoked(name), h.Revoke(ctx, name) },
	}}
	return s.run(e.ctx, func(ctx context.Context) error {
		fmt.Fprintf(e.err, "\n  Open  %s\n\n", site.Open(s.address(), me()))
		fmt.Fprintf(e.err, "  %sPolicies call this hub %s; contributors reach it at %s.\n", onceMore(site, "headrace hub link"), f.Name, f.URL)
		fmt.Fprintf(e.err, "  Invite one: headrace hub invite NAME\n\n")
		return until(ctx)
	})
}

func openHub(e *env, f hub.File) (*hub.Hub, error) {
	conf, err := f.Config()
	if err != nil {
		return nil, err
	}
	conf.Log, conf.Version = logger(e.err), version()
	return hub.New(e.ctx, conf)
}

type hubInviteCmd struct {
	Name    string `arg:"" help:"What the hub calls the enterprise: lower-case letters, digits, single hyphens."`
	Subject string `help:"What tokens of its workload say who it is, where hub.yaml has oidc." placeholder:"SUB"`
}

// Run invites, through the running hub where there is one.
func (c *hubInviteCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	var line string
	h, err := openHub(e, f)
	switch {
	case err == nil:
		defer h.Close()
		if f, err = f.Effective(); err == nil {
			line, err = invite(asMe(e.ctx), h, f.URL, c.Name, c.Subject)
		}
	case errors.Is(err, errInUse):
		line, err = control(e.ctx, f.Dir, "invite", c.Name+"\n"+c.Subject)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, line)
	return nil
}

// invite is what to send to the enterprise: one line for its terminal, and what a person may want to compare.
func invite(ctx context.Context, h *hub.Hub, url, name, subject string) (string, error) {
	code, expires, err := h.Invite(ctx, name, subject)
	if err != nil {
		return "", err
	}
	note := ""
	if host := strings.TrimPrefix(url, "http://"); host != url && !strings.HasPrefix(host, "localhost") && !strings.HasPrefix(host, "127.") {
		note = "\n# The way there is not encrypted: set tls: self in hub.yaml, or url: to the https:// address of your proxy."
	}
	return fmt.Sprintf("headrace edge join %s %s   # works once, until %s%s", url, link.Invite(code, h.Public(), h.Pin()), expires.UTC().Format("2 January 15:04 UTC"), note), nil
}

type hubJoinCmd struct {
	URL  string `arg:"" help:"Address of the other hub, as the invite names it."`
	Code string `arg:"" help:"The invite's one-time code."`
}

func (hubJoinCmd) Help() string {
	return `From then on this hub passes on to the other what contributors' terms let it: where a policy has passes_on: [OTHER] with this hub.
Records go as they came, each bundle with the proof whose it is, and the contributor gets the other's receipt. What is withdrawn
here is withdrawn there, too (docs/hubs.md).

Example: headrace hub join https://hub.other.example CODE`
}

// Run joins.
func (c *hubJoinCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	m, err := link.Join(e.ctx, f.Dir, c.URL, c.Code, f.Signing)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "joined %s at %s as %s\n", m.Hub, m.URL, m.Contributor)
	fmt.Fprintln(e.err, "what terms let it have is passed on from the next start of this hub")
	return nil
}

type hubLeaveCmd struct {
	Hub string `arg:"" help:"The other hub, as policies call it."`
}

func (hubLeaveCmd) Help() string {
	return `Nothing is passed on to it any more, and nothing is taken back there: certificates of withdrawals say that what it has is beyond reach.
Stop the hub for it.

Example: headrace hub leave other-maker`
}

// Run leaves.
func (c *hubLeaveCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	m, err := link.MembershipOf(f.Dir, c.Hub)
	if err != nil {
		return err
	}
	lock, err := statedir.Lock(f.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := m.Leave(f.Dir); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "left %s\n", m.Hub)
	return nil
}

type hubRevokeCmd struct {
	Name string `arg:"" help:"The contributor, as it was invited."`
}

func (hubRevokeCmd) Help() string {
	return `From then on its token and certificates are refused, and so are bundles that its key signed, whoever brings them. What it gave
before stays, with the receipts. To let it come back, invite it again: it joins with a new key.

Example: headrace hub revoke alder-bank`
}

// Run revokes, through the running hub where there is one.
func (c *hubRevokeCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	said := revoked(c.Name)
	h, err := openHub(e, f)
	switch {
	case err == nil:
		defer h.Close()
		err = h.Revoke(asMe(e.ctx), c.Name)
	case errors.Is(err, errInUse):
		said, err = control(e.ctx, f.Dir, "revoke", c.Name)
	}
	if err == nil {
		fmt.Fprintln(e.out, said)
	}
	return err
}

func revoked(name string) string {
	return name + " has no access any more: its token, certificates and signing key are good for nothing"
}

type hubConfigCmd struct{}

// Run prints.
func (c *hubConfigCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	if f, err = f.Effective(); err != nil {
		return err
	}
	return config.Format(e.out, f)
}

type hubLinkCmd struct{}

// Run asks the running hub.
func (c *hubLinkCmd) Run(e *env, role *hubCmd) error {
	f, err := hub.ReadFile(role.Config, e.dir)
	if err != nil {
		return err
	}
	link, err := control(e.ctx, f.Dir, "link", "")
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, link)
	return nil
}
