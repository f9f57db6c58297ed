// SPDX-License-Identifier: Apache-2.0

// Package intake is the hub's own look at what arrives: it searches every string of every record for secrets and personal
// data, and knows nothing of how the edge's filter does that. Two engines that share no code do not share their mistakes.
//
// Start from [New] and [Scanner.Record]. One pass over a text finds the literals that a key, a header or an address begins
// with; only there a rule of rules.go looks closer, by an expression and, where there is one, a check digit. What has the
// form of an edge's mark is blanked before (marks.go). Beside that the scanner counts runs that look random (opaque.go):
// of these a bundle may hold no more than its manifest says were found and are not there as marks.
//
// A [Hit] says where and of what kind, never what: whoever refuses a bundle for it keeps nothing of it.
package intake

import (
	"bytes"
	"fmt"
	"slices"
)

// Hit is one place where something stands that must not arrive.
type Hit struct {
	// Field is the path in the record, as a JSON pointer with names of fields only: keys of maps are the sender's words.
	Field string
	// Kind says what it is, such as "aws-key" or "email".
	Kind string
}

// Scanner holds the tables. It is safe for concurrent use.
type Scanner struct {
	rules []rule
	finds *finder
}

// New builds the tables.
func New() *Scanner {
	s := &Scanner{rules: rules()}
	var words []literal
	for i, r := range s.rules {
		for _, w := range r.literals {
			words = append(words, literal{w, i})
		}
	}
	for _, w := range markLiterals() {
		words = append(words, literal{w, markRule})
	}
	s.finds = newFinder(words)
	return s
}

// Found is what one record holds.
type Found struct {
	Hits   []Hit    // one for each field and kind, the first of them
	Marks  int      // what has the form of an edge's mark, the mark's own check included
	Opaque int      // runs that only look random: they count against what the manifest claims
	Runs   []string // the fields in which these stand, the first of them
}

// maxDepth is how deep JSON within strings within JSON is looked into.
const maxDepth = 4

// Record looks at one record: every string value and every key, and what is JSON within a string once more. A record that
// is no JSON is an error.
func (s *Scanner) Record(line []byte) (Found, error) {
	c := &scan{s: s}
	if err := c.json(line, 0); err != nil {
		return Found{}, fmt.Errorf("scan record: %w", err)
	}
	return c.found, nil
}

// scan is the work on one record.
type scan struct {
	s     *Scanner
	found Found

	base    string // the field in whose string we are
	decoded [maxDepth + 1][]byte
	blanked []byte
	events  []event
	seen    []bool // by rule: it has hit in this text
}

func (c *scan) json(b []byte, depth int) error {
	return walk(b, func(at *path, raw []byte, escaped bool) error {
		text := raw
		if escaped {
			var err error
			if text, err = unquote(c.decoded[depth][:0], raw); err != nil {
				return err
			}
			c.decoded[depth] = text
		}
		if !c.plain(at, text, depth) {
			c.text(at, text)
		}
		if escaped && depth < maxDepth && looksLikeJSON(text) {
			base := c.base
			c.base += at.String()
			_ = c.json(text, depth+1) // where it only looked like JSON, it was scanned as text
			c.base = base
		}
		return nil
	})
}

// plain reports whether a string is one that the record's form puts there: an id, a digest, a time. These look random and
// are no text; they are taken in their exact form only, and only where the form has them.
func (c *scan) plain(at *path, text []byte, depth int) bool {
	if depth > 0 || len(text) > len("sha256:")+64 || len(text) < 20 {
		return false
	}
	if d, ok := bytes.CutPrefix(text, []byte("sha256:")); ok {
		return len(d) == 64 && allHex(d) && at.isField("digest", "policy", "commit", "chosen")
	}
	p, d, ok := bytes.Cut(text, []byte{'_'})
	return ok && len(d) == 32 && allHex(d) && at.isField(idFields(string(p))...) && !at.within("arguments")
}

// idFields are the fields in which an id with this prefix may stand (spec/levels.tsv); none for any other word.
func idFields(prefix string) []string {
	switch prefix {
	case "ep":
		return []string{"id", "amends", "parent"}
	case "se":
		return []string{"session"}
	case "co":
		return []string{"commit"}
	case "pr":
		return []string{"pull_request"}
	case "ar":
		return []string{"digest"}
	case "de":
		return []string{"decision_id"}
	case "su":
		return []string{"id", "suggestion", "target"}
	case "ca":
		return []string{"id", "call"}
	case "dev":
		return []string{"developer"}
	case "repo":
		return []string{"repository"}
	}
	return nil
}

func allHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func looksLikeJSON(b []byte) bool {
	b = bytes.TrimLeft(b, " \t\r\n")
	return len(b) > 2 && (b[0] == '{' || b[0] == '[' || b[0] == '"')
}

// text looks at one text: for marks first, then for everything else in what is left.
func (c *scan) text(at *path, b []byte) {
	if len(b) < shortest {
		return
	}
	c.events = c.s.finds.all(c.events[:0], b)
	b = c.blank(b)
	clear(c.seen)
	if c.seen == nil {
		c.seen = make([]bool, len(c.s.rules))
	}
	for _, e := range c.events {
		if e.rule == markRule || c.seen[e.rule] {
			continue
		}
		if r := &c.s.rules[e.rule]; r.at(b, e.start, e.end) {
			c.seen[e.rule] = true
			c.hit(at, r.kind)
		}
	}
	c.numbers(at, b)
	runs := 0
	for range opaque(b) {
		runs++
	}
	if runs > 0 {
		c.found.Opaque += runs
		c.found.Runs = once(c.found.Runs, c.base+at.String())
	}
}

// shortest is the length of the shortest thing that is looked for: a private address.
const shortest = 7

// maxHits bounds what is kept of one record: a file of keys is refused for the first ones. What only looks random takes no
// place from what is known to be a secret, and the number of its runs has no bound.
const maxHits = 100

func (c *scan) hit(at *path, kind string) {
	c.found.Hits = once(c.found.Hits, Hit{c.base + at.String(), kind})
}

func once[T comparable](list []T, v T) []T {
	if len(list) >= maxHits || slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}
