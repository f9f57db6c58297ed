// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/seal"
)

// FuzzMap reads any bytes as a map: it is refused as a problem that a person can do something about.
func FuzzMap(f *testing.F) {
	key, err := seal.Derive(make([]byte, 32))
	if err != nil {
		f.Fatal(err)
	}
	for _, plain := range []string{`{"mark":"a","original":"YQ=="}`, `{"mark":"a","original":"YQ=="}{"mark":`, `[]`, ``} {
		sealed, err := key.Public().Seal([]byte(plain))
		if err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(base64.StdEncoding.EncodeToString(sealed)+"\n"), []byte(plain))
	}
	f.Fuzz(func(t *testing.T, file, plain []byte) {
		sealed, err := key.Public().Seal(plain)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{file, []byte(base64.StdEncoding.EncodeToString(sealed))} {
			err := eachMapped(bytes.NewReader(b), key, func(mapped) error { return nil })
			if _, ok := errors.AsType[*episode.Problem](err); err != nil && !ok && len(b) < mapPart {
				t.Fatal(err)
			}
		}
	})
}
