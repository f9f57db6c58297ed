// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var errJSON = errors.New("not one JSON value")

// path is where in a value the walk is. Its keys are still quoted as they came.
type path struct {
	steps []step
}

type step struct {
	key   []byte // of an object, as it stands between the quotes; nil before the first
	index int    // of an array
	array bool
}

// String writes the path as a JSON pointer. A key that is not a plain word is left out as "*": it may be what was found.
func (p *path) String() string {
	var b strings.Builder
	for _, s := range p.steps {
		b.WriteByte('/')
		switch {
		case s.array:
			b.WriteString(strconv.Itoa(s.index))
		case isName(s.key):
			b.Write(s.key)
		default:
			b.WriteByte('*')
		}
	}
	return b.String()
}

// isName reports whether a key is one that a record's form may have: small letters and _, not long.
func isName(k []byte) bool {
	for _, c := range k {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return len(k) > 0 && len(k) <= 20
}

// isField reports whether the innermost key is one of these.
func (p *path) isField(names ...string) bool {
	if len(p.steps) == 0 {
		return false
	}
	key := p.steps[len(p.steps)-1].key
	for _, n := range names {
		if string(key) == n {
			return true
		}
	}
	return false
}

// within reports whether one of the keys around it is this one.
func (p *path) within(name string) bool {
	for _, s := range p.steps {
		if !s.array && string(s.key) == name {
			return true
		}
	}
	return false
}

// walk visits every string of a JSON value, keys too: its bytes between the quotes, and whether any of them is an escape.
// Numbers and literals are passed over without a look at their form: they hold no text. It allocates nothing per string.
func walk(b []byte, visit func(at *path, raw []byte, escaped bool) error) error {
	w := walker{b: b, visit: visit}
	if err := w.value(0); err != nil {
		return err
	}
	if w.space(); w.i != len(b) {
		return errJSON
	}
	return nil
}

type walker struct {
	b     []byte
	i     int
	at    path
	visit func(at *path, raw []byte, escaped bool) error
}

// maxNesting bounds the depth of arrays and objects.
const maxNesting = 200

func (w *walker) space() {
	for w.i < len(w.b) && (w.b[w.i] == ' ' || w.b[w.i] == '\n' || w.b[w.i] == '\t' || w.b[w.i] == '\r') {
		w.i++
	}
}

func (w *walker) peek() byte {
	if w.space(); w.i < len(w.b) {
		return w.b[w.i]
	}
	return 0
}

func (w *walker) value(depth int) error {
	if depth > maxNesting {
		return errJSON
	}
	switch w.peek() {
	case '"':
		raw, escaped, err := w.str()
		if err != nil {
			return err
		}
		return w.visit(&w.at, raw, escaped)
	case '{':
		return w.object(depth)
	case '[':
		return w.array(depth)
	}
	from := w.i
	for w.i < len(w.b) {
		c := w.b[w.i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' && c != '+' && c != '.' && c != 'E' {
			break
		}
		w.i++
	}
	if w.i == from {
		return errJSON
	}
	return nil
}

// str takes a string and returns what is between its quotes.
func (w *walker) str() (raw []byte, escaped bool, err error) {
	w.i++
	from := w.i
	for {
		n := bytes.IndexByte(w.b[w.i:], '"')
		if n < 0 {
			return nil, false, errJSON
		}
		end := w.i + n
		if bytes.IndexByte(w.b[w.i:end], '\\') < 0 {
			w.i = end + 1
			return w.b[from:end], escaped, nil
		}
		escaped = true
		slashes := 0
		for end-slashes > w.i && w.b[end-1-slashes] == '\\' {
			slashes++
		}
		w.i = end + 1
		if slashes%2 == 0 {
			return w.b[from:end], true, nil
		}
	}
}

func (w *walker) object(depth int) error {
	w.i++
	w.at.steps = append(w.at.steps, step{})
	defer w.up()
	if w.peek() == '}' {
		w.i++
		return nil
	}
	for {
		if w.peek() != '"' {
			return errJSON
		}
		key, escaped, err := w.str()
		if err != nil {
			return err
		}
		w.at.steps[len(w.at.steps)-1].key = key
		if len(key) >= shortest {
			if err := w.visit(&w.at, key, escaped); err != nil {
				return err
			}
		}
		if w.peek() != ':' {
			return errJSON
		}
		w.i++
		if err := w.value(depth + 1); err != nil {
			return err
		}
		switch w.peek() {
		case ',':
			w.i++
		case '}':
			w.i++
			return nil
		default:
			return errJSON
		}
	}
}

func (w *walker) array(depth int) error {
	w.i++
	w.at.steps = append(w.at.steps, step{array: true})
	defer w.up()
	if w.peek() == ']' {
		w.i++
		return nil
	}
	for {
		if err := w.value(depth + 1); err != nil {
			return err
		}
		switch w.peek() {
		case ',':
			w.i++
			w.at.steps[len(w.at.steps)-1].index++
		case ']':
			w.i++
			return nil
		default:
			return errJSON
		}
	}
}

func (w *walker) up() { w.at.steps = w.at.steps[:len(w.at.steps)-1] }

// unquote appends what a string with escapes means.
func unquote(dst, raw []byte) ([]byte, error) {
	quoted := make([]byte, 0, len(raw)+2)
	quoted = append(append(append(quoted, '"'), raw...), '"')
	return jsontext.AppendUnquote(dst, quoted)
}
