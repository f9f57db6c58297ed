// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/sqlstore"
)

// onwardPatience is how long a certificate waits for that of a hub that records were passed on to, and once more for each behind it: so
// that those in front hear of the last. After it what they have counts as beyond reach; what they are asked stays asked.
const onwardPatience = 7 * 24 * time.Hour

func (h *Hub) patience(list []sqlstore.PassageRow) time.Duration {
	behind := 0
	for _, p := range list {
		// It is our own word: what it says of who may come behind is what its terms say.
		m, err := bundle.OpenManifest(p.Manifest, bundle.NewTrust(bundle.TrustedKey{Key: h.Public()}))
		if err != nil {
			continue
		}
		for _, t := range m.Terms {
			behind = max(behind, len(t.Terms.Recipients)-1-slices.Index(t.Terms.Recipients, p.Recipient))
		}
	}
	return onwardPatience * time.Duration(1+behind)
}

// askOnward signs and keeps what is to be taken back from the hubs that records were passed on to.
func (h *Hub) askOnward(ctx context.Context) error {
	if len(h.onward) == 0 {
		return nil
	}
	open, err := h.db.OpenWithdrawals(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, o := range open {
		if o.Reason == "" { // what has expired expires there, too, by the same terms
			if err := h.askBack(ctx, o); err != nil {
				errs = append(errs, fmt.Errorf("withdrawal %s: %w", o.ID, err))
			}
		}
	}
	return errors.Join(errs...)
}

// takeBackOnward takes back from the hubs that records were passed on to what was taken back here, and certifies what had waited for
// theirs. One that is away holds up no other.
func (h *Hub) takeBackOnward(ctx context.Context) error {
	var errs []error
	certified := false
	for _, l := range h.onward {
		some, err := h.fetchOnward(ctx, l)
		if certified = certified || some; err != nil {
			errs = append(errs, fmt.Errorf("take back from %s: %w", l.Name, err))
		}
	}
	if certified {
		errs = append(errs, h.certify(ctx))
	}
	return errors.Join(errs...)
}

// passedOn are the ids of a withdrawal that were passed on, by whom to.
func (h *Hub) passedOn(ctx context.Context, o sqlstore.OpenWithdrawal) (map[string][]string, error) {
	if o.Reason != "" {
		return nil, nil
	}
	ids, err := h.idsOf(ctx, o)
	if err != nil {
		return nil, err
	}
	return h.db.PassedOn(ctx, o.Contributor, ids)
}

// askBack signs what is taken back from each recipient, and keeps it before it is sent.
func (h *Hub) askBack(ctx context.Context, o sqlstore.OpenWithdrawal) error {
	to, err := h.passedOn(ctx, o)
	if err != nil {
		return err
	}
	asked, err := h.db.OnwardWithdrawals(ctx, o.ID)
	if err != nil {
		return err
	}
	for _, l := range h.onward {
		ids := to[l.Name]
		if len(ids) == 0 || slices.ContainsFunc(asked, func(w sqlstore.OnwardWithdrawal) bool { return w.Recipient == l.Name }) {
			continue
		}
		envelope, err := bundle.SealDocument(bundle.TypeWithdrawal, bundle.Withdrawal{Contributor: l.Contributor, Recipient: l.Name, IDs: ids}, h.ring.Signing())
		if err != nil {
			return err
		}
		if err := h.db.AskOnward(ctx, sqlstore.OnwardWithdrawal{Withdrawal: o.ID, Recipient: l.Name, ID: episode.Digest(envelope), Envelope: envelope}); err != nil {
			return err
		}
	}
	return nil
}

// fetchOnward sends what is taken back from a recipient and fetches its certificates, and reports whether there were some.
func (h *Hub) fetchOnward(ctx context.Context, l *link.Link) (some bool, err error) {
	open, err := h.db.OpenOnward(ctx, l.Name)
	if err != nil || len(open) == 0 || !l.Joined() {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, onwardFor)
	defer cancel()
	var errs []error
	for _, w := range open {
		_, err := l.Withdraw(ctx, w.ID, w.Envelope)
		if errors.Is(err, errdef.ErrNotFound) {
			continue // it certifies with a turn of its own
		}
		var k []byte
		if err == nil {
			k, err = l.Certificate(w.ID)
		}
		if err == nil {
			err = h.db.CertifyOnward(ctx, w, k, l.Public)
		}
		some = some || err == nil
		errs = append(errs, err)
	}
	return some, errors.Join(errs...)
}

// joined says that a hub can be asked.
func (h *Hub) joined(name string) bool {
	return slices.ContainsFunc(h.onward, func(l *link.Link) bool { return l.Name == name && l.Joined() })
}

// errWaits says that a certificate waits for somebody else's.
var errWaits = errors.New("a hub that records were passed on to has not certified yet")

// onwardFates is what became of records where they were passed on to, or errWaits.
func (h *Hub) onwardFates(ctx context.Context, o sqlstore.OpenWithdrawal) (fates []bundle.Fate, certified []bundle.Onward, err error) {
	to, err := h.passedOn(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	asked, err := h.db.OnwardWithdrawals(ctx, o.ID)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(to)) {
		var w sqlstore.OnwardWithdrawal
		if i := slices.IndexFunc(asked, func(w sqlstore.OnwardWithdrawal) bool { return w.Recipient == name }); i >= 0 {
			w = asked[i]
		}
		if w.Certificate == nil {
			list, err := h.db.PassagesOf(ctx, o.Contributor, name)
			if err != nil {
				return nil, nil, err
			}
			if h.joined(name) && h.cfg.Now().Before(o.AskedAt.Add(h.patience(list))) {
				return nil, nil, errWaits
			}
			fates = append(fates, bundle.Fate{Artifact: o.ID, Kind: "passage", Fate: "beyond reach at " + name})
			continue
		}
		var k link.Certificate
		if err := json.Unmarshal(w.Certificate, &k); err != nil {
			return nil, nil, err
		}
		theirs, _, err := k.Check(w.Key)
		if err != nil {
			return nil, nil, err
		}
		for _, f := range theirs.Fates {
			fates = append(fates, bundle.Fate{Artifact: f.Artifact, Kind: f.Kind, Fate: "at " + name + ": " + f.Fate})
		}
		certified = append(certified, bundle.Onward{Recipient: name, Key: w.Key, Withdrawal: w.ID, Certificate: k.Certificate, Proof: k.Proof, Asked: k.Asked})
	}
	return fates, certified, nil
}

// leavesOf is what is kept of a bundle once it is not whole any more, to show still that what is left of it is its contributor's.
func leavesOf(lines [][]byte) (string, error) {
	b, err := json.Marshal(bundle.Leaves(lines))
	return string(b), err
}
