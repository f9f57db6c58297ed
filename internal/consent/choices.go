// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/headrace/headrace/episode"
)

// Choices are a developer's preferences as far as a form asks for them. The file can say more.
type Choices struct {
	Agree *bool         // nil: not said
	Level episode.Level // at most; empty: whatever the policy says
	Ask   bool          // about each record
	// Repositories have a level of their own at most: none keeps all of one here.
	Repositories []RepositoryChoice
}

// RepositoryChoice is the most that leaves of repositories, by a pattern as in the file.
type RepositoryChoice struct {
	Pattern string
	Level   episode.Level
}

// Text is the choices of a developer as a file.
func (c Choices) Text(developer string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\ndeveloper: %s\n", quoted(developer))
	if c.Agree != nil {
		fmt.Fprintf(&b, "agree: %v\n", *c.Agree)
	}
	if c.Level == "" && !c.Ask && len(c.Repositories) == 0 {
		return []byte(b.String())
	}
	b.WriteString("limits:\n")
	if c.Level != "" {
		fmt.Fprintf(&b, "  - level: %s\n", quoted(string(c.Level)))
	}
	if c.Ask {
		fmt.Fprintf(&b, "  - approval: %s\n", approvalDeveloper)
	}
	for _, r := range c.Repositories {
		fmt.Fprintf(&b, "  - repository: %s\n    level: %s\n", quoted(r.Pattern), quoted(string(r.Level)))
	}
	return []byte(b.String())
}

// quoted is a string as JSON and YAML both read it.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string
	}
	return string(b)
}

// Choices returns the preferences as choices, and whether these are all that they say.
func (p *Preferences) Choices() (c Choices, all bool) {
	c.Agree, all = p.Agree, true
	for _, l := range p.limits {
		switch {
		case l.tool != "" || l.purposes != nil || l.approval != "":
			all = false
		case l.ask && l.level == "" && l.repository == nil:
			c.Ask = true
		case !l.ask && l.repository != nil:
			c.Repositories = append(c.Repositories, RepositoryChoice{l.repository.pattern, l.level})
		case !l.ask && c.Level == "":
			c.Level = l.level
		default:
			all = false
		}
	}
	return c, all
}
