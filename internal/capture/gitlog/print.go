// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"path"
	"regexp"
	"strings"
)

// Word is the fingerprint of a word: 31 bits of a MAC under the edge's join key, never 0, and one bit that says whether it is
// a sign or a word that is common in all code.
type Word = uint32

const commonWord Word = 1 << 31

// everywhere are words that say little wherever they stand.
const everywhere = ` abstract and any args as assert async await bool boolean break byte case catch char class const continue def default defer` +
	` del delete do double elif else end enum err error except export extends false final finally float for from func function go` +
	` if impl implements import in int interface is key lambda let list long map match mod module mut name new next nil None not` +
	` null number object of or package pass print private protected pub public raise range return self short static str string` +
	` String struct super switch test the this throw throws to True False true try type undefined union unsigned use using val` +
	` value var vec void while with yield 0 1 2 i j k n x `

func isCommon(s []byte) bool {
	return len(s) == 1 && !wordByte(s[0]) || strings.Contains(everywhere, " "+string(s)+" ")
}

// Printer makes fingerprints. It is not safe for concurrent use.
type Printer struct {
	mac   hash.Hash
	sum   []byte
	words map[string]Word
}

// NewPrinter makes fingerprints under a key.
func NewPrinter(key []byte) *Printer {
	return &Printer{mac: hmac.New(sha256.New, key), words: map[string]Word{}}
}

// maxWords bounds what is remembered of words: most of any code is a few thousand of them.
const maxWords = 1 << 16

func (p *Printer) word(s []byte) Word {
	if w, known := p.words[string(s)]; known {
		return w
	}
	w := max(1, Word(p.hash(s)>>33))
	if isCommon(s) {
		w |= commonWord
	}
	if len(p.words) >= maxWords {
		clear(p.words)
	}
	p.words[string(s)] = w
	return w
}

func (p *Printer) hash(s []byte) uint64 {
	p.mac.Reset()
	p.mac.Write(s)
	p.sum = p.mac.Sum(p.sum[:0])
	return binary.BigEndian.Uint64(p.sum)
}

// maxLine is how many words of a line count: a longer one is data, not code.
const maxLine = 512

