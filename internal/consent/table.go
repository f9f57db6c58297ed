// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"fmt"
	"strings"
)

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
