// SPDX-License-Identifier: Apache-2.0

// Package exchange is a place where an edge and a hub leave signed things for each other: a folder that somebody carries, or
// a repository in a registry that the enterprise runs already.
//
// Start from [Open], which returns a [Place] for either. What lies there is OCI artifacts: bundles under tags that begin with
// [Bundles], withdrawals under [Withdrawals], counts under [Counts], and the hub's answers as referrers of what they answer. [Put] leaves a document,
// [Named] lists what the other side left.
//
// Nothing here is trusted: a digest is checked as the bytes are read, and what they say is for whoever reads them to verify.
// The package knows nothing of what bundles mean.
package exchange

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/errcode"

	"github.com/headrace/headrace/episode"
)

// What tags begin with, by what they name; the start of a digest follows.
const (
	Bundles     = "b-"
	Withdrawals = "w-"
	Returns     = "r-" // a contributor's word that a release decides nothing there any more
	Counts      = "c-" // what a contributor tells of a period
)

// The tags of what there is one of.
const (
	TagSeen = "seen" // the last checkpoint of the hub's log that the edge has seen
	TagLog  = "log"  // the newest one, and proofs that it goes on from others
)

// Place is where an exchange lies. It is for one goroutine at a time.
type Place interface {
	oras.GraphTarget
	registry.TagLister
	io.Closer
	// String is the place as a person would name it.
	String() string
}

// Access is how a place is reached.
type Access struct {
	// Credentials is a file in the form of a docker configuration, with the registry's user and password or token under auths; empty
	// for none. Programs that such a file names are not run.
	Credentials string
	// Make makes the folder where there is none.
	Make bool
	// Log is told what is passed over; nil for nobody.
	Log *slog.Logger
}

// Open opens a place: REGISTRY/REPOSITORY, with http:// before it where the registry does not speak TLS, or a folder, which
// is this process's alone until it is closed. What has the form of both is a folder if there is one.
func Open(where string, a Access) (Place, error) {
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	if ref, plain, is := reference(where); is {
		return openRepository(ref, plain, a.Credentials)
	}
	return openFolder(where, a)
}

// reference takes the address of a repository apart: a host has a dot or a port, as docker has it, so that a folder below this
// one is none.
func reference(where string) (ref string, plain, is bool) {
	if ref, plain = strings.CutPrefix(where, "http://"); plain {
		return ref, true, true
	}
	if ref, is = strings.CutPrefix(where, "https://"); is {
		return ref, false, true
	}
	host, _, deep := strings.Cut(where, "/")
	if !deep || host == "" || strings.Trim(host, ".") == "" || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "", false, false
	}
	if fi, err := os.Stat(where); err == nil && fi.IsDir() {
		return "", false, false
	}
	return where, false, true
}

// Beside makes a folder that a configuration file names absolute: it is meant from where the file lies.
func Beside(file, where string) string {
	if _, _, is := reference(where); is || where == "" || filepath.IsAbs(where) {
		return where
	}
	return filepath.Join(filepath.Dir(file), where)
}

// Tag is the tag of what has this digest.
func Tag(prefix, digest string) string {
	const digits = 12
	hex := strings.TrimPrefix(digest, "sha256:")
	return prefix + hex[:min(digits, len(hex))]
}

// Named returns the tags of a place that begin with one of the prefixes, in order.
func Named(ctx context.Context, p Place, prefixes ...string) ([]string, error) {
	var found []string
	err := p.Tags(ctx, "", func(tags []string) error {
		for _, t := range tags {
			if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(t, prefix) }) {
				found = append(found, t)
			}
		}
		return nil
	})
	if r, ok := errors.AsType[*errcode.ErrorResponse](err); ok && r.StatusCode == http.StatusNotFound || errors.Is(err, errdef.ErrNotFound) {
		return nil, nil // nothing was left in this repository yet
	}
	slices.Sort(found)
	return slices.Compact(found), err
}

// Document is something to be left in a place: an artifact of a few small layers.
type Document struct {
	Type    string              // of the artifact and its first layer; the others are JSON
	Subject *ocispec.Descriptor // what it answers, if anything
	Layers  [][]byte
	Media   []string          // of the layers; nil: as Type says
	Notes   map[string]string // annotations
}

