// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
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

	records int // that say just this
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
	return h, scanObject(line, 0, 0, &h) == len(line)
}

// keep takes a member of the record itself; false means that it gives up.
func (h *head) keep(key, value []byte) bool {
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
}

// What follows goes over canonical JSON: no space, keys in order, each string and number as RFC 8785 writes it. Each function
// takes the place where something begins and returns the one after its end, or gaveUp: either the text is not canonical
// or that would take more to see.

const gaveUp = -1

// deepest is how far objects and lists may lie within each other.
const deepest = 32

func scanValue(b []byte, at, depth int) int {
	if at >= len(b) || depth > deepest {
		return gaveUp
	}
	switch b[at] {
	case '"':
		end, _ := scanString(b, at)
		return end
	case '{':
		return scanObject(b, at, depth, nil)
	case '[':
		return scanArray(b, at, depth)
	case 't':
		return scanWord(b, at, "true")
	case 'f':
		return scanWord(b, at, "false")
	case 'n':
		return scanWord(b, at, "null")
	}
	return scanNumber(b, at)
}

func scanWord(b []byte, at int, word string) int {
	if end := at + len(word); end <= len(b) && string(b[at:end]) == word {
		return end
	}
	return gaveUp
}

// next returns the byte at a place, 0 at the end: no byte of JSON is 0.
func next(b []byte, at int) byte {
	if at < len(b) {
		return b[at]
	}
	return 0
}

// scanArray begins at its bracket.
func scanArray(b []byte, at, depth int) int {
	if at++; next(b, at) == ']' {
		return at + 1
	}
	for {
		if at = scanValue(b, at, depth+1); at == gaveUp {
			return gaveUp
		}
		switch next(b, at) {
		case ',':
			at++
		case ']':
			return at + 1
		default:
			return gaveUp
		}
	}
}

// scanObject hands each member to h, where there is one. Keys are in ASCII without escapes: beyond, the order is that of
// UTF-16.
func scanObject(b []byte, at, depth int, h *head) int {
	if next(b, at) != '{' {
		return gaveUp
	}
	if at++; next(b, at) == '}' {
		return at + 1
	}
	for last := []byte(nil); ; {
		end, plain := scanString(b, at)
		if !plain || next(b, end) != ':' {
			return gaveUp
		}
		key := b[at+1 : end-1]
		if last != nil && bytes.Compare(last, key) >= 0 {
			return gaveUp
		}
		last, at = key, end+1
		if end = scanValue(b, at, depth+1); end == gaveUp || h != nil && !h.keep(key, b[at:end]) {
			return gaveUp
		}
		switch at = end + 1; next(b, end) {
		case ',':
		case '}':
			return at
		default:
			return gaveUp
		}
	}
}

// scanString also reports whether the string is plain: of ASCII, without escapes.
func scanString(b []byte, at int) (end int, plain bool) {
	if next(b, at) != '"' {
		return gaveUp, false
	}
	from, ascii, escapes := at, true, false
	for at++; ; at++ {
		if at += plainRun(b[at:]); at == len(b) {
			return gaveUp, false
		}
		switch c := b[at]; {
		case c == '"':
			if !ascii && !utf8.Valid(b[from:at]) {
				return gaveUp, false
			}
			return at + 1, ascii && !escapes
		case c == '\\':
			escapes = true
			if at++; at == len(b) || strings.IndexByte(`"\bfnrt`, b[at]) < 0 {
				return gaveUp, false
			}
		case c < ' ':
			return gaveUp, false
		default:
			ascii = false
		}
	}
}

// plainRun is how many bytes at the start of b are ASCII without control characters, quotes and backslashes. It looks at eight
// bytes at a time, with one bit of each that says no; a borrow may say so of a byte too much, but only after one that is.
func plainRun(b []byte) (n int) {
	const each, top = 0x0101010101010101, 0x8080808080808080
	for ; len(b)-n >= 8; n += 8 {
		x := binary.LittleEndian.Uint64(b[n:])
		quote, backslash := x^each*'"', x^each*'\\'
		if others := (x | (x - each*' ') | (quote - each) | (backslash - each)) & top; others != 0 {
			return n + bits.TrailingZeros64(others)/8
		}
	}
	for n < len(b) && b[n] >= ' ' && b[n] < utf8.RuneSelf && b[n] != '"' && b[n] != '\\' {
		n++
	}
	return n
}

// scanNumber takes numbers of up to 15 digits and no exponent: those a double gives back as they stand.
func scanNumber(b []byte, at int) int {
	const most, exponentBelow = 15, 5 // from 0.0000001 on, RFC 8785 writes an exponent
	negative := b[at] == '-'
	if negative {
		at++
	}
	from := at
	at = digitsEnd(b, at)
	digits := at - from
	zero := digits == 1 && b[from] == '0'
	if digits == 0 || digits > 1 && b[from] == '0' {
		return gaveUp
	}
	if next(b, at) == '.' {
		point := at
		if at = digitsEnd(b, at+1); at == point+1 || b[at-1] == '0' {
			return gaveUp
		}
		part := b[point+1 : at]
		if zero && len(part)-len(bytes.TrimLeft(part, "0")) > exponentBelow {
			return gaveUp
		}
		digits += len(part)
	} else if zero && negative {
		return gaveUp
	}
	if c := next(b, at); digits > most || c == 'e' || c == 'E' {
		return gaveUp
	}
	return at
}

func digitsEnd(b []byte, at int) int {
	for at < len(b) && b[at] >= '0' && b[at] <= '9' {
		at++
	}
	return at
}
