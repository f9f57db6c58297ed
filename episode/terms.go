// SPDX-License-Identifier: Apache-2.0

package episode

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Terms travel with every record that leaves: for what, to whom, where, for how long.
type Terms struct {
	Purposes   []Purpose `json:"purposes,omitempty"`
	Recipients []string  `json:"recipients,omitempty"`
	Region     string    `json:"region,omitzero"`
	// RetentionDays is how long the recipient may keep the record, counted from its receipt; 0 means until ExpiresAt.
	RetentionDays int       `json:"retention_days,omitzero"`
	ExpiresAt     time.Time `json:"expires_at,omitzero"`

	Unknown jsontext.Value `json:",embed"`
}

// Until returns when a recipient who received the record at that time must be rid of it, or the zero time where the terms
// set no end. A zero received leaves retention unchecked.
func (t *Terms) Until(received time.Time) time.Time {
	until := t.ExpiresAt
	if t.RetentionDays > 0 && !received.IsZero() {
		if kept := received.UTC().AddDate(0, 0, t.RetentionDays); until.IsZero() || kept.Before(until) {
			until = kept
		}
	}
	return until
}

// Allow reports whether the terms let recipient use the record for p at the time now. Nil terms allow nothing.
func (t *Terms) Allow(recipient string, p Purpose, now time.Time) bool {
	return t != nil && slices.Contains(t.Recipients, recipient) && slices.Contains(t.Purposes, p) &&
		(t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}
