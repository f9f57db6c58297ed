// SPDX-License-Identifier: Apache-2.0

// Package registry is the part of the OCI distribution protocol (v1.1) that a hub serves: bundles arrive and releases
// leave through it, with any OCI client.
//
// [New] gives an http.Handler for /v2/ on a blob store: pull and push of blobs (whole, in one request or in chunks) and
// manifests, the list of tags, and referrers. Left out: deletion, which is refused because withdrawal has its own way,
// and mounting between repositories, which would let a contributor fetch what another sent: it becomes an upload.
//
// The store knows digests only; who may see what is in the [Index]: a blob is visible in a repository once it was
// uploaded there, whatever else the store holds. [Config.Authorize] decides who may read and write a repository, and
// [Config.Admit] decides on every manifest before it becomes visible; that is where a hub verifies a bundle.
package registry

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
)

// Sentinels. An Index returns ErrNotFound, Authorize ErrNoCredentials where none or wrong ones came (401); any other
// error of Authorize is a refusal (403).
var (
	ErrNotFound      = errors.New("not in this repository")
	ErrNoCredentials = errors.New("credentials needed")
)

const maxManifest = 4 << 20

// Config is what the registry needs.
type Config struct {
	Blobs *blob.Store
	Index Index
	// Authorize says whether the request may read or write the repository; repo is empty for GET /v2/ itself.
	Authorize func(r *http.Request, repo string, write bool) error
	// Admit is asked before a manifest becomes visible, with everything it names in place. A *episode.Problem refuses it
	// with code, message and hint; any other error is ours (500). It may be asked again for the same manifest, also at
	// the same time, and must then give the same answer.
	Admit func(ctx context.Context, m Manifest) error
	// MaxBlob limits one blob in bytes; 0 is 1 GiB.
	MaxBlob int64
	// MaxBlobIn limits blobs of a repository further; 0, or nil, is no further limit.
	MaxBlobIn func(repo string) int64
	// MaxUploads limits the uploads open at one time, all repositories together; 0 is 256.
	MaxUploads int
	// Idle is how long an upload may send nothing before its connection is cut; 0 is a minute.
	Idle time.Duration
	// Quota limits what the owner of a repository, its first word, may send; nil is no limit.
	Quota Quota
	// Log hears of errors that are ours; nil is slog's default.
	Log *slog.Logger
}

// Quota counts what comes in. An error that is a *Wait is answered with 429 and when to come again.
type Quota interface {
	// Begin is asked before an upload begins, with how many the owner has open.
	Begin(ctx context.Context, repo string, open int) error
	// Take counts bytes as they arrive.
	Take(ctx context.Context, repo string, n int) error
	// Save is called at the end of a request that brought bytes.
	Save(ctx context.Context, repo string) error
}

// Wait refuses a request that may come again later.
type Wait struct {
	*episode.Problem
	After time.Duration
}

// Unwrap lets callers find the Problem.
func (w *Wait) Unwrap() error { return w.Problem }

// Manifest is one manifest of a repository.
type Manifest struct {
	Repo         string
	Digest       string
	MediaType    string
	ArtifactType string
	// Subject is the digest of the manifest that this one refers to, if any.
	Subject     string
	Annotations map[string]string
	Size        int64
	// Tag is the tag that it is pushed under, if any. Set for Admit only.
	Tag string
	// Raw is the manifest as it came. Set for Admit only; the blob store holds it.
	Raw []byte
}

// Index remembers what is in which repository. Every method that changes something returns once it is durable and may
// be called twice with the same arguments. Nothing crosses a repository's border.
type Index interface {
	// LinkBlob makes a blob visible in a repository.
	LinkBlob(ctx context.Context, repo, digest string) error
	// HasBlob reports whether it is.
	HasBlob(ctx context.Context, repo, digest string) (bool, error)
	// PutManifest makes a manifest visible and, where tag is not empty, moves the tag to it, in one transaction.
	PutManifest(ctx context.Context, m Manifest, tag string) error
	// Manifest returns the manifest with this digest or tag (a tag never contains ":"), or ErrNotFound.
	Manifest(ctx context.Context, repo, reference string) (Manifest, error)
	// Tags returns up to n tags of a repository that sort after last by bytes, in order.
	Tags(ctx context.Context, repo, last string, n int) ([]string, error)
	// Referrers returns the manifests whose subject is this digest, ordered by digest.
	Referrers(ctx context.Context, repo, subject string) ([]Manifest, error)
}

