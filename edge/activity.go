// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/capture/amazonq"
	"github.com/headrace/headrace/internal/poll"
)

// activitySource is under which name the reports are known beside the pollers.
const activitySource = "activity-report"

// ImportActivity takes in reports of users' activity that Amazon Q Developer or Kiro wrote into a bucket: no server tells the same.
// A day is replaced whole, so the parts of a large report belong together in one call. It returns what it did, in a sentence.
func (e *Edge) ImportActivity(ctx context.Context, files []string) (string, error) {
	teams, err := e.teams()
	if err != nil {
		return "", err
	}
	t := poll.NewTally(teams)
	days, lines, bad := map[int64]bool{}, 0, 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return "", &episode.Problem{Code: "activity/read", Message: "read a report of activity", Err: err, Hint: "the edge must be able to read it"}
		}
		list, aside, err := amazonq.Activity(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		lines, bad = lines+len(list), bad+aside
		for i := range list {
			d := &list[i]
			days[day(d.Date)] = true
			t.Person(day(d.Date), amazonq.Name, d.User, activityCounts(d.Columns))
		}
	}
	page := poll.Page{Figures: t.Figures(), SetAside: bad}
	for d := range days {
		page.Days = append(page.Days, d)
	}
	if len(page.Figures) == 0 {
		return "", &episode.Problem{Code: "activity/nothing", Message: "no decision is counted in it", Hint: "Amazon Q's by_user_analytic counts them; Kiro's user_report does not"}
	}
	if err := e.keepPolled(ctx, activitySource, "", page); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d lines of %d days are compared with what was captured from now on, %d set aside: headrace doctor --coverage", lines, len(days), bad), nil
}

// activityCounts are a line's counts by measure.
func activityCounts(c map[string]float64) map[string]float64 {
	return map[string]float64{
		"accepted":              c["InlineChat_AcceptanceEventCount"] + c["Dev_AcceptanceEventCount"],
		"rejected":              c["InlineChat_RejectionEventCount"],
		"suggested":             c["InlineChat_TotalEventCount"] + c["Dev_GenerationEventCount"],
		"completions_accepted":  c["Inline_AcceptanceCount"],
		"completions_suggested": c["Inline_SuggestionsCount"],
	}
}
