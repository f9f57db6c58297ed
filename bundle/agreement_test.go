// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"testing"

	"github.com/headrace/headrace/episode"
)

func TestAnAgreementLetsItsRecipientHaveSomething(t *testing.T) {
	good := &episode.Terms{Purposes: []episode.Purpose{"evaluate"}, Recipients: []string{"maker"}, RetentionDays: 30}
	for name, terms := range map[string][]*episode.Terms{
		"none": nil, "of nobody": {{Purposes: good.Purposes, Recipients: []string{"other"}}}, "for nothing": {{Recipients: good.Recipients}}, "one of them empty": {good, nil},
	} {
		if (&Agreement{Contributor: "alder", Recipient: "maker", Terms: terms}).Check() == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	if err := (&Agreement{Contributor: "alder", Recipient: "maker", Terms: []*episode.Terms{good}}).Check(); err != nil {
		t.Error(err)
	}
}

func FuzzReadAgreement(f *testing.F) {
	envelope, err := SealDocument(TypeAgreement, Agreement{Contributor: "alder", Recipient: "maker", Terms: []*episode.Terms{{Purposes: []episode.Purpose{"evaluate"}, Recipients: []string{"maker"}}}}, key(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(envelope)
	f.Fuzz(func(t *testing.T, envelope []byte) {
		a, err := ReadAgreement(envelope)
		if err != nil {
			return
		}
		_ = a.Check() // must not panic
		for _, terms := range a.Terms {
			if _, err := TermsKey(terms); err != nil {
				t.Error(err)
			}
		}
	})
}
