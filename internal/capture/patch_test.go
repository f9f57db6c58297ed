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

func TestADiffOfSeveralFilesIsItsHunks(t *testing.T) {
	const diff = "diff --git a/gone.go b/gone.go\n--- a/gone.go\n+++ /dev/null\n@@ -1 +0,0 @@\n-shut\n" +
		"diff --git a/gate.go b/gate.go\n--- a/gate.go\t2026-01-01\n+++ b/gate.go\t2026-01-01\n@@ -3,2 +3,2 @@ func lift() {\n\n-low\n+high\ndiff --git a/c b/c\nBinary files differ\n--- a/c\n+++ b/c\n@@ -1 +1 @@\n-d\n+e\n"
	var b, a strings.Builder
	if file := Hunks(diff, &b, &a); file != "gate.go" || b.String() != "shut\n\nlow\nd\n" || a.String() != "\nhigh\ne\n" {
		t.Errorf("%q %q %q", file, b.String(), a.String())
	}
	b.Reset()
	a.Reset()
	if file := Hunks("--- a/pond.md\n+++ /dev/null\n@@ @@\n-dry\n+wet\n", &b, &a); file != "pond.md" || b.String() != "dry\n" || a.String() != "wet\n" {
		t.Errorf("%q %q %q", file, b.String(), a.String())
	}
}
