// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/config"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/internal/value"
)

// DatabaseEnv is the environment variable that may hold the address of the hub's database.
const DatabaseEnv = "HEADRACE_HUB_DATABASE"

// File is a hub's configuration file. Each key has a default that runs as it is; relative paths are meant from where the
// file lies.
type File struct {
	// Dir holds keys, blobs, the log and, by default, the database.
	Dir string `yaml:"dir"`
	// Database is the path of an SQLite file or a postgres:// address without a password; empty means hub.db in Dir.
	Database string `yaml:"database"`
	// DatabaseFile is a file that holds the address with its password. $HEADRACE_HUB_DATABASE overrules both.
	DatabaseFile string `yaml:"database_file"`
	// Listen is the host:port of pages, registry and log. Put a proxy with TLS in front of one that others can reach.
	Listen string `yaml:"listen"`
	// URL is where contributors reach this hub, as invites name it; empty means Listen.
	URL string `yaml:"url"`
	// Hosts are the names by which the pages may be reached, besides localhost.
	Hosts []string `yaml:"hosts"`
	// Name is what policies and terms call this recipient, and the log's origin. It cannot change once the log has begun.
	Name string `yaml:"name"`
	// Signing is where the key is that signs receipts, releases, statements, certificates and the log: {file: FILE}, {command: [PROGRAM, …],
	// public_key: FILE} for a device that speaks PKCS #11, or {vault: {url: URL, key: NAME, token_file: FILE}}. Without it the hub makes
	// one in its folder keys. It cannot change once the log has begun.
	Signing keyring.Signing `yaml:"signing,omitempty"`
	// Lead is how long a release stays at each stage of its roll-out at least: by so much has the early channel it before the stable one
	// (docs/releases.md).
	Lead time.Duration `yaml:"lead"`
	// Patience is after how long a stage goes on although too little was seen of a release to tell that it does no harm; 0 is never:
	// then a person widens it.
	Patience time.Duration `yaml:"patience"`
	// Witnesses are run by others and asked to cosign each checkpoint of the log: a list of {key: VKEY, url: URL}, as headrace witness
	// prints the key. The log goes on without one that does not answer, and is then not witnessed by it.
	Witnesses []tlog.Witness `yaml:"witnesses"`
	// Exchanges are places beside the hub's own registry where contributors leave bundles and withdrawals and take the answers from, a
	// list of {place: registry.example/headrace, credentials_file: FILE}: looked at with each turn. A place may be a folder.
	Exchanges []Exchange `yaml:"exchanges"`
	// Reward is what a decision is worth to this hub, which it learns and judges by: immediate, retained-characters, balanced, or a
	// file such as spec/examples/reward.yaml; empty is immediate.
	Reward string `yaml:"reward"`
	// RateCard is a file that says what a measured contribution earns; empty is the built-in one.
	RateCard string `yaml:"rate_card"`
	// Syslog is where the audit trail is sent, too: udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH.
	Syslog string `yaml:"syslog"`
	// Access says how people come in to the pages, and as what: with an identity provider, whose groups lead to the roles and to
	// contributors; without, by a link that works once (docs/access.md).
	Access access.Config `yaml:"access,omitempty"`
	// Intake is who may bring what, and how: tls, oidc, quotas, rotate.
	Intake `yaml:",inline"`
}

// DefaultName is what a hub is called that nobody has named: the recipient of the example policy.
const DefaultName = "tool-maker"

