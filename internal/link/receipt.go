// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Receipt is the hub's answer to a bundle, verified: the signed receipt, the proof that its log holds the bundle, and the
// proof that the log continues the one whose checkpoint the bundle carried.
type Receipt struct {
	Receipt     json.RawMessage `json:"receipt"`
	Proof       json.RawMessage `json:"proof"`
	Consistency json.RawMessage `json:"consistency"`
	// WitnessedBy are the witnesses that vouch for the log, of those that we accept; none: not witnessed.
	WitnessedBy []string `json:"witnessed_by"`
}

// Push sends a bundle, once the hub has countersigned its terms, and returns the hub's receipt. What arrived before is not sent twice, and the hub admits a bundle once.
func (l *Link) Push(ctx context.Context, from content.ReadOnlyStorage, root ocispec.Descriptor, m bundle.Manifest) (*Receipt, error) {
	id := root.Digest.String()
	if err := l.agree(ctx, m); err != nil {
		return nil, err
	}
	repo, err := l.Repository(l.Contributor + Bundles)
	if err != nil {
		return nil, err
	}
	opts := oras.DefaultCopyGraphOptions
	opts.Concurrency = 2
	if err := oras.CopyGraph(ctx, from, repo, root, opts); err != nil {
		return nil, fmt.Errorf("push bundle %s: %w", id, l.Explain(err))
	}
	layers, err := l.answerTo(ctx, repo, root, bundle.TypeReceipt, nil)
	if err != nil {
		return nil, fmt.Errorf("receipt of bundle %s: %w", id, err)
	}
	r, err := l.checkReceipt(ctx, id, m, layers)
	if err != nil {
		return nil, fmt.Errorf("receipt of bundle %s: %w", id, err)
	}
	return r, nil
}

// Holds says whether the hub has a bundle of ours, with or without an answer to it.
func (l *Link) Holds(ctx context.Context, id string) (bool, error) {
	repo, err := l.Repository(l.Contributor + Bundles)
	if err != nil {
		return false, err
	}
	_, err = repo.Resolve(ctx, id)
	if errors.Is(err, errdef.ErrNotFound) {
		return false, nil
	}
	return err == nil, l.Explain(err)
}

// checkReceipt makes sure that the hub signed for exactly this bundle, that its log holds it, and that the log continues
// the one whose checkpoint the bundle carried.
func (l *Link) checkReceipt(ctx context.Context, id string, m bundle.Manifest, layers [][]byte) (*Receipt, error) {
	if len(layers) != 3 {
		return nil, &episode.Problem{Code: "receipt/no-proof", Message: fmt.Sprintf("the hub's answer to bundle %s is not a receipt and its two proofs", id), Hint: "ask the hub's operator"}
	}
	var r bundle.Receipt
	if err := l.Open(layers[0], bundle.TypeReceipt, &r); err != nil {
		return nil, err
	}
	if r.Bundle != id || r.Contributor != l.Contributor || r.Records != m.Records || r.MerkleRoot != m.MerkleRoot {
		return nil, &episode.Problem{Code: "receipt/mismatch", Message: fmt.Sprintf("the hub signed a receipt for %s of %s with %d records", r.Bundle, r.Contributor, r.Records),
			Hint: "ask the hub's operator: the receipt does not speak of what was sent"}
	}
	var grown proof.Consistency
	if err := json.Unmarshal(layers[2], &grown); err != nil {
		return nil, proof.NotProven("the hub's proof cannot be read: %w", err)
	}
	p, cp, err := l.inLog(ctx, proof.KindBundle, id, layers[1], &grown)
	if err != nil {
		return nil, err
	}
	if p.Index != r.LogIndex || string(p.Checkpoint) != r.Checkpoint || r.LogOrigin != l.Name {
		return nil, proof.NotProven("the proof is of entry %d in the log of %s, the receipt names %d in that of %s", p.Index, l.Name, r.LogIndex, r.LogOrigin)
	}
	if err := l.grownSince(m.Checkpoint, cp, grown); err != nil {
		return nil, err
	}
	return &Receipt{Receipt: layers[0], Proof: layers[1], Consistency: layers[2], WitnessedBy: cp.Witnesses}, nil
}

// ReceiptFile is where a bundle's receipt is kept with its proofs, as headrace push prints it: for auditors.
func (l *Link) ReceiptFile(id string) string {
	return filepath.Join(l.dir, "receipts", strings.TrimPrefix(id, "sha256:")+".json")
}

// Keep writes a receipt down.
func (l *Link) Keep(id string, r *Receipt) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return statedir.Write(l.ReceiptFile(id), append(b, '\n'))
}

// Incident fetches the hub's signed word on why it refused a bundle.
func (l *Link) Incident(ctx context.Context, digest string) ([]byte, error) {
	repo, err := l.Repository(l.Contributor + Bundles)
	if err != nil {
		return nil, err
	}
	layers, err := l.answerTo(ctx, repo, ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: godigest.Digest(digest)}, bundle.TypeIncident, nil)
	if err != nil {
		return nil, err
	}
	_, err = l.OpenIncident(layers[0], digest)
	return layers[0], err
}

// OpenIncident verifies an incident that the hub signed and returns it.
func (l *Link) OpenIncident(envelope []byte, id string) (inc bundle.Incident, err error) {
	if err := l.Open(envelope, bundle.TypeIncident, &inc); err != nil {
		return inc, err
	}
	if inc.Bundle != id || inc.Contributor != l.Contributor || inc.Recipient != l.Name {
		return inc, &episode.Problem{Code: "incident/mismatch", Message: fmt.Sprintf("the hub signed an incident about %s of %s", inc.Bundle, inc.Contributor), Hint: "ask the hub's operator: it does not speak of what was sent"}
	}
	return inc, nil
}
