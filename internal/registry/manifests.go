// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
)

func (g *Registry) getManifest(w http.ResponseWriter, r *http.Request, p route) error {
	if !blob.Valid(p.ref) && !tagName.MatchString(p.ref) {
		return errManifest
	}
	m, err := g.cfg.Index.Manifest(r.Context(), p.repo, p.ref)
	if errors.Is(err, ErrNotFound) {
		return errManifest
	}
	if err != nil {
		return err
	}
	raw, err := g.cfg.Blobs.Get(r.Context(), m.Digest)
	if errors.Is(err, blob.ErrNotFound) {
		return errManifest // erased since
	}
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", m.MediaType)
	h.Set("Content-Length", strconv.Itoa(len(raw)))
	h.Set("Docker-Content-Digest", m.Digest)
	h.Set("ETag", `"`+m.Digest+`"`)
	if r.Method == http.MethodGet {
		w.Write(raw)
	}
	return nil
}

// putManifest takes a manifest in this order: check what it says, check that all it names is here, ask Admit, store
// the bytes, and only then let the index name them. A crash at any point leaves at most bytes that nothing names.
func (g *Registry) putManifest(w http.ResponseWriter, r *http.Request, p route) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxManifest+1))
	if err != nil {
		return refusef(http.StatusBadRequest, "MANIFEST_INVALID", "the manifest did not arrive whole: %v", err)
	}
	if len(raw) > maxManifest {
		return refusef(http.StatusRequestEntityTooLarge, "MANIFEST_INVALID", "manifest is larger than %d bytes", maxManifest)
	}
	m := Manifest{Repo: p.repo, Digest: episode.Digest(raw), Size: int64(len(raw)), Raw: raw}
	switch {
	case tagName.MatchString(p.ref):
		m.Tag = p.ref
	case !blob.Valid(p.ref):
		return refusef(http.StatusBadRequest, "MANIFEST_INVALID", "neither a tag nor a digest: %.140q", p.ref)
	case p.ref != m.Digest:
		return refusef(http.StatusBadRequest, "DIGEST_INVALID", "the manifest's digest is %s", m.Digest)
	}
	if err := g.checkManifest(r.Context(), &m, r.Header.Get("Content-Type")); err != nil {
		return err
	}
	if err := g.cfg.Admit(r.Context(), m); err != nil {
		return admitError(err)
	}
	if _, err := g.cfg.Blobs.PutBytes(r.Context(), raw); err != nil {
		return err
	}
	row := m
	row.Tag, row.Raw = "", nil
	if err := g.cfg.Index.PutManifest(r.Context(), row, m.Tag); err != nil {
		return err
	}
	h := w.Header()
	if m.Subject != "" {
		h.Set("OCI-Subject", m.Subject)
	}
	h.Set("Location", "/v2/"+p.repo+"/manifests/"+m.Digest)
	h.Set("Docker-Content-Digest", m.Digest)
	w.WriteHeader(http.StatusCreated)
	return nil
}

// document is what the registry reads of an image manifest or an index.
type document struct {
	specs.Versioned
	MediaType    string               `json:"mediaType"`
	ArtifactType string               `json:"artifactType"`
	Config       *ocispec.Descriptor  `json:"config"`
	Layers       []ocispec.Descriptor `json:"layers"`
	Manifests    []ocispec.Descriptor `json:"manifests"`
	Subject      *ocispec.Descriptor  `json:"subject"`
	Annotations  map[string]string    `json:"annotations"`
}

