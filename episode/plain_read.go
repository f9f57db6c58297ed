// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"bytes"
	"reflect"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// plainReader goes over one line; false from any of its methods means that it gives up.
type plainReader struct {
	b       []byte
	at      int
	start   bool        // no key read yet
	sorted  bool        // keys come sorted, so it seems
	scratch []byte      // a string without its escapes
	words   [256]string // short strings come again and again, and are kept once
}

var plainReaders = sync.Pool{New: func() any { return new(plainReader) }}

// decodePlain sets e, which is zero, from b where a plan can read it. Where it cannot, e is left in any state.
func decodePlain(b []byte, e *Episode) bool {
	r := plainReaders.Get().(*plainReader)
	r.b, r.at = bytes.TrimRight(b, " \t\r\n"), 0
	r.start = true
	ok := episodePlan.read(r, reflect.ValueOf(e).Elem()) && r.at == len(r.b)
	r.b = nil
	plainReaders.Put(r)
	return ok
}

func (r *plainReader) peek() byte {
	if r.at < len(r.b) {
		return r.b[r.at]
	}
	return 0
}

func (r *plainReader) take(c byte) bool {
	if r.at < len(r.b) && r.b[r.at] == c {
		r.at++
		return true
	}
	return false
}

// text reads a string; its bytes are valid until the next call.
func (r *plainReader) text() ([]byte, bool) {
	if !r.take('"') {
		return nil, false
	}
	ascii := true
	for i := r.at; i < len(r.b); i++ {
		c := r.b[i]
		if asItIs[c] {
			continue
		}
		switch {
		case c == '"':
			s := r.b[r.at:i]
			r.at = i + 1
			return s, ascii || utf8.Valid(s)
		case c == '\\':
			return r.escaped(i)
		case c < ' ':
			return nil, false
		default:
			ascii = false
		}
	}
	return nil, false
}

// escaped is text for a string with its first escape at i.
func (r *plainReader) escaped(i int) ([]byte, bool) {
	for ; i < len(r.b) && r.b[i] != '"'; i++ {
		if r.b[i] == '\\' {
			i++
		}
	}
	if i >= len(r.b) {
		return nil, false
	}
	s, err := jsontext.AppendUnquote(r.scratch[:0], r.b[r.at-1:i+1])
	r.at, r.scratch = i+1, s
	return s, err == nil
}

func (r *plainReader) string() (string, bool) {
	b, ok := r.text()
	if !ok || len(b) == 0 {
		return "", ok
	}
	if len(b) > 24 {
		return string(b), true
	}
	h := uint8(len(b))
	for _, c := range b {
		h = h*31 + c
	}
	if r.words[h] != string(b) {
		r.words[h] = string(b)
	}
	return r.words[h], true
}

// number returns the bytes of a number, and whether it is a whole one.
func (r *plainReader) number() (b []byte, whole, ok bool) {
	from := r.at
	r.take('-')
	if first := r.at; r.digits() == 0 || r.b[first] == '0' && r.at-first > 1 {
		return nil, false, false
	}
	whole = true
	if r.take('.') {
		if whole = false; r.digits() == 0 {
			return nil, false, false
		}
	}
	if r.take('e') || r.take('E') {
		if whole = false; !r.take('+') {
			r.take('-')
		}
		if r.digits() == 0 {
			return nil, false, false
		}
	}
	return r.b[from:r.at], whole, true
}

func (r *plainReader) digits() int {
	from := r.at
	for r.at < len(r.b) && r.b[r.at] >= '0' && r.b[r.at] <= '9' {
		r.at++
	}
	return r.at - from
}

func (r *plainReader) int() (int64, bool) {
	b, whole, ok := r.number()
	if !ok || !whole {
		return 0, false
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	return n, err == nil
}

func (r *plainReader) float() (float64, bool) {
	b, _, ok := r.number()
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	return f, err == nil
}

func (r *plainReader) bool() (value, ok bool) {
	for _, word := range [...]string{"false", "true"} {
		if end := r.at + len(word); end <= len(r.b) && string(r.b[r.at:end]) == word {
			r.at = end
			return word == "true", true
		}
	}
	return false, false
}

// readTime gives up on other zones than UTC, and on what package time takes beyond RFC 3339.
func readTime(r *plainReader, v reflect.Value) bool {
	s, ok := r.text()
	const seconds = len("2006-01-02T15:04:05")
	if !ok || len(s) <= seconds || s[len("2006-01-02T1")] == ':' || s[seconds] == ',' || s[len(s)-1] != 'Z' {
		return false
	}
	return v.Addr().Interface().(*time.Time).UnmarshalText(s) == nil
}

func readFeatures(r *plainReader, v reflect.Value) bool {
	return readMap(r, v, func() (any, bool) {
		switch c := r.peek(); {
		case c == '"':
			return anyOf(r.string())
		case c == 't' || c == 'f':
			return anyOf(r.bool())
		default:
			return anyOf(r.float())
		}
	})
}

func anyOf[T any](v T, ok bool) (any, bool) { return v, ok }

func readCounts(r *plainReader, v reflect.Value) bool {
	return readMap(r, v, func() (int, bool) { n, ok := r.int(); return int(n), ok && int64(int(n)) == n })
}

func readMap[V any](r *plainReader, v reflect.Value, value func() (V, bool)) bool {
	m := map[string]V{}
	v.Set(reflect.ValueOf(m))
	if !r.take('{') {
		return false
	}
	if r.take('}') {
		return true
	}
	for {
		k, ok := r.string()
		if !ok || !r.take(':') {
			return false
		}
		x, ok := value()
		if _, twice := m[k]; !ok || twice {
			return false
		}
		m[k] = x
		if !r.take(',') {
			return r.take('}')
		}
	}
}