// Line is the words of a line: names and numbers, and signs one by one. What a formatter may change is left out: white
// space, quotes, commas, semicolons, parentheses, the backslash that continues a line, and the marks that begin a comment.
func (p *Printer) Line(s string) []Word {
	var out []Word
	b := []byte(strings.TrimLeft(s, " \t"))
	for len(b) > 0 && (b[0] == '/' || b[0] == '*' || b[0] == '#') {
		b = b[1:]
	}
	for i := 0; i < len(b) && len(out) < maxLine; {
		switch c := b[i]; {
		case wordByte(c):
			end := i + 1
			for end < len(b) && wordByte(b[end]) {
				end++
			}
			out = append(out, p.word(b[i:end]))
			i = end
			continue
		case c <= ' ' || strings.IndexByte("'\"`,;()\\", c) >= 0:
		default:
			out = append(out, p.word(b[i:i+1]))
		}
		i++
	}
	return out
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// Lines is the words of each line of a text.
func (p *Printer) Lines(text string) [][]Word {
	var out [][]Word
	for line := range strings.Lines(text) {
		out = append(out, p.Line(line))
	}
	return out
}

// name is the fingerprint of a path or of the end of one.
func (p *Printer) name(s string) uint64 {
	if s == "" {
		return 0
	}
	return max(1, p.hash([]byte("path\x00"+s)))
}

// maxDepth is how many elements of a path are looked at, from its end.
const maxDepth = 24

// names are the fingerprints of a path's ends, the shortest, the file's own name, first: a tool names files from the root
// of the machine or the workspace, git from the root of the repository.
func (p *Printer) names(file string) []uint64 {
	file = strings.Trim(path.Clean(strings.ReplaceAll(file, `\`, "/")), "/")
	var out []uint64
	for end := len(file); end > 0 && len(out) < maxDepth; {
		end = strings.LastIndexByte(file[:end], '/')
		out = append(out, p.name(file[end+1:]))
	}
	return out
}

// Change is a commit in fingerprints.
type Change struct {
	ID       string
	Parents  []string
	Written  int64 // seconds since 1970
	Made     int64
	Fix      bool     // its message says that it repairs something
	Revert   bool     // its message says that it takes something back
	Reverts  []string // the commits that it says it takes back
	Sessions []string
	Files    []ChangedFile
}

// ChangedFile is a File in fingerprints.
type ChangedFile struct {
	Old, New uint64
	Base     uint64 // the new name without folders
	Hunks    []ChangedLines
}

// ChangedLines is a Hunk in fingerprints.
type ChangedLines struct {
	Old, Removed, New int
	Added             [][]Word
}

var (
	fixWord  = regexp.MustCompile(`(?i)\b(fix(e[sd]|ing)?|bug-?fix(es)?|hot-?fix(es)?|bugs?|regressions?)\b`)
	noFix    = regexp.MustCompile(`(?i)\bfix(e[sd]|ing)? (the |a |some |all |up )?(typos?|spelling|format(ting)?|lint(er|ing)?|style|whitespace|indent(ation)?|comments?|docs?|imports?)\b`)
	reverted = regexp.MustCompile(`(?i)\brevert(s|ed|ing)? commits? ([0-9a-f]{7,64})`)
	revert   = regexp.MustCompile(`(?i)^(revert(s|ed|ing)?\b|(back(s|ed|ing)? out|roll(s|ed|ing)? ?back|undo(es)?|undid)\b)`)
)

// Change is a commit in fingerprints.
func (p *Printer) Change(c *Commit) Change {
	subject, _, _ := strings.Cut(c.Message, "\n")
	out := Change{ID: c.ID, Parents: c.Parents, Written: c.Written.Unix(), Made: c.Made.Unix(), Sessions: c.Sessions,
		Fix: fixWord.MatchString(subject) && !noFix.MatchString(subject) || fixRef.MatchString(c.Message), Revert: revert.MatchString(subject)}
	for _, m := range reverted.FindAllStringSubmatch(c.Message, 16) {
		out.Reverts, out.Revert = append(out.Reverts, m[2]), true
	}
	if out.Revert {
		out.Fix = false
	}
	for _, f := range c.Files {
		file := ChangedFile{Old: p.name(f.Old), New: p.name(f.New), Base: p.name(path.Base(f.New))}
		for _, h := range f.Hunks {
			lines := ChangedLines{Old: h.Old, Removed: h.Removed, New: h.New}
			for _, l := range h.Added {
				lines.Added = append(lines.Added, p.Line(l))
			}
			file.Hunks = append(file.Hunks, lines)
		}
		out.Files = append(out.Files, file)
	}
	return out
}

var fixRef = regexp.MustCompile(`(?im)^(fix(e[sd])?|close[sd]?|resolve[sd]?):? +([\w./-]+)?#\d+`)

// Suggestion is a suggestion in fingerprints.
type Suggestion struct {
	ID      string
	Session string
	Commit  string // that its tool says it was committed with, or the beginning of its id; empty where it does not say
	At      int64  // seconds since 1970
	Paths   []uint64
	// Added are the lines that it adds and Gone those that it removes; a line that stays is in neither.
	Added, Gone [][]Word
}

// Suggestion makes fingerprints of a suggestion that puts after in the place of before, in the file at path.
func (p *Printer) Suggestion(file, before, after string) Suggestion {
	s := Suggestion{Paths: p.names(file)}
	b, a := p.Lines(before), p.Lines(after)
	gone, added := differ(b, a)
	s.Gone, s.Added = pick(b, gone), pick(a, added)
	return s
}

// Weight is how many words a suggestion adds.
func (s *Suggestion) Weight() (n int) {
	for _, l := range s.Added {
		n += len(l)
	}
	return n
}
