// SPDX-License-Identifier: Apache-2.0

package edge

import "context"

// Keep keeps a payload as it comes out of an agent's seal: nobody has looked into it.
func (e *Edge) Keep(ctx context.Context, kind string, p Principal, body []byte) error {
	return e.keep(ctx, kind, p, body)
}
