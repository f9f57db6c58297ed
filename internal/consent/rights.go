// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"strings"

	"github.com/headrace/headrace/episode"
)

// rights is the table of which output may serve which purpose for which recipient, and up to which level.
type rights []right

type right struct {
	provider, contractClass, recipientKind, purpose string // a star stands for any
	level                                           episode.Level
}

func parseRights(tsv string) (rights, error) {
	rows, err := parseTable(tsv, "provider", "contract_class", "recipient_kind", "purpose", "level")
	if err != nil {
		return nil, fmt.Errorf("rights table: %w", err)
	}
	var t rights
	for _, r := range rows {
		level := episode.Level(r[4])
		if level.Rank() < 0 {
			return nil, fmt.Errorf("rights table: %q is not a level", r[4])
		}
		t = append(t, right{r[0], r[1], r[2], r[3], level})
	}
	return t, nil
}

// limit returns the purposes that the table allows at all, and the level that it allows for each of them: the stricter of
// that and what was asked for.
func (t rights) limit(asked episode.Level, provider, contractClass, recipientKind string, purposes []episode.Purpose) (episode.Level, []episode.Purpose) {
	var allowed []episode.Purpose
	for _, p := range purposes {
		best := episode.LevelNone
		for _, r := range t {
			if fits(r.provider, provider) && fits(r.contractClass, contractClass) && fits(r.recipientKind, recipientKind) &&
				fits(r.purpose, string(p)) && r.level.Rank() > best.Rank() {
				best = r.level
			}
		}
		if best.Rank() >= episode.LevelSignal.Rank() {
			allowed = append(allowed, p)
			asked = asked.Stricter(best)
		}
	}
	return asked, allowed
}

func fits(pattern, v string) bool { return pattern == "*" || pattern == v }

// parseTable reads one of the tables of package spec: comment lines, a line with these column names (more may follow),
// rows of fields between tabs.
func parseTable(tsv string, columns ...string) ([][]string, error) {
	var rows [][]string
	header := false
	for i, l := range strings.Split(strings.TrimSuffix(tsv, "\n"), "\n") {
		if strings.HasPrefix(l, "#") {
			continue
		}
		f := strings.Split(l, "\t")
		if len(f) < len(columns) {
			return nil, fmt.Errorf("line %d has %d fields, not %d", i+1, len(f), len(columns))
		}
		if !header {
			for j, c := range columns {
				if f[j] != c {
					return nil, fmt.Errorf("line %d: column %d is %q, not %q", i+1, j+1, f[j], c)
				}
			}
			header = true
			continue
		}
		rows = append(rows, f)
	}
	return rows, nil
}
