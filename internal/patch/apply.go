// SPDX-License-Identifier: Apache-2.0

package patch

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// ErrConflict says that a file is not as the diff has it.
var ErrConflict = errors.New("the file is not as the diff has it")

// MaxSize is the longest diff that is read, in bytes.
const MaxSize = 256 << 10

// Patch is one diff of one file.
type Patch struct {
	// Old and New are the file's path before and after, with slashes, below the top of a repository; empty where there is no
	// such file before, or after.
	Old, New string
	hunks    []hunk
}

// Parse reads a unified diff of one file. Names may have git's prefixes a/ and b/, and must not lead out of the folder that they
// are below. Renames, binary files and more than one file are refused.
func Parse(text string) (*Patch, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("a diff of more than %d bytes", MaxSize)
	}
	if strings.ContainsRune(text, 0) {
		return nil, errors.New("a diff of a binary file")
	}
	rest := slices.Collect(strings.Lines(text))
	for len(rest) > 0 && !strings.HasPrefix(rest[0], "--- ") { // what git says before it
		if !preamble(rest[0]) {
			return nil, fmt.Errorf("%.40q where a diff should begin", rest[0])
		}
		rest = rest[1:]
	}
	if len(rest) < 2 || !strings.HasPrefix(rest[1], "+++ ") {
		return nil, errors.New("no lines --- and +++")
	}
	p := new(Patch)
	var err error
	if p.Old, err = name(rest[0], "a/"); err == nil {
		p.New, err = name(rest[1], "b/")
	}
	switch {
	case err != nil:
		return nil, err
	case p.Old == "" && p.New == "":
		return nil, errors.New("a diff of no file")
	case p.Old != "" && p.New != "" && p.Old != p.New:
		return nil, fmt.Errorf("%s becomes %s: files are not renamed", p.Old, p.New)
	}
	for rest = rest[2:]; len(rest) > 0; {
		var h hunk
		if h, rest, err = readHunk(rest); err != nil {
			return nil, err
		}
		p.hunks = append(p.hunks, h)
	}
	if len(p.hunks) == 0 {
		return nil, errors.New("a diff without a change")
	}
	return p, nil
}

// preamble reports whether git writes such a line before a diff of text.
func preamble(line string) bool {
	for _, word := range [...]string{"diff --git ", "index ", "new file mode 100644", "deleted file mode 100644"} {
		if strings.HasPrefix(line, word) {
			return true
		}
	}
	return false
}

// name is the path of a line that begins --- or +++.
func name(line, prefix string) (string, error) {
	s, _, _ := strings.Cut(strings.TrimRight(line[len("--- "):], "\r\n"), "\t") // what follows a tab is a time
	if s == DevNull {
		return "", nil
	}
	s = strings.TrimPrefix(s, prefix)
	return s, CheckPath(s)
}

// CheckPath reports why a path is none below the top of a repository, with slashes: nil where it is one.
func CheckPath(s string) error {
	if s == "" || len(s) > 200 || path.IsAbs(s) || path.Clean(s) != s || s == "." || strings.HasPrefix(s, "../") || s == ".." || strings.HasPrefix(s, "~") || strings.ContainsAny(s, "\\:\"\x7f") {
		return fmt.Errorf("%.60q is no path below a repository", s)
	}
	for _, r := range s {
		if r < ' ' {
			return fmt.Errorf("%.60q is no path below a repository", s)
		}
	}
	if first, _, _ := strings.Cut(s, "/"); strings.EqualFold(first, ".git") {
		return fmt.Errorf("%.60q is git's own", s)
	}
	return nil
}

