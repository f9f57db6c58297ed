// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"database/sql"
)

// RefuseArrival stores in one commit that a bundle is refused for what was found in it: the incident (once; a row without an
// ID stores none), that its layers are no longer to be seen in the repository, and that their bytes must go, unless another
// repository or an admitted bundle has the same.
func (d *DB) RefuseArrival(ctx context.Context, repo string, layers []string, incident DocumentRow) error {
	return d.tx(ctx, func(tx *sql.Tx) error {
		if incident.ID != "" {
			if err := insertDocument(ctx, tx, incident); err != nil {
				return err
			}
		}
		for _, digest := range layers {
			if _, err := tx.ExecContext(ctx, `DELETE FROM repo_blobs WHERE repo=$1 AND digest=$2`, repo, digest); err != nil {
				return err
			}
			var used int
			if err := tx.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM repo_blobs WHERE digest=$1) + (SELECT COUNT(*) FROM admitted WHERE shard=$1)`, digest).Scan(&used); err != nil {
				return err
			}
			if used == 0 {
				if err := d.doom(ctx, tx, []string{digest}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// UploadedBlobs returns what is visible in each repository, less the records of admitted bundles.
func (d *DB) UploadedBlobs(ctx context.Context) (map[string][]string, error) {
	rows, err := rowsOf(ctx, d.read, func(r *sql.Rows) (k [2]string, err error) { return k, r.Scan(&k[0], &k[1]) },
		`SELECT repo, digest FROM repo_blobs WHERE digest NOT IN (SELECT shard FROM admitted) ORDER BY repo, digest`)
	out := map[string][]string{}
	for _, k := range rows {
		out[k[0]] = append(out[k[0]], k[1])
	}
	return out, err
}
