// SPDX-License-Identifier: Apache-2.0

package bundle

// TypeCertificate is the payload type of a [Certificate].
const TypeCertificate = "application/vnd.headrace.certificate.v1+json"

// ReasonExpired is the reason of what ends by its own terms.
const ReasonExpired = "expired"

// Withdrawal is a contributor taking records back; it travels sealed as [TypeWithdrawal] and carries ids only.
type Withdrawal struct {
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	// IDs are episode ids as the recipient knows them, sorted.
	IDs []string `json:"ids"`
	// Reason is empty for what a contributor takes back. It is [ReasonExpired] where the recipient itself signs, because
	// the terms of these records have run out.
	Reason string `json:"reason,omitzero"`
}

// Certificate is the recipient's signed account of what became of everything that a withdrawal reached; it travels sealed
// as [TypeCertificate].
type Certificate struct {
	// Withdrawal is the digest of the withdrawal's envelope.
	Withdrawal  string `json:"withdrawal"`
	Reason      string `json:"reason,omitzero"` // as the withdrawal's
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	// Records is how many of the ids were found, in whatever bundle.
	Records int `json:"records"`
	// Day is the UTC date on which it was done.
	Day   string `json:"day"`
	Fates []Fate `json:"fates"`
	// LogOrigin and LogIndex say where in which log the withdrawal is.
	LogOrigin string `json:"log_origin"`
	LogIndex  uint64 `json:"log_index"`
	// Onward are the certificates of those to whom the recipient had passed records on.
	Onward []Onward `json:"onward,omitzero"`
}

// Onward is what somebody certified to whom records had been passed on. Its certificate is proven as any other, by its own key.
type Onward struct {
	Recipient string `json:"recipient"`
	Key       []byte `json:"key"` // ed25519
	// Withdrawal is the digest of the envelope with which the recipient of the records took them back there.
	Withdrawal string `json:"withdrawal"`
	// Certificate is signed by Key; Proof and Asked are JSON: that its log holds the certificate, and the withdrawal.
	Certificate []byte `json:"certificate"`
	Proof       []byte `json:"proof"`
	Asked       []byte `json:"asked"`
}

// Fate is what became of one artifact.
type Fate struct {
	Artifact string `json:"artifact"` // digest
	Kind     string `json:"kind"`     // bundle, snapshot, release, trial, export, passage
	// Fate is "erased", with "; key destroyed" and "; rebuilt as DIGEST" where that is so, "retired on DATE" or "beyond reach at HOLDER".
	Fate string `json:"fate"`
}
