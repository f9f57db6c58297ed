// SPDX-License-Identifier: Apache-2.0

package gitlogplay

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture"
	"github.com/headrace/headrace/internal/capture/claudecode"
	"github.com/headrace/headrace/internal/capture/entire"
	"github.com/headrace/headrace/internal/capture/gitlog"
)

// Recorded is how recorded sessions fit the commits that Entire's checkpoints say are theirs. Nobody knows what of a commit
// its session wrote, and what a person did, another session of the checkpoint or a command that it ran. But it did write a
// line that it had suggested for that file in the same words: so much for recall. And what another session is found to have
// written is an error, or nearly: so much for precision.
type Recorded struct {
	Commits, Sessions int
	Lines             int // that the commits add; those without a word, such as a closing parenthesis, are left out
	// Own are the lines that are joined to the commit's own session when all sessions and commits are followed together, and
	// Other those that are joined to another session.
	Own, Other int
	// SameText are the lines whose text, white space apart, the own session suggested for a file of that name; Both are those
	// of them that are joined to it.
	SameText, Both int
	// Forged is what comes of following each session as if it were of each commit of another one, and at its time: of so many
	// lines so many are joined, and, where the commit is believed to name the session, so many.
	Forged, ForgedJoined, ForgedBelieved int
}

// commit is a recorded commit.
type commit struct {
	*gitlog.Commit
	change  gitlog.Change
	session string
	texts   map[lineAt]string // of the lines that it adds
}

type lineAt struct {
	file uint64
	n    int
}

// suggested is a session's suggestions.
type suggested struct {
	id    string
	made  int64 // when the first of its commits was
	list  []gitlog.Suggestion
	texts map[string]int64 // when first, by the file's name and the line
}

