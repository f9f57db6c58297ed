// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/headrace/headrace/internal/registry"
	"github.com/headrace/headrace/internal/sqlstore"
)

// releases is the repository that every contributor may read.
const releases = "releases"

func (h *Hub) openRegistry() (err error) {
	h.reg, err = registry.New(registry.Config{
		Blobs: h.blobs, Index: h.db.RegistryIndex(), Authorize: h.authorize, Log: h.log, Quota: h.door.quotas, MaxBlobIn: maxBlobIn,
		Admit: func(ctx context.Context, m registry.Manifest) error {
			err := h.admit(ctx, m.Repo, m.Raw, m.Digest)
			if c := carriedIn(ctx); c != nil {
				c.admitted = err
			}
			return err
		},
	})
	return err
}

// maxWithdrawal bounds an upload that no quota of bytes counts, by the size of the largest document that is opened. An edge's
// largest withdrawal, of 100,000 ids, has 5 MB.
const maxWithdrawal = 16 << 20

func maxBlobIn(repo string) int64 {
	if _, place, _ := splitRepo(repo); place != "bundles" && contributed(place) {
		return maxWithdrawal
	}
	return 0
}

// authorize lets a contributor read and write its own repositories and read the releases of the channels it may follow.
func (h *Hub) authorize(r *http.Request, repo string, write bool) error {
	if c := carriedIn(r.Context()); c != nil { // trust has seen that it may
		if name, _, own := splitRepo(repo); !own || name != c.contributor {
			return errors.New("this repository is not the sender's")
		}
		return nil
	}
	c, err := h.contributorOf(r)
	if err != nil {
		return err
	}
	if err := h.checkCertificate(r, c.Name); err != nil {
		return err
	}
	name, place, own := splitRepo(repo)
	switch {
	case repo == "", repo == releases && !write:
		return nil
	case own && name == c.Name && (!write || contributed(place)):
		return nil
	}
	return errors.New("this repository is not yours")
}

// contributed says of a place that contributors write into it.
func contributed(place string) bool {
	return slices.Contains([]string{"bundles", "withdrawals", "passages", "agreements", "returns", "counts"}, place)
}

// contributorOf is who sent a request, by its token: the one that it got when it joined, or one of its identity provider.
func (h *Hub) contributorOf(r *http.Request) (c sqlstore.ContributorRow, err error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || token == "" {
		return c, registry.ErrNoCredentials
	}
	sum, subject := tokenDigest(token), ""
	if h.door.workloads != nil && strings.Count(token, ".") == 2 {
		if subject, err = h.door.workloads.Subject(r.Context(), token); err != nil {
			return c, fmt.Errorf("%w: %w", registry.ErrNoCredentials, err)
		}
	}
	list, err := h.db.Contributors(r.Context())
	if err != nil {
		return c, err
	}
	for _, c := range list {
		if subject != "" && c.Subject != subject || subject == "" && subtle.ConstantTimeCompare([]byte(sum), []byte(c.TokenDigest)) != 1 {
			continue
		}
		if !c.RevokedAt.IsZero() {
			return c, errors.New("the hub's operator has ended this contributor's access: ask for a new invite")
		}
		return c, nil
	}
	return c, registry.ErrNoCredentials
}

func tokenDigest(token string) string {
	s := sha256.Sum256([]byte(token))
	return hex.EncodeToString(s[:])
}

// splitRepo takes NAME/PLACE apart.
func splitRepo(repo string) (contributor, place string, ok bool) {
	contributor, place, ok = strings.Cut(repo, "/")
	return contributor, place, ok && !strings.Contains(place, "/")
}

func ocidigest(d string) digest.Digest { return digest.Digest(d) }

// publish stores an artifact in one of the hub's own repositories and returns its manifest's digest and size. The same content
// twice is the same artifact.
func (h *Hub) publish(ctx context.Context, repo, tag, artifactType string, subject *ocispec.Descriptor, layers ...[]byte) (manifest string, size int64, err error) {
	index := h.db.RegistryIndex()
	put := func(mediaType string, b []byte) (ocispec.Descriptor, error) {
		d, err := h.blobs.PutBytes(ctx, b)
		if err == nil {
			err = index.LinkBlob(ctx, repo, d)
		}
		return ocispec.Descriptor{MediaType: mediaType, Digest: ocidigest(d), Size: int64(len(b))}, err
	}
	config, err := put(ocispec.MediaTypeEmptyJSON, []byte("{}"))
	if err != nil {
		return "", 0, err
	}
	m := ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: artifactType,
		Config: config, Subject: subject}
	for i, b := range layers {
		mediaType := artifactType
		if i > 0 {
			mediaType = "application/json"
		}
		l, err := put(mediaType, b)
		if err != nil {
			return "", 0, err
		}
		m.Layers = append(m.Layers, l)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return "", 0, err
	}
	d, err := h.blobs.PutBytes(ctx, raw)
	if err != nil {
		return "", 0, err
	}
	row := registry.Manifest{Repo: repo, Digest: d, MediaType: m.MediaType, ArtifactType: artifactType, Size: int64(len(raw))}
	if subject != nil {
		row.Subject = subject.Digest.String()
	}
	return d, row.Size, index.PutManifest(ctx, row, tag)
}
