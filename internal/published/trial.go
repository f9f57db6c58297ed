// SPDX-License-Identifier: Apache-2.0

package published

import (
	"time"

	"github.com/headrace/headrace/internal/gate"
	"github.com/headrace/headrace/internal/instruct"
	"github.com/headrace/headrace/internal/ope"
	"github.com/headrace/headrace/internal/web"
)

// Trial fills in what a hub told of a trial; report is the one that judged it, under that id, or nil.
func Trial(t *web.Trial, told *instruct.Told, id string, report *gate.Report) {
	for _, l := range told.Looks {
		t.Looks = append(t.Looks, web.Look{At: dayOf(l.Day), Difference: orNone(l.Difference)})
	}
	if n := len(told.Looks); n > 0 {
		last := &told.Looks[n-1]
		t.Due, t.Without, t.With = dayOf(last.Due), arm(last.Without), arm(last.With)
	}
	if report == nil {
		return
	}
	judged := Gate(id, dayOf(report.AsOf), report, "")
	t.Judged = &judged
	for arm, iv := range map[**web.Arm]*ope.Interval{&t.Without: report.Old, &t.With: report.New} {
		if *arm == nil {
			*arm = new(web.Arm)
		}
		(*arm).Reward = orNone(iv)
		if (*arm).Decisions == 0 { // no look came before the report
			(*arm).Developers, (*arm).Decisions = (*arm).Reward.Developers, (*arm).Reward.Decisions
		}
		(*arm).Known = (*arm).Reward.Decisions
	}
}

// Evidence is why a hub proposes instructions, as the pages show it; nil where it says nothing.
func Evidence(told *instruct.Told) *web.Evidence {
	if told.Evidence == nil {
		return nil
	}
	return &web.Evidence{Difference: estimate(*told.Evidence), Adjusted: "developer, language and size of the suggestion"}
}

func arm(a instruct.Arm) *web.Arm {
	return &web.Arm{Developers: a.Developers, Decisions: a.Decisions, Known: a.Known, Reward: orNone(a.Reward)}
}

// orNone is a figure of nobody where there is none: the pages do not show it.
func orNone(iv *ope.Interval) web.Estimate {
	if iv == nil {
		return web.Estimate{}
	}
	return estimate(*iv)
}

func dayOf(day int64) time.Time { return time.Unix(day*86400, 0).UTC() }
