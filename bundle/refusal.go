// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"github.com/go-json-experiment/json"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// TypeRefusal is the payload type of a [Refusal].
const TypeRefusal = "application/vnd.headrace.refusal.v1+json"

// Refusal is the recipient's signed word that it did not take something in, and why; it travels sealed as [TypeRefusal], where
// nobody waits for an answer. It does not stand for ever: what was refused may be taken in once its reason is gone.
type Refusal struct {
	Artifact    string `json:"artifact"` // digest of what was refused
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	Code        string `json:"code"`
	Message     string `json:"message"`
	Hint        string `json:"hint"`
	// RefusedAt is when, in UTC to the second (2006-01-02T15:04:05Z): of several, the last counts. It is said once for as long as the
	// reason stays the same.
	RefusedAt string `json:"refused_at,omitzero"`
}

// After says that r was said after s.
func (r Refusal) After(s Refusal) bool { return r.RefusedAt > s.RefusedAt }

// Claimed says from whom an envelope says that it is, a bundle's or a withdrawal's. Nothing is verified: it tells whose key
// to verify it with.
func Claimed(envelope []byte, payloadType string) (contributor string, err error) {
	payload, err := unverified(envelope, payloadType)
	if err != nil {
		return "", err
	}
	var says struct {
		Contributor string `json:"contributor"`
		Predicate   struct {
			Contributor string `json:"contributor"`
		} `json:"predicate"`
	}
	if err := json.Unmarshal(payload, &says); err != nil {
		return "", malformed("not the document it says it is: %v", err)
	}
	if payloadType == TypeBundle {
		return says.Predicate.Contributor, nil
	}
	return says.Contributor, nil
}

// unverified is what an envelope holds, whoever signed it.
func unverified(envelope []byte, payloadType string) ([]byte, error) {
	var env dsse.Envelope
	if len(envelope) > maxDocument || json.Unmarshal(envelope, &env) != nil || env.PayloadType != payloadType {
		return nil, malformed("not an envelope of %s", payloadType)
	}
	payload, ok := unbase64(env.Payload)
	if !ok {
		return nil, malformed("the envelope's base64 is not in its one standard form")
	}
	return payload, nil
}
