// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/canary"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/gateway"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/poll"
	"github.com/headrace/headrace/internal/tlog/proof"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/scrub"
)

// DatabaseEnv is the environment variable that may hold the address of the edge's database.
const DatabaseEnv = "HEADRACE_EDGE_DATABASE"

// File is an edge's configuration file. Each key has a default that runs as it is; relative paths are meant from where
// the file lies.
type File struct {
	// Dir holds keys, membership, bundles and, by default, the database.
	Dir string `yaml:"dir"`
	// Database is the path of an SQLite file or a postgres:// address without a password; empty means edge.db in Dir.
	Database string `yaml:"database"`
	// DatabaseFile is a file that holds the address with its password. $HEADRACE_EDGE_DATABASE overrules both.
	DatabaseFile string `yaml:"database_file"`
	// Listen is the host:port of pages and APIs. Put a proxy with TLS in front of one that others can reach.
	Listen string `yaml:"listen"`
	// OTLP is the host:port of OTLP/gRPC; empty for none.
	OTLP string `yaml:"otlp"`
	// Devices is the host:port where developers' machines deliver, by TLS; none for no such port.
	Devices string `yaml:"devices"`
	// Hosts are the names by which the pages and APIs may be reached, besides localhost.
	Hosts []string `yaml:"hosts"`
	// Signing is where the key is that signs what leaves: {file: FILE}, {command: [PROGRAM, …], public_key: FILE} for a device that
	// speaks PKCS #11, or {vault: {url: URL, key: NAME, token_file: FILE}}. Without it the edge makes one in its folder keys. Say it
	// before you join a hub: that is when the hub learns the key.
	Signing keyring.Signing `yaml:"signing,omitempty"`
	HubFile `yaml:",inline"`
	// Hubs are the keys from hub to channel for each hub by its name, where several were joined.
	Hubs map[string]HubFile `yaml:"hubs,omitempty"`
	// DecidesFrom is the hub whose release decides what is shown, where several were joined; empty: the first that has one.
	DecidesFrom string `yaml:"decides_from,omitempty"`
	// Policy is the file that decides what leaves; empty is the starter policy: numbers and categories, a person approves.
	Policy string `yaml:"policy"`
	// AuditedBatches is how many batches people have read (headrace audit-sample) and found clean: text leaves only where the policy
	// asks for no more.
	AuditedBatches int `yaml:"audited_batches"`
	// Dictionaries are CSV files of private names, as headrace dictionary writes them, that the filter looks for.
	Dictionaries []string `yaml:"dictionaries"`
	// Rules are TOML files with rules of your own for the filter, in the form gitleaks uses.
	Rules []string `yaml:"rules"`
	// Model is the address of a program that finds names in the prose of episodes for the filter; empty for none.
	Model string `yaml:"model"`
	// Repositories are addresses or folders of git repositories whose commits the edge follows itself: it keeps bare mirrors of
	// those that have an address.
	Repositories []string `yaml:"repositories"`
	// Pollers are servers of coding tools that are asked every hour what they counted, which headrace doctor --coverage compares with
	// what was captured: a list of {kind: claude, copilot, cursor or jules, key_file: FILE, …}.
	Pollers []poll.Config `yaml:"pollers"`
	// Teams is a CSV file with the columns user,team, for that comparison; without it all are one team.
	Teams string `yaml:"teams"`
	// OIDC is the identity provider with which developers log in to enrol their machines.
	OIDC OIDC `yaml:"oidc"`
	// Access says how people come in to the pages, and as what: with an identity provider, whose groups lead to the roles; without,
	// by a link that works once (docs/access.md).
	Access access.Config `yaml:"access,omitempty"`
	// Webhooks are the files with the secrets of code forges, a line each: github_secret_file and gitlab_token_file. What these
	// deliver at /v1/webhooks/github and /v1/webhooks/gitlab tells of reviews, merges and checks. $HEADRACE_GITHUB_SECRET and
	// $HEADRACE_GITLAB_TOKEN overrule them.
	Webhooks WebhookFiles `yaml:"webhooks"`
	// Gateway is a reverse proxy to models, for tools that can be told where theirs are (docs/gateway.md).
	Gateway gateway.Config `yaml:"gateway,omitempty"`
	// Syslog is where the audit trail is sent, too: udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH.
	Syslog string `yaml:"syslog"`
	// Canaries is a file of planted strings, one a line of at least 8 bytes, that must never come out of here: a bundle that would hold
	// one is not packed, and logs, pages, answers and crash dumps show asterisks in its place.
	Canaries string `yaml:"canaries,omitempty"`
	// Settle is how long an episode may still change before it is screened.
	Settle time.Duration `yaml:"settle"`
	// RawRetention is how long raw text rests in the vault, at most 336h.
	RawRetention time.Duration `yaml:"raw_retention"`
}

