// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"slices"

	"github.com/headrace/headrace/episode"
)

// The payload types of an [Agreement] and of a [Countersignature].
const (
	TypeAgreement        = "application/vnd.headrace.agreement.v1+json"
	TypeCountersignature = "application/vnd.headrace.countersignature.v1+json"
)

// Agreement is the terms under which a contributor is about to give records to a recipient; it travels sealed as [TypeAgreement], signed
// by the contributor, before the first record goes under them.
type Agreement struct {
	Contributor string           `json:"contributor"`
	Recipient   string           `json:"recipient"`
	Terms       []*episode.Terms `json:"terms"`
}

// Countersignature is the recipient's signed word that it takes records under the terms of an agreement, and will use them under no others;
// it travels sealed as [TypeCountersignature].
type Countersignature struct {
	// Agreement is the digest of the agreement's envelope, as the contributor signed it.
	Agreement   string `json:"agreement"`
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	// Day is the UTC date.
	Day string `json:"day"`
}

// Check says what is wrong with an agreement.
func (a *Agreement) Check() error {
	if len(a.Terms) == 0 {
		return problem(CodeTerms, "name the terms that records go under", "an agreement without terms")
	}
	for _, t := range a.Terms {
		if t == nil || len(t.Purposes) == 0 || !slices.Contains(t.Recipients, a.Recipient) {
			return problem(CodeTerms, "each names at least one purpose, and the recipient", "terms of an agreement with %s do not let it have anything", a.Recipient)
		}
	}
	return nil
}

// TermsKey tells terms from others: their canonical JSON.
func TermsKey(t *episode.Terms) (string, error) {
	b, err := canonical(t)
	return string(b), err
}

// ReadAgreement reads what an envelope holds without verifying its signature: for who knows its digest from somebody who has.
func ReadAgreement(envelope []byte) (a Agreement, err error) {
	payload, err := unverified(envelope, TypeAgreement)
	if err != nil {
		return a, err
	}
	return a, DecodeDocument(payload, &a)
}
