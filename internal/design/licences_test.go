// SPDX-License-Identifier: Apache-2.0

package design

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// licences is what we take, told by a sentence that each text has.
var licences = []struct {
	name string
	text *regexp.Regexp
}{
	{"Apache-2.0", regexp.MustCompile(`Apache License\s+Version 2\.0`)},
	{"MPL-2.0", regexp.MustCompile(`Mozilla Public License,? [Vv]ersion 2\.0`)},
	{"MIT", regexp.MustCompile(`Permission is hereby granted, free of charge, to any person`)},
	{"ISC", regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software`)},
	{"BSD", regexp.MustCompile(`Redistribution and use in source and binary forms`)},
}

// reciprocal modules ask that changes to their own files stay open. We change none of them; each is here with who needs it.
var reciprocal = map[string]string{
	"github.com/hashicorp/go-version":    "the collector's feature gates, under pdata",
	"github.com/hashicorp/golang-lru/v2": "Tessera's cache",
}

func TestLicencesOfWhatWeLinkAreTaken(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range list(t, "-deps", "./cmd/...") {
		if p.Standard || p.Module == nil || p.Module.Path == module || seen[p.Module.Path] {
			continue
		}
		seen[p.Module.Path] = true
		name := licence(t, p.Module.Dir)
		if _, known := reciprocal[p.Module.Path]; name == "" || name == "MPL-2.0" && !known {
			t.Errorf("%s %s: licence %q is not one we take", p.Module.Path, p.Module.Version, name)
		}
	}
	for m, why := range reciprocal {
		if !seen[m] {
			t.Errorf("%s (%s) is not linked any more: take it off the list", m, why)
		}
	}
	t.Logf("%d modules linked", len(seen))
}

func licence(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		base := strings.ToUpper(filepath.Base(f))
		if !strings.HasPrefix(base, "LICEN") && !strings.HasPrefix(base, "COPYING") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range licences {
			if l.text.Match(b) {
				return l.name
			}
		}
	}
	return ""
}

// TestLibcIsTheOneThatSQLiteWasMadeWith: modernc's SQLite is C turned into Go against one version of its libc, and is
// tested with no other.
func TestLibcIsTheOneThatSQLiteWasMadeWith(t *testing.T) {
	var sqlite, libc string
	for _, p := range list(t, "-deps", "./internal/sqlstore") {
		if p.Module != nil && p.Module.Path == "modernc.org/sqlite" {
			sqlite = p.Module.Dir
		}
		if p.Module != nil && p.Module.Path == "modernc.org/libc" {
			libc = p.Module.Version
		}
	}
	b, err := os.ReadFile(filepath.Join(sqlite, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "modernc.org/libc " + libc + "\n"; libc == "" || !strings.Contains(string(b), want) {
		t.Errorf("go.mod has modernc.org/libc %s; modernc.org/sqlite wants another: %s", libc,
			regexp.MustCompile(`modernc\.org/libc \S+`).FindString(string(b)))
	}
}
