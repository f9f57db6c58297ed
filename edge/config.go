// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/gateway"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/poll"
	"github.com/headrace/headrace/scrub"
)

// Config is what an edge needs to know.
type Config struct {
	// Dir holds keys, bundles and, by default, the database.
	Dir string
	// Database is a path to an SQLite file or a postgres:// address; empty means edge.db in Dir.
	Database string
	// Hubs are those that this edge has joined, or that are connected once it is open: each with its name as terms and policies call
	// it, and the name by which it knows this enterprise.
	Hubs []Hub
	// DecidesFrom is the hub whose release decides what is shown; empty: the first that has one.
	DecidesFrom string
	// Signing says where the key is that signs what leaves.
	Signing keyring.Signing
	// Policy decides what leaves until there is another version of it; nil is the starter policy.
	Policy *consent.Policy
	// PolicyFile is where Policy comes from, if from a file. Once there are versions these decide, and a file that differs is
	// reported.
	PolicyFile string
	// TwoPeople says that people log in to the pages: then it takes two of them to loosen the policy.
	TwoPeople bool
	// Audited is how many batches people have read and found clean, as the policy's gate before text asks.
	Audited int
	// Filter is what the filter looks for beside what it knows: a dictionary, rules, a model. The edge sets its key.
	Filter scrub.Config
	// Settle is how long an episode may still change before it is screened.
	Settle time.Duration
	// RawRetention is how long raw text rests in the vault: 72 h by default, 14 days at most.
	RawRetention time.Duration
	// Repositories are addresses or folders of git repositories whose commits the edge follows itself.
	Repositories []string
	// Pollers are tools' servers to be asked for what they counted.
	Pollers []poll.Config
	// Teams is a CSV file that says who is in which team, for the comparison with what was captured; empty for none.
	Teams string
	// Own says that all that is captured is of the one developer whose machine this is: who may see figures about themselves.
	Own bool
	// Limits bound how often codes may be wrong.
	Limits access.Limits
	// OIDC is how developers log in to enrol their machines; without an issuer they need a one-time code.
	OIDC OIDC
	// Webhooks are the secrets of the code forges that deliver here.
	Webhooks Webhooks
	// Gateway passes tools' requests on to models; without upstreams there is none.
	Gateway gateway.Config
	// Syslog is where the audit trail is sent, too: udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH; empty for nowhere.
	Syslog string
	// Demo says that what comes in is synthetic. Elsewhere a payload's word that it is counts for nothing.
	Demo bool
	// Canaries are strings that must never leave; a bundle that would hold one is not packed.
	Canaries []string
	Log      *slog.Logger
	Now      func() time.Time
}

// MaxRawRetention is the longest that raw text may rest.
const MaxRawRetention = 14 * 24 * time.Hour

func (cfg Config) now() time.Time {
	if cfg.Now == nil {
		return time.Now()
	}
	return cfg.Now()
}

func (cfg Config) withDefaults() (Config, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.RawRetention == 0 {
		cfg.RawRetention = 72 * time.Hour
	}
	if cfg.RawRetention < 0 || cfg.RawRetention > MaxRawRetention {
		return cfg, fmt.Errorf("raw retention of %v: it must be between 0 and %v", cfg.RawRetention, MaxRawRetention)
	}
	cfg.OIDC = cfg.OIDC.withDefaults()
	if cfg.Database == "" {
		cfg.Database = filepath.Join(cfg.Dir, "edge.db")
	}
	return cfg, nil
}
