// SPDX-License-Identifier: Apache-2.0

// Package sharedtest finds the folder of test data by others that lies beside the checkout. It is for tests only: the
// data is never copied into the repository, and tests that need it skip with one line where it is absent.
package sharedtest

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir returns the path of sub (such as "corpus/claude-code") in the folder that $HEADRACE_SHARED names, or else in
// ../shared beside the checkout. Where it is absent the test is skipped, unless the variable names a place without it.
func Dir(t testing.TB, sub string) string {
	t.Helper()
	root, set := os.LookupEnv("HEADRACE_SHARED")
	if !set || root == "" {
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(wd, "CONTRIBUTING.md")); err == nil {
				break
			}
			if wd == filepath.Dir(wd) {
				t.Skip("not in a checkout: no shared test data")
			}
			wd = filepath.Dir(wd)
		}
		root = filepath.Join(wd, "..", "shared")
	}
	dir, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(sub)))
	if err != nil {
		dir = sub
		if set && root != "" {
			t.Fatalf("HEADRACE_SHARED is set, but %s is missing", dir)
		}
		t.Skipf("shared test data is absent (%s)", sub)
	}
	return dir
}
