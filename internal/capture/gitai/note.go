// SPDX-License-Identifier: Apache-2.0

package gitai

import (
	"bytes"
	"errors"
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
	// Version is git-ai's own; its first versions did not say.
	Version string
	// Base is base_commit_sha, the commit that the note was reckoned against: see Commit.
	Base   string
	Files  []File
	Agents map[string]*Agent // by key: a prompt, or a session
	Humans int               // people that the note names; who they are is not read
	// Lines are the lines before the JSON that are not blank; Unparsable of them were passed over.
	Lines, Unparsable int

	ranges int
}

// maxRanges bounds the ranges of a note, each of which takes eight times the room that a hostile one would need to write it.
const maxRanges = 1 << 20

// Commit is the commit that the note is of, where the note says so. The standard leaves open what the base is: each note
// seen that tells git-ai's version has the commit itself there, and each without one another commit.
func (n *Note) Commit() string {
	if n.Version == "" {
		return ""
	}
	return n.Base
}

// Sessions are the ids, as their tools have them, of the sessions that the note names, sorted.
func (n *Note) Sessions() []string {
	var ids []string
	for _, a := range n.Agents {
		if a.Session != "" {
			ids = append(ids, a.Session)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// File is a file of the commit, and who wrote which of its lines.
type File struct {
	Path    string
	Entries []Entry
}

// Entry is the lines that somebody wrote.
type Entry struct {
	// Agent is a key of Note.Agents. It is empty for a person, and where the note has lost the prompt that the key stands
	// for, as notes of merges and rebases have.
	Agent string
	// Person says that the note knows that a person wrote them.
	Person bool
	// Trace is which of a session's turns wrote them, where the note says so.
	Trace  string
	Ranges [][2]int // the first line and the last, from 1
}

// linesBy is how many of the file's lines are the agent's. Turns of a session may claim a line both.
func (f *File) linesBy(agent string) (n int) {
	var all [][2]int
	for i := range f.Entries {
		if f.Entries[i].Agent == agent {
			all = append(all, f.Entries[i].Ranges...)
		}
	}
	slices.SortFunc(all, func(a, b [2]int) int { return a[0] - b[0] })
	last := 0
	for _, r := range all {
		if r[1] > last {
			n += r[1] - max(r[0], last+1) + 1
			last = r[1]
		}
	}
	return n
}

// Agent is a prompt or a session of a coding tool.
type Agent struct {
	Kind                 string // prompt or session; author in version 0.0.1
	Tool, Session, Model string
	// Lines that it added, of these those that were accepted, and those that a person wrote over: over all of its session,
	// not of this commit alone, and as git-ai counts them, at times more accepted than added. 0 where the note does not count.
	Additions, Accepted, Overridden int64
	Messages                        []message
}

type message struct {
	Type      lax.String     `json:"type"`
	Text      lax.String     `json:"text"`
	Timestamp lax.Time       `json:"timestamp"`
	Name      lax.String     `json:"name"`
	Input     jsontext.Value `json:"input"`
}

// agents is the map of prompts or of sessions.
type agents = lax.Object[map[string]lax.Object[agent]]

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

// Parse reads a note, as it is in refs/notes/ai or, of version 0.0.1, below refs/ai/authorship.
func Parse(b []byte) (*Note, error) {
	i := separator(b)
	if i < 0 {
		return parseBlob(b)
	}
	var about struct {
		Schema   lax.String                            `json:"schema_version"`
		Version  lax.String                            `json:"git_ai_version"`
		Base     lax.String                            `json:"base_commit_sha"`
		Prompts  agents                                `json:"prompts"`
		Sessions agents                                `json:"sessions"`
		Humans   lax.Object[map[string]jsontext.Value] `json:"humans"`
	}
	if !lax.Decode(b[i:], &about) {
		return nil, errors.New("after its lines, the note is not the JSON that git-ai writes")
	}
	n := &Note{Schema: string(about.Schema), Version: string(about.Version), Base: string(about.Base), Agents: map[string]*Agent{}, Humans: len(about.Humans.V)}
	n.add("prompt", about.Prompts)
	n.add("session", about.Sessions)
	n.lines(string(b[:i-len("---\n")]))
	return n, nil
}

func (n *Note) add(kind string, list agents) {
	for key, o := range list.V {
		a := &o.V
		n.Agents[key] = &Agent{Kind: kind, Tool: string(a.ID.V.Tool), Session: string(a.ID.V.ID), Model: string(a.ID.V.Model),
			Additions: a.Additions.Int(), Accepted: a.Accepted.Int(), Overridden: a.Overridden.Int(), Messages: a.Messages.V}
	}
}

// lines reads the part of a note before its JSON: a file's path, then for each who wrote lines of it two spaces, a key and
// ranges.
func (n *Note) lines(text string) {
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		line = strings.TrimSuffix(line, "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		n.Lines++
		rest, indented := strings.CutPrefix(line, "  ")
		if !indented {
			line, text = unquote(line, text)
			n.Files = append(n.Files, File{Path: strings.ToValidUTF8(line, "\uFFFD")})
			continue
		}
		e, ok := n.entry(rest)
		if !ok || len(n.Files) == 0 {
			n.Unparsable++
			continue
		}
		f := &n.Files[len(n.Files)-1]
		f.Entries = append(f.Entries, e)
	}
}

// unquote is the path in a line. git-ai puts a path with white space between quotes and escapes nothing, so that one with a
// line break goes on in the text below, to the line that ends with a quote.
func unquote(line, below string) (path, rest string) {
	in, quoted := strings.CutPrefix(line, `"`)
	if !quoted {
		return line, below
	}
	if path, ok := strings.CutSuffix(in, `"`); ok {
		return path, below
	}
	const longest = 4096 // of a path
	if more, rest, ok := strings.Cut(below, "\"\n"); ok && len(more) < longest {
		return in + "\n" + more, rest
	}
	return line, below
}

// entry reads a key and ranges.
func (n *Note) entry(line string) (e Entry, ok bool) {
	key, ranges, ok := strings.Cut(line, " ")
	if !ok {
		return e, false
	}
	e.Agent, e.Trace, _ = strings.Cut(key, "::")
	if n.Agents[e.Agent] == nil {
		e.Person = e.Agent == "human" || strings.HasPrefix(e.Agent, "h_")
		e.Agent = ""
	}
	for r := range strings.SplitSeq(ranges, ",") {
		from, to, ok := span(strings.TrimSpace(r))
		if n.ranges++; !ok || n.ranges > maxRanges {
			return e, false
		}
		e.Ranges = append(e.Ranges, [2]int{from, to})
	}
	return e, true
}

// span reads "12" or "5-9".
func span(s string) (from, to int, ok bool) {
	first, last, several := strings.Cut(s, "-")
	from, err := strconv.Atoi(first)
	if to = from; err == nil && several {
		to, err = strconv.Atoi(last)
	}
	return from, to, err == nil && inFile(from, to)
}

// inFile reports whether a file may have the lines.
func inFile(from, to int) bool {
	const most = 1 << 28
	return from > 0 && to >= from && to < most
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
