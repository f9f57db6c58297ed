// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc"

	"github.com/headrace/headrace/edge"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/web"
)

// edgeCmd is the role on the enterprise's servers.
type edgeCmd struct {
	Config string `help:"Configuration file (default: edge.yaml in the state folder, if there)." type:"path" placeholder:"FILE"`

	Serve   edgeServeCmd   `cmd:"" default:"withargs" help:"Run the edge: take in what tools say, hold it, send what is approved (this is what headrace edge alone does)."`
	Join    edgeJoinCmd    `cmd:"" help:"Join a hub, or one more, with the invite its operator sent."`
	Leave   edgeLeaveCmd   `cmd:"" help:"Leave a hub: nothing is sent there any more."`
	Receive edgeReceiveCmd `cmd:"" help:"Take back what the hub left in a registry or a folder."`
	Show    edgeConfigCmd  `cmd:"" name:"config" help:"Print the configuration that is in force."`
	Link    edgeLinkCmd    `cmd:"" help:"Print a fresh one-time link to the pages of the running edge."`

	GatewayToken edgeGatewayTokenCmd `cmd:"" help:"Print the token by which the gateway knows a developer's requests."`

	Invite edgeInviteCmd `cmd:"" help:"Print the line with which a developer enrols a machine: with a one-time code, or by logging in (--oidc)."`
	Revoke edgeRevokeCmd `cmd:"" help:"End the certificates of a developer's machines."`

	Activity edgeActivityCmd `cmd:"" name:"import-activity" help:"Take in what reports of Amazon Q Developer count, for headrace doctor --coverage."`
}

func (edgeCmd) Help() string {
	return `Join a hub once, with the invite that its operator sent (headrace hub invite prints it); then run:

  headrace edge join https://hub.example CODE
  headrace edge                 # open the link it prints; Ctrl-C stops, what was done stays

Until a policy file says otherwise, numbers and categories only may leave, and a person approves each batch on the pages.
Everything has a default; headrace edge config shows it. To change some, write edge.yaml into the state folder:

  policy: policy.yaml               # headrace policy test shows what it would let leave
  audited_batches: 10               # read by people and found clean: text waits for as many as the policy says
  signing: {vault: {url: "https://vault.example:8200", key: headrace, token_file: /run/secrets/vault}}   # or a device: docs/keys.md
  database_file: /run/secrets/dsn   # PostgreSQL; one line: postgres://user:password@host/name
  oidc: {issuer: https://login.example, client_id: headrace}   # developers log in, instead of codes for each
  access: {issuer: https://login.example, client_id: headrace-pages, url: "https://edge.example", roles: {steward: [GROUP]}}   # docs/access.md
  webhooks: {github_secret_file: /run/secrets/hook}            # reviews, merges, checks; gitlab_token_file too
  exchange: registry.alder.example/headrace   # or a folder: bundles go there, and the hub takes them in from there
  dictionaries: [names.csv]         # private names to look for: headrace dictionary makes it; rules: [own.toml] too
  canaries: canaries                # planted strings, one a line: no bundle, page, log or crash dump shows one
  witnesses: [witness.example/w1+1f2e3d4c+BASE64]   # whose word makes the hub's log count as witnessed; not the hub's
  hubs: {tool-maker: {exchange: …}, other-maker: {channel: early}}   # where several were joined, each has these keys for itself
  syslog: tcp://siem.example:601    # the audit trail goes there, too; udp:// or unix:///dev/log
  gateway: {upstreams: [{name: ours, kind: openai, url: "http://models.example/v1"}]}   # between tools and models: docs/gateway.md
  teams: teams.csv                  # user,team: for headrace doctor --coverage
  pollers:                          # tools' servers that are asked hourly what they counted
    - {kind: claude, key_file: /run/secrets/claude}
    - {kind: copilot, organisation: alder, key_file: /run/secrets/github}
    - {kind: cursor, key_file: /run/secrets/cursor}
    - {kind: jules, developer: ada, key_file: /run/secrets/jules}`
}

