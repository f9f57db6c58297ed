// SPDX-License-Identifier: Apache-2.0

// Package canary keeps planted strings out of what a process writes, whatever wrote it: logs, pages, errors, crash dumps.
//
// Start from [New]. A canary is a string that somebody planted where it must never come out of, to see whether it does. What
// packs bundles refuses one that holds a canary; that check is bundle's own. Here is the check of everything else: a
// [Writer] puts as many asterisks in a canary's place as it has bytes, so that lengths and offsets stay true, whether it comes in one
// write or over many, as it stands or as JSON, HTML, a URL or a quoted Go string write it. It does not know other codes:
// compressed or encrypted text passes.
package canary

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/headrace/headrace/episode"
)

// least is how long a canary must be: a shorter one would blot out ordinary words.
const least = 8

// ReadFile reads canaries from a file, one a line.
func ReadFile(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, &episode.Problem{Code: "canary/read", Message: "read canaries", Err: err, Hint: "name a file that holds one a line"}
	}
	var list []string
	for l := range strings.Lines(string(b)) {
		if l = strings.TrimRight(l, "\r\n"); l != "" {
			list = append(list, l)
		}
	}
	return list, nil
}

// Guard knows the canaries of one process. It is safe for concurrent use; without any it lets everything through.
type Guard struct {
	forms   [][]byte // sorted: each canary in each of its forms
	longest int
	may     []uint64         // bits for the starts of four bytes: most text needs no more than one look
	starts  map[uint32][]int // the forms that start with these four bytes
}

// New returns a guard for these canaries.
func New(list []string) (*Guard, error) {
	g := &Guard{may: make([]uint64, 1<<16/64), starts: map[uint32][]int{}}
	for i, c := range list {
		if len(c) < least {
			return nil, &episode.Problem{Code: "canary/short", Message: fmt.Sprintf("canary %d has fewer than %d bytes", i+1, least), Hint: "plant longer ones: a short one is part of ordinary words"}
		}
		for _, form := range forms(c) {
			g.forms = append(g.forms, []byte(form))
			g.longest = max(g.longest, len(form))
		}
	}
	slices.SortFunc(g.forms, bytes.Compare)
	g.forms = slices.CompactFunc(g.forms, bytes.Equal)
	for i, f := range g.forms {
		k := binary.LittleEndian.Uint32(f)
		g.starts[k] = append(g.starts[k], i)
		word, bit := place(k)
		g.may[word] |= bit
	}
	return g, nil
}

// place is where the bit for four bytes is.
func place(k uint32) (word int, bit uint64) {
	h := k * 2654435761 >> 16 // Knuth's multiplicative hash
	return int(h / 64), 1 << (h % 64)
}

// forms are the ways in which text comes to stand in a page, a log or an answer.
func forms(c string) []string {
	list := []string{c, html.EscapeString(c), url.QueryEscape(c), url.PathEscape(c)}
	for _, quoted := range []string{strconv.Quote(c), strconv.QuoteToASCII(c)} {
		list = append(list, quoted[1:len(quoted)-1])
	}
	for _, escape := range []bool{false, true} {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(escape)
		if enc.Encode(c) == nil {
			list = append(list, string(b.Bytes()[1:b.Len()-2]))
		}
	}
	return list
}

// String is s without canaries.
func (g *Guard) String(s string) string {
	if len(g.forms) == 0 {
		return s
	}
	b := []byte(s)
	g.mask(b, 0)
	return string(b)
}

// mask puts asterisks over the canaries in b, and over its first bytes, and returns where the last of them ends.
func (g *Guard) mask(b []byte, first int) (end int) {
	end = first
	raw := b
	copied := false
	for at := 0; at+4 <= len(raw); at++ {
		k := binary.LittleEndian.Uint32(raw[at:])
		if word, bit := place(k); g.may[word]&bit == 0 {
			continue
		}
		for _, i := range g.starts[k] {
			if f := g.forms[i]; bytes.HasPrefix(raw[at:], f) {
				if !copied { // canaries may overlap: what was masked must still be read
					raw, copied = bytes.Clone(b), true
				}
				cover(b[at : at+len(f)])
				end = max(end, at+len(f))
			}
		}
	}
	cover(b[:first])
	return end
}

func cover(b []byte) {
	for i := range b {
		b[i] = '*'
	}
}

// begun returns where the longest end of b begins that may be the start of a canary; len(b) if none does.
func (g *Guard) begun(b []byte) int {
	for at := max(0, len(b)-g.longest+1); at < len(b); at++ {
		i, _ := slices.BinarySearchFunc(g.forms, b[at:], bytes.Compare)
		if i < len(g.forms) && bytes.HasPrefix(g.forms[i], b[at:]) {
			return at
		}
	}
	return len(b)
}

// Writer passes on what is written to it without canaries. What may be the start of one waits for the next write, or for
// [Writer.Flush]. It is safe for concurrent use, as far as what it writes to is.
type Writer struct {
	g *Guard
	w io.Writer

	mu     sync.Mutex // guards what follows
	held   []byte     // the start of a canary, perhaps
	masked int        // as many of its first bytes are the end of one
}

// Writer returns a writer to w.
func (g *Guard) Writer(w io.Writer) *Writer { return &Writer{g: g, w: w} }

// Write takes all of p, though some of it may wait.
func (w *Writer) Write(p []byte) (int, error) {
	if len(w.g.forms) == 0 {
		return w.w.Write(p)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	b := append(w.held, p...)
	cut := w.g.begun(b)
	held := bytes.Clone(b[cut:])
	end := w.g.mask(b, w.masked)
	w.held, w.masked = held, max(0, end-cut)
	if cut == 0 {
		return len(p), nil
	}
	if _, err := w.w.Write(b[:cut]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what waits: nothing more comes that would make a canary of it.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.held
	if len(b) == 0 {
		return nil
	}
	w.g.mask(b, w.masked)
	w.held, w.masked = nil, 0
	_, err := w.w.Write(b)
	return err
}
