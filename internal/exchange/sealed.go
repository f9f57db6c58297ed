// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"

	"github.com/headrace/headrace/episode"
)

// A sealed bundle is a bundle whose records are encrypted with age to who may read them, for places that others can read. Its
// signed manifest stays in the clear, so that whoever carries it can see from whom it is and what it claims to hold.
const (
	TypeSealed   = "application/vnd.headrace.sealed.v1+json"
	mediaSealed  = "application/vnd.headrace.records.v1+jsonl+zstd+age"
	noteBundle   = "dev.headrace.bundle"    // the digest of the bundle that is in it
	noteFor      = "dev.headrace.encrypted" // the recipient's public key
	sealOverhead = 1 << 20                  // more than age adds to the largest payload in chunks of 64 KiB with 16 bytes each
)

// Recipient checks that this is a public key that bundles can be encrypted to.
func Recipient(key string) (*age.X25519Recipient, error) {
	to, err := age.ParseX25519Recipient(key)
	if err != nil {
		return nil, &episode.Problem{Code: "exchange/bad-recipient", Message: fmt.Sprintf("%.80q is no key to encrypt to", key), Err: err, Hint: "headrace hub recipient prints the hub's: age1 and 58 letters and digits"}
	}
	return to, nil
}

// Seal is a document that holds a bundle of this name: its envelope as it is and its payload encrypted. It is another one each time.
func Seal(name string, envelope, payload []byte, to *age.X25519Recipient) (Document, error) {
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, to)
	if err != nil {
		return Document{}, fmt.Errorf("encrypt: %w", err)
	}
	if _, err = w.Write(payload); err == nil {
		err = w.Close()
	}
	if err != nil {
		return Document{}, fmt.Errorf("encrypt: %w", err)
	}
	return Document{Type: TypeSealed, Layers: [][]byte{envelope, sealed.Bytes()}, Media: []string{TypeSealed, mediaSealed},
		Notes: map[string]string{noteBundle: name, noteFor: to.String()}}, nil
}

// Holds is the digest of the bundle that an artifact is, or says that it holds; empty where that is none.
func Holds(desc ocispec.Descriptor, m ocispec.Manifest) string {
	if m.ArtifactType != TypeSealed {
		return desc.Digest.String()
	}
	if d := digest.Digest(m.Annotations[noteBundle]); d.Validate() == nil && d.Algorithm() == digest.SHA256 {
		return d.String()
	}
	return ""
}

// EncryptedTo is the public key of who can open a sealed bundle, as it says itself.
func EncryptedTo(m ocispec.Manifest) string { return m.Annotations[noteFor] }

// OpenSealed decrypts the payload of a sealed bundle, of at most that many bytes.
func OpenSealed(ctx context.Context, from content.Fetcher, m ocispec.Manifest, most int64, identities ...age.Identity) ([]byte, error) {
	if len(m.Layers) != 2 || m.Layers[1].MediaType != mediaSealed {
		return nil, damaged("a sealed bundle is an envelope and encrypted records", nil)
	}
	sealed, err := Blob(ctx, from, m.Layers[1], most+sealOverhead)
	if err != nil {
		return nil, err
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), identities...)
	if _, other := errors.AsType[*age.NoIdentityMatchError](err); other {
		return nil, &episode.Problem{Code: "exchange/wrong-identity", Message: fmt.Sprintf("the records are encrypted to %.80s, and not to the key at hand", EncryptedTo(m)),
			Hint: "open them with the identity of whom they were encrypted to; or let the sender encrypt them to this hub: headrace hub recipient prints its key"}
	}
	if err != nil {
		return nil, damaged("the encrypted records cannot be opened", err)
	}
	payload, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, damaged("the encrypted records cannot be opened", err)
	}
	if int64(len(payload)) > most {
		return nil, &episode.Problem{Code: "exchange/too-large", Message: fmt.Sprintf("the encrypted records are more than %d bytes", most)}
	}
	return payload, nil
}
