// SPDX-License-Identifier: Apache-2.0

package tlog

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/client"

	"github.com/headrace/headrace/internal/tlog/proof"
)

// Checkpoint returns the last signed checkpoint, as its bytes.
func (l *Log) Checkpoint() ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(l.dir, layout.CheckpointPath))
	if err != nil {
		return nil, fmt.Errorf("read checkpoint: %w", err)
	}
	return b, nil
}

// Find looks for an entry at or after index from and reports where it is, once a published checkpoint covers it: it may be one whose
// checkpoint could not be signed. It reads every entry in between: call it with the log's size from before the append that
// may have been lost.
func (l *Log) Find(ctx context.Context, from uint64, kind string, commitment []byte) (index uint64, found bool, err error) {
	failed, _ := l.signer.failures()
	index, found, err = l.find(ctx, from, kind, commitment)
	if err == nil && found {
		err = l.covered(ctx, index, failed)
	}
	return index, found, err
}

func (l *Log) find(ctx context.Context, from uint64, kind string, commitment []byte) (index uint64, found bool, err error) {
	size, err := l.reader.IntegratedSize(ctx)
	if err != nil {
		return 0, false, fmt.Errorf("read log: %w", err)
	}
	want := proof.Entry(kind, commitment)
	for i := from; i < size; {
		bundle, err := client.GetEntryBundle(ctx, l.reader.ReadEntryBundle, i/layout.EntryBundleWidth, size)
		if err != nil {
			return 0, false, fmt.Errorf("read log entry %d: %w", i, err)
		}
		first := i - i%layout.EntryBundleWidth
		for ; i < size && i-first < uint64(len(bundle.Entries)); i++ {
			if bytes.Equal(bundle.Entries[i-first], want) {
				return i, true, nil
			}
		}
		if i < size && i-first < layout.EntryBundleWidth {
			return 0, false, fmt.Errorf("read log entry %d: its bundle holds %d entries", i, len(bundle.Entries))
		}
	}
	return 0, false, nil
}

// tilePath is what C2SP tlog-tiles names: checkpoint, tile/L/N[.p/W] and tile/entries/N[.p/W].
var tilePath = regexp.MustCompile(`^/(checkpoint|tile/(entries|[0-9]{1,2})(/x[0-9]{3})*/[0-9]{3}(\.p/[0-9]{1,3})?)$`)

// ServeHTTP serves the log's files for reading, by the paths of C2SP tlog-tiles and nothing else.
func (l *Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "the log is read only", http.StatusMethodNotAllowed)
		return
	}
	if !tilePath.MatchString(r.URL.Path) {
		http.NotFound(w, r)
		return
	}
	f, err := os.Open(filepath.Join(l.dir, filepath.FromSlash(r.URL.Path[1:])))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || fi.IsDir() {
		http.NotFound(w, r)
		return
	}
	if r.URL.Path == "/checkpoint" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
	} else { // a tile never changes
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", fi.ModTime(), f)
}
