// SPDX-License-Identifier: Apache-2.0

package capture

import "bytes"

const (
	longLine = 4 << 20 // from here on, a line's long strings are shortened while it is read
	keepEnds = 4 << 20 // bytes kept at either end of a string: enough, even if all are escapes, for the record to cut and mark it
)

// shortener gathers a line of JSON that may be larger than memory: of each string it keeps the two ends. The line may come
// in pieces of any size.
type shortener struct {
	inString bool
	escaped  bool   // the last byte was a backslash that escapes the next
	hex      int    // so many digits of an \uXXXX are still to come
	head     int    // bytes of the string that were passed on
	tail     []byte // what follows them, when head is full
	cut      bool   // and the tail has lost its beginning
}

// add appends what is kept of the next piece of the line to dst.
func (s *shortener) add(dst, piece []byte) []byte {
	for len(piece) > 0 {
		if !s.inString {
			i := bytes.IndexByte(piece, '"')
			if i < 0 {
				return append(dst, piece...)
			}
			dst, piece = append(dst, piece[:i+1]...), piece[i+1:]
			*s = shortener{inString: true, tail: s.tail[:0]}
			continue
		}
		n := 0
		for n < len(piece) && (s.escaped || piece[n] != '"') {
			c := piece[n]
			switch {
			case s.escaped:
				if s.escaped = false; c == 'u' {
					s.hex = 4
				}
			case c == '\\':
				s.escaped, s.hex = true, 0
			case s.hex > 0:
				s.hex--
			}
			if n++; s.head+n >= keepEnds && !s.escaped && s.hex == 0 && len(s.tail) == 0 && !s.cut && (n == len(piece) || piece[n]&0xC0 != 0x80) {
				break // the head is full, and ends between two characters
			}
			if len(s.tail) > 0 && n >= keepEnds {
				break
			}
		}
		if full := s.head >= keepEnds; full {
			s.keep(piece[:n])
		} else {
			dst = append(dst, piece[:n]...)
			s.head += n
		}
		if piece = piece[n:]; len(piece) > 0 && piece[0] == '"' && !s.escaped {
			if s.cut {
				dst = append(dst, `\n…\n`...)
			}
			dst = append(append(dst, s.tail...), '"')
			piece = piece[1:]
			*s = shortener{tail: s.tail[:0]}
		}
	}
	return dst
}

// keep adds to the tail, and lets its beginning go once it is twice as long as it has to be.
func (s *shortener) keep(b []byte) {
	s.tail = append(s.tail, b...)
	if len(s.tail) < 2*keepEnds {
		return
	}
	at := len(s.tail) - keepEnds
	for at < len(s.tail) && !s.between(at) {
		at++
	}
	s.tail, s.cut = append(s.tail[:0], s.tail[at:]...), true
}

// between reports whether the tail may begin at i: not inside a character or an escape. The tail itself begins so.
func (s *shortener) between(i int) bool {
	if s.tail[i]&0xC0 == 0x80 || s.escapes(i) {
		return false
	}
	for k := i - 1; k >= max(1, i-4); k-- {
		if s.tail[k] == 'u' && s.escapes(k) {
			return false // among the digits of \uXXXX
		}
	}
	return true
}

// escapes reports whether the byte at i is escaped by the one before it.
func (s *shortener) escapes(i int) bool {
	n := i
	for n > 0 && s.tail[n-1] == '\\' {
		n--
	}
	return (i-n)%2 == 1
}
