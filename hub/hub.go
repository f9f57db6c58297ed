// SPDX-License-Identifier: Apache-2.0

// Package hub is the role at the maker of a tool or model: it takes in what contributors approved, makes datasets and
// control models of it, lets nothing out that has not passed the gate, and settles what each contribution was worth.
//
// Start from [Hub.Turn], the whole way in one sentence: curate → watch → train → evaluate → release → roll → settle, after erasing what was withdrawn. What comes before,
// accept → verify → admit, happens when a contributor pushes to the hub's own OCI registry ([Hub.Handler], admit.go).
// Each step is a method in the file of its name. What a step makes is named by its content and stored in one commit, so a
// step that was interrupted is simply done again.
//
// The hub never sees raw text: only what an edge has filtered and a contributor approved.
package hub

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/blob"
	"github.com/headrace/headrace/internal/keyring"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/reward"
	"github.com/headrace/headrace/internal/rights"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/tlog"
	"github.com/headrace/headrace/internal/trail"
	"github.com/headrace/headrace/internal/value"
)

// Config is what a hub needs to know.
type Config struct {
	// Dir holds keys, blobs, the log and, by default, the database.
	Dir string
	// Database is a path to an SQLite file or a postgres:// address; empty means hub.db in Dir.
	Database string
	// Name is what policies and terms call this recipient, and the log's origin.
	Name string
	// Signing says where the key is that signs documents and the log.
	Signing keyring.Signing
	// Pace says how fast a roll-out goes on by itself.
	Pace release.Pace
	// Version is that of the program: each release names it.
	Version string
	// Witnesses are asked to cosign the log's checkpoints.
	Witnesses []tlog.Witness
	// Onward are the hubs that this one has joined: what terms let them have is passed on to them.
	Onward []link.Hub
	// Exchanges are places where contributors leave what they do not push here.
	Exchanges []Exchange
	// Reward is what a decision is worth, which the hub learns and judges by; the zero value is reward.Immediate.
	Reward reward.Spec
	// RateCard says what a measured contribution earns; nil is the built-in one.
	RateCard *value.RateCard
	// Syslog is where the audit trail is sent, too: udp://HOST:PORT, tcp://HOST:PORT or unix:///PATH; empty for nowhere.
	Syslog string
	// Limits bound how often codes may be wrong.
	Limits access.Limits
	// Intake says who may bring what, and how.
	Intake
	Log *slog.Logger
	Now func() time.Time
}

// Hub is one running hub. It is safe for concurrent use.
type Hub struct {
	cfg    Config
	lock   *statedir.Held
	db     *sqlstore.DB
	ring   *keyring.Ring
	rights rights.Use // what may be used for what, by whose output it is
	blobs  *blob.Store
	reg    *registry.Registry
	tlog   *tlog.Log
	log    *slog.Logger
	trail  *trail.Keeper
	door   door                 // who may bring what
	onward []*link.Link         // hubs that this one passes on to, guarded by turning
	later  map[string]time.Time // until when a hub, or a bundle at one, is not tried again, guarded by turning

	entering  turnstile  // into the log: each digest once
	admitting sync.Mutex // a bundle sees the withdrawals before it, and those after it see the bundle; nothing is deleted under it
	turning   sync.Mutex // one turn at a time, and guards what follows
	swept     time.Time
	places    places

	rolling sync.Mutex              // one change of a roll-out at a time, and guards what follows
	shown   map[release.Kind]string // digests of the roll-outs that are known to be where contributors find them

	wake  chan struct{}
	stats Stats
}

// New opens a hub's state. Close it when done.
func New(ctx context.Context, cfg Config) (*Hub, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Name == "" {
		cfg.Name = DefaultName
	}
	if cfg.RateCard == nil {
		cfg.RateCard = value.DefaultRateCard()
	}
	if cfg.Database == "" {
		cfg.Database = filepath.Join(cfg.Dir, "hub.db")
	}
	lock, err := statedir.Lock(cfg.Dir)
	if err != nil {
		return nil, err
	}
	h, err := open(ctx, cfg)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	h.lock = lock
	return h, nil
}

func open(ctx context.Context, cfg Config) (*Hub, error) {
	ring, err := keyring.OpenWith(filepath.Join(cfg.Dir, "keys"), cfg.Signing)
	if err != nil {
		return nil, err
	}
	blobs, err := blob.Open(filepath.Join(cfg.Dir, "blobs"), filepath.Join(cfg.Dir, "keys", "blobs"))
	if err != nil {
		return nil, err
	}
	db, err := sqlstore.Open(ctx, cfg.Database, sqlstore.RoleHub)
	if err != nil {
		return nil, err
	}
	l, err := tlog.Open(ctx, tlog.Config{Dir: filepath.Join(cfg.Dir, "log"), Origin: cfg.Name, Key: ring.Signing(), Witnesses: cfg.Witnesses})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	use, err := rights.Makers()
	if err != nil {
		return nil, errors.Join(err, db.Close(), l.Close())
	}
	h := &Hub{cfg: cfg, db: db, ring: ring, rights: use, blobs: blobs, tlog: l, log: cfg.Log, wake: make(chan struct{}, 1), later: map[string]time.Time{}, shown: map[release.Kind]string{},
		places: places{settled: map[string]time.Time{}, refused: map[string]time.Time{}, senders: map[string][]string{}}}
	for _, to := range cfg.Onward {
		h.Connect(to)
	}
	if err := errors.Join(h.clearOnward(), h.openTrail(), h.openDoor(), h.openRegistry()); err != nil {
		return nil, errors.Join(err, h.closeStores())
	}
	return h, nil
}

