// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"path/filepath"

	"github.com/headrace/headrace/internal/keyring"
)

// GitName is the name by which a repository rests in the tables of the edge in dir.
func GitName(dir, name string) string {
	ring, err := keyring.Open(filepath.Join(dir, "keys"))
	if err != nil {
		panic(err)
	}
	return (&Edge{ring: ring}).gitName(name)
}
