// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ReadManifest returns the signed manifest of the bundle in dir, and the exact bytes that were signed, without looking at
// the records: for lists. Only Verify says that the records are what the manifest claims.
func ReadManifest(dir string, t Trust) (Manifest, []byte, KeyID, error) {
	index, err := readFile(dir, ocispec.ImageIndexFile)
	if err != nil {
		return Manifest{}, nil, "", err
	}
	var i ocispec.Index
	if err := json.Unmarshal(index, &i); err != nil || len(i.Manifests) != 1 {
		return Manifest{}, nil, "", malformed("%s does not name one manifest", ocispec.ImageIndexFile)
	}
	read := func(digest string) ([]byte, error) {
		if _, ok := parse(digest); !ok {
			return nil, malformed("%.80q is not a sha256 digest", digest)
		}
		return readFile(dir, blobPath(digest))
	}
	manifest, err := fetch(read, i.Manifests[0].Digest.String())
	if err != nil {
		return Manifest{}, nil, "", err
	}
	var oci ocispec.Manifest
	if err := json.Unmarshal(manifest.bytes, &oci); err != nil || len(oci.Layers) != 2 {
		return Manifest{}, nil, "", malformed("the OCI manifest is not a bundle's: it must name an envelope and a payload")
	}
	envelope, err := fetch(read, oci.Layers[0].Digest.String())
	if err != nil {
		return Manifest{}, nil, "", err
	}
	return openManifest(envelope.bytes, t)
}

// OpenManifest is ReadManifest for a bundle whose envelope is at hand.
func OpenManifest(envelope []byte, t Trust) (Manifest, error) {
	m, _, _, err := openManifest(envelope, t)
	return m, err
}

func openManifest(envelope []byte, t Trust) (Manifest, []byte, KeyID, error) {
	body, signer, err := OpenDocument(envelope, TypeBundle, t)
	if err != nil {
		return Manifest{}, nil, "", err
	}
	var s statement
	err = DecodeDocument(body, &s)
	return s.Predicate, body, signer, err
}
