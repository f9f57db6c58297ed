// SPDX-License-Identifier: Apache-2.0

package lever

import (
	"cmp"
	"fmt"
	"strings"
)

// Table is the table as a Markdown document: docs/levers.md.
func Table() string {
	var b strings.Builder
	b.WriteString(`# What a release can move in each coding tool

No closed tool asks an outside service what to show, but its instructions and its model can be chosen. These are the levers, by tool:

- **settings**: what an administrator gives to all machines (` + "`headrace connect all --managed`" + ` writes these files);
- **file**: an instruction file that a pull request adds or changes; tried by repository;
- **words**: what the hook program answers at that event goes to the model; tried by developer;
- **gateway**: where the tool is told to find its models, by its documentation; a gateway there asks ` + "`/v1/decide`" + ` which one;
- **show**: whether a suggestion is shown at all, where the tool asks ` + "`/v1/decide`" + `.

A release of kind ` + "`instructions`" + ` moves files and words, one of kind ` + "`route`" + ` the gateway, one of kind ` + "`filter`" + ` show. See [instructions.md](instructions.md). This page
is made by ` + "`headrace doctor --levers`" + `; tests hold settings, files and words against what connect, the reader of instruction files and the hook program really do.

| tool | name | settings | file | words | gateway | show | |
|---|---|---|---|---|---|---|---|
`)
	code := func(s string) string {
		if s == "" {
			return "none"
		}
		return "`" + s + "`"
	}
	for _, t := range Tools() {
		show := "none"
		if t.Show {
			show = "yes"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s | %s | %s |\n", t.Title, t.Name, code(t.Settings), code(t.File), code(t.Event), cmp.Or(t.Gateway, "none"), show, t.Note)
	}
	b.WriteString("\nBy a diff a release changes only instruction files that some tool reads, those without a slash in any folder: `" + strings.Join(Files(), "`, `") + "`.\n")
	b.WriteString(`
Where a tool takes the files of a folder into force only now and then, ours begins with the lines that put it in force always.
`)
	return b.String()
}