// checkManifest fills m from its bytes and checks that everything it names is in the repository, but for the
// subject, which may come later.
func (g *Registry) checkManifest(ctx context.Context, m *Manifest, contentType string) error {
	invalid := func(why string) error { return refusef(http.StatusBadRequest, "MANIFEST_INVALID", "%s", why) }
	var d document
	if err := json.Unmarshal(m.Raw, &d); err != nil {
		return invalid("not a manifest: " + err.Error())
	}
	if contentType != d.MediaType {
		return invalid("content type and mediaType differ")
	}
	var blobs []ocispec.Descriptor
	switch d.MediaType {
	case ocispec.MediaTypeImageManifest:
		if d.Config == nil || len(d.Manifests) > 0 {
			return invalid("an image manifest has a config and no manifests")
		}
		blobs = append([]ocispec.Descriptor{*d.Config}, d.Layers...)
	case ocispec.MediaTypeImageIndex:
		if d.Config != nil || len(d.Layers) > 0 {
			return invalid("an index has no config and no layers")
		}
	default:
		return invalid("mediaType is neither an OCI image manifest nor an OCI index")
	}
	for _, b := range blobs {
		if err := g.here(ctx, m.Repo, b, g.cfg.Index.HasBlob); err != nil {
			return err
		}
	}
	for _, c := range d.Manifests {
		if err := g.here(ctx, m.Repo, c, g.hasManifest); err != nil {
			return err
		}
	}
	if d.Subject != nil {
		if !blob.Valid(string(d.Subject.Digest)) {
			return errDigest
		}
		m.Subject = string(d.Subject.Digest)
	}
	m.MediaType, m.ArtifactType, m.Annotations = d.MediaType, d.ArtifactType, d.Annotations
	if m.ArtifactType == "" && d.Config != nil {
		m.ArtifactType = d.Config.MediaType
	}
	return nil
}

// here checks that what a descriptor names is in the repository, with the size it gives.
func (g *Registry) here(ctx context.Context, repo string, d ocispec.Descriptor, has func(context.Context, string, string) (bool, error)) error {
	digest := string(d.Digest)
	if !blob.Valid(digest) {
		return errDigest
	}
	if ok, err := has(ctx, repo, digest); err != nil {
		return err
	} else if !ok {
		return refusef(http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "the manifest names %s, which is not in this repository", digest)
	}
	size, err := g.cfg.Blobs.Size(digest)
	if errors.Is(err, blob.ErrNotFound) { // it was deleted since
		return refusef(http.StatusNotFound, "MANIFEST_BLOB_UNKNOWN", "the manifest names %s, which is in this repository no more", digest)
	}
	if err != nil {
		return err
	}
	if size != d.Size {
		return refusef(http.StatusBadRequest, "SIZE_INVALID", "the manifest gives %s %d bytes; it has %d", digest, d.Size, size)
	}
	return nil
}

func (g *Registry) hasManifest(ctx context.Context, repo, digest string) (bool, error) {
	_, err := g.cfg.Index.Manifest(ctx, repo, digest)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

func (g *Registry) listTags(w http.ResponseWriter, r *http.Request, p route) error {
	const most = 1000
	q, n := r.URL.Query(), most
	if s := q.Get("n"); s != "" {
		v, err := strconv.Atoi(s)
		if err != nil || v < 0 {
			return refusef(http.StatusBadRequest, "UNSUPPORTED", "n is not a count: %.20q", s)
		}
		n = min(v, most)
	}
	tags := []string{}
	if n > 0 {
		all, err := g.cfg.Index.Tags(r.Context(), p.repo, q.Get("last"), n+1)
		if err != nil {
			return err
		}
		tags = append(tags, all[:min(n, len(all))]...)
		if len(all) > n {
			next := url.Values{"n": {strconv.Itoa(n)}, "last": {tags[n-1]}}
			w.Header().Set("Link", "</v2/"+p.repo+"/tags/list?"+next.Encode()+`>; rel="next"`)
		}
	}
	return writeJSON(w, "application/json", struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}{p.repo, tags})
}

func (g *Registry) referrers(w http.ResponseWriter, r *http.Request, p route) error {
	if !blob.Valid(p.ref) {
		return errDigest
	}
	all, err := g.cfg.Index.Referrers(r.Context(), p.repo, p.ref)
	if err != nil {
		return err
	}
	want := r.URL.Query().Get("artifactType")
	if want != "" {
		w.Header().Set("OCI-Filters-Applied", "artifactType")
	}
	list := []referrer{}
	for _, m := range all {
		if want == "" || m.ArtifactType == want {
			list = append(list, referrer{m.MediaType, m.Digest, m.Size, m.ArtifactType, m.Annotations})
		}
	}
	return writeJSON(w, ocispec.MediaTypeImageIndex, struct {
		SchemaVersion int        `json:"schemaVersion"`
		MediaType     string     `json:"mediaType"`
		Manifests     []referrer `json:"manifests"`
	}{2, ocispec.MediaTypeImageIndex, list})
}

type referrer struct {
	MediaType    string            `json:"mediaType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	ArtifactType string            `json:"artifactType,omitzero"`
	Annotations  map[string]string `json:"annotations,omitempty"`
}
