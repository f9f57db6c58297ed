// SPDX-License-Identifier: Apache-2.0

package gitai

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/internal/capture/lax"
)

// Note is what git-ai says of one commit.
type Note struct {
	Schema string
	// Base is the commit before the one that the note is of.
	Base   string
	Files  []File
	Agents map[string]*Agent // by key: a prompt, or a session
}

// File is a file of the commit, and who wrote which of its lines.
type File struct {
	Path    string
	Entries []Entry
}

// Entry is the lines that somebody wrote.
type Entry struct {
	// Agent is a key of Note.Agents; empty for a person.
	Agent string
	// Trace is which of a session's turns wrote them, where the note says so.
	Trace  string
	Ranges [][2]int // the first line and the last, from 1
}

// Lines is how many lines there are.
func (e *Entry) Lines() (n int) {
	for _, r := range e.Ranges {
		n += r[1] - r[0] + 1
	}
	return n
}

// Agent is a prompt or a session of a coding tool.
type Agent struct {
	Kind                            string // prompt or session
	Tool, Session, Model            string
	Additions, Accepted, Overridden int64 // lines; 0 where the note does not count
	Messages                        []message
}

type message struct {
	Type      lax.String     `json:"type"`
	Text      lax.String     `json:"text"`
	Timestamp lax.Time       `json:"timestamp"`
	Name      lax.String     `json:"name"`
	Input     jsontext.Value `json:"input"`
}

type agent struct {
	ID lax.Object[struct {
		Tool  lax.String `json:"tool"`
		ID    lax.String `json:"id"`
		Model lax.String `json:"model"`
	}] `json:"agent_id"`
	Additions  lax.Number        `json:"total_additions"`
	Accepted   lax.Number        `json:"accepted_lines"`
	Overridden lax.Number        `json:"overriden_lines"` // so spelled
	Messages   lax.List[message] `json:"messages"`
}

// separator is where the JSON of a note begins, or -1.
func separator(b []byte) int {
	if i := bytes.Index(b, []byte("\n---\n")); i >= 0 {
		return i + len("\n---\n")
	}
	if bytes.HasPrefix(b, []byte("---\n")) {
		return len("---\n") // a commit without a line of anybody's
	}
	return -1
}

// Parse reads a note.
func Parse(b []byte) (*Note, error) {
	i := separator(b)
	if i < 0 {
		return parseBlob(b)
	}
	var about struct {
		Schema   lax.String       `json:"schema_version"`
		Base     lax.String       `json:"base_commit_sha"`
		Prompts  map[string]agent `json:"prompts"`
		Sessions map[string]agent `json:"sessions"`
	}
	if !lax.Decode(b[i:], &about) {
		return nil, errors.New("after its lines, the note is not the JSON that git-ai writes")
	}
	n := &Note{Schema: string(about.Schema), Base: string(about.Base), Agents: map[string]*Agent{}}
	for kind, list := range map[string]map[string]agent{"prompt": about.Prompts, "session": about.Sessions} {
		for key, a := range list {
			n.Agents[key] = &Agent{Kind: kind, Tool: string(a.ID.V.Tool), Session: string(a.ID.V.ID), Model: string(a.ID.V.Model), Additions: a.Additions.Int(),
				Accepted: a.Accepted.Int(), Overridden: a.Overridden.Int(), Messages: a.Messages.V}
		}
	}
	return n, n.lines(string(b[:i]))
}

// lines reads the part of a note before its JSON: a file's path, then for each who wrote lines of it two spaces, a key and
// ranges.
func (n *Note) lines(text string) error {
	at := 0
	for line := range strings.Lines(text) {
		at++
		line = strings.TrimRight(line, "\r\n")
		rest, indented := strings.CutPrefix(line, "  ")
		switch {
		case line == "" || line == "---":
		case !indented:
			if strings.HasPrefix(line, `"`) {
				if u, err := strconv.Unquote(line); err == nil {
					line = u
				}
			}
			n.Files = append(n.Files, File{Path: strings.ToValidUTF8(line, "\uFFFD")})
		case len(n.Files) == 0:
			return fmt.Errorf("line %d of the note belongs to no file", at)
		default:
			key, ranges, _ := strings.Cut(rest, " ")
			e := Entry{}
			if e.Agent, e.Trace, _ = strings.Cut(key, "::"); n.Agents[e.Agent] == nil {
				e.Agent = "" // a person, by key or by the word human
			}
			for r := range strings.SplitSeq(ranges, ",") {
				from, to, ok := span(r)
				if !ok {
					return fmt.Errorf("line %d of the note: %.40q is no range of lines", at, r)
				}
				e.Ranges = append(e.Ranges, [2]int{from, to})
			}
			f := &n.Files[len(n.Files)-1]
			f.Entries = append(f.Entries, e)
		}
	}
	return nil
}

// span reads "12" or "5-9".
func span(s string) (from, to int, ok bool) {
	first, last, several := strings.Cut(strings.TrimSpace(s), "-")
	from, err := strconv.Atoi(first)
	if to = from; err == nil && several {
		to, err = strconv.Atoi(last)
	}
	const most = 1 << 28
	return from, to, err == nil && from >= 0 && to >= from && to < most
}

// parseBlob reads the form of version 0.0.1: one JSON object, whose authors are names. Which of them are tools it does not say:
// those that are named like one.
func parseBlob(b []byte) (*Note, error) {
	var blob struct {
		Schema lax.String `json:"schema_version"`
		Files  map[string]struct {
			File    lax.String `json:"file"`
			Authors lax.List[struct {
				Author lax.String               `json:"author"`
				Lines  lax.List[jsontext.Value] `json:"lines"`
			}] `json:"authors"`
		} `json:"files"`
	}
	if !lax.Decode(b, &blob) || blob.Files == nil {
		return nil, errors.New("it is no note of git-ai")
	}
	n := &Note{Schema: string(blob.Schema), Agents: map[string]*Agent{}}
	if n.Schema == "" {
		n.Schema = "authorship/0.0.1"
	}
	for _, path := range sorted(blob.Files) {
		f := File{Path: path}
		for _, a := range blob.Files[path].Authors.V {
			e := Entry{Agent: toolOf(string(a.Author))}
			if e.Agent != "" && n.Agents[e.Agent] == nil {
				n.Agents[e.Agent] = &Agent{Kind: "author", Tool: e.Agent}
			}
			for _, v := range a.Lines.V {
				from, to, ok := span(strings.Replace(strings.Trim(string(v), "[] "), ",", "-", 1))
				if ok {
					e.Ranges = append(e.Ranges, [2]int{from, to})
				}
			}
			f.Entries = append(f.Entries, e)
		}
		n.Files = append(n.Files, f)
	}
	return n, nil
}

// toolOf is the tool that an author is, empty for a person.
func toolOf(author string) string {
	name := strings.ToLower(author)
	for _, t := range [...]string{"claude", "cursor", "codex", "copilot", "gemini", "windsurf", "amp", "devin", "opencode"} {
		if name == t || strings.HasPrefix(name, t+" ") || strings.HasSuffix(name, " "+t) {
			return t
		}
	}
	return ""
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
