// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"slices"
	"testing"
)

func TestStarterPolicyTakesTheRecipientsNameWhateverItIs(t *testing.T) {
	for _, name := range []string{"acme-tools", "hub.example/log", `a"b\c`, "yes", "#1", "ünï"} {
		p, err := StarterFor(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if !slices.Equal(p.Recipients(), []string{name}) {
			t.Errorf("%q: the recipients are %q", name, p.Recipients())
		}
	}
}
