// SPDX-License-Identifier: Apache-2.0

package exchange

import (
	"fmt"
	"os"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/episode"
)

// maxIndex is the largest index of a folder that is read: some 100,000 manifests.
const maxIndex = 32 << 20

var (
	tagName  = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
	blobName = regexp.MustCompile(`^blobs/sha256/[0-9a-f]{64}$`)
)

// decodeIndex reads the index of a layout: manifests by digest, no tag twice. What else other programs write beside a
// descriptor is passed over.
func decodeIndex(b []byte) ([]ocispec.Descriptor, error) {
	bad := func(err error, format string, a ...any) error {
		return &episode.Problem{Code: "exchange/bad-index", Message: "index.json is not that of an exchange: " + fmt.Sprintf(format, a...), Err: err, Hint: "copy the folder once more"}
	}
	var i ocispec.Index
	if err := json.Unmarshal(b, &i); err != nil {
		return nil, bad(err, "it is no OCI index")
	}
	if i.SchemaVersion != 2 || i.MediaType != "" && i.MediaType != ocispec.MediaTypeImageIndex {
		return nil, bad(nil, "it is of another version")
	}
	tags := map[string]bool{}
	var list []ocispec.Descriptor
	for _, m := range i.Manifests {
		if m.MediaType != ocispec.MediaTypeImageManifest || m.Digest.Validate() != nil || m.Digest.Algorithm() != digest.SHA256 || m.Size < 0 || m.Size > maxManifest {
			return nil, bad(nil, "it names a %.80q that is none of ours", m.MediaType)
		}
		d := ocispec.Descriptor{MediaType: m.MediaType, Digest: m.Digest, Size: m.Size}
		if t, tagged := m.Annotations[ocispec.AnnotationRefName]; tagged {
			if !tagName.MatchString(t) || tags[t] {
				return nil, bad(nil, "%.80q is no tag, or there twice", t)
			}
			tags[t] = true
			d.Annotations = map[string]string{ocispec.AnnotationRefName: t}
		}
		list = append(list, d)
	}
	return list, nil
}

func encodeIndex(list []ocispec.Descriptor) ([]byte, error) {
	b, err := json.Marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: list}, json.Deterministic(true))
	return append(b, '\n'), err
}

// IsFolder says that a folder is an exchange and not one bundle, whose index has no tags.
func IsFolder(dir string) bool {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return false
	}
	f := &folder{dir: dir, root: root}
	defer f.Close()
	b, err := f.read(indexFile, maxIndex)
	if err != nil {
		return false
	}
	list, err := decodeIndex(b)
	return err == nil && slices.ContainsFunc(list, func(m ocispec.Descriptor) bool { return tagOf(m) != "" })
}
