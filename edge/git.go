// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/sqlstore"
)

// What rests of git at the edge is fingerprints under the join key (package gitlog), sealed besides: the text of a commit is
// in the inbox only until it is assembled, and that of a suggestion in the vault as long as any other.

const (
	// keepGit is how long fingerprints are kept: until the last window of what is merged last is over.
	keepGit = (gitlog.Horizon + 31*86400) * time.Second
	// followEvery is how often a repository is looked at of which nothing new is known: windows pass.
	followEvery = time.Hour
	// maxFresh is how many lines of commits' text are kept at most from assembly to the end of the turn.
	maxFresh = 1 << 20
)

// fresh are commits whose text is still at hand: those that this turn has assembled.
type fresh struct {
	byID  map[string]*gitlog.Commit
	lines int
}

func (e *Edge) printer() *gitlog.Printer { return gitlog.NewPrinter(e.ring.Derive("join")) }

// unpackCommits keeps the commits of a payload, as fingerprints, unless the policy records nothing of their repository.
func (e *Edge) unpackCommits(ctx context.Context, p payload) error {
	lines := bufio.NewReader(bytes.NewReader(p.body))
	head, _ := lines.ReadBytes('\n')
	var about gitlog.Source
	if err := json.Unmarshal(head, &about); err != nil || about.Repository == "" {
		e.setAside("commits are set aside: no repository is named", err)
		return nil
	}
	name := cmp.Or(gitlog.Name(about.Repository), about.Repository)
	records, err := e.policy().Records(consent.Facts{Repository: name, Developer: p.Principal})
	if err != nil || !records {
		if err != nil {
			e.setAside("commits are set aside: the policy cannot say whether they may be recorded", err)
		}
		return nil
	}
	repo := sqlstore.RepositoryRow{Name: e.gitName(name), Main: about.Main}
	print := e.printer()
	var rows []sqlstore.CommitRow
	dec := json.NewDecoder(lines)
	for dec.More() {
		c := &gitlog.Commit{}
		if err := dec.Decode(c); err != nil {
			e.setAside("a commit is set aside, and those after it", err)
			break
		}
		change := print.Change(c)
		sealed, err := e.sealGit("commit "+repo.Name+" "+c.ID, &change)
		if err != nil {
			return err
		}
		rows = append(rows, sqlstore.CommitRow{Repository: repo.Name, ID: c.ID, Made: c.Made, Sealed: sealed})
		e.remember(c)
	}
	if err := e.db.StoreCommits(ctx, repo, rows); err != nil {
		return err
	}
	if !e.git {
		if err := e.printAll(ctx); err != nil {
			return err
		}
		e.git = true
	}
	return nil
}

// ReceiveCommits takes in commits of one repository, and returns after they are durable: a [gitlog.Source] and its commits,
// one a line.
func (e *Edge) ReceiveCommits(ctx context.Context, p Principal, body []byte) error {
	return e.keep(ctx, kindCommits, p, body)
}

func (e *Edge) remember(c *gitlog.Commit) {
	for _, f := range c.Files {
		for _, h := range f.Hunks {
			e.fresh.lines += len(h.Added)
		}
	}
	if e.fresh.lines > maxFresh {
		return
	}
	if e.fresh.byID == nil {
		e.fresh.byID = map[string]*gitlog.Commit{}
	}
	e.fresh.byID[c.ID] = c
}

// gitName is a repository's name as it rests in a table.
func (e *Edge) gitName(name string) string {
	return keyed(e.ring.Derive("join"), []byte("repository\x00"+name))
}

// print adds the fingerprints of an episode's code, unless it has none.
func (e *Edge) print(rows []sqlstore.PrintRow, ep *episode.Episode) ([]sqlstore.PrintRow, error) {
	list := e.printer().Episode(ep)
	if len(list) == 0 {
		return rows, nil
	}
	last := list[0].At
	for _, s := range list {
		last = max(last, s.At)
	}
	sealed, err := e.sealGit("prints "+ep.ID, list)
	return append(rows, sqlstore.PrintRow{Episode: ep.ID, At: time.Unix(last, 0), Sealed: sealed}), err
}

// printAll makes the fingerprints of all episodes whose raw text is still there: the first commits have come.
func (e *Edge) printAll(ctx context.Context) error {
	for last := ""; ; {
		rows, err := e.db.RawEpisodes(ctx, last, 1000)
		if err != nil || len(rows) == 0 {
			return err
		}
		last = rows[len(rows)-1].ID
		var prints []sqlstore.PrintRow
		for _, r := range rows {
			told, err := e.stored(ctx, r)
			if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
				continue
			}
			if err != nil {
				return err
			}
			if prints, err = e.print(prints, told.Episode()); err != nil {
				return err
			}
		}
		if err := e.db.StorePrints(ctx, prints); err != nil {
			return err
		}
	}
}

// sealGit seals what rests of git, under a name that it is opened by again.
func (e *Edge) sealGit(name string, v any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	key, err := aead(e.ring.Derive("join", "git"))
	if err != nil {
		return nil, err
	}
	return key.Seal(nil, nil, b.Bytes(), []byte(name)), nil
}

func (e *Edge) openGit(name string, sealed []byte, v any) error {
	key, err := aead(e.ring.Derive("join", "git"))
	if err != nil {
		return err
	}
	b, err := key.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return fmt.Errorf("open %s: %w", name, errDamaged)
	}
	return gob.NewDecoder(bytes.NewReader(b)).Decode(v)
}
