// SPDX-License-Identifier: Apache-2.0

package bundle

// TypeIncident is the payload type of an [Incident].
const TypeIncident = "application/vnd.headrace.incident.v1+json"

// Incident is the recipient's signed account of why it refused a bundle: what its own scan found in records that should
// have been free of it. It travels sealed as [TypeIncident]. It says where and of what kind, never what: neither the value
// nor a digest of it is in it, or kept.
type Incident struct {
	ID          string `json:"id"`
	Bundle      string `json:"bundle"` // digest
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	// Day is the UTC date on which it was refused; RotateBy the time by which what was found should be good for nothing.
	Day      string `json:"day"`
	RotateBy string `json:"rotate_by"`
	// Findings are the places, each record's kinds and fields once; More is how many others there are.
	Findings []IncidentFinding `json:"findings"`
	More     int               `json:"more"`
}

// IncidentFinding is one place.
type IncidentFinding struct {
	// Record counts from 0 in the bundle's order, Field is a path in it.
	Record int    `json:"record"`
	Field  string `json:"field"`
	// Kind is the rule's name, such as "aws-key", or "opaque" for a run that looks random and of which the manifest says nothing.
	Kind string `json:"kind"`
}
