// SPDX-License-Identifier: Apache-2.0

// Package tiles reads a log's files, from a hub or from a folder, and proves from them that a log only grew.
//
// Start from [At], which returns a [Fetch]; [Holds] asks whether a checkpoint's tree begins with that of an earlier one,
// [Consistency] makes the proof for others. The files are those of C2SP tlog-tiles. A file that does not lead to the
// checkpoint's signed root is refused: whoever serves the files need not be trusted, be it the hub, a mirror or a disk.
package tiles

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/tlog/proof"
)

// Fetch returns the log's file at a path such as "checkpoint", "tile/0/000.p/7" or "tile/entries/x001/234".
type Fetch func(ctx context.Context, path string) ([]byte, error)

// maxFile bounds what a log can make us read at once: 256 entries of at most 64 KiB.
const maxFile = 256 * (64<<10 + 2)

// At reads a log from the address of its hub, or from a folder.
func At(place string) Fetch {
	if !strings.Contains(place, "://") {
		return folder(place)
	}
	return Through(place, http.DefaultTransport)
}

// Through reads a log from the address of its hub by a transport of one's own.
func Through(place string, t http.RoundTripper) Fetch {
	client := &http.Client{Transport: t, Timeout: time.Minute}
	return func(ctx context.Context, path string) ([]byte, error) {
		url := strings.TrimSuffix(place, "/") + "/log/" + path
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, fmt.Errorf("%q is not an address: %w", place, err)
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, &episode.Problem{Code: "hub/unreachable", Message: "the hub at " + place + " does not answer", Err: err, Hint: "check the address, and that the hub runs"}
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, unread(url+" answered "+resp.Status, nil, "check that this is the address of a Headrace hub")
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, maxFile+1))
		if err != nil {
			return nil, unread("fetch "+url, err, "try again")
		}
		if len(b) > maxFile {
			return nil, unread(url+" is longer than any file of a log", nil, "check that this is the address of a Headrace hub")
		}
		return b, nil
	}
}

func folder(dir string) Fetch {
	return func(_ context.Context, path string) ([]byte, error) {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, unread("read the log in "+dir, err, "name the folder that holds the file checkpoint; a hub's is the folder log of its own")
		}
		return b, nil
	}
}

func unread(what string, err error, hint string) error {
	return &episode.Problem{Code: "log/read", Message: what, Err: err, Hint: hint}
}

// Holds checks that the tree of now begins with that of old: a fork where it does not, another error where the files do
// not show it.
func Holds(ctx context.Context, fetch Fetch, old, now proof.Checkpoint) error {
	if old.Size == 0 || old.Size >= now.Size {
		return proof.Grown(old, now, nil)
	}
	r, err := reader(ctx, fetch, now)
	if err != nil {
		return err
	}
	root, err := tlog.TreeHash(int64(old.Size), r)
	if err != nil {
		return r.why(err)
	}
	if !bytes.Equal(root[:], old.Root) {
		return proof.Forked(old, now)
	}
	return nil
}

// Consistency proves that the tree of now begins with the one of size from.
func Consistency(ctx context.Context, fetch Fetch, from uint64, now proof.Checkpoint) (proof.Consistency, error) {
	p := proof.Consistency{Checkpoint: now.Signed}
	if from == 0 || from >= now.Size {
		return p, nil
	}
	r, err := reader(ctx, fetch, now)
	if err != nil {
		return p, err
	}
	hashes, err := tlog.ProveTree(int64(now.Size), int64(from), r)
	if err != nil {
		return p, r.why(err)
	}
	for _, h := range hashes {
		p.Hashes = append(p.Hashes, h[:])
	}
	return p, nil
}

// hashes reads a tree's hashes from tiles, each proven to belong under the tree's root.
type hashes struct {
	tlog.HashReader
	files *files
}

func reader(ctx context.Context, fetch Fetch, now proof.Checkpoint) (*hashes, error) {
	if now.Size > math.MaxInt32 || len(now.Root) != tlog.HashSize {
		return nil, proof.NotProven("a log of %d entries is larger than any", now.Size)
	}
	f := &files{ctx: ctx, fetch: fetch}
	return &hashes{tlog.TileHashReader(tlog.Tree{N: int64(now.Size), Hash: tlog.Hash(now.Root)}, f), f}, nil
}

// why tells a file that could not be read from one that is not the log's.
func (h *hashes) why(err error) error {
	if h.files.err != nil {
		return h.files.err
	}
	return proof.NotProven("its tiles do not lead to its checkpoint: %w", err)
}

// files is a log's files as [tlog.TileHashReader] asks for them.
type files struct {
	ctx   context.Context
	fetch Fetch
	err   error // why a file could not be read
}

const tileHeight = 8

func (f *files) Height() int { return tileHeight }

// SaveTiles keeps nothing: an edge asks once a turn.
func (f *files) SaveTiles([]tlog.Tile, [][]byte) {}

func (f *files) ReadTiles(list []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(list))
	for i, t := range list {
		// The path as C2SP has it leaves the height out: it is 8.
		path := strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
		b, grown, err := Partial(f.ctx, f.fetch, path)
		if err != nil {
			f.err = err
			return nil, err
		}
		want := t.W * tlog.HashSize
		if len(b) < want || len(b) > want && !grown {
			f.err = proof.NotProven("%s has %d bytes of %d", path, len(b), want)
			return nil, f.err
		}
		out[i] = b[:want]
	}
	return out, nil
}

// Partial fetches a file; grown says that it is the full one, which has taken the place of the partial one asked for.
func Partial(ctx context.Context, fetch Fetch, path string) (b []byte, grown bool, err error) {
	b, err = fetch(ctx, path)
	full, _, partial := strings.Cut(path, ".p/")
	if err == nil || !partial || ctx.Err() != nil {
		return b, false, err
	}
	if b, fullErr := fetch(ctx, full); fullErr == nil {
		return b, true, nil
	}
	return nil, false, err
}