// Manifest returns the manifest that a document has in every place, and where it lies.
func (d Document) Manifest() (m ocispec.Manifest, raw []byte, desc ocispec.Descriptor, err error) {
	m = ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: d.Type, Subject: d.Subject, Annotations: d.Notes,
		Config: content.NewDescriptorFromBytes(ocispec.MediaTypeEmptyJSON, []byte(empty))}
	for i, b := range d.Layers {
		mediaType := d.Type
		if i > 0 {
			mediaType = "application/json"
		}
		if d.Media != nil {
			mediaType = d.Media[i]
		}
		m.Layers = append(m.Layers, content.NewDescriptorFromBytes(mediaType, b))
	}
	raw, err = json.Marshal(m)
	return m, raw, content.NewDescriptorFromBytes(m.MediaType, raw), err
}

const empty = "{}" // the configuration of an artifact

// Lies says whether a document lies whole where [Put] would leave it: under its tag, or among the answers to its subject.
func Lies(ctx context.Context, p oras.GraphTarget, tag string, d Document) (bool, error) {
	m, _, desc, err := d.Manifest()
	if err != nil {
		return false, err
	}
	if tag != "" {
		named, err := p.Resolve(ctx, tag)
		if errors.Is(err, errdef.ErrNotFound) || err == nil && named.Digest != desc.Digest {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	for _, b := range append(m.Layers, m.Config, desc) {
		if is, err := p.Exists(ctx, b); !is || err != nil {
			return false, err
		}
	}
	return listed(ctx, p, d.Subject, desc)
}

// listed says whether who looks for the answers to a subject finds this one. A registry that has no API for them has an index of
// them, which is written after the answer: who is killed between leaves one that nobody finds.
func listed(ctx context.Context, p oras.GraphTarget, subject *ocispec.Descriptor, answer ocispec.Descriptor) (bool, error) {
	if subject == nil {
		return true, nil
	}
	found, err := p.Predecessors(ctx, *subject)
	if err != nil && !errors.Is(err, errdef.ErrNotFound) {
		return false, err
	}
	return slices.ContainsFunc(found, func(f ocispec.Descriptor) bool { return f.Digest == answer.Digest }), nil
}

// Put leaves a document, under a tag unless that is empty. The same document again changes nothing.
func Put(ctx context.Context, p oras.GraphTarget, tag string, d Document) (ocispec.Descriptor, error) {
	m, raw, desc, err := d.Manifest()
	if err != nil {
		return desc, err
	}
	push := func(desc ocispec.Descriptor, b []byte) error {
		if err := p.Push(ctx, desc, bytes.NewReader(b)); !errors.Is(err, errdef.ErrAlreadyExists) {
			return err
		}
		return nil
	}
	bytesOf := append(slices.Clone(d.Layers), []byte(empty))
	for i, b := range append(m.Layers, m.Config) {
		if is, err := p.Exists(ctx, b); err != nil {
			return desc, err
		} else if is {
			continue
		}
		if err := push(b, bytesOf[i]); err != nil {
			return desc, err
		}
	}
	is, err := p.Exists(ctx, desc)
	if err == nil && is {
		is, err = listed(ctx, p, d.Subject, desc)
	}
	if err == nil && !is {
		err = push(desc, raw)
	}
	if err != nil || tag == "" {
		return desc, err
	}
	return desc, p.Tag(ctx, desc, tag)
}

// Manifest reads an artifact's manifest.
func Manifest(ctx context.Context, from content.Fetcher, desc ocispec.Descriptor) (m ocispec.Manifest, raw []byte, err error) {
	if desc.MediaType != ocispec.MediaTypeImageManifest {
		return m, nil, &episode.Problem{Code: "exchange/not-taken", Message: fmt.Sprintf("%s is a %.80q, and no artifact of ours", desc.Digest, desc.MediaType), Hint: "keep other things in a repository of their own"}
	}
	if raw, err = Blob(ctx, from, desc, maxManifest); err != nil {
		return m, nil, err
	}
	bad := func(err error) error {
		return &episode.Problem{Code: "exchange/bad-manifest", Message: fmt.Sprintf("the manifest %s cannot be read, or does not name the layers of an artifact of ours", desc.Digest), Err: err, Hint: "remove it, and let the sender leave it once more"}
	}
	if err := json.Unmarshal(raw, &m); err != nil || len(m.Layers) == 0 || len(m.Layers) > maxLayers {
		return m, nil, bad(err)
	}
	for _, d := range append(slices.Clone(m.Layers), m.Config) {
		// Whoever asks for one with such a name or size is told that he asks wrongly, and would try for ever.
		if err := d.Digest.Validate(); err != nil || d.Size < 0 {
			return m, nil, bad(err)
		}
	}
	return m, raw, nil
}

const (
	maxManifest = 4 << 20 // the largest manifest that is read
	maxLayers   = 4       // of an artifact of ours
	maxAnswers  = 16      // of one type that are looked at
)

// Layers reads an artifact's layers, of at most that many bytes in all.
func Layers(ctx context.Context, from content.Fetcher, desc ocispec.Descriptor, most int64) ([][]byte, error) {
	m, _, err := Manifest(ctx, from, desc)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(m.Layers))
	for i, l := range m.Layers {
		if out[i], err = Blob(ctx, from, l, most); err != nil {
			return nil, err
		}
		most -= l.Size
	}
	return out, nil
}

// Answers finds what answers a subject with this type, by whoever left it: the first few. One that cannot be read is passed over.
func Answers(ctx context.Context, p content.ReadOnlyGraphStorage, subject ocispec.Descriptor, artifactType string) ([]ocispec.Descriptor, error) {
	all, err := p.Predecessors(ctx, subject)
	if err != nil {
		return nil, err
	}
	var found []ocispec.Descriptor
	for looked := 0; len(all) > 0 && looked < maxAnswers; all = all[1:] {
		if t := all[0].ArtifactType; t != "" && t != artifactType {
			continue
		}
		looked++
		m, _, err := Manifest(ctx, p, all[0])
		if _, spoilt := errors.AsType[*episode.Problem](err); spoilt || errors.Is(err, errdef.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if m.ArtifactType == artifactType && m.Subject != nil && m.Subject.Digest == subject.Digest {
			found = append(found, all[0])
		}
	}
	return found, nil
}

// Blob reads one blob of at most that many bytes; its digest is checked.
func Blob(ctx context.Context, from content.Fetcher, desc ocispec.Descriptor, most int64) ([]byte, error) {
	if err := desc.Digest.Validate(); err != nil || desc.Digest.Algorithm() != digest.SHA256 || desc.Size < 0 {
		return nil, damaged(fmt.Sprintf("%.80q is no digest", desc.Digest), err)
	}
	if desc.Size > most {
		return nil, &episode.Problem{Code: "exchange/too-large", Message: fmt.Sprintf("%s is said to have %d bytes; at most %d are taken", desc.Digest, desc.Size, most)}
	}
	rc, err := from.Fetch(ctx, desc)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	b, err := content.ReadAll(rc, desc)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, content.ErrMismatchedDigest) || errors.Is(err, content.ErrTrailingData) {
		return nil, damaged(fmt.Sprintf("%s has other bytes than its digest says, or not all of them", desc.Digest), err)
	}
	return b, err
}

// CodeDamaged is the code of what has other bytes than its digest says, or not all of them.
const CodeDamaged = "exchange/damaged"

func damaged(what string, err error) error {
	return &episode.Problem{Code: CodeDamaged, Message: what, Err: err, Hint: "nothing was taken of it; copy or push it once more, and if it stays so, ask who runs the place"}
}

// Explain makes of what a place answered something that a person can act on.
func Explain(p Place, err error) error {
	r, answered := errors.AsType[*errcode.ErrorResponse](err)
	if answered && (r.StatusCode == http.StatusUnauthorized || r.StatusCode == http.StatusForbidden) || errors.Is(err, auth.ErrBasicCredentialNotFound) {
		return &episode.Problem{Code: "exchange/no-access", Message: p.String() + " does not let us in", Err: err,
			Hint: "name a file with credentials for it, in docker's form; edge and hub both read and write there"}
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return &episode.Problem{Code: "exchange/unreachable", Message: p.String() + " does not answer", Err: u.Err, Hint: "nothing is lost: it is tried again"}
	}
	return err
}
