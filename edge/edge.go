// SPDX-License-Identifier: Apache-2.0

// Package edge is the role on the enterprise's servers: it takes in what coding tools say, keeps raw text sealed, decides
// under the enterprise's policy what may leave, and brings back what came of it.
//
// Start from [Edge.Turn], the whole way in one sentence: receive → assemble → follow → scrub → hold → approve → pack →
// contribute, and then the way back: receipts, releases, statements, certificates. [Edge.Run] turns it for as long as the
// process lives; [Edge.Handler] serves the tools. Each step is a method in the file of its name and keeps its state in
// SQL, so that a step that was interrupted anywhere is simply done again by the next turn.
//
// The edge knows a hub only through [link.Link]: as an OCI registry with a public key. It never imports the hub.
package edge

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/gateway"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/poll"
	"github.com/headrace/headrace/internal/spool"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/scrub"
)

// Edge is one running edge. It is safe for concurrent use.
type Edge struct {
	cfg            Config
	lock           *statedir.Held
	db             *sqlstore.DB
	ring           *keyring.Ring
	inbox, decided *spool.Spool // sealed: acknowledged payloads that wait for assembly, decisions that wait for their row
	vault          *vault
	devices        devices  // of developers
	versions       versions // of the policy
	instructions   instructions
	filter         *scrub.Scrubber
	explainer      func() (*scrub.Scrubber, error) // the same filter, that also says why: for pages
	coarse         consent.Coarsener
	pollers        []*poll.Poller
	log            *slog.Logger
	trail          *trail.Keeper

	telling   sync.Mutex                      // guards who is known by which key, while several hubs say so
	turning   sync.Mutex                      // one turn at a time, and guards what follows
	hubs      []*hub                          // by their names
	joins     bool                            // some parts of episodes were joined by a key
	git       bool                            // commits are known of some repository: the lines of suggestions are followed
	fresh     fresh                           // of this turn
	stuck     bool                            // something failed on the way out this turn: nothing is sent
	prefs     map[string]*consent.Preferences // of developers, as last read
	wake      chan struct{}
	decisions decisionLog      // of Headrace's own policy
	gateway   *gateway.Gateway // nil for none
	keyless   error            // why it cannot serve: the key of an upstream is not there
	stats     Stats

	watching  [3]*watched              // what is rolled out here, by kind; nil where nothing is compared; guarded by turning
	arranging sync.Mutex               // guards what follows while it changes
	force     [3]atomic.Pointer[force] // what decides, by kind
	arranged  bool                     // once: from then on changes are noted
}

// New opens an edge's state. Close it when done.
func New(ctx context.Context, cfg Config) (*Edge, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
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
	e.explores()
	return e, nil
}

func open(ctx context.Context, cfg Config) (*Edge, error) {
	ring, err := keyring.OpenWith(filepath.Join(cfg.Dir, "keys"), cfg.Signing)
	if err != nil {
		return nil, err
	}
	cfg.Filter.Key = ring.Derive("pseudonym", "local")
	filter, err := scrub.New(cfg.Filter)
	if err != nil {
		return nil, err
	}
	explain := cfg.Filter
	explain.Explain = true
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
	joins, err := db.AnyJoin(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	git, err := db.AnyCommit(ctx)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	e := &Edge{cfg: cfg, db: db, joins: joins, git: git, ring: ring, vault: v, filter: filter, coarse: coarse,
		explainer: sync.OnceValues(func() (*scrub.Scrubber, error) { return scrub.New(explain) }), log: cfg.Log,
		wake: make(chan struct{}, 1)}
	e.decisions.open(ring, coarse)
	for _, h := range cfg.Hubs {
		e.hubs = append(e.hubs, e.newHub(h))
	}
	slices.SortStableFunc(e.hubs, func(a, b *hub) int { return strings.Compare(a.link.Name, b.link.Name) })
	if err := errors.Join(e.openTrail(), e.openPolicy(ctx), e.openPollers(), e.openDevices(), e.openGateway(), e.openSpools(ctx), e.openReleases(ctx), e.loadInstructions(ctx), e.sweep(ctx)); err != nil {
		return nil, errors.Join(err, e.closeStores())
	}
	return e, nil
}

// The spools, by the name under which the store counts what is done with.
const (
	spoolInbox     = "inbox"
	spoolDecisions = "decisions"
)

func (e *Edge) openSpools(ctx context.Context) error {
	for name, s := range map[string]**spool.Spool{spoolInbox: &e.inbox, spoolDecisions: &e.decided} {
		done, err := e.db.SpoolDone(ctx, name)
		if err != nil {
			return err
		}
		if *s, err = spool.Open(filepath.Join(e.cfg.Dir, name), done); err != nil {
			return err
		}
	}
	return e.recordDecisions(ctx) // so that only what this process has made durable is not among the rows
}

// Close closes the edge's state.
func (e *Edge) Close() error {
	for _, h := range e.hubs {
		h.link.HangUp()
	}
	e.trail.Close()
	return errors.Join(e.closeStores(), e.lock.Close())
}

func (e *Edge) closeStores() error {
	return errors.Join(e.inbox.Close(), e.decided.Close(), e.db.Close())
}

// Public is the key that verifies this edge's bundles.
func (e *Edge) Public() ed25519.PublicKey { return e.ring.Public() }

// Turn takes everything one way through: what waits in the inbox is assembled, what became of it in git is found
// out, what has settled is scrubbed and put before the policy, what is approved is packed, what periods that are over come to is
// counted; then each hub is met.
func (e *Edge) Turn(ctx context.Context) error {
	e.turning.Lock()
	defer e.turning.Unlock()
	out := e.ready(ctx)
	// What fails on the way out keeps nothing from coming back: a release that does harm is taken back all the same.
	e.stuck = out != nil
	if !e.stuck {
		if out = e.pack(ctx); out != nil {
			out = fmt.Errorf("pack: %w", out) // what cannot be signed holds up nothing that was
		}
		out = errors.Join(out, e.count(ctx))
	}
	watched := e.watchReleases(ctx)
	met := e.meetHubs(ctx)
	return errors.Join(out, watched, met, e.arrange(ctx))
}

// ready makes what came in ready to be packed.
func (e *Edge) ready(ctx context.Context) error {
	// Decisions are no raw text, but rest in the spool under a key that expires as if they were: they come out before it goes.
	recorded := e.recordDecisions(ctx)
	// Raw text goes when its time is over, whatever else may be stuck.
	if _, err := e.vault.expire(ctx, e.cfg.Now().Add(-e.cfg.RawRetention)); err != nil {
		return fmt.Errorf("expire raw text: %w", err)
	}
	// The key of the next day is made before it comes: what is acknowledged then waits for no database.
	if _, err := e.vault.inbox(ctx, day(e.cfg.Now())+1); err != nil {
		return fmt.Errorf("the vault's next key: %w", err)
	}
	if recorded != nil {
		return fmt.Errorf("record decisions: %w", recorded)
	}
	// What people said of decisions is read before those that nobody spoke of are closed, which may be many after a rest.
	if err := e.assemble(ctx); err != nil {
		return fmt.Errorf("assemble: %w", err)
	}
	if err := e.closeDecisions(ctx); err != nil {
		return fmt.Errorf("close decisions: %w", err)
	}
	if err := e.assemble(ctx); err != nil {
		return fmt.Errorf("assemble: %w", err)
	}
	if err := e.follow(ctx); err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	if err := e.screen(ctx); err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	return nil
}
