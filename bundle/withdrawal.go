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
}

// Fate is what became of one artifact.
type Fate struct {
	Artifact string `json:"artifact"` // digest
	Kind     string `json:"kind"`     // bundle, snapshot, release, export
	// Fate is "erased", with "; key destroyed" and "; rebuilt as DIGEST" where that is so, "retired on DATE" or "beyond reach at HOLDER".
	Fate string `json:"fate"`
}