// Close closes the hub's state.
func (h *Hub) Close() error {
	h.trail.Close()
	return errors.Join(h.closeStores(), h.lock.Close())
}

func (h *Hub) closeStores() error { return errors.Join(h.tlog.Close(), h.db.Close()) }

// Public is the key that verifies this hub's documents and log.
func (h *Hub) Public() ed25519.PublicKey { return h.ring.Public() }

// Handler serves contributors: the OCI registry under /v2/, the transparency log under /log/, and the invite.
func (h *Hub) Handler() http.Handler {
	mux := access.NewMux(access.Forbidden())
	mux.Handle("/v2/", h.reg)
	mux.Handle("/log/", http.StripPrefix("/log", h.tlog))
	mux.Handle("POST /v1/enrol", h.cfg.Limits.Codes(http.HandlerFunc(h.serveEnrol)))
	mux.HandleFunc("POST /v1/renew", h.serveRenew)
	return mux
}

// Turn makes of what was admitted what can be made: a snapshot, a candidate, a gate report, perhaps a release, and
// statements. Where nothing changed since the last turn it does nothing. What contributors left in exchanges is taken in
// before, and answered after; what may be passed on to other hubs goes last, and what was taken back is taken back there first.
func (h *Hub) Turn(ctx context.Context) error {
	h.turning.Lock()
	defer h.turning.Unlock()
	return h.visit(ctx, h.cfg.Exchanges, func() error {
		asked := h.askOnward(ctx)
		own := h.turn(ctx)
		return errors.Join(own, asked, h.takeBackOnward(ctx), h.passOn(ctx)) // others hold up nothing of ours
	})
}

// turn is Turn without exchanges. turning is held. What cannot be erased yet is told, and holds up nobody else: it is in no snapshot,
// and not certified.
func (h *Hub) turn(ctx context.Context) error {
	err := errors.Join(h.expire(ctx), h.erase(ctx), h.sweep(ctx))
	if err != nil {
		err = fmt.Errorf("erase what was withdrawn or has expired: %w", err)
	}
	going, made := h.rebuild(ctx)
	if made == nil {
		made = h.certify(ctx)
	}
	return errors.Join(err, made, going)
}

// rebuild is the steps from what was admitted to statements. What is wrong with a roll-out, going, keeps nothing else from being made.
func (h *Hub) rebuild(ctx context.Context) (going, made error) {
	s, fresh, err := h.curate(ctx)
	if err != nil {
		return nil, fmt.Errorf("curate: %w", err)
	}
	if s == nil || !fresh {
		return h.roll(ctx), nil
	}
	going = errors.Join(h.watch(ctx, s), h.roll(ctx)) // what does harm goes back before anything else is tried
	c, err := h.train(ctx, s)
	if err != nil {
		return going, fmt.Errorf("train: %w", err)
	}
	g, err := h.evaluate(ctx, s, c)
	if err != nil {
		return going, fmt.Errorf("evaluate: %w", err)
	}
	if err := h.release(ctx, s, release.Filter, c.digest, c.model, g); err != nil {
		return going, fmt.Errorf("release: %w", err)
	}
	if err := h.route(ctx, s, c); err != nil {
		return going, fmt.Errorf("route: %w", err)
	}
	going = errors.Join(going, h.roll(ctx))
	if err := h.tell(ctx, s, c); err != nil {
		return going, fmt.Errorf("rewards: %w", err)
	}
	if err := h.instruct(ctx, s); err != nil {
		return going, fmt.Errorf("instruct: %w", err)
	}
	if err := h.settle(ctx, s, c, g); err != nil {
		return going, fmt.Errorf("settle: %w", err)
	}
	return going, nil
}

// Run turns whenever something was admitted, and at least once a minute, until ctx ends.
func (h *Hub) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { h.trail.Run(ctx) })
	defer wg.Wait()
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		if err := h.Turn(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("turn", "err", err, "hint", episode.HintOf(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-h.wake:
			select { // let a contributor's other bundles come in
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		case <-tick.C:
		}
	}
}

// Wake asks Run for a turn soon.
func (h *Hub) Wake() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}