// read reads the configuration, and the hubs that were joined.
func (c *edgeCmd) read(e *env) (edge.File, []*link.Membership, error) {
	f, err := edge.ReadFile(c.Config, e.dir)
	if err != nil {
		return f, nil, err
	}
	joined, err := link.Memberships(f.Dir)
	return f, joined, err
}

type edgeServeCmd struct {
	Listen string `help:"Address of pages and APIs (default 127.0.0.1:8400)." placeholder:"HOST:PORT"`
	OTLP   string `name:"otlp" help:"Address of OTLP/gRPC (default 127.0.0.1:4317); none for no such port." placeholder:"HOST:PORT"`

	Devices string `help:"Address where developers' machines deliver, by TLS (default 127.0.0.1:8402); none for no such port." placeholder:"HOST:PORT"`
}

// Run starts the edge.
func (c *edgeServeCmd) Run(e *env, role *edgeCmd) error {
	f, joined, err := role.read(e)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(joined, func(m *link.Membership) bool { return !m.Left }) {
		return link.ErrNotJoined
	}
	if c.Listen != "" {
		f.Listen = c.Listen
	}
	if c.OTLP != "" {
		f.OTLP = c.OTLP
	}
	if c.Devices != "" {
		f.Devices = c.Devices
	}
	conf, err := f.Config(joined...)
	if err != nil {
		return err
	}
	guard, restore, err := e.keepOut(f.Canaries, conf.Canaries)
	if err != nil {
		return err
	}
	defer restore()
	conf.Log = logger(e.err)
	ed, err := edge.New(e.ctx, conf)
	if err != nil {
		return err
	}
	defer ed.Close()
	s := &service{loops: []func(context.Context) error{ed.Run}, guard: guard}
	if s.web, err = listenAnywhere(e.err, f.Listen); err != nil {
		return err
	}
	defer s.web.Close()
	token, err := ed.Token()
	if err != nil {
		return err
	}
	hosts := hostsOf(s.web, f.Hosts)
	site, err := web.New(web.Config{Edge: edge.View{Edge: ed}, Version: version(), Hosts: hosts, Access: f.Access, Sessions: ed.Sessions(), Log: conf.Log})
	if err != nil {
		return err
	}
	s.handler = f.Access.Proxied(edgeHandler(ed, site, token, hosts, f.Access.Limits, isLoopback(s.web)))
	if f.OTLP != "" && f.OTLP != "none" {
		if s.grpc, err = listenAnywhere(e.err, f.OTLP); err != nil {
			return err
		}
		defer s.grpc.Close()
		s.rpc = edgeGRPC(ed, token, isLoopback(s.grpc))
	}
	if f.Devices != "" && f.Devices != "none" {
		if err := s.serveDevices(ed, f.Devices, f.Hosts, f.Access.Limits); err != nil {
			return err
		}
	}
	if models := ed.Gateway(); models != nil {
		if s.models, err = listenAnywhere(e.err, f.Gateway.Address()); err != nil {
			return err
		}
		defer s.models.Close()
		s.asked = web.Hosts(hostsOf(s.models, f.Hosts), models)
	}
	s.controls = map[string]controls{f.Dir: edgeControls(ed, s, site)}
	return s.run(e.ctx, func(ctx context.Context) error {
		fmt.Fprintf(e.err, "\n  Open  %s\n\n", site.Open(reachable(s.web), me()))
		fmt.Fprintf(e.err, "  %sWhat is approved goes to %s.\n", onceMore(site, "headrace edge link"), goesTo(conf.Hubs))
		fmt.Fprintf(e.err, "  Tools send to %s/v1/ with the token in %s\n\n", reachable(s.web), ed.TokenFile())
		if s.models != nil {
			fmt.Fprintf(e.err, "  They find models at %s\n\n", reachable(s.models))
		}
		return until(ctx)
	})
}

// goesTo names the hubs, and as whom they know the edge.
func goesTo(hubs []edge.Hub) string {
	var to []string
	for _, h := range hubs {
		if h.Joined() {
			to = append(to, h.Name+" as "+h.Contributor)
		}
	}
	return strings.Join(to, ", and to ")
}

