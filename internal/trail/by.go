// SPDX-License-Identifier: Apache-2.0

package trail

import (
	"cmp"
	"context"
	"time"

	"github.com/headrace/headrace/internal/access"
)

// By is the entry of something that who did; empty is whoever ctx says, or else whoever runs the role. Where nobody did, who says
// what in the role it was.
func By(ctx context.Context, at time.Time, who, what, subject string) Entry {
	person, signedIn := access.Of(ctx)
	en := Entry{At: at, Who: cmp.Or(who, person.Name, "this machine"), What: what, Subject: subject}
	switch {
	case !signedIn || en.Who != person.Name:
	case person.Local:
		en.Role = "local"
	default:
		en.Role = person.Roles.String()
	}
	return en
}
