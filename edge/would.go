// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/headrace/headrace/internal/learn"
	"github.com/headrace/headrace/internal/link"
	"github.com/headrace/headrace/internal/release"
	"github.com/headrace/headrace/internal/web"
)

// lastLogged bounds how many logged decisions are looked at for what a release would choose.
const lastLogged = 20_000

// WouldChoose says what a release that is here would have chosen in the newest decisions of its kind that this edge has logged, beside
// what was chosen: what a person looks at before they approve it. Where fewer than ten developers are behind them it says only how
// many they are.
func (e *Edge) WouldChoose(ctx context.Context, id string) (*web.Would, error) {
	row, err := e.releaseRow(ctx, id)
	if err != nil {
		return nil, err
	}
	h, err := e.hubOf(row.Hub)
	if err != nil {
		return nil, err
	}
	opened, err := h.link.OpenRelease(row.Envelope, row.Payload, row.Gate)
	if err != nil {
		return nil, err
	}
	return e.wouldChoose(ctx, h, opened)
}

func (e *Edge) wouldChoose(ctx context.Context, h *hub, opened *link.Release) (*web.Would, error) {
	if opened.Kind == release.Instructions {
		return nil, nil // a diff says it
	}
	c, err := controlOf(h, opened)
	if err != nil {
		return nil, err
	}
	rows, err := e.db.LastDecisions(ctx, lastLogged)
	if err != nil {
		return nil, err
	}
	out, people, at := &web.Would{}, map[string]bool{}, map[string]int{}
	count := func(action string) *web.ActionShare {
		i, ok := at[action]
		if !ok {
			i = len(out.Choices)
			at[action] = i
			out.Choices = append(out.Choices, web.ActionShare{Action: action})
		}
		return &out.Choices[i]
	}
	var values []float64
	for i := range rows {
		q, err := e.question(ctx, rows[i])
		if errors.Is(err, errExpired) || errors.Is(err, errDamaged) || err == nil && (q.Kind != string(c.Kind) || len(q.Actions) == 0) {
			continue
		}
		if err != nil {
			return nil, err
		}
		best, ok := 0, true // where it knows none of them, what the tool would do by itself is done
		if values, ok = c.values(values[:0], q.Features, q.Actions); !ok {
			return nil, nil
		}
		if k := learn.Greedy(values); k >= 0 {
			best = k
		}
		out.Decisions++
		people[rows[i].Developer] = true
		count(q.Chosen).Before++
		count(q.Actions[best].ID).Now++
	}
	if out.Developers = len(people); out.Developers < web.FewDevelopers {
		out.Choices = nil
	}
	for i := range out.Choices {
		x := &out.Choices[i]
		x.Before, x.Now = x.Before/float64(out.Decisions), x.Now/float64(out.Decisions)
	}
	slices.SortFunc(out.Choices, func(a, b web.ActionShare) int { return cmp.Compare(a.Action, b.Action) })
	return out, nil
}
