// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"

	"github.com/headrace/headrace/internal/tlog/proof"
)

// LogOnce enters a digest into the log.
func (h *Hub) LogOnce(ctx context.Context, kind, digest string) (proof.Inclusion, error) {
	return h.logOnce(ctx, kind, digest)
}

// LogAndCrash enters a digest into the log as far as a hub comes that dies before it knows the index; entered says that
// the entry itself was made.
func (h *Hub) LogAndCrash(ctx context.Context, kind, digest string, entered bool) error {
	size, err := h.tlog.Size()
	if err != nil {
		return err
	}
	if _, err := h.db.LogEntry(ctx, kind, digest, size); err != nil || !entered {
		return err
	}
	_, err = h.tlog.Append(ctx, kind, proof.Commit(h.salt(kind, digest), digest))
	return err
}

// LogSize is how many entries the log has.
func (h *Hub) LogSize() (uint64, error) { return h.tlog.Size() }
