// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"runtime"
	"slices"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/sync/errgroup"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/blob"
)

// fileRows is how many rows a Parquet file holds at most: large enough to compress well, small enough that a file is
// read, checked and held in memory whole.
const fileRows = 32 << 10

// Snapshot is one immutable version of a dataset, open for reading.
type Snapshot struct {
	Manifest *Manifest
	blobs    *blob.Store
}

// Write stores rows as a snapshot and returns its manifest once everything is durable. The order of rows and of
// meta.Inputs does not matter. Files that before, an earlier snapshot or nil, has already are named again and not written.
// A crash in between leaves blobs that nothing names; writing again reuses them.
func Write(ctx context.Context, blobs *blob.Store, rows []Row, meta Meta, before *Manifest) (*Manifest, error) {
	if !slices.IsSortedFunc(rows, func(a, b Row) int { return a.Compare(&b) }) {
		rows = slices.Clone(rows)
		Sort(rows)
	}
	meta.Inputs = slices.Clone(meta.Inputs)
	slices.SortFunc(meta.Inputs, Input.Compare)
	m := &Manifest{MediaType: MediaType, Meta: meta, Rows: len(rows), Purposes: map[episode.Purpose]int{}}
	people := map[[2]string]bool{}
	for _, r := range rows {
		m.add(r)
		people[[2]string{r.Contributor, r.Episode.Developer}] = true
	}
	m.Developers = len(people)
	var err error
	if m.Files, err = writeFiles(ctx, blobs, rows, before); err != nil {
		return nil, err
	}
	b, err := m.encode()
	if err != nil {
		return nil, err
	}
	if m.ID, err = blobs.PutBytes(ctx, b); err != nil {
		return nil, fmt.Errorf("write snapshot manifest: %w", err)
	}
	return m, nil
}

func (m *Manifest) add(r Row) {
	e := r.Episode
	m.Decisions += len(e.Decisions)
	m.MaxRevision = max(m.MaxRevision, e.Revision)
	if x := r.ExpiresAt; !x.IsZero() && (m.ExpiresAt.IsZero() || x.Before(m.ExpiresAt)) {
		m.ExpiresAt = x
	}
	if e.Terms == nil {
		return
	}
	for i, p := range e.Terms.Purposes {
		if !slices.Contains(e.Terms.Purposes[:i], p) {
			m.Purposes[p]++
		}
	}
}

// writeFiles cuts sorted rows into files at contributors' and months' borders and writes them side by side.
func writeFiles(ctx context.Context, blobs *blob.Store, rows []Row, before *Manifest) ([]File, error) {
	have := map[string]File{}
	if before != nil {
		for _, f := range before.Files {
			have[f.Content] = f
		}
	}
	var parts [][]Row
	for start := 0; start < len(rows); {
		end := start + 1
		for end < len(rows) && end-start < fileRows && rows[end].Contributor == rows[start].Contributor && rows[end].month() == rows[start].month() {
			end++
		}
		parts = append(parts, rows[start:end])
		start = end
	}
	files := make([]File, len(parts))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, part := range parts {
		g.Go(func() error {
			content := contentOf(part)
			if f, had := have[content]; had {
				if there, err := blobs.Has(f.Digest); err != nil || there {
					files[i] = f
					return err
				}
			}
			b, err := encodeParquet(part)
			if err != nil {
				return fmt.Errorf("write snapshot file: %w", err)
			}
			d, err := blobs.PutBytes(ctx, b)
			files[i] = File{Digest: d, Contributor: part[0].Contributor, Content: content, Rows: len(part), Bytes: int64(len(b))}
			return err
		})
	}
	return files, g.Wait()
}

// contentOf digests rows and the name of the encoding, so that rows with the same digest are in the same file.
func contentOf(rows []Row) string {
	sum, buf := sha256.New(), []byte(encoding)
	part := func(s string) { buf = append(binary.AppendUvarint(buf, uint64(len(s))), s...) }
	for _, r := range rows {
		part(r.Contributor)
		buf = binary.AppendUvarint(buf, uint64(len(r.Bundles)))
		for _, b := range r.Bundles {
			part(b)
		}
		buf = binary.AppendVarint(buf, micros(r.ExpiresAt))
		buf = binary.AppendUvarint(buf, uint64(len(r.Record)))
		sum.Write(buf)
		sum.Write(r.Record)
		buf = buf[:0]
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// Open opens the snapshot with this id. Its manifest is checked against the id.
func Open(ctx context.Context, blobs *blob.Store, id string) (*Snapshot, error) {
	b, err := blobs.Get(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("open snapshot: %w", err)
	}
	m, err := decodeManifest(b)
	if err != nil {
		return nil, fmt.Errorf("open snapshot %s: %w", id, err)
	}
	return &Snapshot{Manifest: m, blobs: blobs}, nil
}

// Rows yields the rows in order, file by file, each file checked against its digest before a row of it is seen. An
// error ends it.
func (s *Snapshot) Rows(ctx context.Context) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for _, f := range s.Manifest.Files {
			rows, err := s.file(ctx, f)
			if err != nil {
				yield(Row{}, fmt.Errorf("read snapshot %s: %w", s.Manifest.ID, err))
				return
			}
			for _, r := range rows {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

func (s *Snapshot) file(ctx context.Context, f File) ([]Row, error) {
	b, err := s.blobs.Get(ctx, f.Digest)
	if err != nil {
		return nil, err
	}
	cols, err := parquet.Read[stored](bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", f.Digest, err)
	}
	if len(cols) != f.Rows {
		return nil, fmt.Errorf("file %s holds %d rows, the manifest says %d", f.Digest, len(cols), f.Rows)
	}
	rows := make([]Row, len(cols))
	for i, c := range cols {
		e, err := episode.Decode(c.Record)
		if err != nil {
			return nil, fmt.Errorf("file %s, row %d: %w", f.Digest, i, err)
		}
		rows[i] = Row{Contributor: c.Contributor, Bundles: c.Bundles, ExpiresAt: fromMicros(c.ExpiresAt), Episode: e, Record: c.Record}
	}
	return rows, nil
}