// HubFile is what the configuration says of a hub that was joined. Where there is one only, its keys stand with all others; where there
// are several, each has its own below hubs.
type HubFile struct {
	// Hub is the hub's address where it is not the one that the invite named.
	Hub string `yaml:"hub"`
	// HubTokenFile is a file with a token of your identity provider (client credentials, a projected token) that is sent to the hub
	// in place of its own, where the hub takes such; it is read each time, so that something else can keep it fresh.
	HubTokenFile string `yaml:"hub_token_file"`
	// Exchange is where bundles, withdrawals and their answers lie, where the hub is not to be reached or an enterprise would rather use what
	// it runs: a repository of any OCI registry, as registry.example/headrace, or a folder. The hub must read and write there, too.
	Exchange string `yaml:"exchange"`
	// Encrypt says that records are encrypted to the hub (age, X25519) on their way through an exchange. What was approved, and the hub's answer,
	// are the same.
	Encrypt bool `yaml:"encrypt"`
	// Recipient is the hub's key for that, where joining did not settle it: what headrace hub recipient prints.
	Recipient string `yaml:"recipient"`
	// ExchangeCredentials is a file in docker's form with what that registry asks for.
	ExchangeCredentials string `yaml:"exchange_credentials_file"`
	// Witnesses are the verifier keys of witnesses that are not the hub's, as headrace witness prints them: with the cosignature of one
	// of them a checkpoint of the hub's log counts as witnessed.
	Witnesses []string `yaml:"witnesses"`
	// Contributor is the name under which the hub knows this enterprise. Joining settles it.
	Contributor string `yaml:"contributor"`
	// Channel is the release channel to follow, early or stable. Joining settles what the hub grants.
	Channel string `yaml:"channel"`
}

// beside makes paths absolute: they are meant from where the file lies.
func (h HubFile) beside(path string) (HubFile, error) {
	h.Exchange, h.ExchangeCredentials = exchange.Beside(path, h.Exchange), config.Beside(path, h.ExchangeCredentials)
	h.HubTokenFile = config.Beside(path, h.HubTokenFile)
	if h.Channel != "" && h.Channel != "early" && h.Channel != "stable" {
		return h, &episode.Problem{Code: "config/channel", Message: fmt.Sprintf("channel is %q", h.Channel), Hint: "follow early or stable"}
	}
	return h, nil
}

func (h HubFile) empty() bool { return reflect.ValueOf(h).IsZero() }

// of is what takes effect of a hub that was joined.
func (h HubFile) of(m *link.Membership) (HubFile, error) {
	if h.Contributor != "" && h.Contributor != m.Contributor {
		return h, &episode.Problem{Code: "config/contributor", Message: fmt.Sprintf("contributor is %q, but %s knows this edge as %q", h.Contributor, m.Hub, m.Contributor),
			Hint: "take the key out, or join with an invite for that name"}
	}
	h.Contributor, h.Hub, h.Channel = m.Contributor, cmp.Or(h.Hub, m.URL), cmp.Or(h.Channel, m.Channel)
	return h, nil
}

