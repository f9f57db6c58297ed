// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"strings"
	"testing"
)

// TestAWordWithNothingAfterItIsNoReasonToStop feeds each word that the scanner knows with nothing, a space, a quote or a
// line's end behind it: "Bearer" at the end of a sentence once dropped whole records.
func TestAWordWithNothingAfterItIsNoReasonToStop(t *testing.T) {
	s, err := New(Config{Key: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules() {
		for _, tail := range []string{"", " ", "  ", "\n", `"`, `""`, "=", "= ", ":", `: ""`, "://", "@", ".", "`"} {
			for _, word := range []string{r.keyword, strings.ToUpper(r.keyword)} {
				for _, text := range []string{word + tail, "x " + word + tail, word + tail + " end of the sentence"} {
					if _, _, err := s.Text(nil, []byte(text)); err != nil {
						t.Errorf("%q: %v", text, err)
					}
				}
			}
		}
	}
}
