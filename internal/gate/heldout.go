// SPDX-License-Identifier: Apache-2.0

package gate

import "github.com/headrace/headrace/internal/draw"

// HeldShare is the share of developers that a split holds out.
const HeldShare = 0.27

// HeldOut returns the split of developers under a key: those for whom it reports true are never learned from. A
// developer is always wholly on one side. The key keeps a contributor from choosing the side.
func HeldOut(key []byte) func(contributor, developer string) bool {
	return func(contributor, developer string) bool {
		return draw.Fraction(key, "held out", contributor, developer) < HeldShare
	}
}
