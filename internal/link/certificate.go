// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Certificate is a hub's certificate as it is kept, in the folder certificates: all that an auditor needs who has nothing
// but the hub's key.
type Certificate struct {
	Certificate json.RawMessage `json:"certificate"` // signed
	Proof       json.RawMessage `json:"proof"`       // that the hub's log holds it
	Asked       json.RawMessage `json:"asked"`       // that the log holds the withdrawal
}

// Check verifies that the hub with this key signed the certificate, and that its log, as it signed it, holds both the
// certificate and the withdrawal, and returns what it says and the log's newer checkpoint.
func (k *Certificate) Check(key ed25519.PublicKey) (c bundle.Certificate, at proof.Checkpoint, err error) {
	payload, _, err := bundle.OpenDocument(k.Certificate, bundle.TypeCertificate, bundle.NewTrust(bundle.TrustedKey{Key: key}))
	if err != nil {
		return c, at, err
	}
	if err := bundle.DecodeDocument(payload, &c); err != nil {
		return c, at, err
	}
	log, err := proof.Of(c.LogOrigin, key)
	if err != nil {
		return c, at, err
	}
	held, err := inclusion(k.Proof)
	if err != nil {
		return c, at, proof.NotProven("the proof that the log holds the certificate cannot be read: %w", err)
	}
	asked, err := inclusion(k.Asked)
	if err != nil {
		return c, at, proof.NotProven("the proof that the log holds the withdrawal cannot be read: %w", err)
	}
	if _, err := asked.Verify(log, proof.KindWithdrawal, c.Withdrawal); err != nil {
		return c, at, err
	}
	if asked.Index != c.LogIndex {
		return c, at, proof.NotProven("the proof is of entry %d, the certificate names %d", asked.Index, c.LogIndex)
	}
	if at, err = held.Verify(log, proof.KindCertificate, episode.Digest(k.Certificate)); err != nil {
		return c, at, err
	}
	return c, at, checkOnward(c)
}

// Certificate returns a certificate that was kept, as JSON, by the withdrawal that it is of.
func (l *Link) Certificate(withdrawal string) ([]byte, error) {
	return os.ReadFile(l.certificateFile(withdrawal))
}

func (l *Link) certificateFile(withdrawal string) string {
	return filepath.Join(l.dir, "certificates", strings.TrimPrefix(withdrawal, "sha256:")+".json")
}

// checkOnward verifies the certificates of those to whom records had been passed on.
func checkOnward(c bundle.Certificate) error {
	for _, o := range c.Onward {
		if len(o.Key) != ed25519.PublicKeySize {
			return proof.NotProven("the key of %s has %d bytes", o.Recipient, len(o.Key))
		}
		k := Certificate{Certificate: o.Certificate, Proof: o.Proof, Asked: o.Asked}
		theirs, _, err := k.Check(o.Key)
		if err != nil {
			return fmt.Errorf("the certificate of %s: %w", o.Recipient, err)
		}
		if theirs.Withdrawal != o.Withdrawal || theirs.Recipient != o.Recipient || theirs.LogOrigin != o.Recipient || theirs.Reason != "" {
			return proof.NotProven("the certificate of %s is of another withdrawal", o.Recipient)
		}
	}
	return nil
}

// inclusion reads a proof that is written as ours are, and in no other way: the last letter of base64 has bits to spare, which
// the decoder does not look at.
func inclusion(raw json.RawMessage) (p proof.Inclusion, err error) {
	if err = json.Unmarshal(raw, &p); err != nil {
		return p, err
	}
	var one bytes.Buffer
	b, err := json.Marshal(p)
	if err = errors.Join(err, json.Compact(&one, raw)); err == nil && !bytes.Equal(one.Bytes(), b) {
		err = errors.New("it is not written as a proof is")
	}
	return p, err
}

// certificate verifies a certificate as it was fetched, for a withdrawal and its reason, against the log that this edge
// follows, and keeps it with its proofs. It returns the signed bytes.
func (l *Link) certificate(ctx context.Context, layers [][]byte, withdrawal, reason string) ([]byte, error) {
	if len(layers) != 3 {
		return nil, &episode.Problem{Code: "withdraw/no-proof", Message: "the hub's certificate comes without the proofs that its log holds it and the withdrawal", Hint: "ask the hub's operator"}
	}
	k := Certificate{Certificate: layers[0], Proof: layers[1], Asked: layers[2]}
	c, _, err := k.Check(l.Hub.Public)
	if err != nil {
		return nil, err
	}
	if c.Withdrawal != withdrawal || c.Reason != reason || c.Contributor != l.Hub.Contributor {
		return nil, &episode.Problem{Code: "withdraw/wrong-certificate", Message: "the hub certified another withdrawal", Hint: "ask the hub's operator"}
	}
	if c.LogOrigin != l.Hub.Name {
		return nil, proof.NotProven("the certificate is in the log of %s, this edge follows that of %s", c.LogOrigin, l.Hub.Name)
	}
	if _, _, err := l.inLog(ctx, proof.KindCertificate, episode.Digest(layers[0]), layers[1], nil); err != nil {
		return nil, err
	}
	if _, _, err := l.inLog(ctx, proof.KindWithdrawal, withdrawal, layers[2], nil); err != nil {
		return nil, err
	}
	b, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	return layers[0], statedir.Write(l.certificateFile(withdrawal), append(b, '\n'))
}
