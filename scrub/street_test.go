// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"slices"
	"strings"
	"testing"
)

func TestAnAddressEndsWhereTheNextLineSaysSomethingElse(t *testing.T) {
	s := newScrubber(t, Config{})
	for _, address := range []string{"Hafenstraße 5\n51147 Köln", "Hafenstr. 5a\nD-51147 Köln", "51147 Köln", "12 rue de la Paix\n75002 Paris", "635 Maple Avenue", "635 Maple Avenue\nSpringfield, IL 62704"} {
		for _, rest := range []string{"\nTel.: 0221 4711081\n", "\nTel 0221 4711081\n", "\nFax: none\n", "\nPhone: 217 555 0142\n", "\nE-Mail: none\n", "\nUSt-IdNr.: none\n", "\n\nBest regards\n"} {
			if got := kindsAt(t, s, address+rest); !slices.Contains(got, "address "+address) {
				t.Errorf("%q: found %q", address+rest, got)
			}
			word, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
			if out := scrubbed(t, s, address+rest); !strings.Contains(out, "\n"+word) {
				t.Errorf("%q became %q", address+rest, out)
			}
		}
	}
}

func TestTheNumberOfAHouseStandsAfterItsStreet(t *testing.T) {
	s := newScrubber(t, Config{})
	for text, want := range map[string]string{
		"The meeting is at Hafenstraße 5a, 51147 Köln on Monday.\n": "address Hafenstraße 5a, 51147 Köln",
		"Unser Lager: Lindenallee 17, 20095 Hamburg\n":              "address Lindenallee 17, 20095 Hamburg",
		"Prinsengracht 263, 1016 Amsterdam\n":                       "address Prinsengracht 263, 1016 Amsterdam",
	} {
		if got := kindsAt(t, s, text); !slices.Contains(got, want) {
			t.Errorf("%q: found %q, not %q", text, got, want)
		}
	}
	unchanged(t, "Der Arbeitsplatz 5 und der Speicherplatz 20 sind frei.\n", "the gate 5 is open\n", "case Delegate 5 of\n", "12345 Errors\n")
}
