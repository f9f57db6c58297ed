// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/patch"
	"github.com/headrace/headrace/internal/sqlstore"
)

// maxFile is how large an instruction file may be that a release changes, in bytes.
const maxFile = 256 << 10

// shelf finds the text of an instruction file by the id under which it left for a hub: among the episodes whose raw text is still
// there. A file that is in use is in one of them.
type shelf struct {
	e     *Edge
	ctx   context.Context
	lower *consent.Lowerer
}

// shared is how many developers must have had a file before its text is shown to anyone else or given to others: whatever a hub
// names, what one person wrote for themselves is theirs.
const shared = 10

// Artifact finds it. It looks through all that is there, once for each release that a person looks at.
func (s shelf) Artifact(id string) (name, text string, ok bool, err error) {
	known := map[string]bool{}  // by the digest of the raw text: whether it is this file
	people := map[string]bool{} // who has it
	enough := func() bool { return len(people) >= shared || s.e.cfg.Own && len(people) > 0 }
	for last := ""; ; {
		rows, err := s.e.db.RawEpisodes(s.ctx, last, 1000)
		if err != nil || len(rows) == 0 {
			return name, text, false, err
		}
		last = rows[len(rows)-1].ID
		for _, r := range rows {
			told, err := s.e.stored(s.ctx, r)
			if errors.Is(err, errExpired) || errors.Is(err, errDamaged) {
				continue
			}
			if err != nil {
				return "", "", false, err
			}
			for _, a := range told.Episode().Artifacts {
				if a.Text == "" || a.Truncated {
					continue
				}
				is, seen := known[a.Digest]
				if is {
					people[r.Developer] = true
				}
				if enough() {
					return name, text, true, nil
				}
				if seen {
					continue
				}
				known[a.Digest] = false
				left := episode.Episode{Artifacts: []episode.Artifact{a}} // the digest that left is that of what the filter made of it
				if _, err := s.e.filter.Episode(&left); err != nil || len(left.Artifacts) == 0 {
					continue
				}
				if s.lower.ArtifactID(left.Artifacts[0].Digest) == id {
					known[a.Digest], name, text = true, a.Name, a.Text
					if people[r.Developer] = true; enough() {
						return name, text, true, nil
					}
				}
			}
		}
	}
}

// resolve finds out what a release means here.
func (e *Edge) resolve(ctx context.Context, r sqlstore.InstructionsRow, p *instruct.Payload) (*instruct.Resolved, error) {
	lower, err := e.Lowerer(r.Hub)
	if err != nil {
		return nil, err
	}
	return p.Resolve(shelf{e, ctx, lower})
}

// resolved is what a person has said yes to, or would.
func (e *Edge) resolved(ctx context.Context, r sqlstore.InstructionsRow) (instructionsBody, error) {
	c, err := e.openContent(r)
	if err == nil && c.Resolved == nil {
		c.Resolved, err = e.resolve(ctx, r, c.Payload)
	}
	return c, err
}

// InstructionsPatch is the change that a release makes in the files of a repository that the edge follows, for a pull request: what
// git apply takes. It is made against the last commit of the repository's own branch, and empty where nothing is to be changed.
func (e *Edge) InstructionsPatch(ctx context.Context, id, repository string) (string, error) {
	r, err := e.instructionsRow(ctx, id)
	if err != nil {
		return "", err
	}
	if r.State == sqlstore.InstructionsTrying { // a file is read by all who work in a repository, whatever was drawn for them
		return "", &episode.Problem{Code: "instructions/trying", Message: "it is being tried: in a repository those would read it, too, who were drawn to do without",
			Hint: "wait for what the gate says, or end the trial: headrace instructions stop " + r.ID}
	}
	c, err := e.resolved(ctx, r)
	if err != nil {
		return "", err
	}
	return e.patchOf(ctx, c.Resolved, repository)
}

func (e *Edge) patchOf(ctx context.Context, r *instruct.Resolved, repository string) (string, error) {
	repo, err := e.followed(ctx, repository)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, f := range r.Files {
		at := filepath.Join(repo.Dir(), filepath.FromSlash(f.Path))
		if plain, err := repo.Plain(ctx, "HEAD", at); err != nil {
			return "", err
		} else if !plain { // what it leads to is nowhere in what a person sees
			return "", &episode.Problem{Code: "instructions/link", Message: fmt.Sprintf("%s is a link in %s, or below one", f.Path, repository), Hint: "make the change by hand, where the link leads to"}
		}
		before, err := repo.Text(ctx, "HEAD", at, maxFile)
		if err != nil {
			before = nil // there is none; where git cannot say, the patch will not apply, and nothing is lost
		}
		after, err := f.Apply(before)
		if errors.Is(err, patch.ErrConflict) {
			return "", &episode.Problem{Code: "instructions/conflict", Message: fmt.Sprintf("%s is not as the release has it in %s", f.Path, repository), Err: err,
				Hint: "make the change by hand, or ask for a release against what is there now"}
		}
		if err != nil {
			return "", err
		}
		out.WriteString(f.Unified(before, after))
	}
	return out.String(), nil
}

// followed opens a repository that the edge follows, by its name, address or folder as configured.
func (e *Edge) followed(ctx context.Context, repository string) (*gitlog.Repository, error) {
	for _, r := range e.cfg.Repositories {
		if repository != r && repository != cmp.Or(gitlog.Name(r), filepath.Base(r)) {
			continue
		}
		dir := strings.TrimPrefix(r, "file://")
		if gitlog.Name(r) != "" {
			dir = filepath.Join(e.cfg.Dir, "mirrors", e.gitName(gitlog.Name(r))+".git")
		}
		return gitlog.Open(ctx, dir)
	}
	return nil, &episode.Problem{Code: "instructions/repository", Message: "the edge does not follow the repository " + printable(repository, 200),
		Hint: "name one of those under repositories: in its configuration"}
}
