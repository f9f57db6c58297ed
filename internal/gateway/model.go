// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// modelIn finds the model that a request names: the value of the first member "model" of the object in body, which may be only the
// head of it, and where the value stands. Where there is none, the name is empty; ok says that this is known.
func modelIn(body []byte) (name string, start, end int, ok bool) {
	if len(body) == 0 {
		return "", 0, 0, true
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
		return "", 0, 0, false
	}
	for d.PeekKind() == '"' {
		member, err := d.ReadToken()
		if err != nil {
			return "", 0, 0, false
		}
		if member.String() != "model" {
			if d.SkipValue() != nil {
				return "", 0, 0, false
			}
			continue
		}
		raw, err := d.ReadValue()
		if err != nil || raw.Kind() != '"' {
			return "", 0, 0, false
		}
		s, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return "", 0, 0, false
		}
		end = int(d.InputOffset())
		return string(s), end - len(raw), end, true
	}
	_, err := d.ReadToken()
	return "", 0, 0, err == nil
}

// quote is a string as JSON.
func quote(s string) []byte {
	b, _ := jsontext.AppendQuote(nil, s) // of what is no UTF-8, what can be said of it
	return b
}
