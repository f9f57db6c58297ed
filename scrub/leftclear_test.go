// SPDX-License-Identifier: Apache-2.0

package scrub

import (
	"strings"
	"testing"
)

func TestAPINInAnyOrderOfWordsGoes(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{"PIN ist %s\n", "Meine PIN lautet %s\n", "<pin>%s</pin>\n", "USER_PIN=%s\n", "sim pin: %s\n"}, []string{"4711", "471108"})
	stands(t, newScrubber(t, Config{}), []string{"cvv %s\n", "CVV: %s\n", "cvc=%s\n", "<cvv>%s</cvv>\n"}, []string{"123", "4711"})
}

func TestWhoWroteALetterInAnyLanguageIsNotTold(t *testing.T) {
	s := newScrubber(t, Config{})
	out := scrubbed(t, s, "Von: Müller, Hans-Peter\nAn: Özdemir, Ayşe\nBetreff: Rechnung\n")
	for _, v := range []string{"Müller", "Hans", "Peter", "Özdemir", "Ayşe"} {
		if strings.Contains(out, v) {
			t.Errorf("became %q", out)
		}
	}
}

func TestAPipelineIsToldASecret(t *testing.T) {
	stands(t, newScrubber(t, Config{}), []string{"::add-mask::%s\n", "::set-output name=password::%s\n", "##vso[task.setvariable variable=dbPassword;issecret=true]%s\n"}, []string{"hunter", "tiger7"})
}
