// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/headrace/headrace/episode"
)

// head is what a bundle needs to know of a record.
type head struct {
	ID      string         `json:"id"`
	Amends  string         `json:"amends"`
	Privacy jsontext.Value `json:"privacy"`
	Terms   jsontext.Value `json:"terms"`
	Local   jsontext.Value `json:"local"`
}

type privacy struct {
	Level    episode.Level  `json:"level"`
	Scrubber string         `json:"scrubber"`
	Policy   string         `json:"policy"`
	Findings map[string]int `json:"findings"`
}

// readHead reads the head of a record in canonical form and refuses any other form. Nearly every record is so plain
// that one look at each byte proves it; for the others, package json says.
func readHead(line []byte) (head, error) {
	if h, ok := plainHead(line); ok {
		return h, nil
	}
	form := jsontext.Value(bytes.Clone(line))
	if err := form.Canonicalize(); err != nil || !bytes.Equal(form, line) {
		return head{}, errNotCanonical
	}
	var h head
	return h, json.Unmarshal(line, &h)
}

// plainHead reads the head of a line that is plainly an object in canonical form; false means that it gives up.
func plainHead(line []byte) (h head, ok bool) {
	s := plainScan{b: line}
	ok = s.object(0, func(key, value []byte) bool {
		var words *string
		var object *jsontext.Value
		switch string(key) {
		case "id":
			words = &h.ID
		case "amends":
			words = &h.Amends
		case "privacy":
			object = &h.Privacy
		case "terms":
			object = &h.Terms
		case "local":
			object = &h.Local
		default:
			return true
		}
		switch {
		case words != nil && value[0] == '"' && bytes.IndexByte(value, '\\') < 0:
			*words = string(value[1 : len(value)-1])
		case object != nil && value[0] == '{':
			*object = value
		default:
			return false
		}
		return true
	})
	return h, ok && s.at == len(line)
}

// plainScan goes over canonical JSON: no space, keys in order, each string and number as RFC 8785 writes it. False from
// any method means that it gives up, either because the text is not canonical or because that would take more to see.
type plainScan struct {
	b  []byte
	at int
}

func (s *plainScan) take(c byte) bool {
	if s.at < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *plainScan) value(depth int) bool {
	const deepest = 32
	if s.at == len(s.b) || depth > deepest {
		return false
	}
	switch s.b[s.at] {
	case '"':
		_, ok := s.string()
		return ok
	case '{':
		return s.object(depth, func(_, _ []byte) bool { return true })
	case '[':
		return s.array(depth)
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *plainScan) word(w string) bool {
	ok := bytes.HasPrefix(s.b[s.at:], []byte(w))
	s.at += len(w)
	return ok
}

func (s *plainScan) array(depth int) bool {
	if s.at++; s.take(']') {
		return true
	}
	for s.value(depth + 1) {
		if !s.take(',') {
			return s.take(']')
		}
	}
	return false
}

// object hands each member over. Keys are in ASCII without escapes: beyond, the order is that of UTF-16.
func (s *plainScan) object(depth int, member func(key, value []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for last := []byte(nil); ; {
		from := s.at
		plain, ok := s.string()
		if !ok || !plain || !s.take(':') {
			return false
		}
		key := s.b[from+1 : s.at-2]
		if last != nil && bytes.Compare(last, key) >= 0 {
			return false
		}
		last, from = key, s.at
		if !s.value(depth+1) || !member(key, s.b[from:s.at]) {
			return false
		}
		if !s.take(',') {
			return s.take('}')
		}
	}
}

// string reports whether the string is plain: of ASCII, without escapes.
func (s *plainScan) string() (plain, ok bool) {
	if !s.take('"') {
		return false, false
	}
	ascii, escapes := true, false
	for from := s.at; ; s.at++ {
		if s.at += plainRun(s.b[s.at:]); s.at == len(s.b) {
			return false, false
		}
		switch c := s.b[s.at]; {
		case c == '"':
			ok := ascii || utf8.Valid(s.b[from:s.at])
			s.at++
			return ascii && !escapes, ok
		case c == '\\':
			escapes = true
			if s.at++; s.at == len(s.b) || bytes.IndexByte([]byte(`"\bfnrt`), s.b[s.at]) < 0 {
				return false, false
			}
		case c < ' ':
			return false, false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
}

// plainRun is how many bytes at the start of b are ASCII without control characters, quotes and backslashes. It looks at eight
// bytes at a time, with one bit of each that says no; a borrow may say so of a byte too much, and never of one too little.
func plainRun(b []byte) (n int) {
	const each, top = 0x0101010101010101, 0x8080808080808080
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		quote, backslash := x^each*'"', x^each*'\\'
		if (x|(x-each*' ')|(quote-each)|(backslash-each))&top != 0 {
			break
		}
	}
	for n < len(b) && b[n] >= ' ' && b[n] < utf8.RuneSelf && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// number takes numbers of up to 15 digits and no exponent: those a double gives back as they stand.
func (s *plainScan) number() bool {
	const digits, exponentBelow = 15, 5 // from 0.0000001 on, RFC 8785 writes an exponent
	negative := s.take('-')
	from := s.at
	whole := s.digits()
	zero := whole == 1 && s.b[from] == '0'
	if whole == 0 || whole > 1 && s.b[from] == '0' {
		return false
	}
	part := 0
	if s.take('.') {
		at := s.at
		if part = s.digits(); part == 0 || s.b[s.at-1] == '0' {
			return false
		}
		if zero && len(s.b[at:s.at])-len(bytes.TrimLeft(s.b[at:s.at], "0")) > exponentBelow {
			return false
		}
	} else if zero && negative {
		return false
	}
	return whole+part <= digits && (s.at == len(s.b) || s.b[s.at] != 'e' && s.b[s.at] != 'E')
}

func (s *plainScan) digits() int {
	from := s.at
	for s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '9' {
		s.at++
	}
	return s.at - from
}