// readHunk reads a hunk, and returns what follows it.
func readHunk(all []string) (h hunk, rest []string, err error) {
	ranges, ok := strings.CutPrefix(all[0], "@@ -")
	ranges, _, closed := strings.Cut(ranges, " @@")
	before, after, two := strings.Cut(ranges, " +")
	var nOld, nNew int
	if ok = ok && closed && two; ok {
		h.old, nOld, ok = numbers(before)
	}
	if ok {
		h.new, nNew, ok = numbers(after)
	}
	if !ok {
		return h, nil, fmt.Errorf("%.40q where a hunk should begin", all[0])
	}
	rest = all[1:]
	for nOld > 0 || nNew > 0 {
		if len(rest) == 0 {
			return h, nil, errors.New("the diff ends within a hunk")
		}
		o := op{line: rest[0]}
		if o.line == "\n" { // some programs drop the blank of an empty line
			o.line = " \n"
		}
		o.sign, o.line = o.line[0], o.line[1:]
		switch {
		case o.sign != ' ' && o.sign != '-' && o.sign != '+', o.sign != '+' && nOld == 0, o.sign != '-' && nNew == 0:
			return h, nil, fmt.Errorf("%.40q within a hunk", rest[0])
		}
		nOld -= btoi(o.sign != '+')
		nNew -= btoi(o.sign != '-')
		rest = rest[1:]
		if len(rest) > 0 && strings.HasPrefix(rest[0], `\ `) {
			o.line = strings.TrimSuffix(o.line, "\n")
			rest = rest[1:]
		} else if !strings.HasSuffix(o.line, "\n") {
			o.line += "\n" // the last line of the diff itself
		}
		h.ops = append(h.ops, o)
	}
	return h, rest, nil
}

// numbers reads "from,n" or "from", and gives the first line from 1 also where a range has no lines.
func numbers(s string) (from, n int, ok bool) {
	first, count, two := strings.Cut(s, ",")
	from, err := strconv.Atoi(first)
	if n = 1; err == nil && two {
		n, err = strconv.Atoi(count)
	}
	if n == 0 {
		from++
	}
	return from, n, err == nil && from >= 1 && n >= 0 && from < 1<<30 && n < 1<<30
}

// Adds returns the lines that the diff adds, where it takes none away; ok is false where it does.
func (p *Patch) Adds() (text string, ok bool) {
	var b strings.Builder
	for _, h := range p.hunks {
		for _, o := range h.ops {
			switch o.sign {
			case '-':
				return "", false
			case '+':
				b.WriteString(o.line)
			}
		}
	}
	return b.String(), p.New != ""
}

// Apply makes of a file what the diff makes of it. A diff of a new file wants none; the text of one that is taken away is empty.
func (p *Patch) Apply(before []byte) ([]byte, error) {
	if p.Old == "" && len(before) > 0 {
		return nil, fmt.Errorf("%s is there already: %w", p.New, ErrConflict)
	}
	old := lines(before)
	var out []string
	at, moved := 0, 0 // lines of old that are done, and by how many the last hunk had moved
	for _, h := range p.hunks {
		var was, is []string
		for _, o := range h.ops {
			if o.sign != '+' {
				was = append(was, o.line)
			}
			if o.sign != '-' {
				is = append(is, o.line)
			}
		}
		k, ok := place(old, was, at, h.old-1+moved)
		if !ok {
			return nil, fmt.Errorf("line %d of %s: %w", h.old, p.Old+p.New, ErrConflict)
		}
		moved = k - (h.old - 1)
		out = append(append(out, old[at:k]...), is...)
		at = k + len(was)
	}
	after := strings.Join(append(out, old[at:]...), "")
	if p.New == "" && after != "" {
		return nil, fmt.Errorf("%s has more in it than the diff takes away: %w", p.Old, ErrConflict)
	}
	return []byte(after), nil
}

// place finds where lines stand, from line at on: where they should, else in the one place where they do.
func place(old, was []string, at, want int) (int, bool) {
	stands := func(k int) bool { return k >= at && k+len(was) <= len(old) && slices.Equal(old[k:k+len(was)], was) }
	if stands(want) {
		return want, true
	}
	if len(was) == 0 {
		return 0, false
	}
	found := -1
	for k := at; k+len(was) <= len(old); k++ {
		if stands(k) {
			if found >= 0 {
				return 0, false
			}
			found = k
		}
	}
	return found, found >= 0
}

// Name is the path of the file, after the change or before.
func (p *Patch) Name() string {
	if p.New == "" {
		return p.Old
	}
	return p.New
}