// edgeControls is what commands may ask of a running edge.
func edgeControls(ed *edge.Edge, s *service, site *web.Site) controls {
	return controls{
		"invite":      func(ctx context.Context, developer string) (string, error) { return s.invite(ctx, ed, developer) },
		"invite-oidc": func(context.Context, string) (string, error) { return s.inviteOIDC(ed) },
		"revoke": func(ctx context.Context, developer string) (string, error) {
			n, err := ed.RevokeDevices(ctx, developer)
			return fmt.Sprintf("%d certificates of %s ended", n, developer), err
		},
		"activity": func(ctx context.Context, files string) (string, error) { return importActivity(ctx, ed, files) },
		"coverage": func(ctx context.Context, days string) (string, error) { return coverageOf(ctx, ed, days) },
		"carry":    func(ctx context.Context, job string) (string, error) { return carryOf(ctx, ed, job) },
		"link":     func(context.Context, string) (string, error) { return site.Open(reachable(s.web), me()), nil },
		"policy":   func(ctx context.Context, job string) (string, error) { return policyOf(ctx, ed, job) },
		"withdraw": func(ctx context.Context, job string) (string, error) { return withdrawOf(ctx, ed, job) },

		"audit":           func(ctx context.Context, job string) (string, error) { return auditOf(ctx, ed.Trail(), job) },
		"instructions":    does[instructionsJob](ed),
		"policy-versions": does[versionJob](ed),
		"releases":        does[releaseJob](ed),
		"gateway-token":   func(_ context.Context, developer string) (string, error) { return ed.GatewayToken(developer) },
		"gateway":         func(context.Context, string) (string, error) { return ed.GatewaySaid(), nil },
		"incidents":       func(ctx context.Context, _ string) (string, error) { return ed.Incidents(ctx) },
	}
}

// edgeHandler puts everything on one port: /v1/ by token, the rest are pages. Telemetry may come without a token from this
// machine only: they are marked as unauthenticated, and policy decides what they are good for.
func edgeHandler(ed *edge.Edge, site *web.Site, token string, hosts []string, limits access.Limits, local bool) http.Handler {
	api := limits.APIs(ed.Handler(func(r *http.Request) edge.Principal { return bearerOf(r.Header.Get("Authorization"), token) }))
	mux := http.NewServeMux()
	if local {
		for _, signal := range []string{"logs", "traces", "metrics"} {
			mux.Handle("POST /v1/"+signal, web.Hosts(hosts, api))
		}
	}
	mux.Handle("/v1/webhooks/", limits.APIs(ed.WebhookHandler())) // under whichever name a forge finds us, and proven by each delivery
	mux.Handle("/v1/", web.Hosts(hosts, web.Bearer(token, api)))
	mux.Handle("/", site)
	return mux
}

// onceMore says of a link that it works once, and which command prints another.
func onceMore(site *web.Site, command string) string {
	if !site.ByLink() {
		return "People log in there. "
	}
	return "The link works once; " + command + " prints another. "
}

func edgeGRPC(ed *edge.Edge, token string, local bool) *grpc.Server {
	rpc := grpc.NewServer(grpc.MaxRecvMsgSize(edge.MaxRequest))
	ed.RegisterGRPC(rpc, func(_ context.Context, authorization string) (edge.Principal, error) {
		p := bearerOf(authorization, token)
		if !p.Authenticated && !local {
			return p, errors.New("no valid token: send the metadata authorization: Bearer TOKEN")
		}
		return p, nil
	})
	return rpc
}

type edgeJoinCmd struct {
	URL  string `arg:"" help:"Address of the hub, as the invite names it."`
	Code string `arg:"" help:"The invite's one-time code."`
}

