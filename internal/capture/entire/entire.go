// SPDX-License-Identifier: Apache-2.0

// Package entire reads what Entire writes of each checkpoint, metadata.json: which session of which tool it is of.
//
// Entire keeps checkpoints on a branch of the repository, entire/checkpoints/v1, in folders by id and number of the session
// ("0a/1b2c3d4e5f/0"), and names them in commits by a trailer. Beside metadata.json lies full.jsonl, the tool's own history,
// which the tool's own reader knows by its shape. [Parse] is what package gitlog needs to tell which session a commit is of;
// [Source] makes an episode of each checkpoint: no words and no code, only which session touched which files until when. The
// commit is not in the file; "headrace read" of a repository adds it.
//
// More is not made of it, for it would not be true. Nobody has decided on anything. The prompts in prompt.txt are a session's
// from its beginning, mixed with what hooks and agents said. Tokens are counted from the session's beginning too. Of lines,
// initial_attribution counts what it takes for the agent's in the whole commit: none, in a recording, where nearly all were.
// And the name of the agent, which is the tool's version here, was seen to be another's.
package entire

import (
	"context"
	"regexp"
	"slices"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/lax"
)

// Name is the tool's name in episodes.
const Name = "entire"

// Checkpoint is one session's part of a checkpoint.
type Checkpoint struct {
	ID string // 12 hex digits, as the trailer of the commit has them
	// Session is the session's id as its own tool has it.
	Session string
	Agent   string // as Entire tells it; do not rely on it
	Model   string
	Created time.Time
	// Files are those that the session has touched: more than the commit's, since Entire may not forget those of commits
	// before, and not all of them where Entire does not see how they were changed.
	Files []string
}

// dated is how Entire, in its first months, wrote a session's id: with the day before it.
var dated = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}-([0-9a-f]{8}-[0-9a-f]{4}-)`)

type metadata struct {
	ID      lax.String  `json:"checkpoint_id"`
	Session lax.String  `json:"session_id"`
	Agent   lax.String  `json:"agent"`
	Model   lax.String  `json:"model"`
	Created lax.Time    `json:"created_at"`
	Files   lax.Strings `json:"files_touched"`
}

func (m *metadata) checkpoint() *Checkpoint {
	return &Checkpoint{ID: string(m.ID), Session: dated.ReplaceAllString(string(m.Session), "$1"), Agent: string(m.Agent), Model: string(m.Model), Created: m.Created.Time, Files: slices.DeleteFunc(m.Files, func(f string) bool { return f == "" })}
}

// Parse reads a metadata.json, and reports whether it is one of a session's: a checkpoint of several sessions has another,
// one level up, which sums them up and names none.
func Parse(b []byte) (*Checkpoint, bool) {
	var m metadata
	if !lax.Decode(b, &m) || m.ID == "" || m.Session == "" {
		return nil, false
	}
	return m.checkpoint(), true
}

// Source reads files metadata.json; it implements capture.Source.
type Source struct{}

// Name implements capture.Source.
func (Source) Name() string { return Name }

// About implements capture.Source.
func (Source) About() capture.About {
	return capture.About{Title: "Entire checkpoints", Tested: capture.Real, Yields: capture.Yields{Outcome: true},
		Note: "`headrace read` of a repository reads its checkpoints: which session touched which files, and the commit; what was said and suggested is in the tool's own history, kept with it; `headrace outcomes` goes by them too"}
}

// Detect implements capture.Source.
func (Source) Detect(head []byte, _ string) bool {
	keys := lax.Keys(head)
	_, strategy := keys["strategy"]
	return strategy && keys["checkpoint_id"] != "" && keys["session_id"] != ""
}

// Read implements capture.Source.
func (Source) Read(_ context.Context, f capture.File, emit func(*episode.Episode) error) (capture.Counts, error) {
	var c capture.Counts
	var m metadata
	if ok, err := capture.Document(f.R, &c, &m); !ok || err != nil {
		return c, err
	}
	if m.ID == "" || m.Session == "" {
		c.Unparsable++
		return c, nil
	}
	p := m.checkpoint()
	c.Kind("checkpoint")
	e := &episode.Episode{SchemaVersion: episode.SchemaVersion, ID: episode.NewID(Name, p.ID+"/"+p.Session), Session: p.Session, StartedAt: p.Created, EndedAt: p.Created,
		Tool: episode.Tool{Name: Name, Version: p.Agent, Surface: episode.SurfaceAgent}}
	capture.SetModel(e, "", p.Model)
	seen := map[string]bool{}
	for _, path := range p.Files {
		if !seen[path] {
			seen[path] = true
			e.Suggestions = append(e.Suggestions, episode.Suggestion{ID: path, Step: -1, Kind: episode.KindEdit, Path: path})
		}
	}
	capture.Languages(e)
	return c, emit(e)
}