// ReadFile reads the configuration at path, or else edge.yaml in the state folder dir, if there is one.
func ReadFile(path, dir string) (File, error) {
	f := File{Dir: filepath.Join(dir, "edge"), Listen: "127.0.0.1:8400", OTLP: "127.0.0.1:4317", Devices: "127.0.0.1:8402", Settle: 24 * time.Hour, RawRetention: 72 * time.Hour, OIDC: DefaultOIDC()}
	optional := path == ""
	if optional {
		path = filepath.Join(dir, "edge.yaml")
	}
	if err := config.Read(path, optional, &f); err != nil {
		return f, err
	}
	f.Dir, f.DatabaseFile, f.Policy = config.Beside(path, f.Dir), config.Beside(path, f.DatabaseFile), config.Beside(path, f.Policy)
	if f.Database != "" && !strings.Contains(f.Database, "://") {
		f.Database = config.Beside(path, f.Database)
	}
	f.OIDC = f.OIDC.withDefaults()
	if _, err := f.OIDC.verifier(time.Now); err != nil {
		return f, err
	}
	f.Access.ClientSecretFile = config.Beside(path, f.Access.ClientSecretFile)
	if err := f.Access.Check(false); err != nil {
		return f, err
	}
	if f.RawRetention <= 0 || f.RawRetention > MaxRawRetention {
		return f, &episode.Problem{Code: "config/raw-retention", Message: fmt.Sprintf("raw_retention is %v", f.RawRetention), Hint: "raw text may rest for more than 0 and at most 336h"}
	}
	if f.Teams = config.Beside(path, f.Teams); f.Teams != "" {
		if _, err := poll.ReadTeams(f.Teams); err != nil {
			return f, err
		}
	}
	for _, files := range [][]string{f.Dictionaries, f.Rules} {
		for i := range files {
			files[i] = config.Beside(path, files[i])
		}
	}
	if _, err := trail.ParseSyslog(f.Syslog, ""); err != nil {
		return f, err
	}
	if err := checkPollers(path, f.Pollers); err != nil {
		return f, err
	}
	f.Gateway = f.Gateway.Beside(func(p string) string { return config.Beside(path, p) })
	if err := f.Gateway.Check(); err != nil {
		return f, err
	}
	f.Canaries = config.Beside(path, f.Canaries)
	var err error
	if f.HubFile, err = f.HubFile.beside(path); err != nil {
		return f, err
	}
	for name, h := range f.Hubs {
		if f.Hubs[name], err = h.beside(path); err != nil {
			return f, err
		}
	}
	f.Signing = f.Signing.Beside(func(p string) string { return config.Beside(path, p) })
	f.Webhooks.GitHub, f.Webhooks.GitLab = config.Beside(path, f.Webhooks.GitHub), config.Beside(path, f.Webhooks.GitLab)
	for i, r := range f.Repositories {
		if u, err := url.Parse(r); err == nil && u.User != nil {
			if _, has := u.User.Password(); has {
				return f, &episode.Problem{Code: "config/repository", Message: "the address of a repository holds a password: " + u.Redacted(), Hint: "leave it out; git asks its credential helper, or uses a key"}
			}
		}
		if gitlog.Name(r) == "" {
			f.Repositories[i] = config.Beside(path, r)
		}
	}
	return f, nil
}

// Effective returns the file as it takes effect in an edge that has joined these hubs, passwords left out.
func (f File) Effective(joined ...*link.Membership) (File, error) {
	joined = slices.DeleteFunc(slices.Clone(joined), func(m *link.Membership) bool { return m.Left })
	all := map[string]HubFile{}
	for _, m := range joined {
		h, named := f.Hubs[m.Hub]
		switch {
		case named && !f.HubFile.empty(), !named && len(joined) > 1 && !f.HubFile.empty():
			return f, &episode.Problem{Code: "config/hubs", Message: "it is not said which hub is meant by hub, exchange, witnesses, contributor, channel and the keys beside them",
				Hint: "put them below the hub's name: hubs: {" + m.Hub + ": {…}}"}
		case !named:
			h = f.HubFile
		}
		var err error
		if all[m.Hub], err = h.of(m); err != nil {
			return f, err
		}
	}
	for name := range f.Hubs {
		if _, ok := all[name]; !ok && len(joined) > 0 {
			return f, &episode.Problem{Code: "config/hubs", Message: fmt.Sprintf("hubs names %q, which was not joined", name), Hint: "join it with an invite (headrace edge join), or take it out"}
		}
	}
	if f.DecidesFrom != "" && len(joined) > 0 && all[f.DecidesFrom].Hub == "" {
		return f, &episode.Problem{Code: "config/hubs", Message: fmt.Sprintf("decides_from names %q, which was not joined", f.DecidesFrom), Hint: "name one that was, or take it out"}
	}
	if len(joined) == 1 && len(f.Hubs) == 0 {
		f.HubFile = all[joined[0].Hub]
	} else if len(joined) > 0 {
		f.Hubs = all
	}
	dsn, err := config.Database(DatabaseEnv, f.DatabaseFile, f.Database)
	if err != nil {
		return f, err
	}
	if f.Database = config.Redact(dsn); f.Database == "" {
		f.Database = filepath.Join(f.Dir, "edge.db")
	}
	return f, nil
}

// of is what an effective file says of a hub.
func (f File) of(hub string) HubFile {
	if h, own := f.Hubs[hub]; own {
		return h
	}
	return f.HubFile
}

