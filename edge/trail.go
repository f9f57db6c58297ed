// SPDX-License-Identifier: Apache-2.0

package edge

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
func (e *Edge) openTrail() error {
	server, err := trail.ParseSyslog(e.cfg.Syslog, "headrace-edge")
	e.trail = &trail.Keeper{Store: e.db, Of: "edge", Path: filepath.Join(e.cfg.Dir, HeadFile), Key: ed25519.NewKeyFromSeed(e.ring.Derive("audit")), Syslog: server, Log: e.log}
	return err
}

// entry is what goes into the audit trail of something that who did; empty is whoever ctx says, or else whoever runs
// the edge. Where nobody did, who says what in the edge it was.
func (e *Edge) entry(ctx context.Context, who, what, subject string) trail.Entry {
	person, signedIn := access.Of(ctx)
	en := trail.Entry{At: e.cfg.Now(), Who: cmp.Or(who, person.Name, "this machine"), What: what, Subject: subject}
	switch {
	case !signedIn || en.Who != person.Name:
	case person.Local:
		en.Role = "local"
	default:
		en.Role = person.Roles.String()
	}
	return en
}

// Trail is the edge's audit trail.
func (e *Edge) Trail() *trail.Keeper { return e.trail }
