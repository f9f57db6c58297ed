// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// onwardFor is how long a turn may go on with a hub that records are passed on to, but for the bundle that it is at.
const onwardFor = 5 * time.Minute

// Connect has the hub pass on to another what its terms let that one have.
func (h *Hub) Connect(to link.Hub) {
	h.turning.Lock()
	defer h.turning.Unlock()
	h.onward = slices.DeleteFunc(h.onward, func(l *link.Link) bool { return l.Name == to.Name })
	h.onward = append(h.onward, link.New(to, link.Config{Dir: h.cfg.Dir, Ring: h.ring, Log: h.log, Now: h.cfg.Now}))
}

// passOn gives the hubs that this one has joined what their contributors' terms let them have, once, as it came. One that is away holds
// up no other.
func (h *Hub) passOn(ctx context.Context) error {
	var errs []error
	for _, l := range h.onward {
		if err := h.passTo(ctx, l); err != nil {
			errs = append(errs, fmt.Errorf("pass on to %s: %w", l.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (h *Hub) passTo(ctx context.Context, l *link.Link) error {
	if !l.Joined() || h.cfg.Now().Before(h.later[l.Name]) {
		return nil
	}
	first, cancel := context.WithTimeout(ctx, onwardFor)
	defer cancel()
	if err := errors.Join(l.Renew(first), l.Watch(first)); err != nil {
		return err
	}
	sent, err := h.db.Passages(ctx, l.Name, sqlstore.PassageSending)
	if err != nil {
		return err
	}
	list, err := h.db.Unpassed(ctx, l.Name)
	if err != nil {
		return err
	}
	var todo []func(context.Context) error
	var of []string
	for _, p := range sent {
		todo, of = append(todo, func(ctx context.Context) error { return h.askAgain(ctx, l, p) }), append(of, p.Source)
	}
	for _, a := range list {
		todo, of = append(todo, func(ctx context.Context) error { return h.passBundle(ctx, l, a) }), append(of, a.Bundle)
	}
	var errs []error
	for i, do := range todo {
		if first.Err() != nil {
			break // the rest with the next turn
		}
		key := of[i] + " " + l.Name
		if h.cfg.Now().Before(h.later[key]) {
			continue
		}
		one, cancel := context.WithTimeout(ctx, link.VisitFor)
		err := do(one)
		cancel()
		if err == nil {
			delete(h.later, key)
			continue
		}
		errs = append(errs, fmt.Errorf("bundle %s: %w", of[i], err))
		if wait := (*link.WaitError)(nil); errors.As(err, &wait) {
			h.later[l.Name] = h.cfg.Now().Add(min(wait.After, link.LongestWait))
			break // for all of them
		}
		if p := (*episode.Problem)(nil); errors.As(err, &p) && p.Code != "hub/unreachable" { // it will say the same in a minute
			h.later[key] = h.cfg.Now().Add(link.LongestWait)
		}
	}
	return errors.Join(errs...)
}

// askAgain ends a passage that was cut off: either its recipient has it, or it is sent again, the same bundle if its records are the same.
func (h *Hub) askAgain(ctx context.Context, l *link.Link, p sqlstore.PassageRow) error {
	m, err := bundle.OpenManifest(p.Manifest, bundle.NewTrust(bundle.TrustedKey{Name: l.Contributor, Key: h.Public()}))
	if err != nil {
		return err
	}
	held, err := l.Holds(ctx, p.Bundle)
	if err != nil {
		return err
	}
	if held {
		r, err := l.ReceiptOf(ctx, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: ocidigest(p.Bundle)}, m)
		if err != nil {
			return err
		}
		return h.passed(ctx, l, p, r)
	}
	a, err := h.db.AdmittedBundle(ctx, p.Source)
	if err != nil {
		return err
	}
	return h.packed(ctx, l, a, m.Checkpoint, func(o onwardBundle) error {
		if o.row.Bundle != p.Bundle {
			return h.db.DropPassage(ctx, p) // some were taken back since: made anew with the next turn
		}
		o.row = p
		return h.send(ctx, l, o)
	})
}

// onwardBundle is what a recipient gets of one bundle, packed in a folder.
type onwardBundle struct {
	row    sqlstore.PassageRow
	ids    []string
	m      bundle.Manifest
	layout content.ReadOnlyStorage
	root   ocispec.Descriptor
}

func (h *Hub) passBundle(ctx context.Context, l *link.Link, a sqlstore.AdmittedRow) error {
	seen, err := l.LastSeen()
	if err != nil {
		return err
	}
	return h.packed(ctx, l, a, seen, func(o onwardBundle) error {
		if changed, err := h.commit(ctx, a, o); changed || err != nil || o.row.State == sqlstore.PassageNone {
			return err // what changed is looked at again with the next turn
		}
		return h.send(ctx, l, o)
	})
}

// packed packs what the recipient may have of a bundle for as long as do lasts.
func (h *Hub) packed(ctx context.Context, l *link.Link, a sqlstore.AdmittedRow, checkpoint string, do func(onwardBundle) error) error {
	dir, err := os.MkdirTemp(h.cfg.Dir, onwardFolder)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o, err := h.prepare(ctx, l, a, checkpoint, filepath.Join(dir, "bundle"))
	if err != nil {
		return err
	}
	return do(o)
}

// send sends what is committed.
func (h *Hub) send(ctx context.Context, l *link.Link, o onwardBundle) error {
	if err := l.PushPassage(ctx, o.row.Bundle, o.row.Passage); err != nil {
		return err
	}
	r, err := l.Push(ctx, o.layout, o.root, o.m)
	if inc := (*link.IncidentError)(nil); errors.As(err, &inc) {
		h.log.Error("a hub refused what was passed on to it, for what it found in it", "hub", l.Name, "bundle", o.row.Source, "err", err)
		return h.db.SetPassage(ctx, o.row, sqlstore.PassageRefused, inc.Problem.Error())
	}
	if err != nil {
		return err
	}
	return h.passed(ctx, l, o.row, r)
}

// onwardFolder begins the names of folders in which something is packed to be passed on; what a crash leaves of one is removed.
const onwardFolder = ".onward-"

// clearOnward removes what a crash has left.
func (h *Hub) clearOnward() error {
	left, err := filepath.Glob(filepath.Join(h.cfg.Dir, onwardFolder+"*"))
	for _, dir := range left {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return err
}

// prepare packs what the recipient may have of a bundle: the records whose terms name it behind us, as they came.
func (h *Hub) prepare(ctx context.Context, l *link.Link, a sqlstore.AdmittedRow, checkpoint, dir string) (o onwardBundle, err error) {
	o = onwardBundle{row: sqlstore.PassageRow{Source: a.Bundle, Recipient: l.Name, Contributor: a.Contributor, State: sqlstore.PassageNone, MadeAt: h.cfg.Now(), Manifest: []byte{}, Passage: []byte{}}}
	lines, err := h.lines(ctx, a.Shard)
	if err != nil {
		return o, err
	}
	taken, err := h.db.WithdrawnBy(ctx, a.Contributor)
	if err != nil {
		return o, err
	}
	var out [][]byte
	for _, line := range lines {
		var e ending
		if err := json.Unmarshal(line, &e); err != nil {
			return o, err
		}
		if e.Terms == nil || taken[e.episode()] || !h.mayPass(e.Terms, l.Name, a.Received()) {
			continue
		}
		out, o.ids = append(out, line), append(o.ids, e.episode())
	}
	if len(out) == 0 {
		return o, nil
	}
	slices.Sort(o.ids)
	o.ids = slices.Compact(o.ids)
	if o.m, o.row.Bundle, err = bundle.Pack(dir, out, bundle.Options{Signer: h.ring.Signing(), Contributor: l.Contributor, Recipient: l.Name, Checkpoint: checkpoint}); err != nil {
		return o, err
	}
	o.row.State = sqlstore.PassageSending
	layout, err := oci.NewFromFS(ctx, os.DirFS(dir))
	if err != nil {
		return o, err
	}
	if o.root, err = layout.Resolve(ctx, o.row.Bundle); err != nil {
		return o, err
	}
	m, _, err := exchange.Manifest(ctx, layout, o.root)
	if err != nil {
		return o, err
	}
	if o.row.Manifest, err = exchange.Blob(ctx, layout, m.Layers[0], m.Layers[0].Size); err != nil {
		return o, err
	}
	o.layout = layout
	o.row.Passage, err = h.passage(ctx, l, a, o, lines)
	return o, err
}

// mayPass says that terms name a recipient behind us, and have not run out.
func (h *Hub) mayPass(t *episode.Terms, recipient string, received time.Time) bool {
	own, to := slices.Index(t.Recipients, h.cfg.Name), slices.Index(t.Recipients, recipient)
	until := t.Until(received)
	return own >= 0 && to > own && (until.IsZero() || h.cfg.Now().Before(until))
}

// passage signs whose the records of a bundle are that is passed on.
func (h *Hub) passage(ctx context.Context, l *link.Link, a sqlstore.AdmittedRow, o onwardBundle, lines [][]byte) ([]byte, error) {
	envelope, err := h.envelopeOf(ctx, a.Bundle)
	if err != nil {
		return nil, err
	}
	m, key, err := h.signerOf(ctx, a.Contributor, envelope)
	if err != nil {
		return nil, err
	}
	leaves := bundle.Leaves(lines)
	if a.Leaves != "" { // some were taken back since
		if err := json.Unmarshal([]byte(a.Leaves), &leaves); err != nil {
			return nil, err
		}
	}
	p := bundle.Passage{RecipientKey: l.Public, Key: key, Manifest: envelope, Receipt: a.Receipt}
	if a.Passage != "" {
		if p.Before, err = h.blobs.Get(ctx, a.Passage); err != nil {
			return nil, err
		}
	}
	return bundle.SealDocument(bundle.TypePassage, bundle.NewPassage(p, o.row.Bundle, o.m, a.Bundle, m, leaves), h.ring.Signing())
}

// envelopeOf is what its contributor signed of a bundle.
func (h *Hub) envelopeOf(ctx context.Context, digest string) ([]byte, error) {
	raw, err := h.blobs.Get(ctx, digest)
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := json.Unmarshal(raw, &m); err != nil || len(m.Layers) == 0 {
		return nil, fmt.Errorf("manifest of bundle %s: %w", digest, errors.Join(err, errors.New("it has no layers")))
	}
	return h.blobs.Get(ctx, m.Layers[0].Digest.String())
}

// signerOf is the key, of all that a contributor ever had, that signed an envelope.
func (h *Hub) signerOf(ctx context.Context, contributor string, envelope []byte) (m bundle.Manifest, key ed25519.PublicKey, err error) {
	trust, err := h.trustEver(ctx, contributor)
	if err != nil {
		return m, nil, err
	}
	for _, k := range trust.Keys() {
		if m, err = bundle.OpenManifest(envelope, bundle.NewTrust(k)); err == nil {
			return m, k.Key, nil
		}
	}
	return m, nil, errors.Join(err, errors.New("no key of its contributor has signed it"))
}

// commit says what is passed on, before it is, unless records were taken back meanwhile.
func (h *Hub) commit(ctx context.Context, a sqlstore.AdmittedRow, o onwardBundle) (changed bool, err error) {
	h.admitting.Lock() // a withdrawal is before this, or sees it
	defer h.admitting.Unlock()
	now, err := h.db.AdmittedBundle(ctx, a.Bundle)
	if err != nil {
		return false, err
	}
	taken, err := h.db.WithdrawnBy(ctx, a.Contributor)
	if err != nil {
		return false, err
	}
	if now.Shard != a.Shard || slices.ContainsFunc(o.ids, func(id string) bool { return taken[id] }) {
		return true, nil
	}
	return false, h.db.Pass(ctx, o.row, o.ids)
}

// passed tells the contributor what was passed on, with the recipient's receipt.
func (h *Hub) passed(ctx context.Context, l *link.Link, p sqlstore.PassageRow, r *link.Receipt) error {
	if err := l.Keep(p.Bundle, r); err != nil {
		return err
	}
	logged, err := h.logOnce(ctx, proof.KindPassage, episode.Digest(p.Passage))
	if err != nil {
		return err
	}
	layers, err := withProofs(p.Passage, r.Receipt, r.Proof, logged)
	if err != nil {
		return err
	}
	if _, _, err := h.publish(ctx, p.Contributor+link.Passages, link.PassageTag(p.Bundle), bundle.TypePassage, nil, layers...); err != nil {
		return err
	}
	return h.db.SetPassage(ctx, p, sqlstore.PassageReceived, "")
}
