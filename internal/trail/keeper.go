// SPDX-License-Identifier: Apache-2.0

package trail

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

// TypeHead is the payload type of a signed [Head].
const TypeHead = "application/vnd.headrace.audit-head.v1+json"

// Store is where the rows are.
type Store interface {
	TrailHead(ctx context.Context) (Head, error)
	TrailAfter(ctx context.Context, seq int64) iter.Seq2[Row, error]
	Trail(ctx context.Context, f Filter) ([]Row, error)
	TrailWords(ctx context.Context) (who, what []string, err error)
	// TrailSent returns the last row that was handed on to a server: number 0 where there is none, no hash where it is not known.
	TrailSent(ctx context.Context, server string) (Head, error)
	SetTrailSent(ctx context.Context, server string, last Head) error
	// Noted says that there are new rows.
	Noted() <-chan struct{}
}

// Filter selects rows of a trail; empty fields select all.
type Filter struct {
	Who    string    `json:"who,omitzero"`
	What   string    `json:"what,omitzero"`
	From   time.Time `json:"from,omitzero"`
	Before time.Time `json:"before,omitzero"`
	Below  int64     `json:"below,omitzero"` // rows before this one; 0: from the newest on
	Limit  int       `json:"limit"`
}

// OnDay makes the filter let through one day (UTC, 2006-01-02) only.
func (f *Filter) OnDay(day string) error {
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return &episode.Problem{Code: "audit/day", Message: fmt.Sprintf("%q is not a day", day), Hint: "write it as 2006-01-02; days are those of UTC"}
	}
	f.From, f.Before = at, at.AddDate(0, 0, 1)
	return nil
}

// Page is some rows of a trail, newest first, and how it does.
type Page struct {
	State
	Rows      []Row
	Who, What []string // there are, to choose from
	Next      int64    // Filter.Below of the next page; 0 on the last
}

// Keeper signs how far a role's trail has come, in a file beside the database, and hands rows on to a syslog server. It is
// safe for concurrent use.
type Keeper struct {
	Store  Store
	Of     string             // "edge" or "hub"; whose, its key says
	Path   string             // of the signed head
	Key    ed25519.PrivateKey // signs the head
	Syslog *Syslog            // nil for none
	Log    *slog.Logger

	signing sync.Mutex // one at a time

	mu      sync.Mutex // guards what follows
	problem string     // why rows are not handed on
	broken  error      // the trail is not what it was
}

// HeadFile is where, in a role's folder, its signed head lies.
const HeadFile = "audit.head"

// Open makes the keeper of a role's trail, "edge" or "hub", with its folder, the seed of the key that signs the head, and the address
// of a syslog server; empty for none.
func Open(store Store, of, dir string, seed []byte, syslog string, log *slog.Logger) (*Keeper, error) {
	server, err := ParseSyslog(syslog, "headrace-"+of)
	return &Keeper{Store: store, Of: of, Path: filepath.Join(dir, HeadFile), Key: ed25519.NewKeyFromSeed(seed), Syslog: server, Log: log}, err
}

// State is how a trail does.
type State struct {
	Head   Head
	Server string // empty for none
	Unsent int64  // rows that wait for it
	Away   string // why, if they cannot be sent
	Broken error  // the trail is not what its signed head says
}

