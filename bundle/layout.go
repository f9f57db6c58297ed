// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/episode"
)

// The media types of a bundle.
const (
	ArtifactType  = "application/vnd.headrace.bundle.v1+json"
	MediaEnvelope = "application/vnd.dsse.envelope.v1+json"
	MediaPayload  = "application/vnd.headrace.records.v1+jsonl+zstd"
)

// maxBlob bounds what is read into memory for one blob.
const maxBlob = MaxPayload

// blob is a blob and its digest, which takes long to work out where it is large.
type blob struct {
	digest string
	bytes  []byte
}

func newBlob(b []byte) blob { return blob{episode.Digest(b), b} }

// ociManifest is the OCI manifest of a bundle: a pure function of its two blobs.
func ociManifest(envelope, payload blob) ([]byte, error) {
	return canonical(ocispec.Manifest{
		Versioned:    specs.Versioned{SchemaVersion: 2},
		MediaType:    ocispec.MediaTypeImageManifest,
		ArtifactType: ArtifactType,
		Config:       descriptor(ocispec.MediaTypeEmptyJSON, newBlob([]byte(emptyConfig))),
		Layers:       []ocispec.Descriptor{descriptor(MediaEnvelope, envelope), descriptor(MediaPayload, payload)},
	})
}

// OCIManifest is the manifest, and with its digest the name, of the bundle of these two blobs: for who has them from elsewhere
// than a layout. Only verifying says that they belong together.
func OCIManifest(envelope, payload []byte) ([]byte, error) {
	return ociManifest(newBlob(envelope), newBlob(payload))
}

// emptyConfig is the config of an OCI artifact that has none.
const emptyConfig = "{}"

func descriptor(mediaType string, b blob) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(b.digest), Size: int64(len(b.bytes))}
}

// layout returns every file of the OCI image layout with that manifest and blobs, by slash-separated path.
func layout(manifest blob, blobs ...blob) (map[string][]byte, error) {
	d := descriptor(ocispec.MediaTypeImageManifest, manifest)
	d.ArtifactType = ArtifactType
	index, err := canonical(ocispec.Index{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageIndex,
		Manifests: []ocispec.Descriptor{d},
	})
	if err != nil {
		return nil, err
	}
	marker, err := canonical(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{
		ocispec.ImageIndexFile:  index,
		ocispec.ImageLayoutFile: marker,
	}
	for _, b := range append(blobs, manifest, newBlob([]byte(emptyConfig))) {
		files[blobPath(b.digest)] = b.bytes
	}
	return files, nil
}

func blobPath(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

// write puts the files into dir so that a crash leaves either nothing or all: a folder beside it is filled and synced,
// then renamed. A folder that holds exactly these files already is left as it is.
func write(dir string, files map[string][]byte) error {
	switch same, err := holds(dir, files); {
	case err != nil:
		return err
	case same:
		return nil
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return fmt.Errorf("make folder for bundle: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, "."+filepath.Base(dir)+".*") // 0700: the records are nobody else's
	if err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	defer os.RemoveAll(tmp)
	blobs := filepath.Join(tmp, "blobs", "sha256")
	if err := os.MkdirAll(blobs, 0o700); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	for name, b := range files {
		if err := writeSynced(filepath.Join(tmp, filepath.FromSlash(name)), b); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	// The names must be on disk before the rename makes them visible, and the rename before Pack says it is done.
	for _, d := range []string{blobs, filepath.Dir(blobs), tmp} {
		if err := syncDir(d); err != nil {
			return fmt.Errorf("write bundle: %w", err)
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // an empty folder, as holds has seen
		return fmt.Errorf("write bundle: %w", err)
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("write bundle: %w", err)
	}
	return syncDir(parent)
}

// holds reports whether dir has exactly these files; it is an error if dir has anything else.
func holds(dir string, files map[string][]byte) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return false, nil
	}
	exists := problem(CodeExists, "choose another folder", "%s is there already and holds something else", dir)
	if err != nil {
		return false, exists
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name))); err != nil || !bytes.Equal(got, want) {
			return false, exists
		}
	}
	if extra, err := extraFile(dir, files); err != nil || extra != "" {
		return false, exists
	}
	return true, nil
}

// extraFile returns the path of something in dir that is none of files nor a folder on the way to one, or "".
func extraFile(dir string, files map[string][]byte) (extra string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		_, known := files[name]
		if known && d.Type().IsRegular() || d.IsDir() && (name == "." || name == "blobs" || name == "blobs/sha256") {
			return nil
		}
		extra = name
		return fs.SkipAll
	})
	return extra, err
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