// Recordings measures the recordings of Entire's checkpoints: patches named by checkpoint and commit, "entire-…-….patch", in one
// folder, and in another the checkpoints' metadata and the histories of their sessions.
func Recordings(ctx context.Context, patches, checkpoints string) (*Recorded, error) {
	files, err := filepath.Glob(filepath.Join(patches, "entire-*.patch"))
	if err != nil {
		return nil, err
	}
	p := gitlog.NewPrinter([]byte("key"))
	var commits []*commit
	sessions := map[string]*suggested{}
	for _, file := range files {
		c, err := readCommit(file, p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		checkpoint := strings.Split(filepath.Base(file), "-")[1]
		if c.session, err = readSessions(ctx, filepath.Join(checkpoints, checkpoint), c.Made.Unix(), p, sessions); err != nil {
			return nil, err
		}
		if c.session != "" {
			c.change.Sessions = []string{c.session}
			commits = append(commits, c)
		}
	}
	r := &Recorded{Commits: len(commits), Sessions: len(sessions)}
	r.together(commits, sessions)
	r.forged(commits, sessions)
	return r, nil
}

// readCommit reads what git show --format=fuller printed.
func readCommit(file string, p *gitlog.Printer) (*commit, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	head, diff, _ := bytes.Cut(b, []byte("\ndiff --git "))
	fields := map[string]string{}
	about, message, _ := strings.Cut(string(head), "\n\n")
	for line := range strings.Lines("commit: " + strings.TrimPrefix(about, "commit ")) {
		name, value, _ := strings.Cut(line, ":")
		fields[name] = strings.TrimSpace(value)
	}
	var at [2]int64
	for i, name := range [...]string{"AuthorDate", "CommitDate"} {
		t, err := time.Parse("Mon Jan 2 15:04:05 2006 -0700", fields[name])
		if err != nil {
			return nil, err
		}
		at[i] = t.Unix()
	}
	printed := fmt.Sprintf("\x01%s\x00\x00%d\x00%d\x00%s\x00\x00\n\ndiff --git %s", fields["commit"], at[0], at[1], strings.ReplaceAll(message, "\n    ", "\n"), diff)
	c := &commit{texts: map[lineAt]string{}}
	if err := gitlog.Parse(strings.NewReader(printed), func(parsed *gitlog.Commit, _ string) error { c.Commit = parsed; return nil }); err != nil {
		return nil, err
	}
	c.change = p.Change(c.Commit)
	for i, f := range c.Files {
		for _, h := range f.Hunks {
			for k, text := range h.Added {
				if len(p.Line(text)) > 0 {
					c.texts[lineAt{c.change.Files[i].New, h.New + k}] = textOf(f.New, text)
				}
			}
		}
	}
	return c, nil
}

func textOf(file, line string) string {
	return path.Base(strings.ReplaceAll(file, `\`, "/")) + "\x00" + strings.TrimSpace(line)
}

// readSessions adds what the sessions of a checkpoint suggested, and returns the id of one of them: empty where no history of
// a session can be read.
func readSessions(ctx context.Context, checkpoint string, made int64, p *gitlog.Printer, sessions map[string]*suggested) (id string, err error) {
	files, err := filepath.Glob(checkpoint + "-*.metadata.json")
	if err != nil {
		return "", err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		about, ok := entire.Parse(b)
		if !ok {
			return "", fmt.Errorf("%s is no checkpoint's", file)
		}
		s := sessions[about.Session]
		if s == nil {
			s = &suggested{id: about.Session, made: made, texts: map[string]int64{}}
		}
		s.made = min(s.made, made)
		had := map[string]bool{}
		for _, one := range s.list {
			had[one.ID] = true
		}
		_, err = capture.Read(ctx, []capture.Source{claudecode.Source{}}, "", strings.TrimSuffix(file, "metadata.json")+"full.jsonl", func(e *episode.Episode) error {
			for _, one := range p.Episode(e) {
				if had[one.ID] {
					continue // a later checkpoint's history begins as an earlier one's
				}
				s.list = append(s.list, one)
				k := slices.IndexFunc(e.Suggestions, func(sg episode.Suggestion) bool { return sg.ID == one.ID })
				s.note(&e.Suggestions[k], one.At)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
		sessions[s.id], id = s, s.id
	}
	return id, nil
}

// note notes the lines that a suggestion has and that were not there before.
func (s *suggested) note(sg *episode.Suggestion, at int64) {
	before := map[string]bool{}
	for line := range strings.Lines(sg.Before) {
		before[strings.TrimSpace(line)] = true
	}
	for line := range strings.Lines(sg.After) {
		text := textOf(sg.Path, line)
		if first := s.texts[text]; !before[strings.TrimSpace(line)] && (first == 0 || at < first) {
			s.texts[text] = at
		}
	}
}

// together follows all suggestions through all commits.
func (r *Recorded) together(commits []*commit, sessions map[string]*suggested) {
	h := &gitlog.History{}
	for _, c := range commits {
		h.Changes = append(h.Changes, c.change)
		h.Now = max(h.Now, c.change.Made)
	}
	var list []gitlog.Suggestion
	for _, s := range ordered(sessions) {
		list = append(list, s.list...)
	}
	told := gitlog.Follow(h, list)
	for _, c := range commits {
		r.Lines += len(c.texts)
		own, other := map[lineAt]bool{}, map[lineAt]bool{}
		for i := range list {
			if list[i].Session == c.session {
				c.joined(own, told[i])
			} else {
				c.joined(other, told[i])
			}
		}
		r.Own, r.Other = r.Own+len(own), r.Other+len(other)
		for at, text := range c.texts {
			if first := sessions[c.session].texts[text]; first > 0 && first <= c.change.Made {
				r.SameText++
				if own[at] {
					r.Both++
				}
			}
		}
	}
}

// joined notes the lines of the commit that lines of a suggestion are found in.
func (c *commit) joined(at map[lineAt]bool, told []gitlog.Line) {
	for _, l := range told {
		if (l.Committed != gitlog.Verbatim && l.Committed != gitlog.Changed) || l.First.Commit != c.ID {
			continue
		}
		for n := l.First.From; n <= l.First.To; n++ {
			if k := (lineAt{l.First.File, n}); c.texts[k] != "" {
				at[k] = true
			}
		}
	}
}

// forged follows each session through each commit of another, alone, as if it had come shortly before it.
func (r *Recorded) forged(commits []*commit, sessions map[string]*suggested) {
	for _, c := range commits {
		for _, s := range ordered(sessions) {
			if s.id == c.session {
				continue
			}
			list := slices.Clone(s.list)
			for i := range list {
				list[i].At += c.change.Made - s.made
			}
			count := func(believed string) int {
				change := c.change
				change.Sessions = []string{believed}
				at := map[lineAt]bool{}
				for _, told := range gitlog.Follow(&gitlog.History{Changes: []gitlog.Change{change}, Now: change.Made}, list) {
					c.joined(at, told)
				}
				return len(at)
			}
			r.Forged += len(c.texts)
			r.ForgedJoined += count("")
			r.ForgedBelieved += count(s.id)
		}
	}
}

func ordered(sessions map[string]*suggested) []*suggested {
	var list []*suggested
	for _, s := range sessions {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *suggested) int { return cmp.Compare(a.id, b.id) })
	return list
}
