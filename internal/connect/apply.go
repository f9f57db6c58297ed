// SPDX-License-Identifier: Apache-2.0

package connect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/statedir"
)

// manifest is what has been written where: agent/backup/manifest.json below the state folder, beside the copies.
type manifest struct {
	Version int                `json:"version"`
	Tools   map[string][]entry `json:"tools"`

	dir string
}

// entry is one file that we have changed.
type entry struct {
	Path    string `json:"path"`
	Existed bool   `json:"existed"`
	Mode    uint32 `json:"mode"`
	// Backup is the copy's name; After is the digest of the file as we left it.
	Backup string `json:"backup,omitempty"`
	After  string `json:"after"`
	Edits  []edit `json:"edits"`
	// Folders are those that had to be made, the outermost first.
	Folders []string `json:"folders,omitempty"`
}

func readManifest(dir string) (*manifest, error) {
	m := &manifest{Version: 1, Tools: map[string][]entry{}, dir: filepath.Join(dir, "agent", "backup")}
	b, err := os.ReadFile(filepath.Join(m.dir, "manifest.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(b, m)
	}
	if err == nil && m.Version != 1 {
		err = fmt.Errorf("it has version %d", m.Version)
	}
	if err != nil {
		return nil, &episode.Problem{Code: "connect/manifest", Message: "cannot read what was connected before, " + filepath.Join(m.dir, "manifest.json"), Err: err,
			Hint: "the copies of your settings are beside it; move that folder away and connect again"}
	}
	if m.Tools == nil {
		m.Tools = map[string][]entry{}
	}
	return m, nil
}

func (m *manifest) of(tool, path string) (entry, bool) {
	list := m.Tools[tool]
	if i := slices.IndexFunc(list, func(e entry) bool { return e.Path == path }); i >= 0 {
		return list[i], true
	}
	return entry{}, false
}

// without is a file without what we put in: as it was, byte for byte, where it is as we left it.
func (m *manifest) without(e entry, current []byte) (text []byte, there bool, left []string) {
	if episode.Digest(current) == e.After {
		if !e.Existed {
			return nil, false, nil
		}
		if b, err := os.ReadFile(filepath.Join(m.dir, filepath.Base(e.Backup))); err == nil {
			return b, true, nil
		}
	}
	text, left = undo(current, e.Edits)
	if rest := bytes.TrimSpace(text); !e.Existed && (len(rest) == 0 || same(rest, jsontext.Value("{}"))) {
		return nil, false, left
	}
	return text, true, left
}

// Connected are the names of the tools that are connected from the state folder dir.
func Connected(dir string) ([]string, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(m.Tools)), nil
}

func (m *manifest) save() error {
	b, err := json.Marshal(m, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("write down what is connected: %w", err)
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return fmt.Errorf("write down what is connected: %w", err)
	}
	return replace(filepath.Join(m.dir, "manifest.json"), append(b, '\n'), 0o600)
}

// replace writes a file as a whole or not at all: another name, sync, rename, sync of the folder.
func replace(path string, b []byte, mode uint32) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".headrace-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(fs.FileMode(mode)), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return statedir.Sync(filepath.Dir(path))
}

// Apply does what is planned, one file after the other. Of each, a copy is kept and written down first; so whatever
// happens between, Undo gives back what was there.
func (p *Plan) Apply() error {
	for _, c := range p.Changes {
		now, _, exists, err := load(c.Path)
		if err != nil {
			return err
		}
		if exists == c.Create || !bytes.Equal(now, c.Before) {
			return &episode.Problem{Code: "connect/changed", Message: c.Path + " has changed meanwhile", Hint: "run the command again"}
		}
		if c.back {
			err = p.restore(c)
		} else {
			err = p.write(c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) write(c Change) error {
	m, name := p.manifest, p.Tool.Name
	if c.entry.Existed {
		c.entry.Backup = name + "-" + strings.TrimPrefix(episode.Digest(append([]byte(c.Path+"\x00"), c.base...)), "sha256:")[:16]
		if err := os.MkdirAll(m.dir, 0o700); err != nil {
			return fmt.Errorf("keep a copy of %s: %w", c.Path, err)
		}
		if err := replace(filepath.Join(m.dir, c.entry.Backup), c.base, 0o600); err != nil {
			return err
		}
	}
	if prior, known := m.of(name, c.Path); known {
		c.entry.Folders = prior.Folders
	}
	for dir := filepath.Dir(c.Path); !isDir(dir); dir = filepath.Dir(dir) {
		c.entry.Folders = slices.Insert(c.entry.Folders, 0, dir)
	}
	m.forget(name, c.Path)
	m.Tools[name] = append(m.Tools[name], c.entry)
	if err := m.save(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o700); err != nil {
		return fmt.Errorf("make the folder of %s: %w", c.Path, err)
	}
	return replace(c.Path, c.After, c.mode)
}

func (p *Plan) restore(c Change) error {
	switch {
	case c.Create: // it is not there any more
	case c.Remove:
		if err := os.Remove(c.Path); err != nil {
			return fmt.Errorf("undo: %w", err)
		}
	default:
		if err := replace(c.Path, c.After, c.mode); err != nil {
			return err
		}
	}
	p.manifest.tidy(p.Tool.Name, c.Path)
	if err := p.manifest.save(); err != nil {
		return err
	}
	if c.entry.Backup != "" {
		os.Remove(filepath.Join(p.manifest.dir, filepath.Base(c.entry.Backup)))
	}
	return nil
}

// tidy forgets a file and removes the folders that were made for it. One that holds other files of ours goes with the last.
func (m *manifest) tidy(tool, path string) {
	e, _ := m.of(tool, path)
	m.forget(tool, path)
	var left []string
	for _, dir := range slices.Backward(e.Folders) {
		if os.Remove(dir) != nil && isDir(dir) {
			left = slices.Insert(left, 0, dir)
		}
	}
	if others := m.Tools[tool]; len(others) > 0 {
		others[0].Folders = append(left, others[0].Folders...)
	}
}

func (m *manifest) connected(tool string) bool { return len(m.Tools[tool]) > 0 }

func (m *manifest) forget(tool, path string) {
	m.Tools[tool] = slices.DeleteFunc(m.Tools[tool], func(e entry) bool { return e.Path == path })
	if len(m.Tools[tool]) == 0 {
		delete(m.Tools, tool)
	}
}

func isDir(path string) bool {
	fi, err := os.Stat(path)
	return err == nil && fi.IsDir()
}
