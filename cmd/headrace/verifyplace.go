// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"os"
	"time"

	"filippo.io/age"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/exchange"
)

// identities reads a file as age-keygen writes it.
func identities(file string) ([]age.Identity, error) {
	if file == "" {
		return nil, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	list, err := age.ParseIdentities(f)
	if err != nil {
		return nil, &episode.Problem{Code: "verify/identity", Message: file + " holds no identity of age", Err: err, Hint: "a hub's is keys/age.key of its folder"}
	}
	return list, nil
}

// verifyPlace verifies each bundle that lies in an exchange, and says what it is as verify does of one in a folder of its own. What
// cannot be verified holds up no other.
func verifyPlace(ctx context.Context, p exchange.Place, trust bundle.Trust, ids []age.Identity, now time.Time, each func(*bundle.Bundle) error) error {
	tags, err := exchange.Named(ctx, p, exchange.Bundles)
	if err != nil {
		return exchange.Explain(p, err)
	}
	if len(tags) == 0 {
		return &episode.Problem{Code: "exchange/empty", Message: p.String() + " holds no bundles"}
	}
	var errs []error
	for _, tag := range tags {
		b, err := verifyTagged(ctx, p, tag, trust, ids)
		if err == nil {
			err = b.Manifest.Expired(now)
		}
		if err == nil {
			err = each(b)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func verifyTagged(ctx context.Context, p exchange.Place, tag string, trust bundle.Trust, ids []age.Identity) (*bundle.Bundle, error) {
	desc, err := p.Resolve(ctx, tag)
	if err != nil {
		return nil, err
	}
	m, raw, err := exchange.Manifest(ctx, p, desc)
	if err != nil {
		return nil, err
	}
	blobs := map[string][]byte{}
	if m.ArtifactType == exchange.TypeSealed {
		if raw, err = opened(ctx, p, tag, m, trust, ids, blobs); err != nil {
			return nil, err
		}
		if want := exchange.Holds(desc, m); episode.Digest(raw) != want {
			return nil, &episode.Problem{Code: "exchange/other-bundle", Message: "the encrypted records are not those of " + want, Hint: "ask the sender for a new one"}
		}
	}
	return bundle.VerifyFrom(raw, func(digest string) ([]byte, error) {
		if b, ok := blobs[digest]; ok {
			return b, nil
		}
		for _, l := range m.Layers {
			if l.Digest.String() == digest {
				return exchange.Blob(ctx, p, l, bundle.MaxPayload)
			}
		}
		return nil, &episode.Problem{Code: "bundle/missing-file", Message: digest + " is not named"}
	}, trust)
}

// opened decrypts a sealed bundle into blobs and returns the manifest of what is in it. Without an identity, only who signed it
// and to whom it is encrypted can be said.
func opened(ctx context.Context, p exchange.Place, tag string, m ocispec.Manifest, trust bundle.Trust, ids []age.Identity, blobs map[string][]byte) ([]byte, error) {
	envelope, err := exchange.Blob(ctx, p, m.Layers[0], exchange.MaxLog)
	if err != nil {
		return nil, err
	}
	says, err := bundle.OpenManifest(envelope, trust)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, &episode.Problem{Code: "verify/encrypted", Message: tag + ", signed by " + says.Contributor + ", is encrypted to " + exchange.EncryptedTo(m) + ": its records cannot be checked", Hint: "give --identity FILE to look inside"}
	}
	payload, err := exchange.OpenSealed(ctx, p, m, bundle.MaxPayload, ids...)
	if err != nil {
		return nil, err
	}
	blobs[episode.Digest(envelope)], blobs[episode.Digest(payload)] = envelope, payload
	return bundle.OCIManifest(envelope, payload)
}
