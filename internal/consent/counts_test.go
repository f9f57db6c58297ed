// SPDX-License-Identifier: Apache-2.0

package consent

import (
	"slices"
	"testing"
	"time"
)

// Turning counts on or off, or telling more or less in them, changes nothing of what a rule says of a record: nothing is screened again for it.
func TestCountsLoosenByThemselves(t *testing.T) {
	of := func(counts string) *Policy {
		p, err := DecodePolicy([]byte("version: 1\n" + counts + "\nrecipients: [{name: maker, kind: maker}]\nrules:\n" +
			"  - {name: rest, when: 'true', level: signal, purposes: [evaluate], expires: 2027-01-01}\n"))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if of("").Counts() != nil {
		t.Error("counts are told that no policy has")
	}
	month := of("counts: {period: month, epsilon: 1, budget: 10}")
	if c := month.Counts(); *c != (Counts{"month", 1, 10}) || *of("counts: {period: month}").Counts() != *c {
		t.Errorf("%+v", c)
	}
	for counts, looser := range map[string]bool{"": false, "counts: {period: week}": true, "counts: {period: month, epsilon: 2}": true, "counts: {period: month, epsilon: 0.5}": false,
		"counts: {period: month, budget: 20}": true, "counts: {period: month, budget: 5}": false} {
		changed := of(counts)
		if changes := Compare(month, changed); len(changes) != 1 || changes[0].Looser != looser || changes[0].What == "" {
			t.Errorf("%s: %+v", counts, changes)
		}
		if keep := Same(month, changed); !slices.Equal(keep, []string{"rest"}) {
			t.Errorf("%s: rules that decide as before: %q", counts, keep)
		}
	}
	before, after := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	if month.Lapsed("rest", before) || !month.Lapsed("rest", after) || !month.Lapsed("gone", before) {
		t.Error("a rule does not end with its time")
	}
}
