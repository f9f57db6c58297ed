// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Passages is the repository where a hub that passes on says so, and where a contributor learns of it.
const Passages = "/passages"

// PassageTag is the tag of the passage by which a bundle came.
func PassageTag(bundle string) string {
	hex := strings.TrimPrefix(bundle, "sha256:")
	return "p-" + hex[:min(32, len(hex))]
}

// PushPassage says to the hub how a bundle comes to be ours to give, before the bundle is pushed.
func (l *Link) PushPassage(ctx context.Context, id string, envelope []byte) error {
	repo, err := l.Repository(l.Contributor + Passages)
	if err != nil {
		return err
	}
	desc, err := l.PushDocument(ctx, repo, bundle.TypePassage, envelope)
	if err != nil {
		return err
	}
	return l.Explain(repo.Tag(ctx, desc, PassageTag(id)))
}

// ReceiptOf fetches the receipt of a bundle that was pushed before.
func (l *Link) ReceiptOf(ctx context.Context, root ocispec.Descriptor, m bundle.Manifest) (*Receipt, error) {
	repo, err := l.Repository(l.Contributor + Bundles)
	if err != nil {
		return nil, err
	}
	layers, err := l.answerTo(ctx, repo, root, bundle.TypeReceipt, nil)
	if err != nil {
		return nil, err
	}
	return l.checkReceipt(ctx, root.Digest.String(), m, layers)
}

// Onward is what a hub has passed on of what we gave it, verified: its signed word, and the receipt of whom it passed it on to.
type Onward struct {
	bundle.Passage
	Records  int
	Index    uint64          // in the recipient's log
	Envelope json.RawMessage // of the passage
	Receipt  json.RawMessage // the recipient's, signed
	Proof    json.RawMessage // that the recipient's log holds the bundle
	Logged   json.RawMessage // that the hub's log holds the passage
}

// Onwards fetches what the hub has passed on, but for the bundles that are known. One that cannot be taken in holds up no other.
func (l *Link) Onwards(ctx context.Context, known []string) (list []Onward, err error) {
	have := map[string]bool{}
	for _, id := range known {
		have[PassageTag(id)] = true
	}
	repo, err := l.Repository(l.Contributor + Passages)
	if err != nil {
		return nil, err
	}
	fresh, err := l.fresh(ctx, repo, func(t string) bool { return !have[t] })
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, t := range fresh {
		o, err := l.onward(ctx, repo, t)
		if err != nil {
			errs = append(errs, fmt.Errorf("passage %s: %w", t, err))
			continue
		}
		list = append(list, o)
	}
	return list, errors.Join(errs...)
}

func (l *Link) onward(ctx context.Context, repo Store, tag string) (o Onward, err error) {
	desc, err := repo.Resolve(ctx, tag)
	if err != nil {
		return o, l.Explain(err)
	}
	layers, err := l.layers(ctx, repo, desc)
	if err != nil {
		return o, err
	}
	if len(layers) != 4 {
		return o, &episode.Problem{Code: "passage/no-proof", Message: "what the hub says that it passed on comes without its recipient's receipt and the proofs", Hint: "ask the hub's operator"}
	}
	if err := l.Open(layers[0], bundle.TypePassage, &o.Passage); err != nil {
		return o, err
	}
	p := o.Passage
	if p.Hub != l.Name || p.Contributor != l.Contributor || PassageTag(p.Bundle) != tag {
		return o, mismatch("the hub says that it passed on a bundle of %s, given to %s", p.Contributor, p.Hub)
	}
	var r bundle.Receipt
	payload, _, err := bundle.OpenDocument(layers[1], bundle.TypeReceipt, bundle.NewTrust(bundle.TrustedKey{Key: p.RecipientKey}))
	if err == nil {
		err = bundle.DecodeDocument(payload, &r)
	}
	if err != nil {
		return o, err
	}
	if r.Bundle != p.Bundle || r.Recipient != p.Recipient || r.Contributor != p.As || r.LogOrigin != p.Recipient {
		return o, mismatch("the receipt that comes with it is of %s for %s", r.Contributor, r.Recipient)
	}
	log, err := proof.Of(p.Recipient, p.RecipientKey)
	if err != nil {
		return o, err
	}
	held, err := inclusion(layers[2])
	if err != nil {
		return o, proof.NotProven("the proof that %s has it cannot be read: %w", p.Recipient, err)
	}
	if _, err := held.Verify(log, proof.KindBundle, p.Bundle); err != nil {
		return o, err
	}
	if held.Index != r.LogIndex {
		return o, proof.NotProven("the proof is of entry %d, the receipt names %d", held.Index, r.LogIndex)
	}
	if _, _, err := l.inLog(ctx, proof.KindPassage, episode.Digest(layers[0]), layers[3], nil); err != nil {
		return o, err
	}
	o.Records, o.Index, o.Envelope, o.Receipt, o.Proof, o.Logged = r.Records, r.LogIndex, layers[0], layers[1], layers[2], layers[3]
	return o, nil
}

func mismatch(format string, a ...any) error {
	return &episode.Problem{Code: "passage/mismatch", Message: fmt.Sprintf(format, a...), Hint: "ask the hub's operator: it does not speak of what was given to it"}
}