// Run joins.
func (c *edgeJoinCmd) Run(e *env, role *edgeCmd) error {
	f, before, err := role.read(e)
	if err != nil {
		return err
	}
	m, err := link.Join(e.ctx, f.Dir, c.URL, c.Code, f.Signing)
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "joined %s at %s as %s\n", m.Hub, m.URL, m.Contributor)
	before = slices.DeleteFunc(before, func(o *link.Membership) bool { return o.Left })
	if len(before) == 0 {
		fmt.Fprintln(e.err, "now start it: headrace edge")
		return nil
	}
	if i := slices.IndexFunc(before, func(o *link.Membership) bool { return o.Hub == m.Hub }); i >= 0 {
		fmt.Fprintf(e.err, "this edge was %s there before; if it is running, start it again\n", before[i].Contributor)
	} else {
		fmt.Fprintf(e.err, "this edge has now joined %d hubs; nothing goes to %s before the policy in force names it (headrace policy propose); if the edge is running, start it again\n", len(before)+1, m.Hub)
	}
	return nil
}

type edgeLeaveCmd struct {
	Hub    string `arg:"" help:"The hub, as policies call it."`
	Anyway bool   `help:"Leave even while the hub holds what was sent there: without joining again it cannot be taken back."`
}

func (edgeLeaveCmd) Help() string {
	return `Nothing is sent to the hub any more, and what it signed can still be verified. What it holds stays there: take it back first
(headrace withdraw), and wait for its certificates. Stop the edge for it.

Example: headrace edge leave tool-maker`
}

// Run leaves.
func (c *edgeLeaveCmd) Run(e *env, role *edgeCmd) error {
	f, _, err := role.read(e)
	if err != nil {
		return err
	}
	m, err := link.MembershipOf(f.Dir, c.Hub)
	if err != nil {
		return err
	}
	ed, err := openJoined(e, f)
	if err != nil {
		return err
	}
	defer ed.Close() // nobody starts it meanwhile
	held, err := ed.HeldAt(e.ctx, m.Hub)
	if err != nil {
		return err
	}
	if held > 0 && !c.Anyway {
		return &episode.Problem{Code: "hub/holds", Message: fmt.Sprintf("%s holds %d records, or has not certified that it erased them", m.Hub, held),
			Hint: "take them back first (headrace withdraw --all, then headrace withdraw --status), or say --anyway"}
	}
	if err := m.Leave(f.Dir); err != nil {
		return err
	}
	fmt.Fprintf(e.out, "left %s\n", m.Hub)
	return nil
}

type edgeConfigCmd struct{}

// Run prints.
func (c *edgeConfigCmd) Run(e *env, role *edgeCmd) error {
	f, joined, err := role.read(e)
	if err != nil {
		return err
	}
	if f, err = f.Effective(joined...); err != nil {
		return err
	}
	return config.Format(e.out, f)
}

type edgeLinkCmd struct{}

// Run asks the running edge.
func (c *edgeLinkCmd) Run(e *env, role *edgeCmd) error { return role.ask(e, "link", "") }

type edgeGatewayTokenCmd struct {
	Developer string `arg:"" help:"The developer, as your records name them."`
}

// Run asks the running edge.
func (c *edgeGatewayTokenCmd) Run(e *env, role *edgeCmd) error {
	return role.ask(e, "gateway-token", c.Developer)
}

type edgeInviteCmd struct {
	Developer string `arg:"" optional:"" help:"The developer, as your records name them."`
	OIDC      bool   `name:"oidc" help:"Print the one line for everybody, who then log in with the identity provider of edge.yaml."`
}

// Run asks the running edge.
func (c *edgeInviteCmd) Run(e *env, role *edgeCmd) error {
	switch {
	case (c.Developer == "") != c.OIDC:
		return usagef("a code is for one DEVELOPER, and --oidc for everybody: name one, or say --oidc")
	case c.OIDC:
		return role.ask(e, "invite-oidc", "")
	}
	return role.ask(e, "invite", c.Developer)
}

type edgeRevokeCmd struct {
	Developer string `arg:"" help:"The developer, as the invite named them."`
}

// Run asks the running edge.
func (c *edgeRevokeCmd) Run(e *env, role *edgeCmd) error {
	return role.ask(e, "revoke", c.Developer)
}

// ask asks the running edge and prints its answer.
func (role *edgeCmd) ask(e *env, what, arg string) error {
	f, _, err := role.read(e)
	if err != nil {
		return err
	}
	said, err := control(e.ctx, f.Dir, what, arg)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.out, said)
	return nil
}
