// SPDX-License-Identifier: Apache-2.0

package main

import (
	"reflect"
	"testing"
)

func TestGapsAreWhatTheMaskStandsFor(t *testing.T) {
	for _, c := range []struct {
		text, masked string
		want         [][2]int
	}{
		{"key=abc;", "key=****;", [][2]int{{4, 7}}},
		{"abc", "****", [][2]int{{0, 3}}},
		{"abcdef;", "********;", [][2]int{{0, 6}}},
		{"x=ab", "x=****", [][2]int{{2, 4}}},
		{"a **** b", "a **** b", nil},
		{"plain", "plain", nil},
	} {
		if got := gaps(c.text, c.masked); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q from %q: %v, want %v", c.masked, c.text, got, c.want)
		}
	}
}
