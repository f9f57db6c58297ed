// SPDX-License-Identifier: Apache-2.0

package tools

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headrace/headrace/internal/capture"
)

// Table is what each tool's histories tell and where they are, as a Markdown document: docs/tools.md.
func Table() string {
	var b strings.Builder
	b.WriteString(`# The coding tools whose histories Headrace reads

Each is recognised by the shape of its content. A tick says that the tool's histories tell it at all; a history without one
tells nothing of it. "Tested on" says whether recordings were to be had. This page is made by ` + "`headrace read --tools`" + `.

| tool | name | decision | modification | prompt | code | artifacts | outcome | tested on | |
|---|---|:-:|:-:|:-:|:-:|:-:|:-:|---|---|
`)
	sources := All()
	slices.SortFunc(sources, func(a, c capture.Source) int {
		return strings.Compare(strings.ToLower(a.About().Title), strings.ToLower(c.About().Title))
	})
	tick := func(yes bool) string {
		if yes {
			return "✓"
		}
		return ""
	}
	for _, s := range sources {
		a := s.About()
		y := a.Yields
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s | %s | %s | %s | %s |\n", a.Title, s.Name(), tick(y.Decision), tick(y.Modification), tick(y.Prompt), tick(y.Code),
			tick(y.Artifacts), tick(y.Outcome), a.Tested, a.Note)
	}
	b.WriteString(`
## Where they are looked for

` + "`~`" + ` is the home folder; ` + "`$NAME|…`" + ` the folder that the variable names, if it is set; ` + "`{config}`" + ` where applications keep settings (~/.config, ~/Library/Application
Support, %APPDATA%); ` + "`{repo}`" + ` each git repository below the home folder. Any other file or folder can be named to ` + "`headrace read`" + `.

`)
	for _, s := range sources {
		a := s.About()
		for i, p := range a.Places {
			if i == 0 {
				fmt.Fprintf(&b, "- %s: `%s`", a.Title, p)
			} else {
				fmt.Fprintf(&b, ", `%s`", p)
			}
		}
		if len(a.Places) > 0 {
			b.WriteByte('\n')
		}
	}
	return b.String()
}
