// SPDX-License-Identifier: Apache-2.0

package main

import "runtime/debug"

// version is what the build knows of itself.
func version() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}
