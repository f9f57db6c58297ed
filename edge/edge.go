// SPDX-License-Identifier: Apache-2.0

// Package edge is the role on the enterprise's servers: it takes in what coding tools say, keeps raw text sealed, decides
// under the enterprise's policy what may leave, and brings back what came of it.
//
// Start from [Edge.Turn], the whole way in one sentence: receive → assemble → scrub → hold → approve → pack →
// contribute, and then the way back: receipts, releases, statements, certificates. [Edge.Run] turns it for as long as the
// process lives; [Edge.Handler] serves the tools. Each step is a method in the file of its name and keeps its state in
// SQL, so that a step that was interrupted anywhere is simply done again by the next turn.
//
// The edge knows the hub only as an OCI registry with a public key. It never imports the hub.
package edge

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/scrub"
)

// Config is what an edge needs to know.
type Config struct {
	// Dir holds keys, bundles and, by default, the database.
	Dir string
	// Database is a path to an SQLite file or a postgres:// address; empty means edge.db in Dir.
	Database string
	// Contributor is the name under which the hub knows this enterprise.
	Contributor string
	// Recipient is the hub's name as terms and policies call it.
	Recipient string
	// Hub is where bundles go; nil keeps everything here.
	Hub *Hub
	// Policy decides what leaves; nil is the starter policy.
	Policy *consent.Policy
	// Settle is how long an episode may still change before it is screened.
	Settle time.Duration
	// RawRetention is how long raw text rests in the vault: 72 h by default, 14 days at most.
	RawRetention time.Duration
	// Channel is the release channel to follow: early or stable.
	Channel string
	// Demo says that what comes in is synthetic. Elsewhere a payload's word that it is counts for nothing.
	Demo bool
	// Canaries are strings that must never leave; a bundle that would hold one is not packed.
	Canaries []string
	Log      *slog.Logger
	Now      func() time.Time
}

// Hub is how to reach a hub and how to know it.
type Hub struct {
	URL    string            // http://host:port
	Token  string            // names this contributor to the hub
	Public ed25519.PublicKey // signs receipts, releases, statements, certificates
}

// MaxRawRetention is the longest that raw text may rest.
const MaxRawRetention = 14 * 24 * time.Hour

// Edge is one running edge. It is safe for concurrent use.
type Edge struct {
	cfg    Config
	lock   *statedir.Held
	db     *sqlstore.DB
	ring   *keyring.Ring
	vault  *vault
	policy *consent.Policy
	filter *scrub.Scrubber
	coarse consent.Coarsener
	log    *slog.Logger

	turning   sync.Mutex // one turn at a time
	wake      chan struct{}
	current   atomic.Pointer[control] // the release in force, nil before the first
	undurable chan sqlstore.DecisionRow
	stats     Stats
}

// New opens an edge's state. Close it when done.
func New(ctx context.Context, cfg Config) (*Edge, error) {
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
		return nil, fmt.Errorf("raw retention of %v: it must be between 0 and %v", cfg.RawRetention, MaxRawRetention)
	}
	if cfg.Policy == nil {
		cfg.Policy = consent.Starter()
	}
	if cfg.Channel == "" {
		cfg.Channel = "stable"
	}
	if cfg.Database == "" {
		cfg.Database = filepath.Join(cfg.Dir, "edge.db")
	}
	lock, err := statedir.Lock(cfg.Dir)
	if err != nil {
		return nil, err
	}
	e, err := open(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	e.lock = lock
	return e, nil
}

func open(ctx context.Context, cfg Config) (*Edge, error) {
	ring, err := keyring.Open(filepath.Join(cfg.Dir, "keys"))
	if err != nil {
		return nil, err
	}
	filter, err := scrub.New(scrub.Config{Key: ring.Derive("pseudonym", "local")})
	if err != nil {
		return nil, err
	}
	coarse, err := consent.NewCoarsener()
	if err != nil {
		return nil, err
	}
	db, err := sqlstore.Open(ctx, cfg.Database, sqlstore.RoleEdge)
	if err != nil {
		return nil, err
	}
	v, err := newVault(db, ring.Derive("vault"))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e := &Edge{cfg: cfg, db: db, ring: ring, vault: v, policy: cfg.Policy, filter: filter, coarse: coarse, log: cfg.Log,
		wake: make(chan struct{}, 1), undurable: make(chan sqlstore.DecisionRow, 1<<14)}
	if err := e.loadRelease(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := e.sweep(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return e, nil
}

// Close closes the edge's state.
func (e *Edge) Close() error { return errors.Join(e.db.Close(), e.lock.Close()) }

// Public is the key that verifies this edge's bundles.
func (e *Edge) Public() ed25519.PublicKey { return e.ring.Public() }

// Connect tells the edge of its hub, once both run in one process, and takes up the release that was in force.
func (e *Edge) Connect(ctx context.Context, h Hub) error {
	e.cfg.Hub = &h
	return e.loadRelease(ctx)
}

// Turn takes everything one way through: what waits in the inbox is assembled, what has settled is scrubbed and put
// before the policy, what is approved is packed and contributed; then what the hub has for us is fetched.
func (e *Edge) Turn(ctx context.Context) error {
	e.turning.Lock()
	defer e.turning.Unlock()
	// First of all: raw text goes when its time is over, whatever else may be stuck.
	if _, err := e.vault.expire(ctx, e.cfg.Now().Add(-e.cfg.RawRetention)); err != nil {
		return fmt.Errorf("expire raw text: %w", err)
	}
	if err := e.assemble(ctx); err != nil {
		return fmt.Errorf("assemble: %w", err)
	}
	if err := e.screen(ctx); err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	if err := e.pack(ctx); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	if e.cfg.Hub == nil {
		return nil
	}
	return errors.Join(e.contribute(ctx), e.fetch(ctx)) // a bundle that cannot be sent holds up nothing on the way back
}

// Run turns whenever something arrives, and at least once a minute, until ctx ends. What fails is logged and tried again.
func (e *Edge) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { e.logDecisions(ctx) })
	defer wg.Wait()
	wait := time.Minute
	for {
		if err := e.Turn(ctx); err != nil && ctx.Err() == nil {
			e.log.Error("turn", "err", err)
		}
		wait = e.patience(ctx, wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.wake:
			e.gather(ctx)
		case <-time.After(wait):
		}
	}
}

// patience is how long to wait before the next turn: a minute, but less at first while a hub owes us an answer.
func (e *Edge) patience(ctx context.Context, last time.Duration) time.Duration {
	owed, err := e.db.Owed(ctx, e.cfg.Recipient)
	switch {
	case err != nil || !owed || e.cfg.Hub == nil:
		return time.Minute
	case last == time.Minute:
		return 2 * time.Second
	}
	return min(3*last, 59*time.Second)
}

const (
	quiet   = 300 * time.Millisecond // without anything arriving, a burst is over
	patient = 20 * time.Second       // and this is how long one may last before it is taken up all the same
)

// gather lets a burst come in before it is assembled: intake and assembly share processors and the store's one writer,
// and a tool that waits for its acknowledgement comes first.
func (e *Edge) gather(ctx context.Context) {
	for end := time.Now().Add(patient); time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
			select { // not at every arrival: the channel would be all this loop does
			case <-ctx.Done():
				return
			case <-time.After(quiet / 3):
			}
		case <-time.After(quiet):
			return
		}
	}
}

// Wake asks Run for a turn soon.
func (e *Edge) Wake() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}
