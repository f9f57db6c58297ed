// SPDX-License-Identifier: Apache-2.0

package curate

import (
	"slices"
	"time"
)

// checkTerms asks the record's own terms and the rights table, and notes when it must be gone.
func checkTerms(c *candidate, o Options) string {
	t := c.ep.Terms
	if t == nil {
		return ReasonNoTerms
	}
	if !slices.Contains(t.Recipients, o.Recipient) {
		return ReasonRecipient
	}
	allowed, mayServe := false, c.ep.Amends != "" // later facts hold no output: whose it is the episode says that they belong to
	for _, p := range o.Purposes {
		if slices.Contains(t.Purposes, p) {
			allowed, mayServe = true, mayServe || o.Rights.Allows(c.ep, p)
		}
	}
	if !allowed {
		return ReasonPurpose
	}
	if !mayServe {
		return ReasonRights
	}
	c.expires = t.Until(c.shard.Received)
	if !c.expires.IsZero() && !o.Now.Before(c.expires) {
		return ReasonExpired
	}
	return ""
}

// earlier returns the first of two times, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