// ReadFile reads the configuration at path, or else hub.yaml in the state folder dir, if there is one.
func ReadFile(path, dir string) (File, error) {
	f := File{Dir: filepath.Join(dir, "hub"), Listen: "127.0.0.1:8401", Name: DefaultName, Lead: 24 * time.Hour, Patience: 7 * 24 * time.Hour, Intake: DefaultIntake()}
	optional := path == ""
	if optional {
		path = filepath.Join(dir, "hub.yaml")
	}
	if err := config.Read(path, optional, &f); err != nil {
		return f, err
	}
	f.Dir, f.DatabaseFile, f.RateCard = config.Beside(path, f.Dir), config.Beside(path, f.DatabaseFile), config.Beside(path, f.RateCard)
	if f.Database != "" && !strings.Contains(f.Database, "://") {
		f.Database = config.Beside(path, f.Database)
	}
	if f.Name == "" || strings.ContainsAny(f.Name, " +\t\n") {
		return f, &episode.Problem{Code: "config/name", Message: "name cannot be " + f.Name, Hint: "use one word without spaces and +, such as acme-tools"}
	}
	if f.Lead < 0 || f.Patience < 0 || f.Patience > 0 && f.Patience < f.Lead {
		return f, &episode.Problem{Code: "config/lead", Message: "lead or patience is negative, or patience is shorter than lead", Hint: "use 0 or a time such as 168h"}
	}
	if _, preset := reward.Preset(f.Reward); !preset {
		f.Reward = config.Beside(path, f.Reward)
	}
	f.Signing = f.Signing.Beside(func(p string) string { return config.Beside(path, p) })
	for i := range f.Exchanges {
		if f.Exchanges[i].Place == "" {
			return f, &episode.Problem{Code: "config/exchanges", Message: "an exchange has no place", Hint: "write it as {place: registry.example/headrace, credentials_file: FILE}"}
		}
		f.Exchanges[i].Place = exchange.Beside(path, f.Exchanges[i].Place)
		f.Exchanges[i].Credentials = config.Beside(path, f.Exchanges[i].Credentials)
	}
	if _, err := trail.ParseSyslog(f.Syslog, ""); err != nil {
		return f, err
	}
	f.TLS.Certificate, f.TLS.Key = config.Beside(path, f.TLS.Certificate), config.Beside(path, f.TLS.Key)
	f.Access.ClientSecretFile = config.Beside(path, f.Access.ClientSecretFile)
	if err := f.Access.Check(true); err != nil {
		return f, err
	}
	if err := f.Intake.check(); err != nil {
		return f, err
	}
	return f, nil
}

// Effective returns the file as it takes effect, passwords left out.
func (f File) Effective() (File, error) {
	dsn, err := config.Database(DatabaseEnv, f.DatabaseFile, f.Database)
	if err != nil {
		return f, err
	}
	if f.Database = config.Redact(dsn); f.Database == "" {
		f.Database = filepath.Join(f.Dir, "hub.db")
	}
	if f.URL == "" {
		f.URL = "http://" + f.Listen
		if f.TLS.On() {
			f.URL = "https://" + f.Listen
		}
	}
	return f, nil
}

// Config returns what a hub needs to know.
func (f File) Config() (Config, error) {
	c := Config{Dir: f.Dir, Signing: f.Signing, Name: f.Name, Pace: release.Pace{Lead: f.Lead, Patience: f.Patience}, Witnesses: f.Witnesses, Exchanges: f.Exchanges, Limits: f.Access.Limits, Syslog: f.Syslog, Intake: f.Intake}
	var err error
	if c.Database, err = config.Database(DatabaseEnv, f.DatabaseFile, f.Database); err != nil {
		return c, err
	}
	joined, err := link.Memberships(f.Dir)
	if err != nil {
		return c, err
	}
	for _, m := range joined {
		c.Onward = append(c.Onward, m.Known())
	}
	if c.Reward, err = reward.Load(f.Reward); err != nil {
		return c, err
	}
	if f.RateCard != "" {
		b, err := os.ReadFile(f.RateCard)
		if err != nil {
			return c, &episode.Problem{Code: "config/read", Message: "read rate_card", Err: err, Hint: "name a file, or take the key out for the built-in one"}
		}
		if c.RateCard, err = value.DecodeRateCard(b); err != nil {
			return c, err
		}
	}
	return c, nil
}
