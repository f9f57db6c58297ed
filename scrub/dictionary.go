// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/headrace/headrace/episode"
)

// Dictionary holds private names: of people, hosts, projects, customers, tickets. A name is found in any case, between
// word borders, with any of space, dot, dash, underscore or none of them doubled between its words: "Volta Energía"
// also stands in feature/volta-energía-rounding.
type Dictionary struct {
	entries map[string][]entry // by the first word, lower case; longest first
}

type entry struct {
	words []string
	kind  string
}

// ReadDictionary reads CSV of kind,value: person (a name, handle or staff number), host, project, customer, ticket. A
// first line "kind,value" is a heading.
func ReadDictionary(r io.Reader) (*Dictionary, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.ReuseRecord, c.TrimLeadingSpace = 2, true, true
	d := &Dictionary{entries: map[string][]entry{}}
	for {
		row, err := c.Read()
		if errors.Is(err, io.EOF) {
			return d, nil
		}
		line, _ := c.FieldPos(0)
		if err != nil {
			return nil, dictionaryError(err.Error())
		}
		kind := strings.ToLower(strings.TrimSpace(row[0]))
		switch kind {
		case "person", "host", "project", "customer", "ticket":
		case "kind":
			if line == 1 {
				continue
			}
			fallthrough
		default:
			return nil, dictionaryError(fmt.Sprintf("line %d: kind %q is not one of person, host, project, customer, ticket", line, row[0]))
		}
		var words []string
		for at := 0; ; {
			start, end := nextWord([]byte(row[1]), at)
			if start == end {
				break
			}
			words = append(words, strings.ToLower(row[1][start:end]))
			at = end
		}
		if len(strings.Join(words, "")) < 2 {
			return nil, dictionaryError(fmt.Sprintf("line %d: value %q has fewer than two letters", line, row[1]))
		}
		d.entries[words[0]] = append(d.entries[words[0]], entry{words, kind})
	}
}

func dictionaryError(what string) error {
	return &episode.Problem{Code: "scrub/dictionary", Message: "read dictionary: " + what,
		Hint: `write CSV lines such as person,"Jane Doe" or host,db1.corp`}
}

// nextWord returns the next run of letters and digits at or after i, empty at the end. Bytes of other alphabets than
// ASCII count as letters.
func nextWord(b []byte, i int) (start, end int) {
	for i < len(b) && class[b[i]]&isAlnum == 0 && b[i] < 0x80 {
		i++
	}
	start = i
	for i < len(b) && (class[b[i]]&isAlnum != 0 || b[i] >= 0x80) {
		i++
	}
	return start, i
}

// find records the names in b.
func (d *Dictionary) find(w *worker, b []byte) {
	for start, end := nextWord(b, 0); start < end; start, end = nextWord(b, end) {
		w.word = appendLower(w.word[:0], b[start:end])
		for _, e := range d.entries[string(w.word)] {
			if stop, ok := w.follows(b, end, e.words[1:]); ok {
				w.add(start, stop, e.kind)
			}
		}
	}
}

// follows reports whether words come next in b, and where they end.
func (w *worker) follows(b []byte, i int, words []string) (int, bool) {
	for _, word := range words {
		start, end := nextWord(b, i)
		if start == end || start == i || start-i > 2 || len(bytes.Trim(b[i:start], " .-_:/#\t")) > 0 {
			return 0, false
		}
		if w.word = appendLower(w.word[:0], b[start:end]); string(w.word) != word {
			return 0, false
		}
		i = end
	}
	return i, true
}

// appendLower appends b in lower case. Offsets of b stay what they are, whatever the lower case's length.
func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return append(dst[:0], strings.ToLower(string(b))...)
		}
	}
	for _, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
