// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"path/filepath"

	"github.com/headrace/headrace/internal/access"
	"github.com/headrace/headrace/internal/trail"
)

// HeadFile is where, in a role's folder, it keeps the signed head of its audit trail.
const HeadFile = "audit.head"

// openTrail makes what keeps the audit trail. Its key is made from the root key: it signs often, and stays when the key that
// others know is replaced.
func (h *Hub) openTrail() error {
	server, err := trail.ParseSyslog(h.cfg.Syslog, "headrace-hub")
	h.trail = &trail.Keeper{Store: h.db, Of: "hub", Path: filepath.Join(h.cfg.Dir, HeadFile), Key: ed25519.NewKeyFromSeed(h.ring.Derive("audit")), Syslog: server, Log: h.log}
	return err
}

// entry is what goes into the audit trail of something that who did; empty is whoever ctx says, or else whoever runs the hub.
func (h *Hub) entry(ctx context.Context, who, what, subject string) trail.Entry {
	person, signedIn := access.Of(ctx)
	en := trail.Entry{At: h.cfg.Now(), Who: cmp.Or(who, person.Name, "this machine"), What: what, Subject: subject}
	switch {
	case !signedIn || en.Who != person.Name:
	case person.Local:
		en.Role = "local"
	default:
		en.Role = person.Roles.String()
	}
	return en
}

// Audit returns a page of the audit trail.
func (v View) Audit(ctx context.Context, f trail.Filter) (trail.Page, error) {
	return v.trail.Page(ctx, f)
}

// Dir is the hub's state folder.
func (h *Hub) Dir() string { return h.cfg.Dir }

// Trail is the hub's audit trail.
func (h *Hub) Trail() *trail.Keeper { return h.trail }
