// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

// Agreements is the repository of what both sides signed before the first record went.
const Agreements = "/agreements"

// Agreed is an agreement with the hub's countersignature, as it is kept in the folder agreements: for auditors.
type Agreed struct {
	Agreement        json.RawMessage `json:"agreement"`        // signed by the contributor
	Countersignature json.RawMessage `json:"countersignature"` // signed by the hub
}

// agree makes sure that the hub has countersigned all terms under which a bundle goes. Terms are agreed on once. A link that cannot sign
// only carries what somebody has agreed on who can.
func (l *Link) agree(ctx context.Context, m bundle.Manifest) error {
	if l.ring == nil {
		return nil
	}
	known, err := l.agreedTerms()
	if err != nil {
		return err
	}
	a := bundle.Agreement{Contributor: l.Contributor, Recipient: l.Name}
	for _, t := range m.Terms {
		key, err := bundle.TermsKey(t.Terms)
		if err != nil {
			return err
		}
		if !known[key] {
			a.Terms = append(a.Terms, t.Terms)
		}
	}
	if len(a.Terms) == 0 {
		return nil
	}
	envelope, err := bundle.SealDocument(bundle.TypeAgreement, a, l.ring.Signing())
	if err != nil {
		return err
	}
	repo, err := l.Repository(l.Contributor + Agreements)
	if err != nil {
		return err
	}
	desc, err := l.PushDocument(ctx, repo, bundle.TypeAgreement, envelope)
	if err != nil {
		return fmt.Errorf("agree on terms: %w", err)
	}
	layers, err := l.answerTo(ctx, repo, desc, bundle.TypeCountersignature, func(layers [][]byte) error { return l.countersigned(envelope, layers[0]) })
	if err != nil {
		return fmt.Errorf("agree on terms: %w", err)
	}
	b, err := json.Marshal(Agreed{Agreement: envelope, Countersignature: layers[0]})
	if err != nil {
		return err
	}
	return statedir.Write(filepath.Join(l.agreedDir(), strings.TrimPrefix(episode.Digest(envelope), "sha256:")+".json"), append(b, '\n'))
}

// countersigned makes sure that the hub signed for exactly this agreement.
func (l *Link) countersigned(agreement, countersignature []byte) error {
	var c bundle.Countersignature
	if err := l.Open(countersignature, bundle.TypeCountersignature, &c); err != nil {
		return err
	}
	if c.Agreement != episode.Digest(agreement) || c.Contributor != l.Contributor || c.Recipient != l.Name {
		return &episode.Problem{Code: "terms/mismatch", Message: fmt.Sprintf("the hub countersigned other terms, of %s for %s", c.Contributor, c.Recipient), Hint: "ask the hub's operator; nothing is sent meanwhile"}
	}
	return nil
}

// agreedDir has a folder for each hub's key: another hub has countersigned nothing.
func (l *Link) agreedDir() string {
	return filepath.Join(l.dir, "agreements", string(bundle.KeyIDOf(l.Public)))
}

// agreedTerms are the terms that the hub has countersigned. A file that says otherwise counts for nothing: it is agreed on anew.
func (l *Link) agreedTerms() (map[string]bool, error) {
	known := map[string]bool{}
	files, err := os.ReadDir(l.agreedDir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read agreements: %w", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(l.agreedDir(), f.Name()))
		if err != nil {
			return nil, fmt.Errorf("read agreements: %w", err)
		}
		var both Agreed
		if json.Unmarshal(b, &both) != nil || l.countersigned(both.Agreement, both.Countersignature) != nil {
			continue
		}
		// The hub's word names its digest; whose signature it bears it has seen.
		a, err := bundle.ReadAgreement(both.Agreement)
		if err != nil {
			continue
		}
		for _, t := range a.Terms {
			key, err := bundle.TermsKey(t)
			if err != nil {
				return nil, err
			}
			known[key] = true
		}
	}
	return known, nil
}
