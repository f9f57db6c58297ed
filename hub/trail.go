// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"

	"github.com/headrace/headrace/internal/trail"
)

// openTrail makes what keeps the audit trail. Its key is made from the root key: it signs often, and stays when the key that
// others know is replaced.
func (h *Hub) openTrail() (err error) {
	h.trail, err = trail.Open(h.db, "hub", h.cfg.Dir, h.ring.Derive("audit"), h.cfg.Syslog, h.log)
	return err
}

// entry is what goes into the audit trail of something that who did, as [trail.By] has it.
func (h *Hub) entry(ctx context.Context, who, what, subject string) trail.Entry {
	return trail.By(ctx, h.cfg.Now(), who, what, subject)
}

// Audit returns a page of the audit trail.
func (v View) Audit(ctx context.Context, f trail.Filter) (trail.Page, error) {
	return v.trail.Page(ctx, f)
}

// Dir is the hub's state folder.
func (h *Hub) Dir() string { return h.cfg.Dir }

// Trail is the hub's audit trail.
func (h *Hub) Trail() *trail.Keeper { return h.trail }
