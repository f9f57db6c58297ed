// SPDX-License-Identifier: Apache-2.0

package bundle

import "time"

// CodeExpired is the code of a bundle with records whose terms have run out.
const CodeExpired = "bundle/terms-expired"

// Expired returns an error where terms of the bundle have run out at the time now: nobody may use those records, whoever
// signed them. Pack and Verify know no clock, so whoever takes a bundle asks this.
func (m *Manifest) Expired(now time.Time) error {
	records, since := 0, time.Time{}
	for _, t := range m.Terms {
		if x := t.Terms.ExpiresAt; !x.IsZero() && !now.Before(x) {
			records += t.Records
			if since.IsZero() || x.Before(since) {
				since = x
			}
		}
	}
	if records == 0 {
		return nil
	}
	return problem(CodeExpired, "let a policy decide about the records anew; what has expired is not used by anybody",
		"the terms of %d of %d records have expired, the first on %s", records, m.Records, since.UTC().Format(time.DateOnly))
}
