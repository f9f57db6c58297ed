// SPDX-License-Identifier: Apache-2.0

package dataset_test

import (
	"testing"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/rights"
)

func TestARowServesOnlyWhatItsTermsAndTheRightsTableAllow(t *testing.T) {
	use, err := rights.Makers()
	if err != nil {
		t.Fatal(err)
	}
	from := func(provider, class string) func(*episode.Episode) {
		return func(e *episode.Episode) { e.Origin = &episode.Origin{Provider: provider, ContractClass: class} }
	}
	for _, c := range []struct {
		name      string
		change    func(*episode.Episode)
		use       rights.Use
		recipient string
		purpose   episode.Purpose
		want      bool
	}{
		{"both allow it", from("demo", ""), use, "hub", episode.PurposeReward, true},
		{"an open model", from("meta", "open-license"), use, "hub", episode.PurposeFinetune, true},
		{"terms name another purpose", from("demo", ""), use, "hub", episode.PurposeDistil, false},
		{"terms name another recipient", from("demo", ""), use, "other", episode.PurposeReward, false},
		{"no row for the provider", from("anthropic", "enterprise"), use, "hub", episode.PurposeReward, false},
		{"nobody knows whose output it is", func(*episode.Episode) {}, use, "hub", episode.PurposeReward, false},
		{"no table", from("demo", ""), rights.Use{}, "hub", episode.PurposeReward, false},
	} {
		if got := row(t, "acme", "e", c.change).Permit(c.use, c.recipient, c.purpose, day); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
