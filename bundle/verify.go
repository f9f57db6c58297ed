// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Verify reads the bundle in dir. Every file must be exactly what Pack would write for these records under this
// signature, and there must be no other.
func Verify(dir string, t Trust) (*Bundle, error) {
	index, err := readFile(dir, ocispec.ImageIndexFile)
	if err != nil {
		if _, missing := errors.AsType[*fs.PathError](err); missing {
			return nil, problem(CodeNotBundle, "give the folder that headrace pack wrote (it has an index.json)", "%s is not a bundle: no %s in it", dir, ocispec.ImageIndexFile)
		}
		return nil, err
	}
	var i ocispec.Index
	if err := json.Unmarshal(index, &i); err != nil || len(i.Manifests) != 1 {
		return nil, malformed("%s does not name one manifest", ocispec.ImageIndexFile)
	}
	read := func(digest string) ([]byte, error) {
		if _, ok := parse(digest); !ok {
			return nil, malformed("%.80q is not a sha256 digest", digest)
		}
		b, err := readFile(dir, blobPath(digest))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, problem(CodeMissing, hintFetch, "%s is missing", blobPath(digest))
		}
		return b, err
	}
	manifest, err := fetch(read, i.Manifests[0].Digest.String())
	if err != nil {
		return nil, err
	}
	envelope, payload, err := fetchLayers(manifest.bytes, read)
	if err != nil {
		return nil, err
	}
	files, err := layout(manifest, envelope, payload)
	if err != nil {
		return nil, err
	}
	if err := checkFiles(dir, files); err != nil {
		return nil, err
	}
	return verify(manifest, envelope, payload, t)
}

// checkFiles compares every file in dir with what it must be.
func checkFiles(dir string, files map[string][]byte) error {
	extra, err := extraFile(dir, files)
	if err != nil {
		return err
	}
	if extra != "" {
		return problem(CodeExtra, "remove it, or fetch the bundle again: nothing may ride along unsigned", "%q is no part of the bundle", extra)
	}
	for name, want := range files {
		got, err := readFile(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			return problem(CodeMissing, hintFetch, "%s is missing", name)
		}
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return malformed("%s is not what this bundle's must be", name)
		}
	}
	return nil
}

// VerifyFrom verifies the bundle with this OCI manifest wherever its blobs are: read returns the bytes named by a digest
// ("sha256:…"), which VerifyFrom checks.
func VerifyFrom(manifest []byte, read func(digest string) ([]byte, error), t Trust) (*Bundle, error) {
	envelope, payload, err := fetchLayers(manifest, read)
	if err != nil {
		return nil, err
	}
	return verify(newBlob(manifest), envelope, payload, t)
}

// fetchLayers returns the two blobs that the OCI manifest names.
func fetchLayers(manifest []byte, read func(string) ([]byte, error)) (envelope, payload blob, err error) {
	var oci ocispec.Manifest
	if len(manifest) > maxDocument || json.Unmarshal(manifest, &oci) != nil || len(oci.Layers) != 2 {
		return envelope, payload, malformed("the OCI manifest is not a bundle's: it must name an envelope and a payload")
	}
	if envelope, err = fetch(read, oci.Layers[0].Digest.String()); err != nil {
		return envelope, payload, err
	}
	payload, err = fetch(read, oci.Layers[1].Digest.String())
	return envelope, payload, err
}

// verify checks a bundle's three blobs against each other.
func verify(manifest, envelope, payload blob, t Trust) (*Bundle, error) {
	if again, err := ociManifest(envelope, payload); err != nil || !bytes.Equal(again, manifest.bytes) {
		return nil, malformed("the OCI manifest is not the one that belongs to these blobs")
	}
	body, signer, err := OpenDocument(envelope.bytes, TypeBundle, t)
	if err != nil {
		return nil, err
	}
	var s statement
	if err := DecodeDocument(body, &s); err != nil {
		return nil, err
	}
	key, _ := t.Lookup(signer)
	if key.Name != "" && key.Name != s.Predicate.Contributor {
		return nil, problem(CodeContributor, "a key signs for its own contributor only: ask both which is right",
			"signed by the key of %s in the name of %s", key.Name, s.Predicate.Contributor)
	}
	lines, err := checkStatement(s, body, payload)
	if err != nil {
		return nil, err
	}
	return &Bundle{Digest: manifest.digest, Manifest: s.Predicate, Signer: signer, SignerName: key.Name, lines: lines}, nil
}

// checkStatement counts the records again and compares what comes out with what was signed.
func checkStatement(s statement, signed []byte, payload blob) ([][]byte, error) {
	// Before anything is unpacked, the signer must have meant this payload and said how large it is.
	claim, err := canonical(newStatement(s.Predicate, payload))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(claim, signed) {
		return nil, problem(CodeDigest, hintFetch, "the payload is not the one that was signed")
	}
	if s.Predicate.PayloadBytes < 1 || s.Predicate.PayloadBytes > MaxPayload {
		return nil, problem(CodeTooLarge, "ask the sender to split it", "the manifest speaks of %d bytes of records; a bundle holds 1 to %d", s.Predicate.PayloadBytes, MaxPayload)
	}
	raw, err := decompress(payload.bytes, s.Predicate.PayloadBytes)
	if err != nil {
		return nil, malformed("the payload cannot be unpacked: %v", err)
	}
	lines, leaves, err := splitLines(raw)
	if err != nil {
		return nil, err
	}
	m, err := summarise(lines, leaves, s.Predicate.Contributor, s.Predicate.Recipient, s.Predicate.Checkpoint)
	if err != nil {
		return nil, err
	}
	again, err := canonical(newStatement(m, payload))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, signed) {
		return nil, problem(CodeManifest, "the sender signed something else than it sent: ask for a new bundle", "the signed manifest does not describe the records")
	}
	return lines, nil
}

// splitLines refuses lines that are not in the order of their digests, each once. It returns each one's Merkle leaf, too.
func splitLines(raw []byte) (lines [][]byte, leaves []hash, err error) {
	if raw[len(raw)-1] != '\n' {
		return nil, nil, malformed("the payload's last line has no end")
	}
	n := bytes.Count(raw, []byte{'\n'})
	lines, leaves = make([][]byte, 0, n), make([]hash, 0, n)
	var last hash
	for len(raw) > 0 {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte{'\n'})
		digest := sha256.Sum256(line)
		if len(lines) > 0 && bytes.Compare(last[:], digest[:]) >= 0 {
			return nil, nil, malformed("record %d is out of order or there twice", len(lines)+1)
		}
		last = digest
		lines, leaves = append(lines, line), append(leaves, leaf(digest))
	}
	return lines, leaves, nil
}

func fetch(read func(string) ([]byte, error), digest string) (blob, error) {
	raw, err := read(digest)
	if err != nil {
		return blob{}, err
	}
	b := newBlob(raw)
	if b.digest != digest {
		return blob{}, problem(CodeDigest, hintFetch, "blob %.80q holds other bytes (%s)", digest, b.digest)
	}
	return b, nil
}

// readFile reads a regular file of at most maxBlob bytes; it follows no link.
func readFile(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, filepath.FromSlash(name))
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, problem(CodeExtra, "a bundle has plain files only", "%s is not a plain file", name)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxBlob+1))
	if len(b) > maxBlob {
		return nil, problem(CodeTooLarge, "ask the sender to split it", "%s is larger than any blob of a bundle", name)
	}
	return b, err
}
