// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"

	"github.com/headrace/headrace/internal/trail"
)

// openTrail makes what keeps the audit trail. Its key is made from the root key: it signs often, and stays when the key that
// others know is replaced.
func (e *Edge) openTrail() (err error) {
	e.trail, err = trail.Open(e.db, "edge", e.cfg.Dir, e.ring.Derive("audit"), e.cfg.Syslog, e.log)
	return err
}

// entry is what goes into the audit trail of something that who did, as [trail.By] has it.
func (e *Edge) entry(ctx context.Context, who, what, subject string) trail.Entry {
	return trail.By(ctx, e.cfg.Now(), who, what, subject)
}

// Trail is the edge's audit trail.
func (e *Edge) Trail() *trail.Keeper { return e.trail }