// Registry serves the protocol. It is safe for concurrent use.
type Registry struct {
	cfg Config

	mu      sync.Mutex
	uploads map[string]*upload // by id; lost on restart: clients begin such an upload again
}

// New returns the registry.
func New(cfg Config) (*Registry, error) {
	if cfg.Blobs == nil || cfg.Index == nil || cfg.Authorize == nil || cfg.Admit == nil {
		return nil, errors.New("registry: Blobs, Index, Authorize and Admit are needed")
	}
	if cfg.MaxBlob <= 0 {
		cfg.MaxBlob = 1 << 30
	}
	if cfg.MaxUploads <= 0 {
		cfg.MaxUploads = 256
	}
	if cfg.Idle <= 0 {
		cfg.Idle = time.Minute
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Registry{cfg: cfg, uploads: map[string]*upload{}}, nil
}

var (
	repoName = regexp.MustCompile(`^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagName  = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)
)

// route is a request's path, taken apart from its end because repository names contain slashes.
type route struct{ repo, kind, ref string }

func parsePath(path string) (route, bool) {
	rest, ok := strings.CutPrefix(path, "/v2/")
	if !ok {
		return route{}, false
	}
	if rest == "" {
		return route{kind: "base"}, true
	}
	seg := strings.Split(rest, "/")
	n := len(seg)
	cut := func(k int, kind, ref string) (route, bool) {
		r := route{strings.Join(seg[:n-k], "/"), kind, ref}
		return r, len(r.repo) <= 255 && repoName.MatchString(r.repo)
	}
	switch {
	case n >= 4 && seg[n-3] == "blobs" && seg[n-2] == "uploads":
		return cut(3, "upload", seg[n-1])
	case n >= 3 && seg[n-2] == "blobs" && seg[n-1] == "uploads":
		return cut(2, "upload", "")
	case n >= 3 && (seg[n-2] == "blobs" || seg[n-2] == "manifests" || seg[n-2] == "referrers"):
		return cut(2, seg[n-2], seg[n-1])
	case n >= 3 && seg[n-2] == "tags" && seg[n-1] == "list":
		return cut(2, "tags", "")
	}
	return route{}, false
}

// ServeHTTP answers one request.
func (g *Registry) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if r.URL.Path == "/v2" {
		r.URL.Path = "/v2/"
	}
	p, ok := parsePath(r.URL.Path)
	if !ok {
		g.refuse(w, r, errName)
		return
	}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if err := g.cfg.Authorize(r, p.repo, !read); err != nil {
		g.refuse(w, r, authError(err))
		return
	}
	h := g.handler(p.kind, r.Method)
	if h == nil {
		g.refuse(w, r, errUnsupported)
		return
	}
	if err := h(w, r, p); err != nil {
		g.refuse(w, r, err)
	}
}

type handler func(w http.ResponseWriter, r *http.Request, p route) error

func (g *Registry) handler(kind, method string) handler {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return map[string]handler{
		"GET base": func(w http.ResponseWriter, _ *http.Request, _ route) error {
			return writeJSON(w, "application/json", struct{}{})
		},
		"GET blobs":     g.getBlob,
		"POST upload":   g.startUpload,
		"GET upload":    g.uploadStatus,
		"PATCH upload":  g.patchUpload,
		"PUT upload":    g.putUpload,
		"DELETE upload": g.cancelUpload,
		"GET manifests": g.getManifest,
		"PUT manifests": g.putManifest,
		"GET tags":      g.listTags,
		"GET referrers": g.referrers,
	}[method+" "+kind]
}