// Config returns what an edge that has joined these hubs needs to know.
func (f File) Config(joined ...*link.Membership) (Config, error) {
	eff, err := f.Effective(joined...)
	if err != nil {
		return Config{}, err
	}
	c := Config{Dir: f.Dir, Signing: f.Signing, TwoPeople: f.Access.On(), DecidesFrom: f.DecidesFrom, Audited: f.AuditedBatches, Settle: f.Settle, RawRetention: f.RawRetention, OIDC: f.OIDC, Limits: f.Access.Limits, Pollers: f.Pollers, Teams: f.Teams,
		Repositories: f.Repositories, Syslog: f.Syslog, Gateway: f.Gateway}
	if c.Database, err = config.Database(DatabaseEnv, f.DatabaseFile, f.Database); err != nil {
		return c, err
	}
	if c.Filter.Dictionary, c.Filter.Rules, err = scrub.ReadFiles(f.Dictionaries, f.Rules); err != nil {
		return c, err
	}
	if f.Model != "" {
		if c.Filter.Model, err = scrub.NewModel(f.Model); err != nil {
			return c, err
		}
	}
	if c.Webhooks, err = f.Webhooks.read(); err != nil {
		return c, err
	}
	if f.Canaries != "" {
		if c.Canaries, err = canary.ReadFile(f.Canaries); err != nil {
			return c, err
		}
	}
	var names []string
	places := map[string]string{}
	for _, m := range joined {
		if m.Left {
			c.Hubs = append(c.Hubs, m.Known())
			continue
		}
		joined, err := eff.of(m.Hub).config(m)
		if err != nil {
			return c, err
		}
		if place := joined.Exchange.Place; place != "" {
			if other, taken := places[place]; taken {
				return c, &episode.Problem{Code: "config/exchange", Message: fmt.Sprintf("%s and %s have the same exchange, %s", other, m.Hub, place), Hint: "give each hub a place of its own"}
			}
			places[place] = m.Hub
		}
		c.Hubs, names = append(c.Hubs, joined), append(names, m.Hub)
	}
	if f.Policy == "" && len(names) > 0 {
		c.Policy, err = consent.StarterFor(names...)
	}
	if f.Policy == "" {
		return c, err
	}
	c.PolicyFile = f.Policy
	if c.Policy, err = consent.ReadPolicy(f.Policy); err != nil {
		return c, err
	}
	if len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return slices.Contains(c.Policy.Recipients(), name) }) {
		return c, &episode.Problem{Code: "config/policy", Message: fmt.Sprintf("the policy %s names no hub that was joined: %s", f.Policy, strings.Join(names, ", ")),
			Hint: "add it under recipients, and to the rules that let something go there"}
	}
	return c, nil
}

// LinkTo returns the end of a hub that was joined, for a command that needs none of an edge's state. Where one only was joined, its
// name may be empty.
func (f File) LinkTo(name string) (*link.Link, error) {
	m, err := link.MembershipOf(f.Dir, name)
	if err != nil {
		return nil, err
	}
	joined, err := link.Memberships(f.Dir)
	if err != nil {
		return nil, err
	}
	if f, err = f.Effective(joined...); err != nil { // one hub's address is no other's: its token would go there
		return nil, err
	}
	hub, err := f.of(m.Hub).config(m)
	return link.New(hub, link.Config{Dir: f.Dir}), err
}

// config is what an edge needs to know of a hub that was joined; h is what takes effect.
func (h HubFile) config(m *link.Membership) (Hub, error) {
	member := *m
	member.URL = h.Hub
	hub := member.Known()
	hub.TokenFile, hub.Witnesses, hub.Channel = h.HubTokenFile, h.Witnesses, h.Channel
	hub.Exchange = Exchange{Place: h.Exchange, Credentials: h.ExchangeCredentials}
	if h.Encrypt {
		if hub.Exchange.Recipient = cmp.Or(h.Recipient, m.AgeRecipient); hub.Exchange.Recipient == "" {
			return hub, &episode.Problem{Code: "config/encrypt", Message: "encrypt is set, and the key of " + m.Hub + " to encrypt to is not known", Hint: "ask its operator for what headrace hub recipient prints, and set recipient"}
		}
		if _, err := exchange.Recipient(hub.Exchange.Recipient); err != nil {
			return hub, err
		}
	}
	if len(h.Witnesses) > 0 {
		if _, err := proof.Of(m.Hub, m.PublicKey, h.Witnesses...); err != nil {
			return hub, err
		}
	}
	return hub, nil
}
