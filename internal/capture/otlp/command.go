// SPDX-License-Identifier: Apache-2.0

package otlp

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// command is a shell command, given as a string or as a list of words.
type command string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (c *command) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	switch d.PeekKind() {
	case '"':
		t, err := d.ReadToken()
		if err == nil {
			*c = command(t.String())
		}
		return err
	case '[':
	default:
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	var words []string
	for d.PeekKind() != ']' {
		if d.PeekKind() != '"' {
			if err := d.SkipValue(); err != nil {
				return err
			}
			continue
		}
		t, err := d.ReadToken()
		if err != nil {
			return err
		}
		words = append(words, t.String())
	}
	if n := len(words); n >= 3 && words[n-2] == "-lc" {
		words = words[n-1:] // bash -lc COMMAND
	}
	*c = command(strings.Join(words, " "))
	_, err := d.ReadToken()
	return err
}