// State tells.
func (k *Keeper) State(ctx context.Context) (s State, err error) {
	if s.Head, err = k.Store.TrailHead(ctx); err != nil {
		return s, err
	}
	if s.Head.Of = k.Of; k.Syslog != nil {
		s.Server = k.Syslog.String()
		sent, err := k.Store.TrailSent(ctx, s.Server)
		if err != nil {
			return s, err
		}
		s.Unsent = max(0, s.Head.Seq-sent.Seq)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Away, s.Broken = k.problem, k.broken
	return s, nil
}

// Page reads a page.
func (k *Keeper) Page(ctx context.Context, f Filter) (p Page, err error) {
	if p.State, err = k.State(ctx); err != nil {
		return p, err
	}
	if p.Who, p.What, err = k.Store.TrailWords(ctx); err != nil {
		return p, err
	}
	size := f.Limit
	f.Limit++
	if p.Rows, err = k.Store.Trail(ctx, f); len(p.Rows) > size {
		p.Rows = p.Rows[:size]
		p.Next = p.Rows[size-1].Seq
	}
	return p, err
}

// again is how soon a server that was away is tried again.
const again = 10 * time.Second

// Run signs and hands on whatever is noted, until ctx ends. A server that hangs holds up no signature.
func (k *Keeper) Run(ctx context.Context) {
	fresh := make(chan struct{}, 1) // there may be rows to hand on
	var forwarding sync.WaitGroup
	defer forwarding.Wait()
	if k.Syslog != nil {
		forwarding.Go(func() { k.forward(ctx, fresh) })
	}
	for {
		if err := k.Sign(ctx); err != nil && ctx.Err() == nil {
			k.Log.Error("the audit trail's head is not signed", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-k.Store.Noted():
			select {
			case fresh <- struct{}{}:
			default:
			}
		case <-time.After(time.Minute):
		}
	}
}

// forward hands on what is noted, until ctx ends.
func (k *Keeper) forward(ctx context.Context, fresh <-chan struct{}) {
	for {
		wait := time.Minute
		if err := k.Forward(ctx); err != nil && ctx.Err() == nil {
			wait = again
		}
		select {
		case <-ctx.Done():
			return
		case <-fresh:
		case <-time.After(wait):
		}
	}
}

// Close signs what Run has not. Where it cannot, the next start does.
func (k *Keeper) Close() {
	if err := k.Sign(context.Background()); err != nil {
		k.Log.Error("the audit trail's head is not signed", "err", err)
	}
}

// Sign signs the head, if the trail goes on from the one that was signed last, and from the row that was handed on last. Where it
// does not, the old one stays, so that what was done shows for as long as it lies there.
func (k *Keeper) Sign(ctx context.Context) error {
	k.signing.Lock()
	defer k.signing.Unlock()
	sent, err := k.sent(ctx) // before the head: what is handed on meanwhile is beyond neither
	if err != nil {
		return err
	}
	now, err := k.Store.TrailHead(ctx)
	if err != nil {
		return err
	}
	was, err := k.signed()
	if err != nil {
		return err
	}
	if err = k.goesOn(ctx, was, now); err == nil {
		err = k.goesOn(ctx, sent, now)
	}
	k.mu.Lock()
	k.broken = err
	k.mu.Unlock()
	if err != nil || was.Seq == now.Seq {
		return err
	}
	now.Of = k.Of
	b, err := bundle.SealDocument(TypeHead, now, k.Key)
	if err != nil {
		return err
	}
	return statedir.Write(k.Path, b)
}

// sent is the last row that was handed on. Who cuts a trail off, and puts an older signed head in its place, may not think of it.
func (k *Keeper) sent(ctx context.Context) (Head, error) {
	if k.Syslog == nil {
		return Head{}, nil
	}
	return k.Store.TrailSent(ctx, k.Syslog.String())
}

// goesOn looks at one row alone, that of a head which was signed or handed on: Verify looks at all.
func (k *Keeper) goesOn(ctx context.Context, was, now Head) error {
	if was.Seq == 0 || was.Seq == now.Seq && was.Hash == now.Hash {
		return nil
	}
	for r, err := range k.Store.TrailAfter(ctx, was.Seq-1) {
		switch {
		case err != nil:
			return err
		case r.Seq == was.Seq && (r.Hash == was.Hash || was.Hash == ""):
			return nil
		case r.Seq == was.Seq:
			return found(CodeChanged, r.Seq, "rows up to %d were written anew: they were signed, or sent, with another hash", r.Seq)
		}
		break
	}
	return found(CodeCut, now.Seq+1, "rows up to %d were there and are not any more: the trail ends with row %d", was.Seq, now.Seq)
}

// signed is the head that was signed last.
func (k *Keeper) signed() (h Head, err error) {
	b, err := os.ReadFile(k.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	return k.open(b)
}

// open reads a signed head of this trail.
func (k *Keeper) open(b []byte) (Head, error) {
	h, err := OpenHead(b, k.Key.Public().(ed25519.PublicKey))
	if err == nil && h.Of != k.Of {
		err = headProblem(fmt.Errorf("it is of the trail of another role, %q", h.Of))
	}
	return h, err
}

// OpenHead reads a signed head.
func OpenHead(b []byte, key ed25519.PublicKey) (h Head, err error) {
	payload, _, err := bundle.OpenDocument(b, TypeHead, bundle.NewTrust(bundle.TrustedKey{Name: "audit trail", Key: key}))
	if err == nil {
		err = bundle.DecodeDocument(payload, &h)
	}
	if err != nil {
		return h, headProblem(err)
	}
	return h, nil
}

func headProblem(err error) error {
	return &episode.Problem{Code: "audit/head", Message: "the signed head of the audit trail was not made by this key", Err: err,
		Hint: "headrace audit verify prints the key that a role signs with; it is made from keys/root.key"}
}

// Verify reads the whole trail, and finds whether it is what it was when its head was signed last, and when copies of the
// file that others kept were.
func (k *Keeper) Verify(ctx context.Context, copies ...[]byte) (Head, error) {
	// What was handed on first, then what the store says of itself and what is signed, so that rows which come meanwhile are beyond all.
	sent, err := k.sent(ctx)
	if err != nil {
		return Head{}, err
	}
	own, err := k.Store.TrailHead(ctx)
	if err != nil {
		return Head{}, err
	}
	signed, err := k.signed()
	if err != nil {
		return Head{}, err
	}
	heads := []Head{own, signed}
	if sent.Hash != "" {
		heads = append(heads, sent)
	}
	for _, b := range copies {
		h, err := k.open(b)
		if err != nil {
			return Head{}, err
		}
		heads = append(heads, h)
	}
	h, err := Verify(k.Store.TrailAfter(ctx, 0), heads...)
	if err == nil && h.Seq > 0 && signed.Seq == 0 && len(copies) == 0 {
		err = &episode.Problem{Code: "audit/no-head", Message: fmt.Sprintf("%d rows follow from each other, but their end was never signed, or %s was taken away: whether rows were cut off cannot be seen", h.Seq, filepath.Base(k.Path)),
			Hint: "a running role signs within a minute; compare with a copy of the signed head (--head), or with the syslog server"}
	}
	return h, err
}

// forwardPart is how many rows go to a server at once.
const forwardPart = 500

// Forward hands on what was not yet, oldest first.
func (k *Keeper) Forward(ctx context.Context) error {
	if k.Syslog == nil {
		return nil
	}
	err := k.forwardAll(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil:
		k.problem = ""
	case k.problem == "" && ctx.Err() == nil:
		k.Log.Error("the syslog server is away; rows of the audit trail wait for it", "server", k.Syslog.String(), "err", err)
		fallthrough
	default:
		k.problem = err.Error()
	}
	return err
}

func (k *Keeper) forwardAll(ctx context.Context) error {
	server := k.Syslog.String()
	sent, err := k.Store.TrailSent(ctx, server)
	if err != nil {
		return err
	}
	var part []Row
	send := func() error {
		if len(part) == 0 {
			return nil
		}
		if err := k.Syslog.Send(ctx, part); err != nil {
			return err
		}
		last := part[len(part)-1]
		err := k.Store.SetTrailSent(ctx, server, Head{Seq: last.Seq, Hash: last.Hash})
		part = part[:0]
		return err
	}
	for r, err := range k.Store.TrailAfter(ctx, sent.Seq) {
		if err != nil {
			return err
		}
		if part = append(part, r); len(part) == forwardPart {
			if err := send(); err != nil {
				return err
			}
		}
	}
	return send()
}
