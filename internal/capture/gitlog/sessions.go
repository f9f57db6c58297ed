// SPDX-License-Identifier: Apache-2.0

package gitlog

import "context"

// sessions notes the coding sessions that a commit names itself.
func (r *Repository) sessions(ctx context.Context, c *Commit, note string) {
}
