// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// ErrForeign says that a text holds what has the form of a mark, but that the key at hand did not make: it was scrubbed with
// another key, or not at all.
var ErrForeign = errors.New("a mark of another key")

// again is the family of marks that are made of marks.
const again = "again"

// Rekeyer makes the marks in scrubbed texts anew under another key, so that what leaves for two recipients, or in two
// epochs, has no mark in common. It is not safe for concurrent use.
//
// All that scrub puts in place of something is made of marks that the key proves: letters with a head, words, UUIDs and
// addresses; a host, a path or an e-mail address is several of them, joined by signs. The new mark's id is an HMAC of the
// old one's, its head stays: what was one entity stays one, whichever kind it was found as, and hosts of one domain and
// addresses of one subnet still share what they shared. Length and form stay too, so no other byte changes.
//
// A [Scrubber] with the new key knows the new marks as its own.
type Rekeyer struct {
	from, to marking
	in, out  []byte
	own      []Finding
	foreign  []Finding
}

// NewRekeyer returns a Rekeyer of what was scrubbed with the key from. Both keys are 32 bytes.
func NewRekeyer(from, to []byte) (*Rekeyer, error) {
	if len(from) != 32 || len(to) != 32 {
		return nil, fmt.Errorf("keys of marks have %d and %d bytes, not 32", len(from), len(to))
	}
	return &Rekeyer{from: newMarking(from), to: newMarking(to)}, nil
}

// Text returns a scrubbed text with its marks made anew; the same string where it has none. An error is ErrForeign.
func (r *Rekeyer) Text(text string) (string, error) {
	r.in, r.out, r.own, r.foreign = append(r.in[:0], text...), r.out[:0], r.own[:0], r.foreign[:0]
	eachMark(r.in, func(m Finding) {
		switch n := len(r.own); {
		case !r.from.owns(r.in, m):
			r.foreign = append(r.foreign, m)
		case n == 0 || m.Start >= r.own[n-1].End:
			r.own = append(r.own, m)
		}
	})
	at, own := 0, r.own
	for _, m := range r.foreign { // within one of ours, it is by chance
		for len(own) > 0 && own[0].End < m.End {
			own = own[1:]
		}
		if len(own) == 0 || own[0].Start > m.Start {
			return "", ErrForeign
		}
	}
	if len(r.own) == 0 {
		return text, nil
	}
	for _, m := range r.own {
		r.out = append(r.out, r.in[at:m.Start]...)
		r.out, at = r.appendAnew(r.out, m), m.End
	}
	return string(append(r.out, r.in[at:]...)), nil
}

// appendAnew appends the mark that stands for the mark m of in.
func (r *Rekeyer) appendAnew(dst []byte, m Finding) []byte {
	switch m.Kind {
	case kindWord:
		return r.to.appendWord(dst, r.in[m.Start:m.End])
	case "uuid":
		u, _ := uuidAt(r.in, m.Start)
		return r.to.appendUUID(dst, u[:8])
	case "ip":
		a, _ := addressAt(r.in, m.Start)
		a[12] &= 0xf0 // the rest is tag and check
		return r.to.appendNet(dst, a[:6], a[:8], a[:13])
	}
	return r.to.appendMark(dst, headIn(r.in, m), again, r.in[m.End-bodyLen:][:idLen])
}

// JSON does the same to every key and string of a JSON value.
func (r *Rekeyer) JSON(v jsontext.Value) (jsontext.Value, error) {
	plain := !bytes.Contains(v, []byte(`\u`)) // else a mark may be written in escapes
	eachMark(v, func(Finding) { plain = false })
	if plain {
		return v, nil
	}
	return visitJSON(v, "", func(_, text string) (string, error) { return r.Text(text) })
}
