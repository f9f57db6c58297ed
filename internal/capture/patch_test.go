// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"strings"
	"testing"
)

func TestAPatchIsWhatItRemovesAndAdds(t *testing.T) {
	file, before, after := Unpatch("*** Begin Patch\n*** Update File: mill/wheel.go\n@@ func turn\n a\n-b\n+c\n*** Add File: gate.go\n+d\n--- e\n*** End Patch\n")
	if file != "mill/wheel.go" || before != "a\nb\n-- e\n" || after != "a\nc\nd\n" {
		t.Errorf("%q %q %q", file, before, after)
	}
	var b, a strings.Builder
	Hunks("--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1,2 @@\n--- a comment\n+++ one more\n\\ No newline at end of file\n", &b, &a)
	if b.String() != "-- a comment\n" || a.String() != "++ one more\n" {
		t.Errorf("%q %q", b.String(), a.String())
	}
}
