// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestThePrivateNumbersOfAKeyAreOneSecret: side by side they become one mark; what is public around them stays as it would.
func TestThePrivateNumbersOfAKeyAreOneSecret(t *testing.T) {
	s, r := newScrubber(t, Config{}), rand.New(rand.NewPCG(9, 10))
	for _, member := range []string{`"%s":"%s"`, `"%s": "%s"`, `%s: '%s'`, `\"%s\":\"%s\"`} {
		for _, between := range []string{",", ",\n    "} {
			var private []string
			for _, name := range []string{"d", "p", "q", "dp", "dq", "qi"} {
				v := "aZ0" + some(r, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_", 84)
				private = append(private, fmt.Sprintf(member, name, v))
			}
			text := "{" + fmt.Sprintf(member, "kty", "RSA") + between + strings.Join(private, between) + between + fmt.Sprintf(member, "e", "AQAB") + "}"
			start := strings.Index(text, "aZ0")
			end := strings.LastIndex(text, "aZ0") + 87
			_, found, err := s.Text(nil, []byte(text))
			if err != nil || len(found) != 1 || found[0].Start != start || found[0].End != end || found[0].Kind != "private_key" {
				t.Errorf("%q: %v, %v; want [%d,%d)", text, found, err, start, end)
			}
		}
	}
}
