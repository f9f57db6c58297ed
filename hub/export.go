// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/headrace/headrace/bundle"
	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/dataset"
	"github.com/headrace/headrace/internal/dataset/export"
	"github.com/headrace/headrace/internal/sqlstore"
	"github.com/headrace/headrace/internal/trail"
)

// Export writes a snapshot in a trainer's format for a holder, refusing what its terms do not allow to be trained on.
func (h *Hub) Export(ctx context.Context, id, format, holder string, w io.Writer) (*export.Report, error) {
	doc, err := h.db.Document(ctx, sqlstore.DocSnapshot, id)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", id, err)
	}
	if st, err := openStored(doc); err != nil || st.note != "" {
		return nil, cmp.Or(err, error(&episode.Problem{Code: "export/incomplete", Message: "records of this snapshot were withdrawn: it is not exported any more",
			Hint: "export the newest snapshot"}))
	}
	s, err := dataset.Open(ctx, h.blobs, id)
	if err != nil {
		return nil, err
	}
	whole, err := book(ctx, h.db, id, format, holder, h.cfg.Now())
	if err != nil {
		return nil, err
	}
	rep, err := export.Write(w, format, s.Rows(ctx), export.Options{Snapshot: id, Recipient: h.cfg.Name, Now: h.cfg.Now(), Rights: h.rights})
	if err != nil {
		return nil, err
	}
	return rep, whole(rep.Digest)
}

// BookExport notes that a file made of a snapshot goes to a holder, before it is made: a certificate will say that it is
// beyond reach there. The function it returns notes the digest of the whole file. The hub of cfg may be running meanwhile.
func BookExport(ctx context.Context, cfg Config, snapshot, format, holder string) (whole func(digest string) error, err error) {
	db, err := sqlstore.Open(ctx, cmp.Or(cfg.Database, filepath.Join(cfg.Dir, "hub.db")), sqlstore.RoleHub)
	if err != nil {
		return nil, err
	}
	done, err := book(ctx, db, snapshot, format, holder, time.Now())
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return func(digest string) error { return errors.Join(done(digest), db.Close()) }, nil
}

// maxHolder is the longest name of a holder: it stands in certificates.
const maxHolder = 200

func book(ctx context.Context, db *sqlstore.DB, snapshot, format, holder string, now time.Time) (whole func(digest string) error, err error) {
	if holder = strings.TrimSpace(holder); holder == "" || len(holder) > maxHolder || strings.ContainsFunc(holder, unicode.IsControl) {
		return nil, &episode.Problem{Code: "export/no-holder", Message: fmt.Sprintf("it is not said who will have the file, in up to %d letters", maxHolder),
			Hint: "give it with --holder: certificates of withdrawal name whoever has what cannot be erased"}
	}
	en := trail.Entry{At: now, Who: "this machine", What: "export", Subject: snapshot + " as " + format + " for " + holder}
	if p, in := access.Of(ctx); in {
		if en.Who, en.Role = p.Name, p.Roles.String(); p.Local {
			en.Role = "local"
		}
	}
	row := sqlstore.ExportRow{ID: rand.Text(), Snapshot: snapshot, Format: format, Holder: holder, MadeAt: now}
	return func(digest string) error {
		row.Digest = digest
		return db.BookExport(ctx, row)
	}, db.Noting(en).BookExport(ctx, row)
}

// beyondReach are the files that were made of erased snapshots: nobody here can erase them.
func (h *Hub) beyondReach(ctx context.Context, erased []bundle.Fate) ([]bundle.Fate, error) {
	list, err := h.db.Exports(ctx)
	if err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, f := range erased {
		gone[f.Artifact] = gone[f.Artifact] || f.Kind == "snapshot"
	}
	var fates []bundle.Fate
	for _, e := range list {
		if gone[e.Snapshot] {
			fates = append(fates, bundle.Fate{Artifact: cmp.Or(e.Digest, "unfinished, of "+e.Snapshot), Kind: "export", Fate: "beyond reach at " + e.Holder})
		}
	}
	return fates, nil
}
