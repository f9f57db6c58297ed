// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// field is one row of a preview: the bytes that leave beside the raw bytes of the same place. All rows' Out together
// are exactly the bytes that leave: rows cut them, they never change them.
type field struct {
	Path string // JSON pointer
	Out  []segment
	Raw  []segment
	Gone bool // in the raw record, and does not leave
	New  bool // leaves, and is not in the raw record
}

// segment is text, or a replacement when Kind is set.
type segment struct {
	Text string
	Kind string
	Rule string
}

// fields lays a record as it leaves beside the raw one. Both are canonical JSON, so that their fields come in the same
// order; raw may be empty.
func fields(r BatchRecord) []field {
	outs, raws := cut(r.Out), cut(r.Raw)
	leaves := map[string]bool{}
	for _, o := range outs {
		leaves[o.path] = true // until its row is there
	}
	rawAt := map[string]span{}
	for _, x := range raws {
		rawAt[x.path] = x
	}
	var rows []field
	emit := func(o span) {
		x, both := rawAt[o.path]
		leaves[o.path] = false
		f := field{Path: o.path, Out: segments(r.Out, o, r.Marks), New: !both && len(raws) > 0}
		if both {
			f.Raw = segments(r.Raw, x, r.RawSeen)
		}
		rows = append(rows, f)
	}
	next := 0
	for i := 0; i < len(raws); i++ {
		x := raws[i]
		if waits, known := leaves[x.path]; known {
			for waits && next < len(outs) {
				o := outs[next]
				next++
				emit(o)
				if o.path == x.path {
					break
				}
			}
			continue
		}
		// What stays behind is one row for each field of the record, however much is in it.
		for i+1 < len(raws) && !has(leaves, raws[i+1].path) && top(raws[i+1].path) == top(x.path) {
			i++
			x.end = raws[i].end
		}
		rows = append(rows, field{Path: top(x.path), Raw: stays(r.Raw, x, r.RawSeen), Gone: true})
	}
	for ; next < len(outs); next++ {
		emit(outs[next])
	}
	return rows
}

func has(m map[string]bool, k string) bool { _, ok := m[k]; return ok }

func top(path string) string {
	i := strings.IndexByte(path[min(1, len(path)):], '/')
	if i < 0 {
		return path
	}
	return path[:i+1]
}

// stays shows the beginning of what does not leave, and says how much more there is.
func stays(b []byte, s span, marks []Mark) []segment {
	const enough = 400
	rest := s.end - s.start - enough
	if rest <= enough {
		return segments(b, s, marks)
	}
	s.end = s.start + enough
	for s.end > s.start && b[s.end]&0xC0 == 0x80 {
		s.end--
	}
	return append(segments(b, s, marks), segment{Text: " … " + size(int64(rest)) + " more"})
}

// span is a range of bytes that ends with the value at path.
type span struct {
	path       string
	start, end int
}

// cut splits JSON after every value that is not an object or array; numbers of one array stay together. What is not
// JSON is one span.
func cut(b []byte) (out []span) {
	if len(b) == 0 {
		return nil
	}
	d := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	start, numbers := 0, false // numbers: the last span is of numbers in an array
	for {
		kind := d.PeekKind()
		_, err := d.ReadToken()
		if err == io.EOF {
			break
		}
		if err != nil {
			return []span{{"", 0, len(b)}}
		}
		within, n := d.StackIndex(d.StackDepth())
		isName := within == '{' && n%2 == 1
		end := int(d.InputOffset())
		if end < len(b) && b[end] == ',' {
			end++ // reads better at the end of its row
		}
		switch {
		case isName || kind == '{' || kind == '[':
			continue
		case kind == '}' || kind == ']':
			if len(out) > 0 {
				out[len(out)-1].end = end
				start = end
			}
			numbers = false
			continue
		}
		path := string(d.StackPointer())
		if within == '[' && kind == '0' {
			list := path[:strings.LastIndexByte(path, '/')]
			if numbers && out[len(out)-1].path == list {
				out[len(out)-1].end = end
				start = end
				continue
			}
			numbers, path = true, list
		} else {
			numbers = false
		}
		out = append(out, span{path, start, end})
		start = end
	}
	if len(out) == 0 {
		return []span{{"", 0, len(b)}}
	}
	out[len(out)-1].end = len(b)
	return out
}

// segments cuts a span at its marks; a mark that does not fit is passed over.
func segments(b []byte, s span, marks []Mark) (out []segment) {
	at := s.start
	for _, m := range marks {
		from, till := max(m.Start, s.start), min(m.End, s.end)
		if from < at || till <= from {
			continue
		}
		if from > at {
			out = append(out, segment{Text: string(b[at:from])})
		}
		out = append(out, segment{Text: string(b[from:till]), Kind: m.Kind, Rule: m.Rule})
		at = till
	}
	if at < s.end {
		out = append(out, segment{Text: string(b[at:s.end])})
	}
	return out
}
