// SPDX-License-Identifier: Apache-2.0

package bundle

import "slices"

// TypeTakenBack is the payload type of a [TakenBack].
const TypeTakenBack = "application/vnd.headrace.taken-back.v1+json"

// Why an edge takes a release back.
const (
	BackForHarm    = "harm"   // what came of its decisions there
	BackForFailing = "failed" // its model
	BackByPerson   = "person" // who stopped it
)

// TakenBack is an edge's signed word to a hub that a release of it decides nothing there any more, for good; it travels sealed as
// [TypeTakenBack]. It says nothing of persons, and when it was is for the hub to see.
type TakenBack struct {
	Contributor string `json:"contributor"`
	Recipient   string `json:"recipient"`
	Release     string `json:"release"`
	Why         string `json:"why"`
}

// Check says what is wrong with it.
func (t *TakenBack) Check() error {
	if t.Release == "" || !slices.Contains([]string{BackForHarm, BackForFailing, BackByPerson}, t.Why) {
		return problem("returns/bad", "send it again with a newer version", "it names release %q, taken back for %q", t.Release, t.Why)
	}
	return nil
}
