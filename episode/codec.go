// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxLine is the longest line that Reader takes, in bytes; a longer one is set aside.
const MaxLine = 64 << 20

// LineError is one line that could not be read: it is set aside, the rest goes on.
type LineError struct {
	Line int // 1 is the first
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }
func (e *LineError) Unwrap() error { return e.Err }

// Reader reads episodes from JSON Lines.
type Reader struct {
	r    *bufio.Reader
	line int
	buf  []byte
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 256<<10)} }

// Line returns the bytes of the line that the last Next read, valid until the next call.
func (r *Reader) Line() []byte { return r.buf }

// Next returns the next episode, or io.EOF after the last. A *LineError concerns one line only: go on calling Next.
// Blank lines are passed over.
func (r *Reader) Next() (*Episode, error) {
	for {
		tooLong, err := r.readLine()
		if err != nil {
			return nil, err
		}
		if tooLong {
			return nil, &LineError{r.line, fmt.Errorf("longer than %d bytes", MaxLine)}
		}
		if len(bytes.TrimSpace(r.buf)) == 0 {
			continue
		}
		e, err := Decode(r.buf)
		if err != nil {
			return nil, &LineError{r.line, err}
		}
		return e, nil
	}
}

func (r *Reader) readLine() (tooLong bool, err error) {
	r.buf = r.buf[:0]
	for {
		part, err := r.r.ReadSlice('\n')
		if len(r.buf)+len(part) > MaxLine {
			tooLong = true
		} else {
			r.buf = append(r.buf, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(r.buf) == 0 && !tooLong:
			return false, io.EOF
		case err != nil && err != io.EOF:
			return false, err
		}
		r.line++
		r.buf = bytes.TrimSuffix(r.buf, []byte("\n"))
		return tooLong, nil
	}
}

// Decode reads one episode. Duplicate keys, invalid UTF-8 and a wrong type are errors; unknown fields are kept.
func Decode(b []byte) (*Episode, error) {
	e, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("not an episode: %w", err)
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	return e, nil
}

func decode(b []byte) (*Episode, error) {
	e := new(Episode)
	if decodePlain(b, e) {
		return e, nil
	}
	*e = Episode{}
	return e, json.Unmarshal(b, e)
}

func (e *Episode) check() error {
	switch {
	case e.SchemaVersion == "":
		return errors.New("not an episode: no schema_version")
	case major(e.SchemaVersion) != major(SchemaVersion):
		return fmt.Errorf("schema_version %q is not one this version reads (%s)", e.SchemaVersion, SchemaVersion)
	case e.ID == "":
		return errors.New("not an episode: no id")
	}
	return cmp.Or(checkName("id", e.ID), checkName("amends", e.Amends))
}

// maxName is the longest id, in bytes: ids are keys in stores and lines in logs.
const maxName = 512

func checkName(what, value string) error {
	if len(value) > maxName {
		return fmt.Errorf("not an episode: %s is longer than %d bytes", what, maxName)
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] == 0x7f {
			return fmt.Errorf("not an episode: %s holds a control character", what)
		}
	}
	return nil
}

func major(v string) string {
	m, _, _ := bytes.Cut([]byte(v), []byte("."))
	return string(m)
}

// Append appends the episode as one JSON object, without a newline: fields in the record's order, map keys sorted.
func Append(dst []byte, e *Episode) ([]byte, error) {
	if out, ok := appendPlain(dst, e, false); ok {
		return out, nil
	}
	w := bytes.NewBuffer(dst)
	if err := json.MarshalWrite(w, e, json.Deterministic(true)); err != nil {
		return dst, fmt.Errorf("encode episode %s: %w", e.ID, err)
	}
	return w.Bytes(), nil
}

// AppendCanonical appends the episode in canonical form (RFC 8785): the bytes that are digested, signed and sent.
func AppendCanonical(dst []byte, e *Episode) ([]byte, error) {
	if out, ok := appendPlain(dst, e, true); ok {
		return out, nil
	}
	n := len(dst)
	dst, err := Append(dst, e)
	if err != nil {
		return dst, err
	}
	v := jsontext.Value(dst[n:])
	if err := v.Canonicalize(); err != nil {
		return dst[:n], fmt.Errorf("canonical form of episode %s: %w", e.ID, err)
	}
	return append(dst[:n], v...), nil
}

// Clone returns a deep copy.
func (e *Episode) Clone() *Episode {
	b, err := Append(nil, e)
	if err != nil {
		panic(err) // an episode that was decoded or built from these types always encodes, but for NaN, which Decode cannot give
	}
	c, err := decode(b)
	if err != nil {
		panic(err)
	}
	return c
}
