// SPDX-License-Identifier: Apache-2.0

package opencode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/capture/lax"
)

const (
	maxFiles = 50_000
	maxBytes = 1 << 30 // of one session, in all its files
	maxFile  = 16 << 20
	maxParts = 64 << 20 // bytes of one message's parts: what follows is left out
)

// tree is the storage folder, with what may still be opened of it for one session.
type tree struct {
	root         *os.Root
	files, bytes int64
}

var errTooMuch = errors.New("the session is spread over more files, or larger ones, than a session may be")

// read files the session's messages in the order of their file names, which is that of their ids and so of time.
// Versions before 0.6 keep them below session/ instead.
func (t *tree) read(ctx context.Context, s *session) error {
	sid := string(s.doc.ID)
	for _, dir := range [...]string{"message", "session/message"} {
		names, err := t.list(dir, sid)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				return err
			}
			var m message
			if ok, err := t.decode(path.Join(dir, sid, name), &m); err != nil {
				return err
			} else if !ok {
				continue // counted when the file itself is read
			}
			if m.ID == "" {
				m.ID = lax.String(strings.TrimSuffix(name, ".json"))
			}
			parts, err := t.parts(sid, string(m.ID))
			if err != nil {
				return err
			}
			if err := s.message(&m, parts); err != nil {
				return err
			}
		}
		if len(names) > 0 {
			return nil
		}
	}
	return nil
}

func (t *tree) parts(sid, mid string) (all []part, err error) {
	for _, at := range [...][2]string{{"part", mid}, {"part/" + sid, mid}, {"session/part/" + sid, mid}} {
		if !plain(sid) {
			return nil, nil
		}
		names, err := t.list(at[0], at[1])
		if err != nil {
			return nil, err
		}
		left := t.bytes - maxParts
		for _, name := range names {
			if t.bytes < left {
				break
			}
			var p part
			ok, err := t.decode(path.Join(at[0], at[1], name), &p)
			if err != nil {
				return nil, err
			}
			if ok {
				all = append(all, p)
			}
		}
		if len(names) > 0 {
			break
		}
	}
	return all, nil
}

// plain reports whether an id from the data is a name and no path.
func plain(id string) bool {
	return id != "" && id != "." && id != ".." && !strings.ContainsAny(id, "/\\:\x00")
}

// list returns the names of the JSON files in the folder dir/id, sorted; none where it is not there.
func (t *tree) list(dir, id string) (names []string, err error) {
	if !plain(id) {
		return nil, nil
	}
	d, err := t.root.Open(path.Join(dir, id))
	if err != nil {
		return nil, nil // not there, or not inside the storage
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(256)
		for _, e := range entries {
			if e.Type().IsRegular() && strings.HasSuffix(e.Name(), ".json") { // a link or a pipe is none of the tool's
				names = append(names, e.Name())
			}
		}
		if int64(len(names)) > t.files {
			return nil, errTooMuch
		}
		if err != nil {
			break // the end, or no folder
		}
	}
	t.files -= int64(len(names))
	slices.Sort(names)
	return names, nil
}

// decode reads one file, and reports whether it is what the format says.
func (t *tree) decode(name string, v any) (bool, error) {
	f, err := t.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // the tool has just removed it
	}
	if err != nil {
		return false, fmt.Errorf("open %s: %w", name, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	if t.bytes -= int64(len(b)); t.bytes < 0 {
		return false, errTooMuch
	}
	return len(b) <= maxFile && lax.Decode(b, v), nil
}
