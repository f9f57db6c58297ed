// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/web"
)

// RuleFrom says what records of the batch share that a rule may read and, once conditions are chosen, what a rule of these would
// change over what is recorded. Nothing is changed: the policy's file is the person's to edit. Raw text is opened to find out, and
// the look is noted.
func (v View) RuleFrom(ctx context.Context, who string, d web.RuleDraft) (*web.RuleTrial, error) {
	if _, err := v.hubOf(d.Batch); err != nil {
		return nil, web.ErrNotFound
	}
	t := &web.RuleTrial{Draft: d}
	records, err := v.chosen(ctx, who, d.Batch, d.Records)
	if err != nil {
		return nil, err
	}
	t.Records, t.Shared = len(records), consent.Shared(records)
	// A condition is one that was offered, and no text of an address.
	d.When = slices.DeleteFunc(slices.Clone(d.When), func(c string) bool { return !slices.Contains(t.Shared, c) })
	if len(d.When) == 0 {
		return t, nil
	}
	rule := consent.NewRule{Name: d.Name, When: d.When, Level: d.Level}
	next, _, err := v.policy().With(rule)
	if err != nil {
		return nil, err
	}
	t.Text = rule.Text()
	changes := consent.Compare(v.policy(), next)
	t.Looser = consent.Looser(changes)
	t.Tried, err = v.try(ctx, next)
	return t, err
}

// chosen opens what was recorded of records of a batch, as the policy sees it, while it lasts.
func (v View) chosen(ctx context.Context, who, batch string, digests []string) (list []*episode.Episode, err error) {
	rows, err := v.db.ByDigest(ctx, batch, digests)
	if err != nil {
		return nil, err
	}
	known, err := v.db.EpisodesByID(ctx, rows)
	if err != nil {
		return nil, err
	}
	for _, id := range rows {
		ep, err := v.raw(ctx, who, known[id])
		if errors.Is(err, errExpired) {
			continue
		}
		if err == nil {
			_, err = v.filter.Episode(ep)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, ep)
	}
	if len(list) == 0 {
		return nil, &episode.Problem{Code: "preview/expired", Message: "of none of these records the raw text is still there", Hint: "choose records that came in lately"}
	}
	return list, nil
}
