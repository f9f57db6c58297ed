// SPDX-License-Identifier: Apache-2.0

package connect

import "github.com/headrace/headrace/internal/patch"

// Diff is the change as a unified diff.
func (c *Change) Diff() string {
	old, new, after := c.Path, c.Path, c.After
	if c.Create {
		old = patch.DevNull
	}
	if c.Remove {
		new, after = patch.DevNull, nil
	}
	return patch.Unified(old, new, c.Before, after)
}
