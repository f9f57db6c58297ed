// SPDX-License-Identifier: Apache-2.0

package instruct

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/patch"
)

// Known is what an edge knows of its own files.
type Known interface {
	// Artifact is the name and text of the instruction file that left under an id; ok is false where it is not in use any more.
	Artifact(id string) (name, text string, ok bool, err error)
}

// MaxWords is how long the words to a model may be at most, in bytes, all approved releases together: the hook program gives no
// more (hookprog.MaxWords).
const MaxWords = 8 << 10

// Resolved is what a payload means where it is to be applied.
type Resolved struct {
	// Words are what is said to a model at the start of a session instead of changing files; empty where files must change:
	// words can only add.
	Words string `json:"words,omitzero"`
	// Files are what a pull request changes.
	Files []File `json:"files"`
}

// File is a change of one file below the top of a repository.
type File struct {
	Path string `json:"path"`
	// Diff is the change as the release has it. It is empty where the release names a file: then that is to be there with Text,
	// or is not to be there.
	Diff    string `json:"diff,omitzero"`
	Text    string `json:"text,omitzero"`
	Without bool   `json:"without,omitzero"`
}

// Resolve finds out what a payload means, with what the edge knows.
func (p *Payload) Resolve(known Known) (*Resolved, error) {
	r := new(Resolved)
	var words []string
	add := true
	for _, c := range p.Changes {
		if c.Diff != "" {
			d, err := patch.Parse(c.Diff)
			if err != nil {
				return nil, badPayload(err)
			}
			added, only := d.Adds()
			add, words = add && only, append(words, added)
			r.Files = append(r.Files, File{Path: d.Name(), Diff: c.Diff})
			continue
		}
		name, text, ok, err := known.Artifact(c.Artifact)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &episode.Problem{Code: "instructions/unknown-artifact", Message: "the file " + c.Artifact + " that the release names is not in force any more, or with fewer than 10 developers",
				Hint: "it is found while records with it are less than the time of raw text old; ask for a release that has the text as a diff"}
		}
		if err := visible(text); err != nil {
			return nil, badPayload(fmt.Errorf("%s: %w", name, err))
		}
		if err := patch.CheckPath(name); err != nil { // a person's own file, below their home folder
			if add = add && !c.Without; !add {
				return nil, badPayload(err)
			}
			words = append(words, text)
			continue
		}
		add, words = add && !c.Without, append(words, text)
		r.Files = append(r.Files, File{Path: name, Text: text, Without: c.Without})
	}
	if add {
		if r.Words = strings.TrimSpace(strings.Join(words, "\n")) + "\n"; len(r.Words) > MaxWords || r.Words == "\n" {
			r.Words = ""
		}
	}
	if r.Words == "" && len(r.Files) == 0 {
		return nil, badPayload(fmt.Errorf("more than %d bytes of words, and no file", MaxWords))
	}
	return r, nil
}

// Apply is what becomes of a file in a repository, which has it as before; nil is no such file. Where nothing is to be changed,
// after is before.
func (f *File) Apply(before []byte) (after []byte, err error) {
	switch {
	case f.Diff != "":
		d, err := patch.Parse(f.Diff)
		if err != nil {
			return nil, badPayload(err)
		}
		if after, err = d.Apply(before); err == nil && d.New == "" {
			after = nil
		}
		return after, err
	case f.Without && string(before) == f.Text:
		return nil, nil
	case f.Without || string(before) == f.Text:
		return before, nil
	case before != nil:
		return nil, fmt.Errorf("%s has another text there: %w", f.Path, patch.ErrConflict)
	}
	return []byte(f.Text), nil
}

// Unified is the change of a file as a diff that git applies; empty where nothing changes.
func (f *File) Unified(before, after []byte) string {
	from, to := "a/"+f.Path, "b/"+f.Path
	if before == nil {
		from = patch.DevNull
	}
	if after == nil {
		to = patch.DevNull
	}
	if from == to || string(before) == string(after) {
		return ""
	}
	return patch.Unified(from, to, before, after)
}
