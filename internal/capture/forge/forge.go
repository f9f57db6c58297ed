// SPDX-License-Identifier: Apache-2.0

// Package forge reads what code forges send to a webhook: of pull requests, reviews, comments on lines, merges, pushes and
// checks.
//
// [GitHub] and [GitLab] each take the body of one delivery and return what it says as reports, which package gitlog joins
// with the lines of suggestions. They are pure: whether a body came from the forge is for the caller to prove. An event that
// says nothing of use gives no report and no error, so that a hook may be set to send everything. No host is assumed: a
// repository's names are those of the addresses that the forge gives for it.
//
// Titles, descriptions, branches, comments and code are passed over; [gitlog.Report] says why.
package forge

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/gitlog"
	"github.com/headrace/headrace/internal/capture/lax"
)

func unreadable(forge string) error {
	return &episode.Problem{Code: "webhook/body", Message: "the body is no JSON object of " + forge + "'s", Hint: "set the hook's content type to application/json"}
}

func nameless(forge string) error {
	return &episode.Problem{Code: "webhook/repository", Message: "the event names no repository by an address that git knows", Hint: "send the events of " + forge + "'s repositories or projects"}
}

// names are the repositories that addresses name, each once.
func names(addresses ...lax.String) (list []string) {
	for _, a := range addresses {
		if n := gitlog.Name(string(a)); n != "" && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

// commitID is a commit's id in full; empty for the zeros that stand for no commit, and for what is no id.
func commitID(s lax.String) string {
	id := strings.ToLower(string(s))
	if len(id) != 40 && len(id) != 64 || strings.Trim(id, "0123456789abcdef") != "" || strings.Trim(id, "0") == "" {
		return ""
	}
	return id
}

// tests matches the names of checks that run tests. "Integration" alone is none: continuous integration is all of it.
var tests = regexp.MustCompile(`(?i)(^|[^a-z])(tests?|testing|e2e|unittests?|pytest|jest|vitest|junit|rspec|phpunit|ctest|tox)([^a-z]|$)`)

func runsTests(names ...lax.String) bool {
	return slices.ContainsFunc(names, func(s lax.String) bool { return tests.MatchString(string(s)) })
}

// when is the first of some times that is one. GitLab writes them in three ways.
func when(times ...lax.String) time.Time {
	for _, s := range times {
		for _, layout := range [...]string{"2006-01-02 15:04:05 MST", "2006-01-02 15:04:05 -0700"} {
			if t, err := time.Parse(layout, string(s)); err == nil && t.Year() >= 1970 && t.Year() < 9000 {
				return t.UTC()
			}
		}
		if t := lax.ParseTime(string(s)); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// most is how many reports one delivery may give: a pipeline may have thousands of jobs.
const most = 1000

// ident is a number by which a forge knows a thing, as a name; empty for none.
func ident(n lax.Number) string {
	if n.Int() == 0 {
		return ""
	}
	return strconv.FormatInt(n.Int(), 10)
}

// line is the number of a line, 0 for none.
func line(n lax.Number) int {
	if i := n.Int(); i < 1<<30 {
		return int(i)
	}
	return 0
}
