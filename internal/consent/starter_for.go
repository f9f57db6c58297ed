// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"strconv"
	"strings"

	"github.com/headrace/headrace/spec"
)

// StarterFor returns the starter policy with its recipient called by these names.
func StarterFor(recipients ...string) (*Policy, error) {
	one := Starter().Recipients()[0]
	before, rest, _ := strings.Cut(spec.StarterPolicy, "recipients:\n")
	entry, after, _ := strings.Cut(rest, "\n\n")
	var entries, names []string
	for _, name := range recipients {
		name = strconv.Quote(name)
		names, entries = append(names, name), append(entries, strings.Replace(entry, one, name, 1))
	}
	return DecodePolicy([]byte(before + "recipients:\n" + strings.Join(entries, "\n") + "\n\n" + strings.ReplaceAll(after, one, strings.Join(names, ", "))))
}
