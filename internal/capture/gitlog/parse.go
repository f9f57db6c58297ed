// SPDX-License-Identifier: Apache-2.0

package gitlog

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

type parser struct {
	in    *bufio.Reader
	file  *File
	added int
}

// field reads up to and without the byte end, and keeps the first most bytes.
func (p *parser) field(end byte, most int) (string, error) {
	var out []byte
	for {
		part, err := p.in.ReadSlice(end)
		if n := min(len(part), most+1-len(out)); n > 0 {
			out = append(out, part[:n]...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && len(out) > 0:
		case err != nil:
			return "", err
		}
		if n := len(out); n > 0 && out[n-1] == end {
			out = out[:n-1]
		}
		return strings.ToValidUTF8(string(out[:min(len(out), most)]), string(utf8.RuneError)), nil
	}
}

func (p *parser) line(most int) (string, error) { return p.field('\n', most) }

// commit reads a commit's head.
func (p *parser) commit() (*Commit, string, error) {
	var f [6]string
	for i, most := range [...]int{130, 4096, 32, 32, maxMessage, maxNote} {
		var err error
		if f[i], err = p.field(0, most); err != nil {
			return nil, "", fmt.Errorf("the output of git log ends within a commit's head: %w", io.ErrUnexpectedEOF)
		}
	}
	written, err1 := strconv.ParseInt(f[2], 10, 64)
	made, err2 := strconv.ParseInt(f[3], 10, 64)
	id := strings.TrimPrefix(f[0], "\x01")
	if err1 != nil || err2 != nil || !IsID(id) {
		return nil, "", fmt.Errorf("git log printed no commit: %.80q", f[0])
	}
	p.file, p.added = nil, 0
	return &Commit{ID: id, Parents: strings.Fields(f[1]), Written: time.Unix(written, 0).UTC(), Made: time.Unix(made, 0).UTC(), Message: strings.TrimSpace(f[4])}, f[5], nil
}

// IsID reports whether s is the id of a commit, in full.
func IsID(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(s) == 40 || len(s) == 64
}

// endFile adds the file that was read to the commit, unless nothing of it changed.
func (p *parser) endFile(c *Commit) {
	if p.file != nil && (p.file.Old != p.file.New || len(p.file.Hunks) > 0) {
		c.Files = append(c.Files, *p.file)
	}
	p.file, p.added = nil, 0
}

// diffLine reads one line of a commit's diff, and with the head of a hunk all of the hunk.
func (p *parser) diffLine(c *Commit) error {
	line, err := p.line(maxText)
	if err != nil {
		return err
	}
	if strings.HasPrefix(line, "diff --git ") {
		p.endFile(c)
		p.file = &File{}
		if old, now, ok := strings.Cut(line[len("diff --git "):], " b/"); ok && old == "a/"+now {
			p.file.Old, p.file.New = now, now // else the lines below say it
		}
		return nil
	}
	if p.file == nil {
		return nil
	}
	switch {
	case strings.HasPrefix(line, "rename from "):
		p.file.Old = unquote(line[len("rename from "):], "")
	case strings.HasPrefix(line, "rename to "):
		p.file.New = unquote(line[len("rename to "):], "")
	case strings.HasPrefix(line, "new file mode "):
		p.file.Old = ""
	case strings.HasPrefix(line, "deleted file mode "):
		p.file.New = ""
	case strings.HasPrefix(line, "--- "):
		p.file.Old = unquote(strings.TrimSuffix(line[4:], "\t"), "a/")
	case strings.HasPrefix(line, "+++ "):
		p.file.New = unquote(strings.TrimSuffix(line[4:], "\t"), "b/")
	case strings.HasPrefix(line, "@@ -"):
		return p.hunk(line)
	}
	return nil
}

// unquote is a path as git writes it: in quotes, as in C, where it holds what is not plain.
func unquote(s, prefix string) string {
	if strings.HasPrefix(s, `"`) {
		if u, err := strconv.Unquote(s); err == nil {
			s = u
		}
	}
	if s == "/dev/null" {
		return ""
	}
	return strings.ToValidUTF8(strings.TrimPrefix(s, prefix), string(utf8.RuneError))
}

// hunk reads the lines that the head of a hunk announces.
func (p *parser) hunk(head string) error {
	var h Hunk
	var n int
	old, now, ok := strings.Cut(strings.TrimPrefix(head, "@@ -"), " +")
	now, _, end := strings.Cut(now, " @@")
	if !ok || !end || !span(old, &h.Old, &h.Removed) || !span(now, &h.New, &n) {
		return nil // no hunk
	}
	next := h // what is not in a hunk yet; lines of context part hunks
	next.Removed = 0
	part := func(old, now int) {
		if next.Removed > 0 || len(next.Added) > 0 {
			if next.Removed == 0 {
				next.Old-- // git counts from the line before, where nothing is removed
			}
			p.file.Hunks = append(p.file.Hunks, next)
		}
		next = Hunk{Old: old, New: now}
	}
	if h.Removed == 0 {
		next.Old++
	}
	from, to := next.Old, h.New // the next line, before and after
	if n == 0 {
		to++
		next.New++
	}
	for removed, added := 0, 0; removed < h.Removed || added < n; {
		line, err := p.line(maxText)
		if err != nil {
			return fmt.Errorf("a hunk is cut off: %w", io.ErrUnexpectedEOF)
		}
		switch {
		case strings.HasPrefix(line, "-"):
			if len(next.Added) > 0 {
				part(from, to)
			}
			removed, from, next.Removed = removed+1, from+1, next.Removed+1
		case strings.HasPrefix(line, "+"):
			if p.added++; p.added > maxAdded {
				line = "+"
			}
			added, to = added+1, to+1
			next.Added = append(next.Added, strings.TrimRight(line[1:], "\r"))
		case strings.HasPrefix(line, " "), line == "":
			removed, added, from, to = removed+1, added+1, from+1, to+1
			part(from, to)
		case strings.HasPrefix(line, `\`):
		default:
			return fmt.Errorf("a hunk announces more lines than it has, near %.80q", line)
		}
	}
	part(0, 0)
	return nil
}

// span reads "7" or "7,3".
func span(s string, from, n *int) bool {
	first, count, several := strings.Cut(s, ",")
	var err1, err2 error
	*from, err1 = strconv.Atoi(first)
	*n = 1
	if several {
		*n, err2 = strconv.Atoi(count)
	}
	const most = 1 << 28
	return err1 == nil && err2 == nil && *from >= 0 && *n >= 0 && *from < most && *n < most
}
