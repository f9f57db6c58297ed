// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
)

// crossTests goes through all that one contributor has at a hub, as another.
const crossTests = "TestNoContributorReachesWhatIsAnothers"

var requestsMade = regexp.MustCompile(`(\d+) requests`)

// measureCross runs the suite that tries to cross from one contributor to another, in package edge, against a real hub.
func measureCross(ctx context.Context, b *bench) ([]row, error) {
	tests, err := b.tests(ctx, "./edge", []string{crossTests})
	if err != nil {
		return nil, err
	}
	t := tests[crossTests]
	if t == nil || t.runs == 0 {
		return nil, fmt.Errorf("%s did not run", crossTests)
	}
	r := row{ID: "cross", Ours: figure(float64(t.failed)), Unit: "suites failed", Note: fmt.Sprintf("%.1f s", t.took)}
	if m := requestsMade.FindStringSubmatch(t.said); m != nil {
		r.N, _ = strconv.Atoi(m[1])
		r.Note += "; n are requests, none of which may tell or change anything"
	}
	if t.failed > 0 {
		r.Note += "; " + last(t.said, 1000)
	}
	return []row{r}, nil
}
