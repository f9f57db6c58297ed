// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/headrace/headrace/episode"
)

// Source says which repository commits are from: the first line before them, where they are sent.
type Source struct {
	// Repository is the address it came from, else its folder; Main is the newest commit of its default branch.
	Repository string `json:"repository"`
	Main       string `json:"main"`
}

const (
	// scanBack is how far back commits are told of: further than a suggestion may be committed.
	scanBack = (Horizon + 31*86400) * time.Second
	// maxFolders bounds what is remembered of where tools worked.
	maxFolders = 10000
	// tellBytes is how much is gathered before it is sent.
	tellBytes = 4 << 20
)

// Clones tells of the new commits of the git repositories that some folders are in. It is safe for concurrent use, but that
// only one Tell may run at a time.
type Clones struct {
	mu      sync.Mutex
	folders map[string]bool // and whether it is known in which repository they are
	waiting int             // of which it is not
	repos   map[string]*clone
}

// clone is how far a repository is told.
type clone struct {
	State string   `json:"state"` // of its branches, as of then
	Told  []string `json:"told"`  // commits, sorted
}

// NewClones knows what an earlier one saved; of none, or of what is damaged, all is told again.
func NewClones(saved []byte) *Clones {
	c := &Clones{folders: map[string]bool{}}
	if err := json.Unmarshal(saved, &c.repos); err != nil || c.repos == nil {
		c.repos = map[string]*clone{}
	}
	for dir, r := range c.repos {
		if r == nil {
			delete(c.repos, dir)
		}
	}
	return c
}

// Save is what NewClones wants to know again.
func (c *Clones) Save() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return json.Marshal(c.repos)
}

// Add adds a folder or file that may be in a repository.
func (c *Clones) Add(dir string) {
	dir = filepath.Clean(strings.TrimPrefix(dir, "file://"))
	if !filepath.IsAbs(dir) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.folders[dir]; !known && len(c.folders) < maxFolders {
		c.folders[dir] = false
		c.waiting++
	}
}

// AddWork adds the folders that an episode's tool worked in.
func (c *Clones) AddWork(e *episode.Episode) {
	c.Add(e.Repository)
	for i := range e.Suggestions {
		if p := e.Suggestions[i].Path; p != "" {
			c.Add(filepath.Dir(p))
		}
	}
}

// Waiting reports whether there are folders of which it is not known in which repository they are.
func (c *Clones) Waiting() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting > 0
}

// Tell sends the commits that are new, for each repository as JSON Lines: a [Source], then a [Commit] each. It reports
// whether there is anything new to save. What cannot be read is in the error, and the rest is told.
func (c *Clones) Tell(ctx context.Context, now time.Time, send func(ctx context.Context, body []byte) error) (changed bool, err error) {
	changed = c.resolve(ctx)
	c.mu.Lock()
	repos := maps.Clone(c.repos)
	c.mu.Unlock()
	var errs []error
	for _, dir := range slices.Sorted(maps.Keys(repos)) {
		more, err := repos[dir].tell(ctx, dir, now, send)
		if ctx.Err() != nil {
			return changed, ctx.Err()
		}
		changed = changed || more
		errs = append(errs, err)
	}
	return changed, errors.Join(errs...)
}

// resolve finds out in which repositories folders are.
func (c *Clones) resolve(ctx context.Context) (more bool) {
	c.mu.Lock()
	var ask []string
	for dir, known := range c.folders {
		if !known {
			ask = append(ask, dir)
			c.folders[dir] = true
		}
	}
	c.waiting = 0
	c.mu.Unlock()
	slices.Sort(ask)
	for _, dir := range ask {
		for dir != filepath.Dir(dir) { // a folder may be gone, and its repository be there
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				break
			}
			dir = filepath.Dir(dir)
		}
		repo, err := Open(ctx, dir)
		if err != nil {
			continue // in no repository
		}
		c.mu.Lock()
		if c.repos[repo.Dir()] == nil {
			c.repos[repo.Dir()], more = &clone{}, true
		}
		c.mu.Unlock()
	}
	return more
}

// tell sends the commits of a repository that are new.
func (c *clone) tell(ctx context.Context, dir string, now time.Time, send func(context.Context, []byte) error) (changed bool, err error) {
	repo, err := Open(ctx, dir)
	if err != nil {
		return false, err
	}
	state, err := repo.State(ctx)
	if err != nil || state == c.State {
		return false, err
	}
	source := Source{Repository: repo.Remote(ctx)}
	if source.Repository == "" {
		source.Repository = repo.Dir()
	}
	if source.Main, err = repo.Main(ctx); err != nil {
		return false, err
	}
	head, err := json.Marshal(source)
	if err != nil {
		return false, err
	}
	head = append(head, '\n')
	var still, fresh []string // of what is not too old: told before, told now
	body := bytes.Clone(head)
	err = repo.Scan(ctx, now.Add(-scanBack), func(id string) bool {
		_, known := slices.BinarySearch(c.Told, id)
		if known {
			still = append(still, id)
		}
		return known
	}, func(commit *Commit) error {
		line, err := json.Marshal(commit)
		if err != nil {
			return err
		}
		body, fresh = append(append(body, line...), '\n'), append(fresh, commit.ID)
		if len(body) > tellBytes {
			err = send(ctx, body)
			body = bytes.Clone(head)
		}
		return err
	})
	if err == nil {
		err = send(ctx, body) // with no commit, it still says where the default branch is
	}
	if err != nil {
		return false, fmt.Errorf("commits of %s: %w", dir, err)
	}
	c.Told = append(still, fresh...)
	slices.Sort(c.Told)
	c.State = state
	return true, nil
}
