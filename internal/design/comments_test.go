// SPDX-License-Identifier: Apache-2.0

package design

import (
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryPackageSaysWhatItIsFor: one package comment of 2 to 20 lines, in the file that bears the package's name.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		var in []string
		lines := 0
		for _, name := range p.files {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.dir, name), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc != nil {
				in, lines = append(in, name), len(strings.Split(strings.TrimSpace(f.Doc.Text()), "\n"))
			}
		}
		want := path.Base(p.name) + ".go"
		switch {
		case p.program:
			want = "main.go"
		case p.name == "internal/design":
			want = "doc.go" // it has no other file that is not a test
		}
		if len(in) != 1 || in[0] != want {
			t.Errorf("%s: the package comment is in %v, not in %s alone", p.name, in, want)
		} else if lines < 2 || lines > 20 {
			t.Errorf("%s: a package comment of %d lines; 2 to 20 say what it is for, where to start and what it does not do", p.name, lines)
		}
	}
}
