// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// textGate says when text leaves at all, whatever a rule says: from the repositories of a list, and once enough batches
// have been audited and found clean. A policy without one lets no text leave.
type textGate struct {
	repositories []glob
	cleanBatches int
}

func readTextGate(n ast.Node) (*textGate, error) {
	t := new(textGate)
	var patterns []string
	if err := mapping(n, "text", map[string]any{"repositories": &patterns, "clean_batches": &t.cleanBatches}); err != nil {
		return nil, err
	}
	if len(patterns) == 0 {
		return nil, mistakef(n, "text has no repositories: list those whose text may leave, such as git.example/oss/*")
	}
	if t.cleanBatches < 1 {
		return nil, mistakef(n, "text has no clean_batches: say how many batches must have been audited and found clean before text leaves, 1 or more")
	}
	for _, p := range patterns {
		if p == "" {
			return nil, mistakef(n, "repositories has an empty pattern")
		}
		t.repositories = append(t.repositories, newGlob(p))
	}
	return t, nil
}

// refuses returns the notice why text of a repository does not leave, or nothing. A repository that nobody knows is on no
// list.
func (t *textGate) refuses(repository string, audited int) string {
	switch {
	case t == nil || repository == "" || !slices.ContainsFunc(t.repositories, func(g glob) bool { return g.fits(repository) }):
		return NoticeTextRepository
	case audited < t.cleanBatches:
		return NoticeTextAudits
	}
	return ""
}

// glob is a pattern of repository names: * stands for anything without a slash, ** for anything.
type glob struct {
	pattern string
	re      *regexp.Regexp
}

func newGlob(pattern string) glob {
	var re strings.Builder
	re.WriteString(`\A`)
	for i, part := range strings.Split(pattern, "**") {
		if i > 0 {
			re.WriteString(`(?s:.*)`)
		}
		for j, plain := range strings.Split(part, "*") {
			if j > 0 {
				re.WriteString(`[^/]*`)
			}
			re.WriteString(regexp.QuoteMeta(plain))
		}
	}
	re.WriteString(`\z`)
	return glob{pattern, regexp.MustCompile(re.String())}
}

func (g glob) fits(name string) bool { return g.re.MatchString(name) }
