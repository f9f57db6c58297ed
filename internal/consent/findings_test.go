// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"testing"

	"github.com/headrace/headrace/scrub"
)

// What is not in the list leaves as "other", and nobody could tell what was found.
func TestEveryKindOfFindingIsListed(t *testing.T) {
	tables, err := parseTables()
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := scrub.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		if !tables.lists["finding"][k] {
			t.Errorf("spec/enums.tsv: finding lacks %s", k)
		}
	}
}
