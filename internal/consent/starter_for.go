// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"strconv"
	"strings"

	"github.com/headrace/headrace/spec"
)

// StarterFor returns the starter policy with its recipient called by this name.
func StarterFor(recipient string) (*Policy, error) {
	return DecodePolicy([]byte(strings.ReplaceAll(spec.StarterPolicy, Starter().Recipients()[0], strconv.Quote(recipient))))
}
