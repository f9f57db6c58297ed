// SPDX-License-Identifier: Apache-2.0

package edge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/headrace/headrace/episode"
	"github.com/headrace/headrace/internal/consent"
	"github.com/headrace/headrace/internal/web"
)

// RuleFrom says what records of the batch share that a rule may read and, once conditions are chosen, what a rule of these would
// change over what is recorded. Nothing is changed. Raw text is opened to find out, and the look is noted.
func (v View) RuleFrom(ctx context.Context, who string, d web.RuleDraft) (*web.RuleTrial, error) {
	t, next, err := v.withRule(ctx, who, d)
	if err != nil || next == nil {
		return t, err
	}
	t.Text = consent.NewRule{Name: d.Name, When: t.Draft.When, Level: d.Level}.Text()
	t.Policy, t.Looser = next.Digest(), consent.Looser(consent.Compare(v.policy(), next))
	t.Tried, err = v.try(ctx, next)
	return t, err
}

// ProposeRule proposes the policy with a rule that was tried, as the next version. seen is its digest: where another policy has come
// in force meanwhile, or the records have changed, it is another one, and not what the person saw.
func (v View) ProposeRule(ctx context.Context, who string, d web.RuleDraft, seen string) (int64, error) {
	t, next, err := v.withRule(ctx, who, d)
	if err != nil {
		return 0, err
	}
	if next == nil || next.Digest() != seen {
		return 0, &episode.Problem{Code: "preview/changed", Message: "the policy with this rule is not the one that you saw", Hint: "look at the rule again, then propose it", Err: web.ErrChanged}
	}
	r, err := v.ProposePolicy(ctx, next.Source(), fmt.Sprintf("rule %s, made of %d records of the preview", d.Name, t.Records))
	return r.Version, err
}

// withRule is the policy in force with a rule of the draft first, nil while no condition is chosen that the records share.
func (v View) withRule(ctx context.Context, who string, d web.RuleDraft) (*web.RuleTrial, *consent.Policy, error) {
	if _, err := v.hubOf(d.Batch); err != nil {
		return nil, nil, web.ErrNotFound
	}
	records, err := v.chosen(ctx, who, d.Batch, d.Records)
	if err != nil {
		return nil, nil, err
	}
	t := &web.RuleTrial{Draft: d, Records: len(records), Shared: consent.Shared(records)}
	// A condition is one that was offered, and no text of an address.
	t.Draft.When = slices.DeleteFunc(slices.Clone(d.When), func(c string) bool { return !slices.Contains(t.Shared, c) })
	if len(t.Draft.When) == 0 {
		return t, nil, nil
	}
	next, _, err := v.policy().With(consent.NewRule{Name: d.Name, When: t.Draft.When, Level: d.Level})
	return t, next, err
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
