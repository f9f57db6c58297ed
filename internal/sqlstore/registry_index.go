// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/registry"
)

// RegistryIndex is what the hub's registry remembers: a registry.Index in SQL.
type RegistryIndex struct{ d *DB }

var _ registry.Index = RegistryIndex{}

// RegistryIndex returns the registry's index in this database.
func (d *DB) RegistryIndex() RegistryIndex { return RegistryIndex{d} }

// LinkBlob makes a blob visible in a repository. Where it was not, it is no longer one of those that must go: somebody
// asks for it again. Where it was, it may be one that was withdrawn.
func (x RegistryIndex) LinkBlob(ctx context.Context, repo, digest string) error {
	return x.d.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, `INSERT INTO repo_blobs (repo, digest) VALUES ($1,$2) ON CONFLICT (repo, digest) DO NOTHING`, repo, digest)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n == 0 {
			return err
		}
		return x.d.spare(ctx, tx, digest)
	})
}

// HasBlob reports whether a blob is visible in a repository.
func (x RegistryIndex) HasBlob(ctx context.Context, repo, digest string) (bool, error) {
	var n int
	err := x.d.read.QueryRowContext(ctx, `SELECT COUNT(*) FROM repo_blobs WHERE repo=$1 AND digest=$2`, repo, digest).Scan(&n)
	return n > 0, err
}

// PutManifest makes a manifest visible and moves the tag to it, in one commit. What it refers to stands in its own row: there is no
// moment at which it is there and is not found among the referrers.
func (x RegistryIndex) PutManifest(ctx context.Context, m registry.Manifest, tag string) error {
	notes, err := json.Marshal(m.Annotations)
	if err != nil {
		return err
	}
	return x.d.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO manifests (repo, digest, media_type, artifact_type, subject, size, annotations) VALUES ($1,$2,$3,$4,$5,$6,$7)
 ON CONFLICT (repo, digest) DO NOTHING`, m.Repo, m.Digest, m.MediaType, m.ArtifactType, m.Subject, m.Size, string(notes)); err != nil || tag == "" {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO tags (repo, tag, digest) VALUES ($1,$2,$3) ON CONFLICT (repo, tag) DO UPDATE SET digest=excluded.digest`, m.Repo, tag, m.Digest)
		return err
	})
}

// RemoveTag takes a name away, as when a release is retired; the manifest stays.
func (x RegistryIndex) RemoveTag(ctx context.Context, repo, tag string) error {
	return x.d.tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM tags WHERE repo=$1 AND tag=$2`, repo, tag)
		return err
	})
}

// Manifest returns the manifest with this digest or tag, or registry.ErrNotFound.
func (x RegistryIndex) Manifest(ctx context.Context, repo, reference string) (registry.Manifest, error) {
	digest := reference
	if !strings.Contains(reference, ":") {
		err := x.d.read.QueryRowContext(ctx, `SELECT digest FROM tags WHERE repo=$1 AND tag=$2`, repo, reference).Scan(&digest)
		if err == sql.ErrNoRows {
			return registry.Manifest{}, registry.ErrNotFound
		}
		if err != nil {
			return registry.Manifest{}, err
		}
	}
	m, err := one(x.manifests(ctx, `repo=$1 AND digest=$2`, repo, digest))
	if err == ErrNotFound {
		err = registry.ErrNotFound
	}
	return m, err
}

// Tags returns up to n tags that sort after last.
func (x RegistryIndex) Tags(ctx context.Context, repo, last string, n int) ([]string, error) {
	// Sorted here: PostgreSQL's collation is not the order of bytes.
	all, err := rowsOf(ctx, x.d.read, func(r *sql.Rows) (t string, err error) { return t, r.Scan(&t) }, `SELECT tag FROM tags WHERE repo=$1`, repo)
	if err != nil {
		return nil, err
	}
	slices.Sort(all)
	i, _ := slices.BinarySearch(all, last)
	for i < len(all) && all[i] <= last {
		i++
	}
	return all[i:min(i+n, len(all))], nil
}

// Referrers returns the manifests whose subject is this digest, ordered by digest.
func (x RegistryIndex) Referrers(ctx context.Context, repo, subject string) ([]registry.Manifest, error) {
	return x.manifests(ctx, `repo=$1 AND subject=$2`, repo, subject)
}

// OfType returns the manifests of an artifact type.
func (x RegistryIndex) OfType(ctx context.Context, repo, artifactType string) ([]registry.Manifest, error) {
	return x.manifests(ctx, `repo=$1 AND artifact_type=$2`, repo, artifactType)
}

// All returns the manifests of a repository.
func (x RegistryIndex) All(ctx context.Context, repo string) ([]registry.Manifest, error) {
	return x.manifests(ctx, `repo=$1`, repo)
}

func (x RegistryIndex) manifests(ctx context.Context, where string, args ...any) ([]registry.Manifest, error) {
	return rowsOf(ctx, x.d.read, func(r *sql.Rows) (m registry.Manifest, err error) {
		var notes string
		if err = r.Scan(&m.Repo, &m.Digest, &m.MediaType, &m.ArtifactType, &m.Subject, &m.Size, &notes); err == nil {
			err = json.Unmarshal([]byte(notes), &m.Annotations)
		}
		return m, err
	}, `SELECT repo, digest, media_type, artifact_type, subject, size, annotations FROM manifests WHERE `+where+` ORDER BY digest`, args...)
}
